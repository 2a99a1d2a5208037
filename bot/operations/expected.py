"""Expected effects: which operation a change that the watch noticed comes from, if any. Pure."""

from collections.abc import Iterable

from bot.monitor.memory import LeaderChange
from bot.operations.model import Operation, OpKind, OpState

LATE = 60.0
"""Seconds by which an effect may follow the request that caused it, besides the time until somebody looks."""
_SENT = frozenset({OpState.RUNNING, OpState.UNKNOWN, OpState.VERIFIED})


def caused_by(change: LeaderChange, operations: Iterable[Operation], *, since: float) -> Operation | None:
    """The newest operation that moved leadership like that; `since` is when the look before it was (Unix seconds)."""
    fitting = [
        op
        for op in operations
        if op.kind is OpKind.LEADER_TRANSFER
        and op.state in _SENT
        and op.request.get("peer_id") == change.after
        and since - LATE <= sent_at(op) <= change.at
    ]
    return max(fitting, key=sent_at, default=None)


def sent_at(op: Operation) -> float:
    """When its request went out, 0 when it did not."""
    return max((event.at for event in op.history if event.state is OpState.RUNNING), default=0.0)
