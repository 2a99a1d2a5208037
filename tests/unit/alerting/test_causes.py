"""The table of causes: it names every pair once, and agrees with what rules really hold back."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from bot.alerting.causes import CAUSES, EVENTS, Because, Treatment, folds, may_carry
from bot.alerting.details import (
    LeaderChanged,
    LeaderMove,
    QuorumAtRisk,
    StoredSwitch,
    SwitchesChanged,
    SwitchMove,
    SwitchValue,
    TaskOffWithWork,
    VolumeLoss,
    VolumesAtRisk,
)
from bot.alerting.model import Alert, AlertState, Detail, LegacyDetail, Severity
from bot.alerting.rules.table import RULES
from bot.clustermgr.tasks import SwitchEffect

KEYS = {rule.key for rule in RULES}
SWITCH = StoredSwitch("disk_repair", "false", SwitchEffect.WRITE_OFF)


def alert(rule: str, subject: str = "", detail: Detail | None = None, parts: tuple[str, ...] | None = None) -> Alert:
    shown = detail or LegacyDetail("It is so.")
    return Alert("prod", rule, subject, AlertState.FIRING, Severity.WARNING, shown, 100.0, parts=parts, fired_at=100.0)


def moved(before: int, op: int = 0) -> LeaderChanged:
    return LeaderChanged((LeaderMove(before, 2, 6, 90.0, op=op),), ("h1:1",))


def test_each_pair_is_decided_once() -> None:
    assert {each.first for each in CAUSES} | {each.other for each in CAUSES} <= KEYS
    decided = Counter((each.first, each.other) for each in CAUSES if not each.whole)
    assert [pair for pair, times in decided.items() if times > 1] == []
    assert {each.because for each in CAUSES} == set(Because)


def test_only_what_folds_carries() -> None:
    assert {each.first for each in CAUSES if each.treatment is Treatment.FOLD} == {
        rule for rule in KEYS if may_carry(rule)
    }
    assert all(may_carry(rule) for rule in EVENTS)


def test_table_names_what_rules_cover() -> None:
    """Every rule that a `covers` of a rule's source names is inhibited in the table."""
    inhibited = {each.other for each in CAUSES if each.treatment is Treatment.INHIBIT}
    covered = set()
    for source in Path("bot/alerting/rules").glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Tuple) and node.elts and isinstance(node.elts[0], ast.Constant):
                name = node.elts[0].value
                if name in KEYS and len(node.elts) == 2 and not isinstance(node.elts[1], ast.Tuple):
                    covered.add(name)
    assert {"quorum_at_risk", "peer_lagging", "task_off_too_long", "membership_changed"} <= covered
    assert covered <= inhibited


@pytest.mark.parametrize(
    ("first", "other", "one_cause"),
    [
        (alert("disk_broken"), alert("task_off_with_work", "disk_repair"), True),
        (alert("disk_broken"), alert("task_off_with_work", "disk_drop"), False),
        (alert("switch_meaningless", "disk_repair"), alert("disk_broken"), True),
        (alert("switch_meaningless", "balance"), alert("disk_broken"), False),
        (alert("disk_broken", parts=("7", "8")), alert("repair_stuck", parts=("7",)), True),
        (alert("disk_broken", parts=("8",)), alert("repair_stuck", parts=("7",)), False),
        (alert("leader_changed", detail=moved(1)), alert("peer_down", "1"), True),
        (alert("leader_changed", detail=moved(1)), alert("peer_down", "3"), False),
        (alert("leader_changed", detail=moved(1, op=12)), alert("peer_down", "1"), False),
        (alert("leader_changed", detail=moved(1)), alert("host_unreachable", "h1:1"), True),
        (alert("leader_changed", detail=moved(1)), alert("quorum_at_risk", "", QuorumAtRisk(3, 2, 2), ("1",)), True),
        (
            alert("leader_changed", detail=moved(1)),
            alert("quorum_at_risk", "", QuorumAtRisk(5, 3, 3), ("1", "4")),
            False,
        ),
        (alert("disk_broken"), alert("disk_expired"), False),
    ],
)
def test_facts_decide_if_two_alerts_have_one_cause(first: Alert, other: Alert, *, one_cause: bool) -> None:
    assert folds(first, other) is one_cause


def test_switch_explains_only_the_work_of_its_task() -> None:
    move = SwitchMove("disk_repair", SwitchValue("true", "on"), SwitchValue("false", "off"))
    first = alert("switch_changed", detail=SwitchesChanged((move,)))
    assert folds(first, alert("task_off_with_work", "disk_repair", TaskOffWithWork("disk_repair", SWITCH, 1)))
    assert not folds(first, alert("task_off_with_work", "disk_drop"))


@pytest.mark.parametrize(("lost", "unnamed", "one_cause"), [((7,), 0, True), ((7, 9), 0, False), ((7,), 1, False)])
def test_volumes_share_the_cause_of_disks_that_hold_all_they_miss(
    lost: tuple[int, ...], unnamed: int, *, one_cause: bool
) -> None:
    risk = VolumesAtRisk(1, 0, (VolumeLoss(4, "EC6P6", 1, lost, (), 1, unnamed),))
    assert folds(alert("disk_broken", parts=("7",)), alert("volumes_at_risk", "", risk)) is one_cause
