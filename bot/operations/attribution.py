"""Expected effects: which operation a change that the watch noticed comes from, if any. Pure."""

from collections.abc import Iterable

from bot.alerting.cluster_state.observations import MemberChange, SwitchChange
from bot.alerting.cluster_state.state import Change, LeaderChange
from bot.clustermgr.tasks import WORDS, find_task
from bot.common.addresses import same_place
from bot.operations.model import Operation, OpKind, OpState
from bot.operations.settlement import until as settled_until

LATE = 60.0
"""Seconds by which an effect may follow the request that caused it, besides the time until somebody looks."""
LOOK = 10.0
"""Seconds that a look may last: it is dated by its begin, and what is asked meanwhile may already show in it."""
_SENT = frozenset({OpState.RUNNING, OpState.UNKNOWN, OpState.VERIFIED})


def caused_by(change: Change, operations: Iterable[Operation]) -> Operation | None:
    """The newest operation that may have caused it; one that still runs or whose outcome is unknown may, too."""
    fitting = [op for op in operations if _may_have(op) and _led_to(op, change) and _in_time(op, change)]
    return max(fitting, key=sent_at, default=None)


def _may_have(op: Operation) -> bool:
    """Whether its request may have had an effect; an admin who settled it as not done may have been wrong."""
    return op.state in _SENT or bool(settled_until(op))


def _led_to(op: Operation, change: Change) -> bool:
    match change:
        case LeaderChange():
            return op.kind is OpKind.LEADER_TRANSFER and op.request.get("peer_id") == change.after
        case MemberChange():
            return op.request.get("peer_id") == change.peer and _made_member(op, change)
        case SwitchChange():
            return op.kind is OpKind.TASK_SWITCH and _switched(op, change)


def _made_member(op: Operation, change: MemberChange) -> bool:
    if not change.now:
        return op.kind is OpKind.MEMBER_REMOVE
    as_asked = "learner" if op.request.get("learner") else "voter"
    there = not change.host or same_place(str(op.request.get("host", "")), change.host)
    return op.kind is OpKind.MEMBER_ADD and as_asked == change.now and there


def _switched(op: Operation, change: SwitchChange) -> bool:
    task = find_task(change.key)
    words = {on if op.request.get("on") else off for on, off in WORDS.values()}
    return task is not None and task.name == op.request.get("task") and change.after in words


def _in_time(op: Operation, change: Change) -> bool:
    return sent_at(op) <= change.at + LOOK and _last_effect(op, change) >= change.before_at


def _last_effect(op: Operation, change: Change) -> float:
    """Until when its effect may come; a transfer that does not happen at once lapses, all else may be applied later."""
    if op.state in {OpState.VERIFIED, OpState.FAILED} or isinstance(change, LeaderChange):
        own = 0.0 if isinstance(change, LeaderChange) else settled_until(op)
        return max(sent_at(op) + LATE, _verified_at(op) + LATE, own)
    return float("inf")


def _verified_at(op: Operation) -> float:
    return min((event.at for event in op.history if event.state is OpState.VERIFIED), default=0.0)


def sent_at(op: Operation) -> float:
    """When its request went out, 0 when it did not."""
    return max((event.at for event in op.history if event.state is OpState.RUNNING), default=0.0)
