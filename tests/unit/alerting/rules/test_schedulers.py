"""The rules about schedulers that do not work and tasks that fail, at the edges that sockets do not reach."""

from dataclasses import replace
from typing import Any

import pytest

from bot.alerting.cluster_state.background import BackgroundNote, SchedulerNote, TaskNote
from bot.alerting.cluster_state.state import ClusterState, update
from bot.alerting.details import SchedulersSilent, TaskFailing
from bot.alerting.model import Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, Answer, RuleContext
from bot.alerting.rules.table import rule_named
from bot.alerting.rules.thresholds import configure
from bot.clustermgr.tasks import Dialect
from tests.support.watch_builders import ON, polled

NOW = 100_000.0
GOOD, BAD = SchedulerNote("a"), SchedulerNote("b", "timeout", silent=True)


def ask(rule: str, background: BackgroundNote, *, switches: dict[str, str] | None = None, **more: Any) -> Answer:
    known = replace(polled(NOW), switches=ON if switches is None else switches, dialect=Dialect.V3, **more)
    state = replace(update(ClusterState(), known), background=background)
    found = rule_named(rule)
    assert found is not None
    return found.answer(RuleContext(known, state, NOW))


def finding(answer: Answer) -> Finding:
    assert answer is not CANNOT_TELL
    [found] = answer
    return found


def test_nothing_known_of_schedulers_decides_nothing() -> None:
    assert ask("scheduler_silent", BackgroundNote()) is CANNOT_TELL
    assert ask("scheduler_silent", BackgroundNote(0, NOW - 700)) is CANNOT_TELL


def test_no_known_switch_decides_nothing() -> None:
    known = polled(NOW)
    state = replace(update(ClusterState(), known), background=BackgroundNote(0, NOW))
    rule = rule_named("scheduler_silent")
    assert rule is not None
    assert rule.answer(RuleContext(known, state, NOW)) is CANNOT_TELL


@pytest.mark.parametrize(
    ("background", "severity"),
    [
        (BackgroundNote(1, NOW), None),
        (BackgroundNote(1, NOW, (GOOD,), NOW), None),
        (BackgroundNote(0, NOW, (GOOD,), NOW), None),
        (BackgroundNote(0, NOW), Severity.WARNING),
        (BackgroundNote(1, NOW, (BAD,), NOW), Severity.WARNING),
        (BackgroundNote(0, 0.0, (BAD,), NOW), Severity.WARNING),
        (BackgroundNote(2, NOW, (GOOD, BAD), NOW), Severity.INFO),
        (BackgroundNote(0, NOW, (BAD,), NOW), Severity.WARNING),
        (BackgroundNote(1, NOW, (BAD,), NOW - 700), None),
    ],
)
def test_severity_says_if_any_scheduler_works(background: BackgroundNote, severity: Severity | None) -> None:
    answer = ask("scheduler_silent", background)
    if severity is None:
        assert answer == ()
        return
    found = finding(answer)
    assert found.severity is severity
    assert isinstance(found.detail, SchedulersSilent)
    assert found.detail.every is (severity is Severity.WARNING)


def test_only_tasks_that_are_on_wait() -> None:
    off = dict.fromkeys(ON, "false")
    assert ask("scheduler_silent", BackgroundNote(0, NOW), switches=off) == ()
    detail = finding(ask("scheduler_silent", BackgroundNote(0, NOW), switches={**off, "balance": "true"})).detail
    assert isinstance(detail, SchedulersSilent)
    assert detail.tasks == ("balance",)


def test_fault_of_a_later_release_is_shown_as_no_answer() -> None:
    unknown = SchedulerNote("b", "bored", silent=True)
    detail = finding(ask("scheduler_silent", BackgroundNote(1, NOW, (unknown,), NOW))).detail
    assert isinstance(detail, SchedulersSilent)
    assert [each.fault.value for each in detail.silent] == ["timeout"]


@pytest.mark.parametrize(("failing", "found"), [(None, False), (0, False), (2, False), (3, True), (900, True)])
def test_failures_count_from_the_limit(failing: int | None, found: bool) -> None:
    note = BackgroundNote(1, NOW, (GOOD,), NOW, (TaskNote("blob_delete", failing, ("EOF",)),))
    answer = ask("tasks_failing", note)
    if not found:
        assert answer == ()
        return
    assert finding(answer).detail == TaskFailing("blob_delete", failing or 0, ("EOF",))
    assert finding(answer).subject == "blob_delete"


def test_silent_schedulers_leave_failing_tasks_undecided() -> None:
    assert ask("tasks_failing", BackgroundNote(1, NOW, (BAD,), NOW)) is CANNOT_TELL
    assert ask("tasks_failing", BackgroundNote(1, NOW)) == ()


def test_limit_of_failures_is_a_setting() -> None:
    rules = {rule.key: rule for rule in configure({"tasks_failing": {"per_minute": 100}})}
    note = BackgroundNote(1, NOW, (GOOD,), NOW, (TaskNote("blob_delete", 99),))
    known = polled(NOW)
    state = replace(update(ClusterState(), known), background=note)
    assert rules["tasks_failing"].answer(RuleContext(known, state, NOW)) == ()
