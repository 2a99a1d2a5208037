"""Operations for summaries and hand-overs: those that ended, and those that are still open."""

from collections.abc import Sequence

from bot.alerting.reports.facts import OperationFact, Pending
from bot.common.frozen import frozen
from bot.operations.model import Operation, OpState
from bot.store.database import Store
from bot.views import operations as views

MAX_READ = 50
_BEFORE = 86400.0
"""Seconds; no operation takes longer from its proposal to its end, apart from a switch with a lease."""


@frozen
class OperationReport:
    """Reads the operations of a cluster; both methods raise StoreError."""

    store: Store

    async def ended_since(self, cluster: str, since: float) -> Sequence[OperationFact]:
        """List the operations that ended at `since` (Unix seconds) or later, the oldest first."""
        async with self.store.read() as uow:
            recent = await uow.operations.recent(MAX_READ, since - _BEFORE, cluster)
        found = [fact_of(op) for op in reversed(recent) if op.final and op.history]
        return [fact for fact in found if fact.at >= since]

    async def pending(self, cluster: str) -> Sequence[Pending]:
        """List waiting, running and unknown operations, and switches with a lease."""
        async with self.store.read() as uow:
            found = [*await uow.operations.open(cluster), *await uow.operations.time_limited(cluster)]
        return [pending_of(op) for op in found[-MAX_READ:]]


def fact_of(op: Operation) -> OperationFact:
    """Fact of an operation that ended: when, how, who asked for it and why."""
    ended = next((event for event in op.history if event.state is op.state), op.history[-1])
    return OperationFact(ended.at, views.outcome(op), op.requester, op.reason, op.approvals)


def pending_of(op: Operation) -> Pending:
    """Pending entry of an open operation or a switch with a lease."""
    text = views.what(op)
    if op.lease_until and op.final:
        return Pending(op.id, text, "leased", op.requester, op.created_at, op.lease_until, op.task)
    until = op.expires_at if op.state is OpState.WAITING else 0.0
    return Pending(op.id, text, op.state.value, op.requester, op.created_at, until, op.task)
