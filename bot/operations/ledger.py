"""The book of operations: each transition, its card and its thread line are committed together."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from bot.errors import Conflict
from bot.monitor.summary import Deed
from bot.operations.model import Operation, OpState, advance
from bot.operations.trail import proposal, step
from bot.store.store import Store
from bot.store.uow import UnitOfWork
from bot.views import operations as views

log = structlog.get_logger(__name__)

_MOST_DEEDS = 50


def card_slot(op_id: int) -> str:
    """The outbox slot of an operation's one card."""
    return f"op:{op_id}"


@dataclass(frozen=True, slots=True)
class Ledger:
    """Writes operations and what the channel sees of them; raises StoreError, Conflict when somebody was first."""

    store: Store
    wake: Callable[[], None]
    clock: Callable[[], float]

    async def open(self, op: Operation, *, inbound_key: str = "") -> Operation:
        """Note a new operation and its card; marks the inbound work that asked for it done in the same transaction."""
        async with self.store.begin() as uow:
            noted = await uow.operations.add(op)
            await uow.outbox.put(card_slot(noted.id), noted.channel, views.card(noted))
            if inbound_key:
                await uow.inbound.done(inbound_key)
            # Last, because nobody else can append until this is committed.
            for entry in proposal(noted):
                row = await uow.audit.append(entry)
        log.info("audit.noted", action=row.action, op=noted.id, head=str(row.head))
        self.wake()
        return noted

    async def move(
        self,
        op: Operation,
        to: OpState,
        *,
        by: str = "",
        words: str = "",
        seen: Mapping[str, Any] | None = None,
        inbound_key: str = "",
    ) -> Operation:
        """Take one step in an operation's life and redraw its card."""
        moved = advance(op, to, at=self.clock(), by=by, words=words, seen=seen)
        async with self.store.begin() as uow:
            await uow.operations.save(moved)
            await self._tell(uow, moved)
            if inbound_key:
                await uow.inbound.done(inbound_key)
            row = await uow.audit.append(step(moved))
        log.info("audit.noted", action=row.action, op=moved.id, head=str(row.head))
        self.wake()
        return moved

    async def _tell(self, uow: UnitOfWork, op: Operation) -> None:
        slot = card_slot(op.id)
        await uow.outbox.put(slot, op.channel, views.card(op))
        await uow.outbox.put(f"{slot}:line:{op.version}", op.channel, views.line(op), parent=slot)

    async def get(self, op_id: int) -> Operation | None:
        """The operation of that number, or None."""
        async with self.store.read() as uow:
            return await uow.operations.get(op_id)

    async def withdraw(self, op_id: int, trouble: str) -> None:
        """Close an operation whose card Slack will not take."""
        op = await self.get(op_id)
        if op is None or op.state is not OpState.WAITING:
            return
        with suppress(Conflict):
            await self.move(op, OpState.CANCELLED, words=f"the card could not be posted: {trouble}")

    async def in_state(self, state: OpState) -> list[Operation]:
        """All operations in that state."""
        async with self.store.read() as uow:
            return list(await uow.operations.in_state(state))

    async def due(self) -> list[Operation]:
        """The waiting operations whose time is over."""
        async with self.store.read() as uow:
            return list(await uow.operations.due(self.clock()))

    async def deeds(self, cluster: str, since: float) -> Sequence[Deed]:
        """What was done to a cluster since a time, for summaries: what the operations that ended there came to."""
        async with self.store.read() as uow:
            recent = await uow.operations.recent(_MOST_DEEDS, since, cluster)
        return [Deed(op.history[-1].at, views.deed(op), op.requester) for op in recent if op.history]

    async def posted_at(self, op: Operation) -> str:
        """The Slack timestamp of the card, "" while it has not been posted."""
        async with self.store.read() as uow:
            return await uow.outbox.ts_of(card_slot(op.id)) or ""
