"""Gauges of a cluster: what they show, what they leave out, and that what a cluster sends cannot unbound them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.alerting.cluster_state.background import BackgroundNote, SchedulerNote, TaskNote
from bot.alerting.cluster_state.observations import Forecast
from bot.alerting.cluster_state.state import ClusterState, update
from bot.alerting.cluster_status import StatusLevel
from bot.alerting.gauges import FAMILIES, WATCHED, GaugeFacts, WatchFacts
from bot.alerting.gauges.facts import MAX_PEERS, MAX_ZONES
from bot.alerting.model import Alert, AlertState, EngineNotes, LegacyDetail, Muted, Severity
from bot.alerting.risk_facts import RiskNote
from bot.clustermgr.models import Snapshot, VolumeStat, ZoneDisks
from bot.clustermgr.tasks import TASKS
from bot.telemetry.families import Family
from tests.support.watch_builders import TIB, dark, disk, host, polled, with_switches

Values = Mapping[tuple[str, ...], float]
ZONE = ZoneDisks(idc="z1", total=8, total_chunk=100, total_free_chunk=40, available=7, expired=1, dropping=1)


def facts(
    *snapshots: Snapshot, level: str = "healthy", alerts: Sequence[Alert] = (), fresh: bool = False, **state: Any
) -> GaugeFacts:
    """What is known after these polls; `state` changes what is kept."""
    kept, previous = ClusterState(), None
    for before, snapshot in zip((None, *snapshots), snapshots, strict=False):
        kept, previous = update(kept, snapshot), before
    return GaugeFacts(level, snapshots[-1], previous, replace(kept, **state), alerts, fresh, snapshots[-1].at + 1.0)


def read(found: GaugeFacts | WatchFacts, families: Sequence[Family[Any]] = FAMILIES) -> dict[str, Values]:
    """The series of every family by its short name; a family never has two series of the same labels."""
    values: dict[str, Values] = {}
    for family in families:
        samples = [*family.read(found)]
        assert len({labels for labels, _ in samples}) == len(samples), family.info.name
        assert {len(labels) for labels, _ in samples} <= {len(family.info.labels) - 1}, family.info.name
        values[family.info.name.removeprefix("cmbot_cluster_")] = dict(samples)
    return values


def alert(state: AlertState, severity: Severity = Severity.WARNING, *, muted: bool = False) -> Alert:
    notes = EngineNotes(muted=Muted(1, "U0ALICE") if muted else None)
    return Alert("prod", "disk_broken", "", state, severity, LegacyDetail("A disk broke."), 1.0, notes=notes)


def test_healthy_cluster_shows_its_raft_group() -> None:
    shown = read(facts(polled(85), polled(100)))
    assert shown["status"][("healthy",)] == 1
    assert sum(shown["status"].values()) == 1
    assert shown["host_up"] == {(host(node),): 1 for node in (1, 2, 3)}
    assert (shown["leader_known"], shown["leader_peer"], shown["term"]) == ({(): 1}, {(): 1}, {(): 5})
    assert shown["peers"][("voter", "replicate")] == 3
    assert sum(shown["peers"].values()) == 3
    assert shown["peer_lag_entries"] == {("1",): 0, ("2",): 0, ("3",): 0}
    assert shown["voters"] == {("healthy",): 3, ("unhealthy",): 0, ("unproven",): 0}
    assert shown["quorum_margin"] == {(): 1}


def test_voter_that_is_behind_takes_the_margin() -> None:
    behind = {3: {"match": 10, "state": "StateSnapshot"}, 2: {"state": "StateOfALaterRelease"}}
    shown = read(facts(polled(85, peers=behind), polled(100, peers=behind)))
    assert shown["peer_lag_entries"][("3",)] == 990
    assert shown["peers"][("voter", "snapshot")] == 1
    assert shown["peers"][("voter", "other")] == 1
    assert shown["voters"] == {("healthy",): 1, ("unhealthy",): 2, ("unproven",): 0}
    assert shown["quorum_margin"] == {(): -1}


@pytest.mark.parametrize("level", StatusLevel)
def test_each_status_has_its_series(level: StatusLevel) -> None:
    shown = read(facts(polled(100), level=str(level)))["status"]
    assert [status for (status,), value in shown.items() if value] == [level.replace(" ", "_")]


def test_cluster_without_a_leader_has_no_counters() -> None:
    shown = read(facts(dark(100), level="unreachable"))
    assert shown["host_up"] == {(host(node),): 0 for node in (1, 2, 3)}
    assert shown["leader_known"] == {(): 0}
    for name in ("leader_peer", "term", "peers", "voters", "quorum_margin", "disks", "space_free_bytes", "volumes"):
        assert shown[name] == {}, name


def test_leader_that_others_name_is_known() -> None:
    shown = read(facts(polled(100, silent=(1,))))
    assert (shown["leader_known"], shown["leader_peer"]) == ({(): 1}, {(): 1})
    assert shown["host_up"][(host(1),)] == 0


def test_disks_chunks_space_and_volumes_are_shown() -> None:
    bad = (disk(7), disk(8, status=3))
    stats: dict[str, Any] = {"zones": (ZONE,), "volumes": VolumeStat(total_volume=9, idle_volume=4, active_volume=5)}
    shown = read(facts(polled(100, bad=bad, **stats)))
    assert shown["disks"] == {("z1",): 8}
    assert shown["disks_counted"][("z1", "expired")] == 1
    assert shown["disks_listed"] == {
        ("z1", "broken"): 0,
        ("z1", "repairing"): 0,
        ("z0", "broken"): 1,
        ("z0", "repairing"): 1,
    }
    assert shown["chunks"] == {("z1", "free"): 40, ("z1", "used"): 60}
    assert shown["space_total_bytes"] == {(): 10 * TIB}
    assert shown["space_writable_bytes"] == {(): 5 * TIB}
    assert shown["volumes"] == {(): 9}
    assert shown["volumes_in_state"] == {("idle",): 4, ("active",): 5, ("lock",): 0, ("unlocking",): 0}


def test_new_leader_that_has_not_counted_has_no_counters() -> None:
    shown = read(facts(polled(100, zones=(ZONE,), bad=(disk(7),)), fresh=True))
    for name in ("disks", "disks_counted", "chunks", "space_writable_bytes"):
        assert shown[name] == {}, name
    assert shown["disks_listed"][("z0", "broken")] == 1, "the list does not wait for heartbeats"


def test_lists_that_were_not_read_have_no_series() -> None:
    assert read(facts(polled(100, bad=None)))["disks_listed"] == {}
    shown = read(facts(replace(polled(100, bad=None), dropping=(disk(5, status=1),))))["disks_listed"]
    assert shown == {("z0", "dropping"): 1}


def test_risk_of_volumes_is_shown_once_it_was_judged() -> None:
    assert read(facts(polled(100)))["volumes_at_risk"] == {}
    risk = RiskNote(lost=1, none_left=2, one_left=3, reduced=4, unreadable=5, unreachable=6, unknown=7)
    shown = read(facts(polled(100), risk=risk, risk_at=100.0, judged_at=100.0))
    numbers = {margin: number for (margin,), number in shown["volumes_at_risk"].items()}
    assert numbers == {
        "lost": 1,
        "0": 2,
        "1": 3,
        "2+": 4,
        "unreadable": 5,
        "unreachable": 6,
        "unknown": 7,
    }
    assert shown["volumes_judged"] == {(): 1}
    assert read(facts(polled(2000), risk=risk, risk_at=100.0))["volumes_judged"] == {(): 0}, "too long ago"


def test_forecast_switches_and_background_work_are_shown() -> None:
    background = BackgroundNote(
        2,
        100.0,
        (SchedulerNote("a"), SchedulerNote("b", "timeout", silent=True)),
        100.0,
        (TaskNote("disk_repair", failing=4, disks=2, total=10, done=3, working=2), TaskNote("balance")),
    )
    polls = (with_switches(polled(100), balance="false"),)
    shown = read(facts(*polls, background=background, forecast=Forecast(100.0, 9_000_000.0)))
    assert shown["full_timestamp_seconds"] == {(): 9_000_000.0}
    assert shown["switch_enabled"][("balance",)] == 0
    assert shown["switch_enabled"][("disk_repair",)] == 1
    assert shown["tasks"] == {
        ("disk_repair", "waiting"): 5,
        ("disk_repair", "working"): 2,
        ("disk_repair", "done"): 3,
    }
    assert shown["task_disks"] == {("disk_repair",): 2}
    assert shown["task_recent_failures"] == {("disk_repair",): 4}
    assert shown["schedulers"] == {("registered",): 2, ("answering",): 1, ("silent",): 1}
    later = replace(facts(*polls, background=background), now=1000.0)
    assert read(later)["schedulers"] == read(later)["switch_enabled"] == {}, "what was read long ago is not known"


def test_alerts_are_counted_by_state_and_severity() -> None:
    alerts = (
        alert(AlertState.FIRING),
        alert(AlertState.FIRING, Severity.CRITICAL),
        alert(AlertState.FIRING, muted=True),
        alert(AlertState.ACKNOWLEDGED),
        alert(AlertState.PENDING),
        alert(AlertState.RESOLVED),
    )
    shown = read(facts(polled(100), alerts=alerts))["alerts"]
    assert {labels for labels, number in shown.items() if number} == {
        ("firing", "warning"),
        ("firing", "critical"),
        ("silenced", "warning"),
        ("acknowledged", "warning"),
    }
    assert len(shown) == 9


def test_what_a_cluster_sends_does_not_unbound_the_series() -> None:
    zones = tuple(ZoneDisks(idc=f'z{number}"\n' + "x" * 500, total=1) for number in range(300))
    twice = (*zones, *zones[:3])
    members = range(1, 500)
    snapshot = polled(100, zones=twice, members=[*members], bad=[replace(disk(n), idc=f"q{n}") for n in members])
    shown = read(facts(snapshot))
    assert len(shown["disks"]) == MAX_ZONES + 1
    assert sum(shown["disks"].values()) == 303
    assert shown["disks"][("other",)] == 303 - MAX_ZONES - 3
    assert len({zone for zone, _ in shown["disks_listed"]}) == MAX_ZONES + 1
    assert len(shown["peer_lag_entries"]) == MAX_PEERS
    assert all(len(zone) <= 60 and "\n" not in zone for (zone,) in shown["disks"])


def test_number_of_series_is_at_most_what_the_manual_says() -> None:
    """64 + H + P + 14 Z, and 45 more for the schedulers' tasks; three of each here."""
    zones = tuple(ZoneDisks(idc=f"z{number}", total=1) for number in range(3))
    tasks = tuple(TaskNote(task.name, 1, (), 1, 1, 1, 1, 1) for task in TASKS)
    background = BackgroundNote(1, 100.0, (SchedulerNote("a"),), 100.0, tasks)
    snapshot = replace(with_switches(polled(100, zones=zones, bad=(disk(7),))), dropping=())
    found = facts(snapshot, background=background, forecast=Forecast(100.0, 9_000_000.0), risk_at=100.0)
    watch = read(WatchFacts(15.0, here=True, age=1.0, current=True, answered=True), WATCHED)
    number = sum(map(len, read(found).values())) + sum(map(len, watch.values()))
    assert number <= 65 + 3 + 3 + 14 * 3 + 45
    assert number > 140


def test_watch_of_another_replica_shows_only_that_the_cluster_is_configured() -> None:
    assert read(WatchFacts(15.0), WATCHED) == {
        "configured": {(): 1},
        "poll_interval_seconds": {(): 15.0},
        "up": {},
        "data_age_seconds": {},
    }


@pytest.mark.parametrize(
    ("watch", "up"),
    [
        (WatchFacts(15.0, here=True), 0),
        (WatchFacts(15.0, here=True, age=9.0, current=True, answered=True), 1),
        (WatchFacts(15.0, here=True, age=9.0, current=True), 0),
        (WatchFacts(15.0, here=True, age=900.0, answered=True), 0),
    ],
)
def test_up_needs_an_answer_that_is_current(watch: WatchFacts, up: int) -> None:
    shown = read(watch, WATCHED)
    assert shown["up"] == {(): up}
    assert shown["data_age_seconds"] == ({} if watch.age is None else {(): watch.age})
