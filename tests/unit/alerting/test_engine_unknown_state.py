"""Unknown state starts, worsens and ends no alert, and its time does not count."""

from dataclasses import replace
from typing import Any

import pytest

from bot.alerting.engine import TransitionReason, Visibility
from bot.alerting.rules.base import CANNOT_TELL
from bot.alerting.rules.table import RULES
from tests.support.engine_builders import Life, found, rule, seen
from tests.support.raft_snapshots import after, ask, having
from tests.support.watch_builders import dark, disk, host, polled, with_switches

SEEN_IN_DARKNESS = {"cluster_unreachable", "host_unreachable"}
"""The rules whose facts are that nothing answers."""


def test_hold_time_excludes_unknown_time() -> None:
    life = Life([rule(for_seconds=30)])
    life.step(0, found())
    life.step(15, found())
    life.step(20, disk_broken=CANNOT_TELL)
    life.step(900, disk_broken=CANNOT_TELL)
    assert seen(life.step(1000, found())) == [(TransitionReason.NOTED, Visibility.QUIET)]
    assert life.step(1009, found()) == []
    assert seen(life.step(1010, found())) == [(TransitionReason.FIRED, Visibility.POST)]
    assert life.alerts[1].since == 0
    assert life.alerts[1].notes.unknown_for is None


def test_clear_time_excludes_unknown_time() -> None:
    life = Life([rule(clear=30)])
    life.step(0, found())
    life.step(15)
    life.step(25, disk_broken=CANNOT_TELL)
    assert seen(life.step(500)) == [(TransitionReason.NOTED, Visibility.QUIET)]
    assert life.step(510) == []
    assert seen(life.step(520)) == [(TransitionReason.RESOLVED, Visibility.REPLY)]


def test_doubtful_finding_counts_time_only() -> None:
    life = Life([rule(for_seconds=30)])
    doubt = found(weight=9, doubtful=True)
    assert life.step(0, doubt) == []
    life.step(15, found())
    assert life.step(30, doubt) == []
    assert seen(life.step(45, found())) == [(TransitionReason.FIRED, Visibility.POST)]
    assert life.step(60, doubt) == []
    assert life.alerts[1].weight == 1


def test_clock_set_back_during_unknown_time_delays_nothing() -> None:
    life = Life([rule(for_seconds=30)])
    life.step(1000, found())
    life.step(1015, disk_broken=CANNOT_TELL)
    life.step(100, found())
    assert seen(life.step(130, found())) == [(TransitionReason.FIRED, Visibility.POST)]


@pytest.mark.parametrize(
    "watched", [each for each in RULES if each.key not in SEEN_IN_DARKNESS], ids=lambda each: each.key
)
def test_poll_without_answers_finds_nothing_new(watched: object) -> None:
    """Earlier findings: a broken disk, a disabled or meaningless switch, all kinds of changes."""
    bad: dict[str, Any] = {"bad": (disk(7),), "read_only": True, "broken": 1}
    answers = (
        with_switches(polled(1000, **bad)),
        with_switches(
            polled(1015, leader=2, term=6, members=(1, 2, 3, 4), **bad), disk_repair="false", balance="Enable"
        ),
        with_switches(
            polled(1030, leader=2, term=6, members=(1, 2, 3, 4), **bad), disk_repair="false", balance="Enable"
        ),
    )
    assert isinstance(watched, type(RULES[0]))
    answer = watched.answer(replace(after(*answers, dark(1045)), now=1045))
    assert answer is CANNOT_TELL or not [each for each in answer if not each.doubtful]


@pytest.mark.parametrize("key", ["leader_flapping", "leader_changed", "membership_changed", "switch_changed"])
def test_missing_leader_leaves_earlier_alerts_unchanged(key: str) -> None:
    turns = [
        polled(1000 + 15 * n, leader=1 + n % 2, term=5 + n, members=(1, 2, 3, *((4,) if n else ()))) for n in range(4)
    ]
    quiet = [replace(polled(at, leader=0, term=9, bad=None)) for at in (1060, 1075)]
    assert ask(key, after(*turns, *quiet)) is CANNOT_TELL


def test_silent_host_keeps_its_stalled_log_alert() -> None:
    stuck = (having(polled(100), 2, applied=990), having(polled(115), 2, applied=990, commit=1005))
    answer = ask("apply_stalled", after(*stuck, polled(130, silent=(2,))))
    assert answer is not CANNOT_TELL
    assert [(each.subject, each.doubtful) for each in answer] == [(host(2), True)]
