"""Facts about the risk of volumes: since when units are lost, what is not judged, and what the cluster counts."""

from dataclasses import replace

import pytest

from bot.alerting.cluster_state.background import BackgroundNote, SchedulerNote, TaskNote
from bot.alerting.cluster_state.observations import SwitchNote
from bot.alerting.cluster_state.state import ClusterState, risk_fact, update
from bot.alerting.cluster_state.switches import shards_not_rebuilt
from bot.alerting.risk_facts import (
    LostDisk,
    NotRebuilt,
    RiskNote,
    SafetyCounts,
    Since,
    caveats_of,
    lost_since,
    note_of_risks,
)
from bot.alerting.volume_risk import risks_of
from bot.clustermgr.dashboard import Dashboard, VolumeSafety
from bot.clustermgr.models import Snapshot, ZoneDisks
from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks, UnitCount, VolumeSurvey
from tests.support.watch_builders import disk, polled

EC3P3 = 11
AT = 1000.0
NO_SURVEY = VolumeSurvey(SuspectDisks(), {}, {})


def at_poll(
    at: float, bad: tuple[int, ...], gone: dict[int, int | None] | None = None, *, listed: bool = True
) -> Snapshot:
    """A poll with these bad disks, and the counted units of those that are repaired or dropped."""
    units = {number: UnitCount(left, at) for number, left in (gone or {}).items() if left is not None}
    disks = SuspectDisks(frozenset(bad), gone=frozenset(gone or ()), listed=listed)
    survey = VolumeSurvey(disks, {}, units, read_at=at)
    return replace(polled(at, bad=[disk(number) for number in bad]), volumes=survey)


def notes_after(*polls: Snapshot) -> dict[int, LostDisk]:
    state = ClusterState()
    for number, snapshot in enumerate(polls):
        state = update(state, snapshot, resumed=number == 0)
    return {note.id: note for note in state.lost_disks}


def test_disk_that_breaks_while_watched_is_lost_since_then() -> None:
    notes = notes_after(at_poll(AT, ()), at_poll(AT + 15, (7,)), at_poll(AT + 30, (7,)))
    assert notes == {7: LostDisk(7, AT + 15, seen=True)}


def test_disk_that_was_broken_before_is_lost_at_least_since_then() -> None:
    assert notes_after(at_poll(AT, (7,)), at_poll(AT + 15, (7,))) == {7: LostDisk(7, AT, seen=False)}


def test_disk_that_broke_without_a_watch_is_lost_at_least_since() -> None:
    notes = notes_after(at_poll(AT, ()), at_poll(AT + 3600, (7,)))
    assert notes == {7: LostDisk(7, AT + 3600, seen=False)}


def test_time_survives_the_repair_and_ends_with_the_last_unit() -> None:
    polls = [at_poll(AT, ()), at_poll(AT + 15, (7,)), at_poll(AT + 30, (), {7: None}), at_poll(AT + 45, (), {7: 2})]
    assert notes_after(*polls) == {7: LostDisk(7, AT + 15, seen=True, gone_since=AT + 30, units=2, counted_at=AT + 45)}
    assert notes_after(*polls, at_poll(AT + 60, (), {7: 0})) == {
        7: LostDisk(7, 0.0, gone_since=AT + 30, units=0, counted_at=AT + 60)
    }


def test_unit_that_lands_later_is_lost_since_it_was_counted() -> None:
    notes = notes_after(at_poll(AT, (), {7: 0}), at_poll(AT + 300, (), {7: 1}))
    assert notes[7] == LostDisk(7, AT + 300, seen=True, gone_since=AT, units=1, counted_at=AT + 300)


def test_disk_between_two_lists_keeps_its_time() -> None:
    polls = at_poll(AT, ()), at_poll(AT + 15, (7,)), at_poll(AT + 30, (), listed=False)
    assert notes_after(*polls)[7].since == AT + 15
    assert notes_after(*polls, at_poll(AT + 45, ())) == {}


def test_disk_with_units_is_known_until_a_count_finds_none() -> None:
    """It is listed in another state, or not at all; then in a state of a later release and counted."""
    polls = at_poll(AT, (), {7: 1}), at_poll(AT + 15, ())
    assert notes_after(*polls)[7].units == 1
    unknown = replace(at_poll(AT + 30, ()).volumes or NO_SURVEY, units={7: UnitCount(0, AT + 30)})
    counted = replace(at_poll(AT + 30, ()), volumes=unknown)
    assert notes_after(*polls, counted)[7].units == 0
    assert notes_after(*polls, counted, at_poll(AT + 45, ())) == {}


def test_disk_that_breaks_again_is_lost_since_then() -> None:
    polls = at_poll(AT, (), {7: 0}), at_poll(AT + 15, (7,))
    assert notes_after(*polls) == {7: LostDisk(7, AT + 15, seen=True)}
    kept = at_poll(AT, (), {7: 2}), at_poll(AT + 15, (7,))
    assert notes_after(*kept) == {7: LostDisk(7, AT)}


def test_disk_in_use_again_is_known_only_by_a_list_that_has_it() -> None:
    held, unlisted = at_poll(AT, (), {7: 1}), at_poll(AT + 15, ())
    assert unlisted.volumes is not None
    in_use = replace(unlisted, volumes=replace(unlisted.volumes, in_use=frozenset({7})))
    assert notes_after(held, unlisted)[7].units == 1
    assert notes_after(held, in_use) == {}


def test_poll_without_a_leader_changes_nothing() -> None:
    known = replace(ClusterState(), lost_disks=(LostDisk(7, AT),))
    leaderless = replace(at_poll(AT + 15, ()), answers=())
    assert update(known, leaderless).lost_disks == (LostDisk(7, AT),)


def test_many_disks_stay_bounded() -> None:
    assert len(notes_after(at_poll(AT, tuple(range(1, 900))))) == 200


def risks(lost: int, expired: frozenset[int] = frozenset()) -> VolumeSurvey:
    disks = SuspectDisks(frozenset(range(1, lost + 1)), expired=expired)
    return VolumeSurvey(disks, {5: PlacedVolume(5, EC3P3, -lost, (1, 2, 3, 4, 5, 6))}, {}, read_at=AT)


@pytest.mark.parametrize(
    ("notes", "since"),
    [
        ((LostDisk(1, 10.0, seen=True), LostDisk(2, 20.0, seen=True)), Since(20.0, exact=True)),
        ((LostDisk(1, 10.0), LostDisk(2, 20.0, seen=True)), Since(20.0, exact=True)),
        ((LostDisk(1, 30.0), LostDisk(2, 20.0, seen=True)), Since(30.0, exact=False)),
        ((LostDisk(1, 10.0, seen=True),), None),
        ((LostDisk(1, 10.0, seen=True), LostDisk(2, 0.0, gone_since=5.0)), None),
    ],
)
def test_volume_is_at_risk_since_the_last_of_its_lost_disks(notes: tuple[LostDisk, ...], since: Since | None) -> None:
    [risk] = risks_of(risks(2), 0)
    assert lost_since(risk, {note.id: note for note in notes}) == since


def test_volume_without_lost_units_has_no_time() -> None:
    [risk] = risks_of(risks(0, expired=frozenset({4})), 1)
    assert lost_since(risk, {4: LostDisk(4, 10.0)}) is None


@pytest.mark.parametrize(
    ("value", "dialect", "why"),
    [
        ("true", "v3", NotRebuilt.UNSEEN),
        ("false", "v3", NotRebuilt.OFF),
        ("Enable", "v3", NotRebuilt.OFF),
        ("Enable", "v1", NotRebuilt.UNSEEN),
        ("Disable", "v1", NotRebuilt.OFF),
        ("true", "v1", NotRebuilt.UNKNOWN),
        ("true", "", NotRebuilt.UNKNOWN),
    ],
)
def test_shards_count_as_rebuilt_only_if_it_is_on_and_a_scheduler_tells_of_it(
    value: str, dialect: str, why: NotRebuilt
) -> None:
    state = ClusterState(dialect=dialect, switches_at=AT, switches={"shard_repair": SwitchNote(value, AT)})
    assert shards_not_rebuilt(state, AT) is why
    stats = BackgroundNote(1, AT, (SchedulerNote("s"),), AT, (TaskNote("shard_repair", failing=0),))
    found = shards_not_rebuilt(replace(state, background=stats), AT)
    assert found is (None if why is NotRebuilt.UNSEEN else why)
    assert shards_not_rebuilt(state, AT + 3600) is NotRebuilt.UNKNOWN


def test_switch_that_was_never_read_is_not_known() -> None:
    assert shards_not_rebuilt(ClusterState(), AT) is NotRebuilt.UNKNOWN


def test_caveats_name_what_is_not_judged() -> None:
    survey = replace(risks(2), pending_disks=(7, 8), pending_volumes=None)
    found = caveats_of(polled(AT), survey, risks_of(survey, 0), NotRebuilt.OFF)
    assert (found.complete, found.pending_disks, found.pending_volumes, found.unwritten) == (False, 2, None, 1)
    assert not caveats_of(polled(AT), None, (), None).judged
    assert not caveats_of(replace(polled(AT), answers=()), survey, (), None).judged


def test_expired_disks_without_a_candidate_are_counted() -> None:
    survey = VolumeSurvey(SuspectDisks(), {}, {}, read_at=AT)
    assert caveats_of(polled(AT, zones=(ZoneDisks(idc="z0", expired=3),)), survey, (), None).unnamed == 3


def test_dashboard_is_compared_only_when_all_is_judged() -> None:
    survey = replace(risks(2), dashboard=Dashboard(AT, VolumeSafety(0, 0, 1)))
    found = caveats_of(polled(AT), survey, risks_of(survey, 0), None)
    assert (found.counts, found.dashboard) == (SafetyCounts(0, 1, 0), SafetyCounts(1, 0, 0))
    part = replace(survey, pending_disks=(9,))
    assert caveats_of(polled(AT), part, risks_of(part, 0), None).dashboard is None
    agrees = replace(survey, dashboard=Dashboard(AT, VolumeSafety(0, 1, 0)))
    assert caveats_of(polled(AT), agrees, risks_of(agrees, 0), None).dashboard is None


def test_note_counts_each_volume_once() -> None:
    survey = risks(2, expired=frozenset({4}))
    only_away = PlacedVolume(6, EC3P3, -1, (4, 7, 8, 9, 10, 11))
    unknown = PlacedVolume(7, 240, -1, (1, 7, 8))
    survey = replace(survey, volumes={**survey.volumes, 6: only_away, 7: unknown})
    note = note_of_risks(risks_of(survey, 1), caveats_of(polled(AT), survey, (), None))
    assert (note.one_left, note.unreachable, note.unknown, note.volumes) == (1, 1, 1, 3)


def test_there_is_nothing_to_say_of_a_healthy_cluster() -> None:
    assert risk_fact(ClusterState()) is None
    assert risk_fact(ClusterState(risk=RiskNote(), risk_at=AT)) is None
    assert risk_fact(ClusterState(risk=RiskNote(reduced=1), risk_at=AT)) is not None


def test_bad_disks_that_were_never_judged_are_said() -> None:
    state = update(ClusterState(), polled(AT, bad=[disk(7)]))
    fact = risk_fact(state)
    assert fact is not None
    assert not fact.risk.caveats.judged
