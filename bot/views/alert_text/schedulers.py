"""Words for alerts about the schedulers and their tasks. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.details import SchedulersSilent, SilentScheduler, TaskFailing
from bot.alerting.model import AlertText
from bot.clustermgr.scheduler_survey import SchedulerFault
from bot.common.text import count, listed
from bot.views.text import in_ticks

FAULTS: Mapping[SchedulerFault, str] = MappingProxyType(
    {
        SchedulerFault.UNREACHABLE: "no connection could be made",
        SchedulerFault.TIMEOUT: "it gives no answer in time",
        SchedulerFault.CUT: "it cuts the connection, or does not speak HTTP",
        SchedulerFault.FAILED: "it answers with a failure (5xx)",
        SchedulerFault.REFUSED: "it refuses the question (4xx): check scheduler_token_env",
        SchedulerFault.UNREADABLE: "its answer is not a scheduler's: check the address",
        SchedulerFault.NO_STATISTICS: "it has no statistics: CubeFS before v3.2, or another service",
    }
)
"""Why a scheduler gave no statistics, as a clause."""


def schedulers_silent(detail: SchedulersSilent, cluster: str) -> AlertText:
    """`scheduler_silent`."""
    on = f"background {'task' if len(detail.tasks) == 1 else 'tasks'} {listed([f'`{task}`' for task in detail.tasks])}"
    are = "is on, but is not done" if len(detail.tasks) == 1 else "are on, but are not done"
    lines = tuple(_silent(each) for each in detail.silent)
    if not detail.registered:
        return AlertText(f"No scheduler of {cluster} is registered: {on} {are}.", lines)
    if detail.every:
        which = "The scheduler" if detail.asked == 1 else f"All {detail.asked} schedulers"
        verb = "does" if detail.asked == 1 else "do"
        return AlertText(f"{which} of {cluster} {verb} not answer: {on} may not be done.", lines)
    verb = "does" if len(detail.silent) == 1 else "do"
    number = count(detail.asked, "scheduler")
    return AlertText(f"{len(detail.silent)} of {number} of {cluster} {verb} not answer; others work.", lines)


def _silent(each: SilentScheduler) -> str:
    return f"{in_ticks(each.host)}: {FAULTS[each.fault]}"


def task_failing(detail: TaskFailing, cluster: str) -> AlertText:
    """`tasks_failing`."""
    return AlertText(
        f"Background task `{detail.task}` of {cluster} fails: {count(detail.per_minute, 'failure')} in a minute.",
        tuple(f"error: {in_ticks(error)}" for error in detail.errors),
    )
