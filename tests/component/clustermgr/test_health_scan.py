"""Health scan over real sockets: volumes are found at once, and a list that ends early proves nothing of the rest."""

from dataclasses import replace

import pytest

from bot.alerting.volume_risk import risks_of
from bot.clustermgr.health_scan import MAX_PAGES, PAGE, PAUSE_SECONDS
from bot.clustermgr.volume_reader import MAX_UNIT_LISTS
from bot.clustermgr.volume_survey import SuspectDisks
from tests.component.clustermgr.test_volume_reader import Table, bad, polls, reading


@pytest.mark.parametrize("ends_after", [0, 7])
async def test_list_that_ends_early_leaves_the_rest_pending(ends_after: int) -> None:
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in range(1, 11)}, ends_after=ends_after, health={10: -4, 5: -4})
    async with reading(table) as reader:
        reader.expired, reader.total = 4, 10
        *_, short = await polls(reader, SuspectDisks(), 1000.0, 3)
        asked = len(table.paths())
        assert (short.complete, short.pending_volumes) == (False, None)
        assert set(short.volumes) == ({5} if ends_after else set())
        assert asked <= 2, "a list that ends early is not asked for at each poll"
        table.ends_after = 1 << 40
        whole = await reader.read(SuspectDisks(), 1400.0, None, 5.0)
        whole = whole if whole.complete else await reader.read(SuspectDisks(), 1415.0, None, 5.0)
    assert whole.complete
    assert set(whole.volumes) == {5, 10}


async def test_list_that_repeats_a_volume_is_not_whole() -> None:
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in range(1, 11)}, renamed={9: 10})
    async with reading(table) as reader:
        reader.expired, reader.total = 4, 10
        *_, survey = await polls(reader, SuspectDisks(), 1000.0, 3)
    assert (survey.complete, survey.pending_volumes) == (False, None)


@pytest.mark.parametrize("apart", [1, 20])
async def test_volume_is_found_while_the_number_of_disks_without_a_heartbeat_changes(
    apart: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It changes every `apart` polls; one round takes ten of them."""
    monkeypatch.setattr("bot.clustermgr.health_scan.PAGE", 4)
    rows = 10 * MAX_PAGES * 4
    table = Table({vid: [5, 6, 7, 8, 9, 10] for vid in range(1, rows + 1)} | {3: [1, 2, 3, 4, 5, 6]}, health={3: -4})
    async with reading(table) as reader:
        found, complete = [], []
        for poll in range(24):
            reader.expired = 4 + poll // apart % 2
            survey = await reader.read(SuspectDisks(), 1000.0 + 15 * poll, None, 5.0)
            found.append([risk.vid for risk in risks_of(survey, reader.expired).missing_too_many])
            complete.append(survey.complete)
    assert found == [[3]] * 24
    assert any(complete) is (apart == 20)


async def test_round_that_began_before_a_change_proves_no_disk_sound() -> None:
    """A disk that was healthy on an early page may have lost its heartbeat since."""
    rows = MAX_PAGES * PAGE
    table = Table({vid: [1, 2, 3, 4, 5, 6] if vid <= rows else [11, 12, 13, 14, 15, 16] for vid in range(1, rows + 9)})
    async with reading(table) as reader:
        reader.expired = 1
        await reader.read(SuspectDisks(), 1000.0, None, 5.0)
        reader.expired = 2
        table.health = {1: -1}
        outdated = await reader.read(SuspectDisks(), 1015.0, None, 5.0)
        assert (outdated.complete, outdated.sound) == (False, frozenset(range(11, 17)))
        *_, whole = await polls(reader, SuspectDisks(), 1030.0, 2)
    assert whole.complete
    assert set(whole.volumes) == {1}


async def test_volume_that_is_healthy_again_is_dropped_by_the_next_round() -> None:
    table = Table({1: [1, 2, 3, 4, 5, 6], 2: [1, 2, 3, 4, 5, 6]}, health={1: -4, 2: -4})
    async with reading(table) as reader:
        reader.expired = 4
        first = await reader.read(SuspectDisks(), 1000.0, None, 5.0)
        table.health = {2: -4}
        second = await reader.read(SuspectDisks(), 1000.0 + PAUSE_SECONDS, None, 5.0)
    assert (set(first.volumes), set(second.volumes)) == ({1, 2}, {2})
    assert [risk.vid for risk in risks_of(second, 4)] == [2]


MANY = frozenset(range(1, 20 * MAX_UNIT_LISTS))


@pytest.mark.parametrize("many", [SuspectDisks(expired=MANY), SuspectDisks(dropping=MANY), SuspectDisks(gone=MANY)])
async def test_disk_that_breaks_is_read_before_all_others(many: SuspectDisks) -> None:
    table = Table({1: [9000, 2, 3, 4, 5, 6]})
    async with reading(table) as reader:
        await polls(reader, many, 1000.0, 2)
        survey = await reader.read(replace(many, bad=frozenset({9000})), 1030.0, None, 5.0)
    assert survey.units[9000].units == 1
    assert 1 in survey.volumes


async def test_reads_that_wait_make_no_request() -> None:
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in range(1, 11)}, short=frozenset({3}))
    async with reading(table) as reader:
        reader.expired = 1
        await polls(reader, bad(1), 1000.0, 4)
        asked = reader.requests
        survey = await reader.read(bad(1), 1046.0, None, 5.0)
    assert (survey.complete, survey.pending_volumes, reader.requests - asked) == (False, None, 0)


async def test_disks_with_very_many_units_take_no_room_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.clustermgr.volume_notes.MAX_IDS", 50)
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in range(1, 41)} | {99: [9, 11, 12, 13, 14, 15]})
    disks = SuspectDisks(bad=frozenset({9}), gone=frozenset({1, 2, 3}))
    async with reading(table) as reader:
        survey = (await polls(reader, disks, 1000.0, 3))[-1]
        assert (survey.complete, survey.pending_disks) == (False, (2, 3))
        assert {disk: count.units for disk, count in survey.units.items()} == {1: 40, 2: 40, 3: 40, 9: 1}
        assert 99 in survey.volumes
        assert sum(len(count.volumes) for count in survey.units.values()) <= 50
        for vid in range(1, 41):
            table.volumes[vid] = [4, 5, 6, 7, 8, 10]
        later = [await reader.read(disks, 1400.0 + 15 * n, None, 5.0) for n in range(3)]
    assert later[-1].complete
    assert later[-1].volumes.keys() == {99}
