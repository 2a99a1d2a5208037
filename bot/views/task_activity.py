"""What happens with each background task, in words. No I/O."""

from collections.abc import Mapping

from bot.alerting.cluster_state.background import BackgroundNote
from bot.alerting.task_activity import ActivityKind, TaskActivity
from bot.common.text import count
from bot.views.text import date

_WORK = {"disk_repair": ("repairing", "to be repaired"), "disk_drop": ("emptying", "to be emptied")}
_MAX_ERRORS = 2


def activity_text(task: str, activity: TaskActivity) -> str:
    """Return one clause of plain text: the switch, and what is really done; error texts are raw."""
    waiting = f"; {_waiting(task, activity.disks)}" if activity.disks else ""
    return {
        ActivityKind.NOT_READ: "not known: the switch was not read",
        ActivityKind.OFF: f"off{waiting}",
        ActivityKind.SWITCH_UNKNOWN: f"not known: services keep their last value{waiting}",
        ActivityKind.NOT_REGISTERED: f"on, but no scheduler is registered{waiting}",
        ActivityKind.SILENT: f"on, but no scheduler answers{waiting}",
        ActivityKind.FAILING: f"on, failing: {_failures(activity)}{waiting}",
        ActivityKind.WORKING: f"on: {_work(task, activity)}",
        ActivityKind.IDLE: "on; no disk needs it" if activity.disks is not None else "on; nothing to do lately",
        ActivityKind.NOT_KNOWN: f"on; not known ({_reason(activity)})",
    }[activity.kind]


def _waiting(task: str, disks: int) -> str:
    return f"{count(disks, 'disk')} {'waits' if disks == 1 else 'wait'} {_WORK[task][1]}"


def _failures(activity: TaskActivity) -> str:
    errors = f": {'; '.join(activity.errors[:_MAX_ERRORS])}" if activity.errors else ""
    return f"{activity.per_minute:,} a minute{errors}"


def _work(task: str, activity: TaskActivity) -> str:
    if activity.disks is None:
        return ", ".join(_counts(activity))
    waiting = activity.disks - activity.begun
    parts = [f"{_WORK[task][0]} {count(activity.begun, 'disk')}"] if activity.begun else []
    if activity.left is not None and activity.total is not None:
        parts.append(f"{activity.left:,} of {count(activity.total, 'unit')} left")
    if waiting > 0:
        parts.append(_waiting(task, waiting))
    return ", ".join(parts)


def _counts(activity: TaskActivity) -> list[str]:
    parts = [f"{activity.working:,} under way"] if activity.working else []
    if activity.ended is not None:
        parts.append(f"{activity.ended:,} done in the last minute")
    if activity.per_minute:
        parts.append(f"{activity.per_minute:,} failed")
    return parts


def _reason(activity: TaskActivity) -> str:
    if activity.elsewhere:
        return "on BlobStore v1 another service does it, which cmbot does not ask"
    return "its scheduler does not say" if activity.configured else "no scheduler is configured"


def schedulers_text(note: BackgroundNote, now: float) -> str:
    """Return how many schedulers are registered and how many answer, as sentences in mrkdwn."""
    registered, asked = note.registered_now(now), note.asked_now(now)
    if registered is None:
        known = "It is not known how many schedulers are registered."
    else:
        known = f"{count(registered, 'scheduler') if registered else 'No scheduler'} {_is(registered)} registered."
    if registered == 0 and not asked:
        return known
    if not asked:
        return f"{known} None is asked for its statistics: `schedulers` in the settings names and allows none of them."
    silent = sum(each.silent for each in asked)
    answer = f"{len(asked) - silent} of {count(len(asked), 'scheduler')} answered"
    without = sum(bool(each.fault) and not each.silent for each in asked)
    odd = f", {without} without statistics" if without else ""
    return f"{known} {answer}{odd}, as of {date(note.asked_at, 'time')}."


def _is(number: int) -> str:
    return "is" if number in {0, 1} else "are"


def hindered_lines(tasks: Mapping[str, TaskActivity], cluster: str) -> list[str]:
    """Return a sentence for each task of disks that does not run while disks wait for it; `cluster` is escaped."""
    hindered = {
        ActivityKind.OFF,
        ActivityKind.NOT_REGISTERED,
        ActivityKind.SILENT,
        ActivityKind.SWITCH_UNKNOWN,
        ActivityKind.NOT_READ,
    }
    return [
        f"`{task}` is {activity_text(task, each)}.{_turn_on(task, each, cluster)}"
        for task, each in tasks.items()
        if each.kind in hindered and each.disks
    ]


def _turn_on(task: str, activity: TaskActivity, cluster: str) -> str:
    return f" To turn it on: `/cm task enable {task} {cluster}`" if activity.kind is ActivityKind.OFF else ""
