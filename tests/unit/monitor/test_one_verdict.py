"""One verdict: never less severe than the worst open alert, the most severe reason first."""

from dataclasses import replace

import pytest

from bot.cluster.models import Disk, Snapshot, ZoneDisks
from bot.errors import ClusterUnreachable
from bot.monitor.alert import Alert, AlertState, Severity
from bot.monitor.chunks import usable_chunks
from bot.monitor.counters import is_fresh
from bot.monitor.verdict import Known, Level, verdict
from bot.views.stat import stat
from tests.watchkit import look


def alert(severity: Severity, state: AlertState = AlertState.FIRING) -> Alert:
    return Alert("prod", "some_rule", "", state, severity, "Something of prod is wrong.", 1.0, id=38)


def refused(at: float, *, silent: tuple[int, ...], leader: int = 1) -> Snapshot:
    """A look at which these hosts refuse connections, instead of being late."""
    seen = look(at, silent=silent, leader=leader)
    looks = tuple(replace(h, error=ClusterUnreachable("refused", host=h.host)) if h.error else h for h in seen.looks)
    return replace(seen, looks=looks)


@pytest.mark.parametrize(
    ("severity", "state", "level"),
    [
        (Severity.CRITICAL, AlertState.FIRING, Level.CRITICAL),
        (Severity.CRITICAL, AlertState.ACKNOWLEDGED, Level.CRITICAL),
        (Severity.WARNING, AlertState.FIRING, Level.DEGRADED),
        (Severity.INFO, AlertState.FIRING, Level.HEALTHY),
        (Severity.CRITICAL, AlertState.PENDING, Level.HEALTHY),
        (Severity.CRITICAL, AlertState.RESOLVED, Level.HEALTHY),
    ],
)
def test_verdict_is_never_milder_than_worst_alert(severity: Severity, state: AlertState, level: Level) -> None:
    found = verdict(look(100), look(90), Known((alert(severity, state),)))
    assert found.level is level
    if level is not Level.HEALTHY:
        assert found.reasons[0] == "Something of prod is wrong (alert #38)"
        assert "#38" in found.sentence


def test_quorum_refused_by_majority_is_critical_at_once() -> None:
    found = verdict(refused(100, silent=(2, 3)))
    assert found.level is Level.CRITICAL
    assert "writes may have stopped" in found.reasons[0]


def test_late_answers_of_one_look_prove_no_lost_quorum() -> None:
    once = look(100, silent=(2, 3))
    assert verdict(once, look(90)).level is Level.DEGRADED
    assert verdict(look(110, silent=(2, 3)), once).level is Level.CRITICAL


def test_follower_that_names_dead_leader_without_majority_has_no_quorum() -> None:
    found = verdict(refused(100, silent=(1, 3)))
    assert found.level is Level.NO_LEADER
    assert "no quorum" in found.sentence


def test_group_of_two_is_degraded_and_says_what_to_add() -> None:
    found = verdict(look(100, members=(1, 2), nodes=(1, 2)), look(90, members=(1, 2), nodes=(1, 2)))
    assert found.level is Level.DEGRADED
    assert "add another voter" in found.reasons[0]


def test_slow_leader_is_a_reason() -> None:
    seen = look(100)
    slow = replace(seen, looks=(replace(seen.looks[0], took=3.01), *seen.looks[1:]))
    found = verdict(slow, look(90))
    assert found.level is Level.DEGRADED
    assert "3,010 ms" in found.reasons[0]


def test_fresh_leader_is_not_judged_by_its_counters() -> None:
    seen = look(100, writable=0)
    assert verdict(seen).level is Level.CRITICAL
    assert verdict(seen, known=Known(fresh=True)).level is Level.HEALTHY
    shown = stat(seen, known=Known(fresh=True))
    assert "has not counted disks and space yet" in shown.text
    assert "0 % writable" not in shown.text


@pytest.mark.parametrize(
    ("noted", "fresh"),
    [
        ({}, False),
        ({"leader": 1, "term": 5, "elected_at": 0.0}, False),
        ({"leader": 1, "term": 5, "elected_at": 90.0}, True),
        ({"leader": 1, "term": 5, "elected_at": -300.0}, False),
        ({"leader": 1, "term": 4, "elected_at": -300.0}, True),
        ({"leader": 0, "term": 5, "reign": {"leader": 3, "term": 4}}, True),
        ({"leader": 3, "term": 4}, True),
        ({"leader": 3, "term": 9}, False),
    ],
)
def test_freshness_of_leader_is_known_from_watch(noted: dict[str, float], fresh: bool) -> None:
    assert is_fresh(look(100), noted) is fresh


def test_chunks_on_bad_disks_do_not_count() -> None:
    zone = ZoneDisks.model_validate({"idc": "z0", "total_chunk": 8296, "total_free_chunk": 4148})
    bad = [
        Disk.model_validate({"disk_id": n, "idc": "z0", "status": 2, "free_chunk_cnt": 1037, "max_chunk_cnt": 1037})
        for n in range(4)
    ]
    found = usable_chunks(zone, bad)
    assert (found.free, found.total, found.share) == (0, 4148, 0.0)
