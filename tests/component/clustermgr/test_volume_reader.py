"""Volume reader over real sockets: worst first, bounded pieces, pages for many, and no stop at a bad answer."""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.alerting.volume_risk import risks_of
from bot.clustermgr.backoff import FIRST_SECONDS
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.read_pace import BURST, RATE, ReadPace, Urgency
from bot.clustermgr.volume_reader import (
    MAX_PAGES,
    MAX_SINGLE,
    MAX_UNIT_LISTS,
    PAGE,
    PAGED_ABOVE,
    RECHECK_SECONDS,
    REFRESH_SECONDS,
    REREAD_GONE_SECONDS,
    REREAD_SECONDS,
    SHARED_BY,
    VolumeReader,
)
from bot.clustermgr.volume_survey import SuspectDisks, UnitCount, VolumeSurvey
from tests.support.raw_server import Request, answer, serving

EC3P3 = 11
HOUR = 3600.0


@dataclass
class Table:
    """Volumes by vid, as the disks of their units; the requests that came, and answers that are spoiled."""

    volumes: dict[int, list[int]]
    asked: list[str] = field(default_factory=list)
    spoiled: frozenset[int] = frozenset()
    short: frozenset[int] = frozenset()
    denied: frozenset[int] = frozenset()
    ends_after: int = 1 << 40
    health: dict[int, int] = field(default_factory=dict)
    renamed: dict[int, int] = field(default_factory=dict)
    hangs: bool = False
    fails: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()

    def reply(self, target: str) -> tuple[int, Any]:
        self.asked.append(target)
        split = urlsplit(target)
        if self.fails & {split.path, target}:
            return 500, {"error": "io"}
        if target in self.refused:
            return 403, {"error": "denied"}
        args = {name: int(values[0]) for name, values in parse_qs(split.query).items()}
        if split.path == "/volume/unit/list":
            rows = [unit for vid in self.volumes for unit in self._units(vid) if unit["disk_id"] == args["disk_id"]]
            return 200, {"volume_unit_infos": rows}
        if split.path == "/volume/get":
            if args["vid"] in self.spoiled:
                return 200, {"vid": "many"}
            known = args["vid"] in self.volumes.keys() - self.denied
            return (200, self._row(args["vid"])) if known else (904, {"error": "not exist"})
        listed = sorted(vid for vid in self.volumes if args.get("marker", 0) < vid <= self.ends_after)
        page = listed[: args["count"]]
        return 200, {"volumes": [self._row(vid) for vid in page], "marker": page[-1]} if page else None

    def _units(self, vid: int) -> list[dict[str, int]]:
        return [{"vuid": vid << 32 | index << 24 | 1, "disk_id": disk} for index, disk in enumerate(self.volumes[vid])]

    def _row(self, vid: int) -> dict[str, Any]:
        units = self._units(vid)[1:] if vid in self.short else self._units(vid)
        named = self.renamed.get(vid, vid)
        return {"vid": named, "code_mode": EC3P3, "status": 2, "health_score": self.health.get(vid, 0), "units": units}

    def paths(self) -> list[str]:
        """The paths asked since the last call."""
        found, self.asked = [urlsplit(target).path for target in self.asked], []
        return found


@asynccontextmanager
async def reading(table: Table) -> AsyncIterator[VolumeReader]:
    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        if table.hangs:
            await asyncio.sleep(60)
        status, body = table.reply(request.target)
        content = b"" if body is None else json.dumps(body).encode()
        writer.write(answer(status, "OK", [("Content-Type", "application/json")], content))
        await writer.drain()

    async with serving(handle) as server, ClustermgrClient([server.host]) as api:
        yield VolumeReader(api)


def bad(*disks: int) -> SuspectDisks:
    return SuspectDisks(bad=frozenset(disks))


async def polls(reader: VolumeReader, disks: SuspectDisks, start: float, times: int) -> list[VolumeSurvey]:
    return [await reader.read(disks, start + 15 * n, None, 5.0) for n in range(times)]


async def test_one_broken_disk_is_judged_in_one_poll() -> None:
    table = Table({1: [1, 2, 3, 4, 5, 6], 2: [2, 3, 4, 5, 6, 7], 3: [1, 3, 4, 5, 6, 7]})
    async with reading(table) as reader:
        survey = await reader.read(bad(1), 1000.0, None, 5.0)
    assert survey.complete
    assert {vid: volume.disks for vid, volume in survey.volumes.items()} == {
        1: (1, 2, 3, 4, 5, 6),
        3: (1, 3, 4, 5, 6, 7),
    }
    assert survey.units[1].units == 2


async def test_nothing_is_asked_while_every_disk_is_well() -> None:
    table = Table({1: [1, 2, 3, 4, 5, 6]})
    async with reading(table) as reader:
        survey = await reader.read(SuspectDisks(), 1000.0, None, 5.0)
    assert (table.asked, survey.complete, dict(survey.volumes)) == ([], True, {})


async def test_volumes_on_most_broken_disks_come_first_and_pieces_are_bounded() -> None:
    volumes = {vid: [1, 20, 21, 22, 23, 24] for vid in range(1, 201)} | {999: [1, 2, 21, 22, 23, 24]}
    table = Table(volumes)
    async with reading(table) as reader:
        first, second, third = await polls(reader, bad(1, 2), 1000.0, 3)
    assert len(first.volumes) == MAX_SINGLE
    assert 999 in first.volumes
    assert (first.complete, first.pending_volumes) == (False, 201 - MAX_SINGLE)
    assert second.pending_volumes == 201 - 2 * MAX_SINGLE
    assert third.complete


async def test_many_volumes_are_read_in_pages() -> None:
    count = PAGED_ABOVE + 5000
    table = Table({vid: [1 if vid % 2 else 9, 2, 3, 4, 5, 6] for vid in range(1, count)})
    async with reading(table) as reader:
        surveys = await polls(reader, bad(1), 1000.0, 8)
    assert (surveys[0].complete, surveys[0].pending_volumes) == (False, None)
    assert surveys[-1].complete
    assert surveys[-1].volumes.keys() == {vid for vid in range(1, count) if vid % 2}
    assert "/volume/get" not in table.paths()


async def test_one_poll_reads_few_unit_lists_and_pages() -> None:
    table = Table({vid: [1 + vid % 50, 60, 61, 62, 63, 64] for vid in range(1, 6000)})
    async with reading(table) as reader:
        for survey in await polls(reader, bad(*range(1, 51)), 1000.0, 12):
            last = survey
        assert last.complete
        assert (len(last.volumes), len(last.units)) == (5999, 50)
        table.paths()
        await reader.read(bad(*range(1, 51)), 1000.0 + REREAD_SECONDS, None, 5.0)
        again = table.paths()
    assert again.count("/volume/unit/list") <= MAX_UNIT_LISTS
    assert again.count("/volume/list") <= MAX_PAGES
    assert again.count("/volume/get") <= MAX_SINGLE


async def test_unreadable_volume_stays_pending_and_holds_up_no_other() -> None:
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in range(1, 120)}, spoiled=frozenset({1, 2, 3}))
    async with reading(table) as reader:
        surveys = await polls(reader, bad(1), 1000.0, 3)
    assert surveys[-1].volumes.keys() == set(range(4, 120))
    assert (surveys[-1].complete, surveys[-1].pending_volumes) == (False, 3)


async def test_volume_that_is_gone_is_not_pending() -> None:
    table = Table({1: [1, 2, 3, 4, 5, 6], 2: [1, 2, 3, 4, 5, 6]})
    async with reading(table) as reader:
        await reader.read(bad(1), 1000.0, None, 5.0)
        del table.volumes[2]
        survey = await reader.read(bad(1), 1000.0 + REREAD_SECONDS, None, 5.0)
    assert survey.volumes.keys() == {1}
    assert survey.complete


async def test_volume_that_a_unit_list_names_is_never_taken_as_gone() -> None:
    """The servers deny two volumes that they list on a lost disk; only a later unit list settles it."""
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in (1, 2, 3)}, denied=frozenset({2}))
    async with reading(table) as reader:
        first = await reader.read(bad(1), 1000.0, None, 5.0)
        table.denied = frozenset({2, 3})
        denied = await reader.read(bad(1), 1000.0 + REREAD_SECONDS, None, 5.0)
        for vid in (2, 3):
            table.volumes[vid][0] = 9
        moved = await reader.read(bad(1), 1000.0 + 2 * REREAD_SECONDS, None, 5.0)
    assert (first.complete, first.pending_volumes) == (False, 1)
    assert (denied.complete, denied.pending_volumes) == (False, 2)
    assert moved.complete
    assert moved.volumes.keys() == {1}


async def test_volumes_after_a_list_that_ends_early_stay_pending() -> None:
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in range(1, 401)}, ends_after=200, denied=frozenset(range(201, 401)))
    async with reading(table) as reader:
        surveys = await polls(reader, bad(1), 1000.0, 4)
    assert (surveys[-1].complete, surveys[-1].pending_volumes) == (False, 200)


async def test_repaired_disk_forgets_its_volumes() -> None:
    table = Table({1: [1, 2, 3, 4, 5, 6]})
    async with reading(table) as reader:
        await reader.read(bad(1), 1000.0, None, 5.0)
        survey = await reader.read(SuspectDisks(), 1015.0, None, 5.0)
    assert not survey.volumes
    assert not survey.units


async def test_units_of_a_repaired_disk_are_read_often_then_daily() -> None:
    table = Table({1: [2, 3, 4, 5, 6, 7]})
    gone = SuspectDisks(gone=frozenset({1}))
    async with reading(table) as reader:
        await reader.read(bad(1), 1000.0, None, 5.0)
        await reader.read(gone, 1015.0, None, 5.0)
        table.paths()
        await reader.read(gone, 1015.0 + REREAD_SECONDS, None, 5.0)
        assert table.paths() == ["/volume/unit/list"]
        late = 1015.0 + RECHECK_SECONDS + REREAD_SECONDS
        await reader.read(gone, late, None, 5.0)
        table.paths()
        await reader.read(gone, late + 2 * REREAD_SECONDS, None, 5.0)
        assert table.paths() == []
        await reader.read(gone, late + REREAD_GONE_SECONDS, None, 5.0)
        assert table.paths() == ["/volume/unit/list"]


@pytest.mark.parametrize(("known_for", "asked"), [(HOUR, 1), (7 * HOUR, 0)])
async def test_time_of_a_repair_survives_a_restart(known_for: float, asked: int) -> None:
    """A new process asks as often as the old one did; a disk that was not known counts as repaired now."""
    table = Table({1: [2, 3, 4, 5, 6, 7]})
    gone = SuspectDisks(gone=frozenset({1, 9}))
    async with reading(table) as reader:
        reader.gone_since = lambda: {1: 100_000.0 - known_for}
        await reader.read(gone, 100_000.0, None, 5.0)
        assert len(table.asked) == 2
        table.paths()
        await reader.read(gone, 100_000.0 + REREAD_SECONDS, None, 5.0)
        assert [target.rpartition("=")[2] for target in table.asked].count("1") == asked
        assert [target.rpartition("=")[2] for target in table.asked].count("9") == 1


async def test_time_of_counting_often_comes_from_the_settings() -> None:
    table = Table({1: [2, 3, 4, 5, 6, 7]})
    gone = SuspectDisks(gone=frozenset({1}))
    async with reading(table) as reader:
        reader.recheck_for = HOUR
        for at in (1000.0, 1000.0 + HOUR + 1):
            await reader.read(gone, at, None, 5.0)
        table.paths()
        await reader.read(gone, 1001.0 + HOUR + 2 * REREAD_SECONDS, None, 5.0)
    assert table.paths() == []


async def test_disk_with_units_left_is_counted_often_for_ever() -> None:
    table = Table({1: [1, 3, 4, 5, 6, 7]})
    gone = SuspectDisks(gone=frozenset({1}))
    async with reading(table) as reader:
        await reader.read(gone, 1000.0, None, 5.0)
        late = 1000.0 + 10 * RECHECK_SECONDS
        survey = await reader.read(gone, late, None, 5.0)
    assert survey.units[1] == UnitCount(1, late, frozenset({1}))


@pytest.mark.parametrize("count", [3, PAGED_ABOVE + 50])
async def test_volume_with_units_missing_from_its_answer_is_not_judged(count: int) -> None:
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in range(1, count + 1)}, short=frozenset({2}))
    async with reading(table) as reader:
        surveys = await polls(reader, bad(1), 1000.0, 4)
    assert 2 not in surveys[-1].volumes
    assert (surveys[-1].complete, surveys[-1].pending_volumes) == (False, 1)


async def test_answer_about_another_volume_is_not_used() -> None:
    table = Table({1: [1, 2, 3, 4, 5, 6], 2: [1, 7, 8, 9, 5, 6]}, renamed={1: 2})
    async with reading(table) as reader:
        surveys = await polls(reader, bad(1), 1000.0, 2)
    assert surveys[-1].volumes.keys() == {2}
    assert surveys[-1].pending_volumes == 1


async def test_volumes_on_disks_that_the_cluster_names_as_expired_are_read() -> None:
    table = Table({1: [1, 2, 3, 4, 5, 6], 2: [2, 3, 4, 5, 6, 7]})
    async with reading(table) as reader:
        survey = await reader.read(SuspectDisks(expired=frozenset({1})), 1000.0, None, 5.0)
    assert survey.volumes.keys() == {1}


async def test_unit_that_lands_on_a_repaired_disk_is_found() -> None:
    table = Table({1: [2, 3, 4, 5, 6, 7]})
    gone = SuspectDisks(gone=frozenset({1}))
    async with reading(table) as reader:
        await reader.read(bad(1), 1000.0, None, 5.0)
        before = await reader.read(gone, 1015.0, None, 5.0)
        table.volumes[1][0] = 1
        after = await reader.read(gone, 1015.0 + REREAD_SECONDS, None, 5.0)
    assert before.units[1].units == 0
    assert after.units[1].units == 1
    assert after.volumes[1].disks[0] == 1


async def test_host_that_hangs_costs_the_time_limit_only() -> None:
    table = Table({1: [1, 2, 3, 4, 5, 6]}, hangs=True)
    async with reading(table) as reader:
        survey = await asyncio.wait_for(reader.read(bad(1), 1000.0, None, 0.1), 5.0)
    assert survey.pending_disks == (1,)
    assert not survey.complete


@pytest.mark.parametrize("more", [2, 3])
async def test_disk_that_breaks_while_pages_are_read_is_not_missed(more: int) -> None:
    table = Table({vid: [1, more, 3, 4, 5, 6] if vid < 9 else [1, 7, 8, 9, 5, 6] for vid in range(1, 4000)})
    table.volumes |= {vid: [more, 17, 18, 19, 15, 16] for vid in range(4000, 4010)}
    async with reading(table) as reader:
        await polls(reader, bad(1), 1000.0, 2)
        surveys = await polls(reader, replace(bad(1), bad=frozenset({1, more})), 1030.0, 8)
    assert surveys[-1].complete
    assert {4000, 4009} <= surveys[-1].volumes.keys()


async def test_poll_without_news_asks_nothing_and_shares_what_is_known() -> None:
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in range(1, PAGED_ABOVE + 100)})
    async with reading(table) as reader:
        *_, before = await polls(reader, bad(1), 1000.0, 6)
        risks_of(before, 0)
        table.paths()
        after = await reader.read(bad(1), 1100.0, None, 5.0)
    assert table.paths() == []
    assert after.volumes is before.volumes
    assert risks_of(after, 0) is risks_of(before, 0)


@pytest.mark.parametrize("count", [20, PAGED_ABOVE + 100])
async def test_volume_whose_unit_has_left_a_broken_disk_is_read_again_at_once(count: int) -> None:
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in range(1, count)})
    async with reading(table) as reader:
        *_, before = await polls(reader, bad(1, 2), 1000.0, 6)
        risks_of(before, 0)
        table.volumes[7][0] = 9
        after = await reader.read(bad(1, 2), 1080.0 + REREAD_SECONDS, None, 5.0)
    assert (before.volumes[7].disks[0], after.volumes[7].disks[0]) == (1, 9)
    assert {risk.vid: risk.lost for risk in risks_of(after, 0)}[7] == (2,)


async def test_volume_that_the_units_of_another_broken_disk_contradict_is_read_again() -> None:
    """A unit moved between good disks; then the disk that it left breaks."""
    table = Table({1: [1, 2, 3, 4, 5, 6]})
    async with reading(table) as reader:
        await reader.read(bad(1), 1000.0, None, 5.0)
        table.volumes[1][1] = 9
        survey = await reader.read(bad(1, 2), 1015.0, None, 5.0)
    assert [risk.lost for risk in risks_of(survey, 0)] == [(1,)]


async def test_many_volumes_are_read_again_page_by_page() -> None:
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in range(1, PAGED_ABOVE + 100)})
    async with reading(table) as reader:
        await polls(reader, bad(1), 1000.0, 6)
        table.volumes[7][1] = 9
        table.paths()
        for number in range(3):
            survey = await reader.read(bad(1), 1400.0 + number * REFRESH_SECONDS, None, 5.0)
    assert table.paths().count("/volume/list") == 3
    assert survey.volumes[7].disks[1] == 9


async def test_units_that_another_reader_has_read_are_not_read_twice() -> None:
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in (1, 2, 3)})
    async with reading(table) as reader:
        await reader.read(bad(1), 1000.0, None, 5.0)
        table.paths()
        table.volumes[2][0] = 9
        reader.take_units({1: (1 << 32 | 1, 3 << 32 | 1), 9: (2 << 32 | 1,)}, 1000.0 + REREAD_SECONDS)
        survey = await reader.read(bad(1), 1015.0 + REREAD_SECONDS, None, 5.0)
    assert "/volume/unit/list" not in table.paths()
    assert survey.units.keys() == {1}
    assert (survey.units[1].units, set(survey.volumes)) == (2, {1, 3})


async def test_pages_without_an_end_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.clustermgr.volume_reader.MAX_KEPT", PAGED_ABOVE + 10)
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in range(1, PAGED_ABOVE + 10)})
    async with reading(table) as reader:
        await polls(reader, bad(1), 1000.0, 4)
        table.volumes |= {vid: [1, 2, 3, 4, 5, 6] for vid in range(PAGED_ABOVE + 10, PAGED_ABOVE + 1000)}
        reader.expired = 1
        *_, survey = await polls(reader, bad(1), 1100.0, 3)
    assert len(survey.volumes) <= PAGED_ABOVE + 10 + PAGE


async def test_all_volumes_are_read_again_while_disks_have_lost_their_heartbeat() -> None:
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in range(1, PAGED_ABOVE + 100)})
    async with reading(table) as reader:
        await polls(reader, bad(1), 1000.0, 6)
        reader.expired = 1
        table.volumes[PAGED_ABOVE + 50][1] = 9
        table.paths()
        *_, survey = await polls(reader, bad(1), 1200.0, 2)
    assert survey.volumes[PAGED_ABOVE + 50].disks[1] == 9
    pages = math.ceil((PAGED_ABOVE + 100) / PAGE) + 1
    assert table.paths().count("/volume/list") == pages, "the scan and the notes share each page"


async def test_volumes_without_a_bad_disk_are_found_by_their_health() -> None:
    table = Table({vid: [1, 2, 3, 4, 5, 6] if vid % 1000 == 0 else [5, 6, 7, 8, 9, 10] for vid in range(1, 3001)})
    table.health = {1000: -4, 2000: -4, 3000: -4}
    async with reading(table) as reader:
        healthy = await reader.read(SuspectDisks(), 1000.0, None, 5.0)
        assert (healthy.complete, table.paths()) == (True, [])
        reader.expired = 4
        first = await reader.read(SuspectDisks(), 1015.0, None, 5.0)
        assert len(table.paths()) == MAX_PAGES
        assert (first.complete, first.pending_volumes, set(first.volumes)) == (False, None, {1000, 2000})
        *_, found = await polls(reader, SuspectDisks(), 1030.0, 3)
        assert found.complete
        assert [(risk.vid, risk.unreachable) for risk in risks_of(found, 4)] == [
            (vid, (1, 2, 3, 4)) for vid in (1000, 2000, 3000)
        ]
        reader.expired = 5
        again = await reader.read(SuspectDisks(), 1100.0, None, 5.0)
        assert not again.complete
        reader.expired = 0
        over = await reader.read(SuspectDisks(), 1115.0, None, 5.0)
    assert (over.complete, dict(over.volumes)) == (True, {})


async def test_health_is_pending_while_a_row_of_the_list_is_cut() -> None:
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in range(1, 11)}, short=frozenset({3}))
    async with reading(table) as reader:
        reader.expired = 1
        *_, survey = await polls(reader, SuspectDisks(), 1000.0, 3)
    assert (survey.complete, survey.pending_volumes) == (False, None)


async def test_units_of_many_disks_are_read_less_often() -> None:
    table = Table({1: [1, 2, 3, 4, 5, 6]})
    disks = bad(*range(1, 3 * SHARED_BY + 1))
    async with reading(table) as reader:
        await polls(reader, disks, 1000.0, 8)
        table.paths()
        await reader.read(disks, 1000.0 + 2 * REREAD_SECONDS, None, 5.0)
        assert "/volume/unit/list" not in table.paths()
        await reader.read(disks, 1000.0 + 3 * REREAD_SECONDS, None, 5.0)
    assert table.paths().count("/volume/unit/list") == MAX_UNIT_LISTS


@pytest.mark.parametrize("path", ["/volume/unit/list", "/volume/get"])
async def test_reads_that_fail_for_hours_are_not_current(path: str) -> None:
    table = Table({1: [1, 2, 3, 4, 5, 6]})
    async with reading(table) as reader:
        assert (await reader.read(bad(1), 1000.0, None, 5.0)).complete
        table.fails = frozenset({path})
        short = await reader.read(bad(1), 1000.0 + 2 * REREAD_SECONDS, None, 5.0)
        assert (short.complete, short.as_of) == (True, 1000.0)
        old = await reader.read(bad(1), 1000.0 + 4 * REREAD_SECONDS, None, 5.0)
        assert (old.complete, old.as_of, old.stale.since) == (False, 1000.0, 1000.0)
        assert (old.stale.disks, old.stale.volumes) == (((1,), 0) if "unit" in path else ((), 1))
        table.fails = frozenset()
        again = await reader.read(bad(1), 1015.0 + 4 * REREAD_SECONDS, None, 5.0)
    assert again.complete
    assert again.as_of >= 1000.0 + 4 * REREAD_SECONDS


async def test_many_volumes_whose_pages_fail_for_hours_are_not_current() -> None:
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in range(1, PAGED_ABOVE + 100)})
    async with reading(table) as reader:
        *_, whole = await polls(reader, bad(1), 1000.0, 6)
        assert whole.complete
        later = [await reader.read(bad(1), 1100.0 + n * REFRESH_SECONDS, None, 5.0) for n in range(30)]
        assert all(survey.complete for survey in later)
        table.fails = frozenset({"/volume/list"})
        ends = 1100.0 + 29 * REFRESH_SECONDS
        old = await reader.read(bad(1), ends + 4 * REFRESH_SECONDS, None, 5.0)
    assert (old.complete, old.stale.volumes, old.stale.since) == (False, len(table.volumes), ends)


async def test_health_whose_rounds_fail_for_hours_is_not_current() -> None:
    table = Table({vid: [1, 2, 3, 4, 5, 6] for vid in range(1, 11)}, health=dict.fromkeys(range(1, 11), -1))
    async with reading(table) as reader:
        reader.expired = 1
        assert (await polls(reader, SuspectDisks(), 1000.0, 2))[-1].complete
        table.fails = frozenset({"/volume/list"})
        old = await reader.read(SuspectDisks(), 1000.0 + 4 * REREAD_SECONDS, None, 5.0)
    assert (old.complete, old.stale.volumes, old.stale.since) == (False, None, 1000.0)


async def test_disk_emptied_long_ago_does_not_make_the_rest_old() -> None:
    table = Table({1: [1, 2, 3, 4, 5, 6]})
    disks = SuspectDisks(bad=frozenset({1}), gone=frozenset({7}))
    async with reading(table) as reader:
        await reader.read(disks, 1000.0, None, 5.0)
        await reader.read(disks, 1000.0 + RECHECK_SECONDS, None, 5.0)
        now = 1000.0 + 2 * RECHECK_SECONDS
        survey = await reader.read(disks, now, None, 5.0)
    assert (survey.complete, survey.as_of, survey.gone_as_of) == (True, now, 1000.0 + RECHECK_SECONDS)


@pytest.mark.parametrize("target", ["/volume/get?vid=2", "/volume/unit/list?disk_id=2"])
async def test_refused_read_waits_and_holds_up_no_other(target: str) -> None:
    table = Table({1: [1, 9, 3, 4, 5, 6], 2: [2, 9, 3, 4, 5, 6]}, refused=frozenset({target}))
    async with reading(table) as reader:
        first, *_, last = await polls(reader, bad(1, 2), 1000.0, 30)
        assert (set(first.volumes), first.complete, last.complete) == ({1}, False, False)
        assert table.asked.count(target) == 4
        table.refused = frozenset()
        again = await reader.read(bad(1, 2), 1000.0 + 30 * 60, None, 5.0)
    assert again.complete


async def test_disk_whose_units_cannot_be_read_holds_up_no_other() -> None:
    table = Table({1: [99, 2, 3, 4, 5, 6]})
    disks = bad(*range(1, MAX_UNIT_LISTS + 2), 99)
    async with reading(table) as reader:
        table.fails = frozenset(f"/volume/unit/list?disk_id={disk}" for disk in range(1, MAX_UNIT_LISTS + 2))
        *_, survey = await polls(reader, disks, 1000.0, MAX_UNIT_LISTS + 2)
    assert survey.volumes.keys() == {1}
    assert 99 not in survey.pending_disks


async def test_paced_reader_waits_for_other_clusters_and_is_then_read_to_its_end() -> None:
    now = 0.0
    pace = ReadPace(lambda: now)
    assert pace.admits(Urgency.AGAIN, 0)
    pace.made(int(BURST))
    table = Table({vid: [1, 20, 21, 22, 23, 24] for vid in range(1, MAX_SINGLE + 20)})
    async with reading(table) as reader:
        waits = await reader.read(bad(1), 1000.0, None, 5.0, pace)
        assert (table.asked, waits.complete, waits.pending_disks) == ([], False, (1,))
        now = 1.0
        begun = await reader.read(bad(1), 1015.0, None, 5.0, pace)
        assert (len(begun.volumes), begun.complete) == (MAX_SINGLE, False)
        pace.made(int(RATE))
        assert not pace.admits(Urgency.FIRST, 0)
        ended = await reader.read(bad(1), 1030.0, None, 5.0, pace)
        assert ended.complete
        table.asked.clear()
        assert (await reader.read(bad(1), 1030.0 + 2 * REREAD_SECONDS, None, 5.0, pace)).volumes == ended.volumes
        assert table.asked == []


async def test_paced_reader_does_not_come_first_for_a_volume_that_is_refused() -> None:
    pace = ReadPace(lambda: 0.0)
    table = Table({vid: [1, 20, 21, 22, 23, 24] for vid in range(1, 4)})
    table.denied = frozenset({2})
    async with reading(table) as reader:
        assert (await reader.read(bad(1), 1000.0, None, 5.0, pace)).volumes.keys() == {1, 3}
        pace.made(int(0.75 * BURST))
        table.asked.clear()
        await reader.read(bad(1), 1015.0, None, 5.0, pace)
        assert table.asked == []
        assert pace.admits(Urgency.FIRST, 0)
        # Once it may be asked again, it comes first again.
        await reader.read(bad(1), 1000.0 + 2 * FIRST_SECONDS, None, 5.0, pace)
        assert "/volume/get?vid=2" in table.asked
