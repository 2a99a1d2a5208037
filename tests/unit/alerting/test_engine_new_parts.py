"""New parts of a firing alert are shown in the channel; an alert inhibits another for the same subject only."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.alerting.engine import TransitionReason, Visibility
from bot.alerting.model import Alert, AlertState, Finding, LegacyDetail, Severity
from bot.alerting.rules.base import CANNOT_TELL, MAX_PARTS
from bot.clustermgr.models import Snapshot, ZoneDisks
from tests.support.engine_builders import CRITICAL, Life, found, seen
from tests.support.raft_snapshots import after, ask, having, rule_of
from tests.support.watch_builders import TIB, disk, host, polled, switched

FIVE: dict[str, Any] = {"members": (1, 2, 3, 4, 5), "nodes": (1, 2, 3, 4, 5)}
INACTIVE: dict[str, Any] = {"active": False}


def findings(key: str, *answers: Snapshot) -> Sequence[Finding]:
    answer = ask(key, after(*answers))
    assert answer is not CANNOT_TELL
    return answer


CHANGED_SUBJECTS = [
    pytest.param(
        "quorum_at_risk",
        (polled(85, peers={2: INACTIVE}), polled(100, peers={2: INACTIVE})),
        (polled(115, peers={3: INACTIVE}), polled(130, peers={3: INACTIVE})),
        id="voter 2 becomes voter 3",
    ),
    pytest.param(
        "no_leader",
        (polled(100, leader=0, silent=(2,)),),
        (polled(115, leader=0, silent=(3,)),),
        id="another host is silent without a leader",
    ),
    pytest.param(
        "hosts_disagree",
        (having(polled(100), 2, node_id=3),),
        (having(polled(115), 3, node_id=2),),
        id="others answer as one peer",
    ),
    pytest.param(
        "leader_unseen",
        (polled(85, nodes=(1, 2)), polled(100, nodes=(1, 2), leader=3)),
        (polled(85, nodes=(1, 2)), polled(115, nodes=(1, 2), leader=4)),
        id="another peer that is not configured leads",
    ),
]


@pytest.mark.parametrize(("key", "before", "now"), CHANGED_SUBJECTS)
def test_new_subject_of_a_firing_alert_is_shown_in_channel(
    key: str, before: tuple[Snapshot, ...], now: tuple[Snapshot, ...]
) -> None:
    life = Life([rule_of(key)])
    life.rules = (replace(life.rules[0], for_seconds=0),)
    assert seen(life.step(0, *findings(key, *before))) == [(TransitionReason.FIRED, Visibility.POST)]
    assert seen(life.step(15, *findings(key, *now))) == [(TransitionReason.WORSE, Visibility.REPLY_BROADCAST)]


def test_second_broken_disk_is_shown_in_the_channel() -> None:
    life = Life([rule_of("disk_broken")])
    life.step(0, *findings("disk_broken", polled(100, bad=(disk(7),))))
    both = findings("disk_broken", polled(100, bad=(disk(7), disk(9))))
    assert seen(life.step(15, *both)) == [(TransitionReason.WORSE, Visibility.REPLY_BROADCAST)]


def test_new_parts_within_a_burst_are_shown_together_later() -> None:
    life = Life()
    life.step(0, found(parts=("1",)))
    life.step(15, found(weight=2, parts=("1", "2")))
    assert seen(life.step(30, found(weight=3, parts=("1", "2", "3")))) == [(TransitionReason.WORSE, Visibility.EDIT)]
    assert life.step(300, found(weight=3, parts=("1", "2", "3"))) == []
    later = life.step(315, found(weight=3, parts=("1", "2", "3")))
    assert seen(later) == [(TransitionReason.WORSE, Visibility.REPLY_BROADCAST)]
    assert later[0].new.notes.unreported is None


def test_more_of_the_same_stays_in_the_thread() -> None:
    life = Life()
    life.step(0, found(parts=("1",)))
    assert seen(life.step(15, found(weight=2, parts=("1",)))) == [(TransitionReason.WORSE, Visibility.REPLY)]


def test_new_part_of_an_info_stays_in_the_thread() -> None:
    life = Life()
    life.step(0, found(severity=Severity.INFO, parts=("1",)))
    more = found(severity=Severity.INFO, parts=("1", "2"))
    assert seen(life.step(15, more)) == [(TransitionReason.WORSE, Visibility.REPLY)]


def test_truncated_parts_show_no_new_part() -> None:
    life = Life()
    many = [str(number) for number in range(MAX_PARTS)]
    life.step(0, found(parts=tuple(many)))
    assert seen(life.step(15, found(parts=(*many[1:], "new")))) == [(TransitionReason.CHANGED, Visibility.EDIT)]


# One alert holds back another for the same subject only.


def test_meaningless_value_is_a_change_without_its_rule() -> None:
    view = after(switched(100), switched(115, balance="Enable"))
    watched = frozenset({"switch_meaningless", "switch_changed"})
    for keys, many in ((frozenset[str](), 1), (watched, 0)):
        answer = ask("switch_changed", replace(view, watched=keys))
        assert answer is not CANNOT_TELL
        assert len(answer) == many


def pairs(finding: Finding) -> set[tuple[str, str]]:
    return {(rule, subject) for rule, subject in finding.covers}


def test_task_with_waiting_disks_does_not_inhibit_others() -> None:
    view = after(switched(100, disk_repair="false", balance="false"))
    answer = ask("task_off_with_work", view)
    assert answer is not CANNOT_TELL
    [finding] = answer
    assert pairs(finding) == {("task_off_too_long", "disk_repair")}


def zone(idc: str, free: int) -> ZoneDisks:
    return ZoneDisks(idc=idc, total=20, available=20, total_chunk=1000, total_free_chunk=free)


def test_low_space_does_not_inhibit_a_worse_zone() -> None:
    zones = [zone("z0", 80), zone("z1", 10)]
    view = after(*(polled(at, writable=TIB // 2, zones=zones) for at in (1000, 1200, 1500)))
    answer = ask("writable_low", replace(view, now=1500))
    assert answer is not CANNOT_TELL
    [finding] = answer
    assert pairs(finding) == {("chunks_low", "z0")}


def test_duplicate_host_does_not_inhibit_member_changes() -> None:
    [mild] = findings("hosts_disagree", having(polled(100), 2, node_id=3))
    assert pairs(mild) == {("stale_host", host(2)), ("stale_host", host(3))}
    [grave] = findings("hosts_disagree", having(polled(100), 2, leader=2))
    assert ("membership_changed", "") in pairs(grave)


def test_silent_host_does_not_inhibit_another_voter() -> None:
    answers = [having(polled(at, **FIVE, silent=(5,)), 4, leader=0, term=4) for at in (100, 115)]
    [silent] = findings("host_unreachable", polled(70, **FIVE), polled(85, **FIVE), *answers)
    assert pairs(silent) == set()
    alone = [polled(at, **FIVE, silent=(5,)) for at in (100, 115)]
    [silent] = findings("host_unreachable", polled(70, **FIVE), polled(85, **FIVE), *alone)
    assert pairs(silent) == {("quorum_at_risk", "")}


def test_first_parts_of_an_alert_are_no_news() -> None:
    """An alert that an earlier release opened names no parts: that it names some now is no news."""
    old = Alert(
        "prod",
        "quorum_at_risk",
        "",
        AlertState.FIRING,
        CRITICAL,
        LegacyDetail("1 of it."),
        0,
        fired_at=1,
        id=1,
        version=1,
    )
    life = Life([rule_of("quorum_at_risk")], alerts={1: old})
    assert seen(life.step(15, found("quorum_at_risk", severity=CRITICAL, parts=("2",)))) == [
        (TransitionReason.CHANGED, Visibility.EDIT)
    ]
