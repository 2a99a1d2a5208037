"""Attribution: the operation that caused a change which the watch noticed, if any did. No I/O."""

from collections.abc import Iterable

from bot.alerting.cluster_state.disk_drops import DiskDrop
from bot.alerting.cluster_state.observations import DiskBreak, MemberChange, SwitchChange
from bot.alerting.cluster_state.state import Change, LeaderChange
from bot.clustermgr.models import DiskStatus
from bot.clustermgr.tasks import WORDS, find_task
from bot.common.addresses import same_place
from bot.operations.model import Operation, OpState
from bot.operations.requests import DiskBroken, DiskOffline, LeaderTransfer, MemberAdd, MemberRemove, TaskSwitch
from bot.operations.settlement import until as settled_until

LATE = 60.0
"""Seconds by which an effect may follow its request, besides the time until the next poll."""
LOOK = 60.0
"""Seconds that a poll may last: it is dated by its start, and a request sent meanwhile may already show in it.

The settings allow 30 s for the answers alone, and a busy process takes longer. A change that a request could not have
caused was there before: the preflight would have found it, and nothing to do.
"""
_SENT = frozenset({OpState.RUNNING, OpState.UNKNOWN, OpState.VERIFIED})


def caused_by(change: Change, operations: Iterable[Operation]) -> Operation | None:
    """Find the newest operation that may have caused the change; running and unknown ones count too."""
    fitting = [op for op in operations if _may_have(op) and _led_to(op, change) and _in_time(op, change)]
    return max(fitting, key=lambda op: op.sent_at, default=None)


def behind_disk(operations: Iterable[Operation], disk_id: int, status: int, *, dropping: bool) -> Operation | None:
    """Find the newest operation that drops a disk or declared it broken, as its state shows, or that is about to."""
    fitting = [op for op in operations if _disk_of(op) == disk_id and _is_behind(op, status, dropping=dropping)]
    return max(fitting, key=lambda op: op.id, default=None)


def _disk_of(op: Operation) -> int | None:
    return op.request.disk_id if isinstance(op.request, DiskOffline | DiskBroken) else None


def _is_behind(op: Operation, status: int, *, dropping: bool) -> bool:
    if not op.final or op.state is OpState.UNKNOWN:
        return True
    if isinstance(op.request, DiskBroken):
        return status in {DiskStatus.BROKEN, DiskStatus.REPAIRING, DiskStatus.REPAIRED}
    return dropping or status == DiskStatus.DROPPED


def _may_have(op: Operation) -> bool:
    """True if its request may have had an effect; an admin who settled it as not done may have been wrong."""
    return op.state in _SENT or bool(settled_until(op))


def _led_to(op: Operation, change: Change) -> bool:
    match op.request, change:
        case LeaderTransfer(peer_id=peer), LeaderChange():
            return peer == change.after
        case MemberRemove(peer_id=peer), MemberChange():
            return peer == change.peer and not change.now
        case MemberAdd() as request, MemberChange():
            return request.peer_id == change.peer and _added(request, change)
        case (DiskBroken(disk_id=disk), DiskBreak(disk=changed)) | (DiskOffline(disk_id=disk), DiskDrop(disk=changed)):
            return disk == changed
        case TaskSwitch() as request, SwitchChange():
            return _switched(request, change)
    return False


def _added(request: MemberAdd, change: MemberChange) -> bool:
    as_asked = "learner" if request.learner else "voter"
    return as_asked == change.now and (not change.host or same_place(request.host, change.host))


def _switched(request: TaskSwitch, change: SwitchChange) -> bool:
    task = find_task(change.key)
    values = {on if request.on else off for on, off in WORDS.values()}
    return task is not None and task.name == request.task and change.after in values


def _in_time(op: Operation, change: Change) -> bool:
    return op.sent_at <= change.at + LOOK and _last_effect(op, change) >= change.before_at


def _last_effect(op: Operation, change: Change) -> float:
    """Time until which its effect may come; a transfer happens at once or lapses, all else may be applied later."""
    if op.state in {OpState.VERIFIED, OpState.FAILED} or isinstance(change, LeaderChange):
        own = 0.0 if isinstance(change, LeaderChange) else settled_until(op)
        return max(op.sent_at + LATE, _verified_at(op) + LATE, own)
    return float("inf")


def _verified_at(op: Operation) -> float:
    return min((event.at for event in op.history if event.state is OpState.VERIFIED), default=0.0)
