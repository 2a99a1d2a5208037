"""What really happens with each background task: its switch, the schedulers, and the disks that wait for it. No I/O."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from bot.alerting.cluster_state.background import FRESH, TaskHindrance, TaskNote, hindrance, is_done_elsewhere
from bot.alerting.cluster_state.observations import Progress
from bot.alerting.cluster_state.state import ClusterState, DiskNote
from bot.alerting.progress import WorkProgress, with_count, work_progress
from bot.clustermgr.models import DiskStatus
from bot.clustermgr.tasks import TASKS, Dialect, meaning_of
from bot.common.frozen import frozen


class ActivityKind(StrEnum):
    """What happens with a task."""

    NOT_READ = "not_read"
    OFF = "off"
    SWITCH_UNKNOWN = "switch_unknown"
    """Services keep their last value of it."""
    NOT_REGISTERED = "not_registered"
    SILENT = "silent"
    FAILING = "failing"
    WORKING = "working"
    IDLE = "idle"
    NOT_KNOWN = "not_known"
    """It is on, and no scheduler says what it does."""


@frozen
class TaskActivity:
    """What happens with one task.

    `disks` is the number of disks that need it (None: not known, or no task of disks), `begun` of those that are under
    way; `left` of `total` units are on these (None: not counted). `per_minute` are failures, `ended` the work that was
    done in the last whole minute, `working` the work that is under way. `configured` is False if no scheduler may be
    asked, `elsewhere` is True if a service other than the schedulers does the task, which cmbot does not ask.
    """

    kind: ActivityKind
    disks: int | None = None
    begun: int = 0
    left: int | None = None
    total: int | None = None
    per_minute: int = 0
    errors: tuple[str, ...] = ()
    ended: int | None = None
    working: int | None = None
    configured: bool = True
    elsewhere: bool = False


_HINDERED: Mapping[TaskHindrance, ActivityKind] = {
    TaskHindrance.NOT_REGISTERED: ActivityKind.NOT_REGISTERED,
    TaskHindrance.SILENT: ActivityKind.SILENT,
    TaskHindrance.FAILING: ActivityKind.FAILING,
}


def activities(
    values: Mapping[str, str | None], dialect: Dialect, state: ClusterState, now: float
) -> Mapping[str, TaskActivity]:
    """What happens with each task of a dialect, by name; `values` are the switches as read now, by key."""
    return {
        task.name: _activity(task.name, _is_on(values, task.keys[dialect], dialect), state, now)
        for task in TASKS
        if dialect in task.keys
    }


class _Switch(StrEnum):
    ON = "on"
    OFF = "off"
    KEPT = "kept"
    UNREAD = "unread"


def _is_on(values: Mapping[str, str | None], key: str, dialect: Dialect) -> _Switch:
    if key not in values:
        return _Switch.UNREAD
    word = meaning_of(values[key], dialect).word
    if word in {"on", "off"}:
        return _Switch(word)
    return _Switch.OFF if dialect is Dialect.V3 else _Switch.KEPT


def _activity(task: str, switch: _Switch, state: ClusterState, now: float) -> TaskActivity:
    disks = _disks(task, state, now)
    if switch is not _Switch.ON:
        kinds = {_Switch.OFF: ActivityKind.OFF, _Switch.KEPT: ActivityKind.SWITCH_UNKNOWN}
        return TaskActivity(kinds.get(switch, ActivityKind.NOT_READ), disks)
    note = state.background
    stats = note.task(task, now) or TaskNote(task)
    hindered = hindrance(note, task, now, dialect=state.dialect)
    if hindered is not None:
        failures = stats.failing or 0
        return TaskActivity(_HINDERED[hindered], disks, per_minute=failures, errors=stats.errors)
    if disks is not None:
        return _on_disks(task, disks, state)
    configured = bool(note.asked_now(now))
    if stats.finishing is None and stats.working is None and stats.failing is None:
        elsewhere = is_done_elsewhere(task, state.dialect)
        return TaskActivity(ActivityKind.NOT_KNOWN, configured=configured, elsewhere=elsewhere)
    busy = bool(stats.finishing or stats.working or stats.failing)
    kind = ActivityKind.WORKING if busy else ActivityKind.IDLE
    return TaskActivity(kind, per_minute=stats.failing or 0, ended=stats.finishing, working=stats.working)


def _disks(task: str, state: ClusterState, now: float) -> int | None:
    """The number of disks that need the task, None if it is not known or does not work on disks."""
    if task == "disk_repair" and state.disks_at and now - state.disks_at <= FRESH:
        return len(state.repairs)
    if task == "disk_drop" and state.dropping_at and now - state.dropping_at <= FRESH:
        return len(state.drops)
    return None


def _on_disks(task: str, disks: int, state: ClusterState) -> TaskActivity:
    if not disks:
        return TaskActivity(ActivityKind.IDLE, disks)
    begun = [each for each in state.repairs if each.status == DiskStatus.REPAIRING] if task == "disk_repair" else []
    work = begun if task == "disk_repair" else state.drops
    known = [found for each in work if (found := work_progress(each.counts, each.total)) is not None]
    left, total = (sum(each.left for each in known), sum(each.total for each in known)) if known else (None, None)
    return TaskActivity(ActivityKind.WORKING, disks, len(work), left, total)


@frozen
class WorkOnDisk:
    """The repair or drop of a disk as the watch keeps it; `drop` is False for a repair."""

    progress: Progress
    drop: bool
    host: str = ""
    idc: str = ""

    @property
    def waits(self) -> bool:
        """True if a broken disk's repair has not begun."""
        return not self.drop and self.progress.status != DiskStatus.REPAIRING


def work_on_disks(state: ClusterState) -> tuple[WorkOnDisk, ...]:
    """All repairs and drops: those under way first, then those that wait; each by the number of the disk."""
    bad, dropping = {note.id: note for note in state.disks}, {note.id: note for note in state.dropping}
    found = [
        *(WorkOnDisk(each, drop=False, **_place(bad.get(each.id))) for each in state.repairs),
        *(WorkOnDisk(each, drop=True, **_place(dropping.get(each.id))) for each in state.drops if each.id not in bad),
    ]
    return in_order(found)


def in_order(work: Iterable[WorkOnDisk]) -> tuple[WorkOnDisk, ...]:
    """Those under way first, repairs before drops, then those that wait; each by the number of the disk."""
    return tuple(sorted(work, key=lambda each: (each.waits, each.drop, each.progress.id)))


def disk_progress(state: ClusterState, disk_id: int, now: float, left: int | None = None) -> WorkProgress | None:
    """The progress of the repair or drop of one disk, with `left` units counted now; None if nothing is counted."""
    work = next((each.progress for each in work_on_disks(state) if each.progress.id == disk_id), None)
    if work is None:
        return None
    counts = work.counts if left is None else with_count(work.counts, now, left)
    return work_progress(counts, work.total)


def _place(note: DiskNote | None) -> dict[str, str]:
    return {} if note is None else {"host": note.host, "idc": note.idc}
