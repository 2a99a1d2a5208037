"""The operations as summaries and hand-overs tell of them: what was done to a cluster, and what is not over."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.alerting.reports.facts import OperationFact, Pending
from bot.operations.model import Operation, OpState
from bot.store.database import Store
from bot.views import operations as views

MOST = 50
_BEFORE = 86400.0
"""Seconds: no operation takes longer from its proposal to its end, but for a switch's lease."""


@dataclass(frozen=True, slots=True)
class OperationReport:
    """Reads the operations of a cluster; both methods raise StoreError."""

    store: Store

    async def deeds(self, cluster: str, since: float) -> Sequence[OperationFact]:
        """What the operations that ended at `since` (Unix seconds) or later came to, the oldest first."""
        async with self.store.read() as uow:
            recent = await uow.operations.recent(MOST, since - _BEFORE, cluster)
        found = [deed_of(op) for op in reversed(recent) if op.final and op.history]
        return [deed for deed in found if deed.at >= since]

    async def pending(self, cluster: str) -> Sequence[Pending]:
        """What is waiting, running or not known, and what goes back by itself."""
        async with self.store.read() as uow:
            found = [*await uow.operations.open(cluster), *await uow.operations.leased(cluster)]
        return [pending_of(op) for op in found[-MOST:]]


def deed_of(op: Operation) -> OperationFact:
    """An operation that ended: when that was, what it came to, who wanted it and why."""
    ended = next((event for event in op.history if event.state is op.state), op.history[-1])
    return OperationFact(ended.at, views.deed(op), op.requester, op.reason, op.approvals)


def pending_of(op: Operation) -> Pending:
    """An operation to which something will still happen: an open one, or a switch that goes back by itself."""
    text = views.what(op)
    if op.lease_until and op.final:
        return Pending(op.id, text, "leased", op.requester, op.created_at, op.lease_until, op.task)
    until = op.expires_at if op.state is OpState.WAITING else 0.0
    return Pending(op.id, text, op.state.value, op.requester, op.created_at, until, op.task)
