"""Rules about background work that is on but not done: no scheduler works, or a task fails."""

from types import MappingProxyType

from bot.alerting.cluster_state.background import FAILING, TaskNote, no_scheduler
from bot.alerting.cluster_state.switches import known_now
from bot.alerting.details import SchedulersSilent, SilentScheduler, TaskFailing
from bot.alerting.model import Finding, Severity
from bot.alerting.rules.base import (
    CANNOT_TELL,
    MAX_LINES,
    Answer,
    Rule,
    RuleConfig,
    RuleContext,
    Threshold,
    Unit,
    ended,
)
from bot.clustermgr.scheduler_survey import SchedulerFault


def _silent(context: RuleContext, limits: RuleConfig) -> Answer:
    known = known_now(context)
    note, now = context.state.background, context.now
    asked, registered = note.asked_now(now), note.registered_now(now)
    if known is None or (registered is None and not asked):
        return CANNOT_TELL
    silent = tuple(SilentScheduler(each.host, _fault(each.fault)) for each in asked if each.silent)
    none = registered == 0 and len(silent) == len(asked)
    if not none and not silent:
        return ()
    on = tuple(switch.task for switch in known if switch.meaning.word == "on")
    tasks = tuple(task for task in on if not none or no_scheduler(note, task, now, context.state.dialect))
    if not tasks:
        return ()
    detail = SchedulersSilent(tasks, not none, silent[:MAX_LINES], len(asked))
    return (
        Finding(
            rule="scheduler_silent",
            subject="",
            severity=limits.severity if detail.every else limits.at_most(Severity.INFO),
            detail=detail,
            parts=tuple(each.host for each in silent),
        ),
    )


def _fault(stored: str) -> SchedulerFault:
    """The fault of a note; one of a later release is not known by name."""
    return SchedulerFault(stored) if stored in set(SchedulerFault) else SchedulerFault.TIMEOUT


def _failing(context: RuleContext, limits: RuleConfig) -> Answer:
    note, now = context.state.background, context.now
    if note.asked_now(now) and not note.tasks:
        return CANNOT_TELL
    known = (note.task(each.task, now) for each in note.tasks)
    return tuple(
        _finding(task, limits)
        for task in known
        if task is not None and task.failing is not None and task.failing >= max(1.0, limits["per_minute"])
    )


def _finding(note: TaskNote, limits: RuleConfig) -> Finding:
    detail = TaskFailing(note.task, note.failing or 0, note.errors)
    return Finding("tasks_failing", note.task, limits.severity, detail)


SCHEDULER_SILENT = Rule(
    key="scheduler_silent",
    about="Background tasks are on, but no scheduler is registered, or one that the settings name or allow does not "
    "answer. Info while another scheduler answers.",
    severity=Severity.WARNING,
    for_seconds=300,
    clear=60,
    remind=14400,
    finds=_silent,
    resolved=ended,
)

TASKS_FAILING = Rule(
    key="tasks_failing",
    about="A background task fails again and again, by the statistics of the schedulers; one alert for each task.",
    severity=Severity.WARNING,
    for_seconds=180,
    clear=180,
    remind=14400,
    finds=_failing,
    resolved=ended,
    thresholds=MappingProxyType(
        {"per_minute": Threshold(FAILING, Unit.NUMBER, "failures in the last whole minute from which it counts")}
    ),
)
