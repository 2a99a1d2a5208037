"""The book of operations: each transition, its card and its thread line are committed together."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Unpack

import structlog

from bot.alerting.cluster_state.changes import Causes, Change
from bot.audit.chain import AuditEntry
from bot.common.errors import Conflict
from bot.leadership.ports import Fence, unfenced
from bot.operations.attribution import caused_by
from bot.operations.leases import NO_LEASE, WARNED, announcements, ended, started
from bot.operations.model import Operation, OpState, StepChanges, advance, note
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork
from bot.views import operations as views
from bot.workflow.audit_entries import proposal, step

log = structlog.get_logger(__name__)

_MOST_DEEDS = 50
_PASSING = frozenset({OpState.RUNNING, OpState.UNKNOWN})
"""States that end without a person's doing."""


def card_slot(op_id: int) -> str:
    """The outbox slot of the card of that number; an operation that took a card over has that one."""
    return f"op:{op_id}"


def _warn_slot(op: Operation) -> str:
    return f"{card_slot(op.card_id)}:warn:{op.id}.{announcements(op)}"


@dataclass(frozen=True, slots=True)
class OperationRepository:
    """Writes operations and what the channel sees of them; raises StoreError, Conflict when somebody was first.

    `owner` is the process that runs what is moved to running. `fence` guards what is done in a holder's name.
    """

    store: Store
    wake: Callable[[], None]
    clock: Callable[[], float]
    owner: str = ""
    fence: Fence = unfenced

    def fenced(self, fence: Fence) -> "OperationRepository":
        """The same book for somebody who writes in the name of a hold; every step then may raise Fenced."""
        return replace(self, fence=fence)

    async def open(self, op: Operation, *, inbound_key: str = "") -> Operation:
        """Note a new operation and its card; marks the inbound work that asked for it done in the same transaction.

        One that is blocked at once is noted without a card. Raises Conflict when another one has what it would lock.
        """
        async with self.store.begin() as uow:
            noted = await uow.operations.add(op)
            if not noted.final:
                await uow.outbox.put(card_slot(noted.card_id), noted.channel, views.card(noted))
            if inbound_key:
                await uow.inbound.done(inbound_key)
            await self._audit(uow, *proposal(noted))
        self.wake()
        return noted

    async def move(
        self,
        op: Operation,
        to: OpState,
        *,
        by: str = "",
        text: str = "",
        inbound_key: str = "",
        **changes: Unpack[StepChanges],
    ) -> Operation:
        """Take one step in an operation's life and redraw its card; a switch set for a time starts its lease."""
        moved = advance(op, to, at=self.clock(), by=by, text=text, **changes)
        if to is OpState.VERIFIED:
            moved = started(moved, self.clock())
        if to is OpState.RUNNING:
            moved = replace(moved, runner=self.owner)
        return await self._save(moved, inbound_key=inbound_key)

    async def note(
        self, op: Operation, *, by: str = "", text: str, inbound_key: str = "", **changes: Unpack[StepChanges]
    ) -> Operation:
        """Take a step that leaves the state as it is, and redraw the card."""
        return await self._save(note(op, at=self.clock(), by=by, text=text, **changes), inbound_key=inbound_key)

    async def _save(self, moved: Operation, *, inbound_key: str) -> Operation:
        async with self.store.begin() as uow:
            await self.fence(uow)
            await uow.operations.save(moved)
            await self._tell(uow, moved)
            others = [*await self._end_leases(uow, moved), *await self._tell_leased(uow, moved)]
            if inbound_key:
                await uow.inbound.done(inbound_key)
            await self._audit(uow, step(moved), *map(step, others))
        self.wake()
        return moved

    async def supersede(
        self, op: Operation, successor: Operation, *, by: str, text: str, inbound_key: str = ""
    ) -> Operation:
        """Void an operation: `successor` takes over its card under a number of its own; returns it as noted."""
        old = advance(op, OpState.SUPERSEDED, at=self.clock(), by=by, text=text)
        async with self.store.begin() as uow:
            await uow.operations.save(old)
            noted = await uow.operations.add(successor)
            await uow.outbox.put(card_slot(op.card_id), noted.channel, views.card(noted))
            await self._line(uow, old)
            await self._line(uow, noted)
            if inbound_key:
                await uow.inbound.done(inbound_key)
            await self._audit(uow, step(old), *proposal(noted))
        self.wake()
        return noted

    async def put_back(self, leased: Operation, reverting: Operation) -> Operation:
        """End a lease and note the operation that puts the old value back, both at once, so that it happens once."""
        async with self.store.begin() as uow:
            await self.fence(uow)
            noted = await uow.operations.add(reverting)
            over = note(leased, at=self.clock(), text=ended(noted), **NO_LEASE)
            await uow.operations.save(over)
            parent = card_slot(over.card_id)
            await self._tell(uow, over)
            await uow.outbox.put(card_slot(noted.id), noted.channel, views.card(noted), parent=parent)
            await self._audit(uow, step(over), *proposal(noted))
        self.wake()
        return noted

    async def warn(self, leased: Operation) -> Operation:
        """Announce in the card's thread, and its channel, that a lease is about to end."""
        warned = note(leased, at=self.clock(), text=WARNED, warn_at=0.0)
        slot = card_slot(warned.card_id)
        async with self.store.begin() as uow:
            await self.fence(uow)
            await uow.operations.save(warned)
            await uow.outbox.put(slot, warned.channel, views.card(warned))
            await uow.outbox.put(_warn_slot(warned), warned.channel, views.warning(warned), parent=slot, broadcast=True)
            await self._audit(uow, step(warned))
        self.wake()
        return warned

    async def _tell(self, uow: UnitOfWork, op: Operation) -> None:
        slot = card_slot(op.card_id)
        await uow.outbox.put(slot, op.channel, views.card(op))
        await self._line(uow, op)
        if announcements(op):
            # Whatever came after the announcement, its buttons have had their time; the card still has them.
            await uow.outbox.put(_warn_slot(op), op.channel, views.line(op), parent=slot)

    async def _line(self, uow: UnitOfWork, op: Operation) -> None:
        slot = card_slot(op.options.reverts.thread if op.options.reverts else op.card_id)
        loud = op.forced and op.state is OpState.RUNNING
        # A step that goes on by itself and was not posted yet is overtaken by this one.
        passing = f"{card_slot(op.card_id)}:step:{op.id}."
        await uow.outbox.overtaken(passing)
        prefix = passing if op.state in _PASSING else f"{card_slot(op.card_id)}:line:{op.id}."
        line = f"{prefix}{op.version}"
        await uow.outbox.put(line, op.channel, views.line(op), parent=slot, broadcast=loud)

    async def _end_leases(self, uow: UnitOfWork, op: Operation) -> list[Operation]:
        """A later change of the same switch ends the lease of an earlier one: what it set is no longer its own."""
        if op.state is not OpState.VERIFIED or not op.task:
            return []
        others = [other for other in await uow.operations.leased(op.cluster) if other.id != op.id]
        text = f"operation #{op.id} changed it since, so nothing is put back any more"
        over = [note(other, at=self.clock(), text=text, **NO_LEASE) for other in others if other.task == op.task]
        for other in over:
            await uow.operations.save(other)
            await self._tell(uow, other)
        return over

    async def _tell_leased(self, uow: UnitOfWork, back: Operation) -> list[Operation]:
        """Say on the card of a leased switch what its value is, now that the operation that puts it back moved."""
        text = ended(back) if back.options.reverts else ""
        leased = await uow.operations.get(back.options.reverts.of) if text and back.options.reverts else None
        if leased is None:
            return []
        told = note(leased, at=self.clock(), text=text)
        await uow.operations.save(told)
        await uow.outbox.put(card_slot(told.card_id), told.channel, views.card(told))
        return [told]

    async def _audit(self, uow: UnitOfWork, *entries: AuditEntry) -> None:
        """The rows of the audit log; last in a unit of work, because nobody else can append until it is committed."""
        for entry in entries:
            row = await uow.audit.append(entry)
            log.info("audit.noted", action=row.action, op=entry.op_id, head=str(row.head))

    async def get(self, op_id: int) -> Operation | None:
        """The operation of that number, or None."""
        async with self.store.read() as uow:
            return await uow.operations.get(op_id)

    async def withdraw(self, card: int, trouble: str) -> None:
        """Close the operation of a card that Slack will not take."""
        async with self.store.read() as uow:
            op = await uow.operations.of_card(card)
        if op is None or op.state is not OpState.WAITING:
            return
        with suppress(Conflict):
            await self.move(op, OpState.CANCELLED, text=f"the card could not be posted: {trouble}")

    async def in_state(self, state: OpState) -> list[Operation]:
        """All operations in that state."""
        async with self.store.read() as uow:
            return list(await uow.operations.in_state(state))

    async def open_on(self, cluster: str | None, *, but: int = 0) -> list[Operation]:
        """The operations on a cluster (None: on any) to which something can still happen, but for one."""
        async with self.store.read() as uow:
            return [op for op in await uow.operations.open(cluster) if op.id != but]

    async def recent(self, cluster: str | None, limit: int) -> list[Operation]:
        """The newest operations."""
        async with self.store.read() as uow:
            return await uow.operations.recent(limit, cluster=cluster)

    async def living(self) -> Sequence[str]:
        """The processes that live now, by the names under which they run operations."""
        async with self.store.read() as uow:
            return await uow.replicas.living()

    async def due(self) -> list[Operation]:
        """The waiting operations whose time is over."""
        async with self.store.read() as uow:
            return list(await uow.operations.due(self.clock()))

    async def leased(self) -> list[Operation]:
        """The operations whose switch goes back by itself."""
        async with self.store.read() as uow:
            return await uow.operations.leased()

    async def explain(self, cluster: str, changes: Sequence[Change]) -> Causes:
        """The changes that operations caused, each with its operation's number and who approved that."""
        async with self.store.read() as uow:
            recent = await uow.operations.recent(_MOST_DEEDS, cluster=cluster)
        found = {change: caused_by(change, recent) for change in changes}
        return {change: (op.id, " ".join(op.approvals)) for change, op in found.items() if op is not None}

    async def refused_messages(self) -> int:
        """How many messages Slack refused for good."""
        async with self.store.read() as uow:
            return (await uow.outbox.health(self.clock())).dead

    async def posted_at(self, op: Operation) -> str:
        """The Slack timestamp of the card, "" while it has not been posted."""
        async with self.store.read() as uow:
            return await uow.outbox.ts_of(card_slot(op.card_id)) or ""
