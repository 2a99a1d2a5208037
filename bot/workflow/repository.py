"""Operation repository: saves a transition, its card, its thread line and its audit entry in one transaction."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Unpack

import structlog

from bot.alerting.cluster_state.state import Causes, Change
from bot.audit.chain import AuditEntry
from bot.common.errors import Conflict
from bot.common.frozen import frozen
from bot.common.message_key import MessageKey
from bot.leadership.ports import HoldCheck, no_hold_needed
from bot.operations import agent_limits
from bot.operations.attribution import caused_by
from bot.operations.disk_offline import FOLLOWED_SECONDS
from bot.operations.leases import NO_LEASE, announcements, ended, started, taking_over
from bot.operations.model import ObservedState, Operation, OpState, StepChanges, StepKind, advance, note
from bot.operations.requests import DiskRequest, OpKind
from bot.operations.step_facts import CardRefused, ChangedSince, StepFact
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork
from bot.telemetry.trace import joined
from bot.views import operations as views
from bot.views.op_calls import result_concerns_requester
from bot.views.step_text import WORDING
from bot.workflow.audit_entries import proposal_entries, step_entry

log = structlog.get_logger(__name__)

_MAX_CAUSES = 50
_OF_DISKS = (OpState.PROPOSED, OpState.WAITING, OpState.RUNNING, OpState.UNKNOWN, OpState.VERIFIED)
_MAX_OF_DISKS = 200
"""Limit of operations that are looked at for the one behind the state of a disk."""
_PASSING = frozenset({OpState.RUNNING, OpState.UNKNOWN})
"""States that end without a decision."""
Entered = Callable[[OpKind, OpState], None]
"""Called after an operation entered a state, with its kind."""


def _ignored(_kind: OpKind, _state: OpState) -> None:
    """Do nothing: operations are not counted."""


@frozen
class OperationRepository:
    """Writes operations and their messages; raises StoreError, and Conflict when another step came first.

    `owner` is the process that executes what it moves to running. `hold_check` runs first in each write.
    """

    store: Store
    wake: Callable[[], None]
    clock: Callable[[], float]
    owner: str = ""
    hold_check: HoldCheck = no_hold_needed
    notify: str = "thread"
    """How the requester hears of the result: "thread", "direct" or "none"."""
    entered: Entered = _ignored

    def under(self, check: HoldCheck) -> "OperationRepository":
        """Return the repository for writes under a hold; every step may then raise Fenced."""
        return replace(self, hold_check=check)

    async def open(self, op: Operation, *, inbound_key: str = "") -> Operation:
        """Store a new operation and its card, and mark its inbound work done in the same transaction.

        A blocked operation gets no card. Raises Conflict when another operation has its lock, and UserError when
        agents have proposed too much.
        """
        async with self._traced(op) as uow:
            if agent_limits.counts(op):
                await _refuse_too_many(uow, self.clock())
            stored = await uow.operations.add(op, WORDING)
            if not stored.final:
                await uow.outbox.put(MessageKey.card(stored.card_id), stored.channel, views.card(stored))
            if inbound_key:
                await uow.inbox.done(inbound_key)
            await self._audit(uow, *proposal_entries(stored))
        self._stored(stored)
        return stored

    async def move(
        self,
        op: Operation,
        to: OpState,
        *,
        by: str = "",
        fact: StepFact | None = None,
        kind: StepKind | None = None,
        inbound_key: str = "",
        **changes: Unpack[StepChanges],
    ) -> Operation:
        """Move an operation to a state and update its card; a verified switch with a lease starts it."""
        moved = advance(op, to, at=self.clock(), by=by, fact=fact, kind=kind, **changes)
        if to is OpState.VERIFIED:
            moved = taking_over(started(moved, self.clock()), await self.leased(moved))
        if to is OpState.RUNNING:
            moved = replace(moved, runner=self.owner)
        starts = to is OpState.RUNNING and isinstance(op.request, DiskRequest)
        saved = await self._save(moved, inbound_key=inbound_key, starts=starts)
        self.entered(saved.request.kind, saved.state)
        return saved

    async def note(
        self,
        op: Operation,
        *,
        by: str = "",
        fact: StepFact | None = None,
        kind: StepKind | None = None,
        inbound_key: str = "",
        **changes: Unpack[StepChanges],
    ) -> Operation:
        """Record a step that keeps the state, and update the card."""
        noted = note(op, at=self.clock(), by=by, fact=fact, kind=kind, **changes)
        return await self._save(noted, inbound_key=inbound_key)

    async def take_over(self, op: Operation, fact: StepFact) -> Operation:
        """Record that this process executes a running operation from now on."""
        return await self._save(replace(note(op, at=self.clock(), fact=fact), runner=self.owner), inbound_key="")

    async def show(self, op: Operation, seen: ObservedState) -> Operation:
        """Store what is seen of the cluster and edit the card; that is no step of the operation."""
        shown = replace(op, version=op.version + 1, seen=seen)
        async with self._traced(op) as uow:
            await self.hold_check(uow)
            await uow.operations.save(shown, WORDING)
            await uow.outbox.put(MessageKey.card(shown.card_id), shown.channel, views.card(shown))
        self.wake()
        return shown

    @asynccontextmanager
    async def _traced(self, op: Operation) -> AsyncIterator[UnitOfWork]:
        """Begin a transaction in the trace of an operation."""
        with joined(op.trace):
            async with self.store.begin() as uow:
                yield uow

    async def _save(self, moved: Operation, *, inbound_key: str, starts: bool = False) -> Operation:
        async with self._traced(moved) as uow:
            if starts:
                moved = await _in_order(uow, moved)
            await self.hold_check(uow)
            await uow.operations.save(moved, WORDING)
            await self._render(uow, moved)
            others = [*await self._end_time_limits(uow, moved), *await self._note_reversion(uow, moved)]
            if inbound_key:
                await uow.inbox.done(inbound_key)
            await self._audit(uow, step_entry(moved), *map(step_entry, others))
        self.wake()
        return moved

    async def supersede(
        self, op: Operation, replacement: Operation, *, by: str, fact: StepFact, inbound_key: str = ""
    ) -> Operation:
        """Supersede an operation: `replacement` takes over its card under its own number; returns it as stored."""
        old = advance(op, OpState.SUPERSEDED, at=self.clock(), by=by, fact=fact)
        async with self._traced(op) as uow:
            await uow.operations.save(old, WORDING)
            stored = await uow.operations.add(replacement, WORDING)
            await uow.outbox.put(MessageKey.card(op.card_id), stored.channel, views.card(stored))
            await self._line(uow, old)
            await self._line(uow, stored)
            if inbound_key:
                await uow.inbox.done(inbound_key)
            await self._audit(uow, step_entry(old), *proposal_entries(stored))
        self._stored(old, stored)
        return stored

    async def put_back(self, limited: Operation, reverting: Operation) -> Operation:
        """End a lease and store the operation that restores the old value, in one transaction."""
        async with self._traced(limited) as uow:
            await self.hold_check(uow)
            stored = await uow.operations.add(reverting, WORDING)
            over = note(limited, at=self.clock(), fact=ended(stored), kind=StepKind.TIME_UP, **NO_LEASE)
            await uow.operations.save(over, WORDING)
            parent = MessageKey.card(over.card_id)
            await self._render(uow, over)
            await uow.outbox.put(MessageKey.card(stored.id), stored.channel, views.card(stored), parent=parent)
            await self._audit(uow, step_entry(over), *proposal_entries(stored))
        self._stored(stored)
        return stored

    async def begin_part(
        self, parent: Operation, child: Operation, fact_of: Callable[[int], StepFact]
    ) -> tuple[Operation, Operation]:
        """Store the operation of one part, and record it on the whole in the same transaction; returns both."""
        async with self._traced(parent) as uow:
            await self.hold_check(uow)
            stored = await uow.operations.add(child, WORDING)
            noted = note(parent, at=self.clock(), fact=fact_of(stored.id))
            await uow.operations.save(noted, WORDING)
            card = MessageKey.card(noted.card_id)
            await self._render(uow, noted)
            await uow.outbox.put(MessageKey.card(stored.id), stored.channel, views.card(stored), parent=card)
            await self._audit(uow, step_entry(noted), *proposal_entries(stored))
        self._stored(stored)
        return noted, stored

    def _stored(self, *operations: Operation) -> None:
        """Count operations that entered their state, and wake the outbox."""
        for op in operations:
            self.entered(op.request.kind, op.state)
        self.wake()

    async def warn(self, limited: Operation) -> Operation:
        """Announce in the card's thread and in its channel that a lease is about to end."""
        warned = note(limited, at=self.clock(), kind=StepKind.WARNED, warn_at=0.0)
        card = MessageKey.card(warned.card_id)
        warning = card.warning(warned.id, announcements(warned))
        async with self._traced(limited) as uow:
            await self.hold_check(uow)
            await uow.operations.save(warned, WORDING)
            await uow.outbox.put(card, warned.channel, views.card(warned))
            await uow.outbox.put(warning, warned.channel, views.warning(warned), parent=card, broadcast=True)
            await self._audit(uow, step_entry(warned))
        self.wake()
        return warned

    async def _render(self, uow: UnitOfWork, op: Operation) -> None:
        card = MessageKey.card(op.card_id)
        await uow.outbox.put(card, op.channel, views.card(op))
        await self._line(uow, op)
        if announcements(op):
            # After any later step the announcement loses its buttons; the card still has them.
            await uow.outbox.put(card.warning(op.id, announcements(op)), op.channel, views.line(op), parent=card)

    async def _line(self, uow: UnitOfWork, op: Operation) -> None:
        card = MessageKey.card(op.card_id)
        thread = MessageKey.card(op.options.thread or op.card_id)
        loud = op.forced and op.state is OpState.RUNNING
        # This step makes earlier lines about running and unknown states stale; unposted ones are dropped.
        await uow.outbox.drop_unposted(card.passing_steps(op.id))
        line = card.step(op.id, op.version, passing=op.state in _PASSING)
        said = views.thread_line(op, tell=self.notify == "thread", call=bool(op.card) and len(op.history) == 1)
        await uow.outbox.put(line, op.channel, said, parent=thread, broadcast=loud)
        if self.notify == "direct" and result_concerns_requester(op):
            await uow.outbox.put(card.direct(op.id, op.version), op.requester, views.result(op))

    async def _end_time_limits(self, uow: UnitOfWork, op: Operation) -> list[Operation]:
        """End the lease of an earlier change of the same switch: its value is no longer in force."""
        if op.state is not OpState.VERIFIED or not op.task:
            return []
        others = [other for other in await uow.operations.time_limited(op.cluster) if other.id != op.id]
        fact = ChangedSince(op.id)
        over = [note(other, at=self.clock(), fact=fact, **NO_LEASE) for other in others if other.task == op.task]
        for other in over:
            await uow.operations.save(other, WORDING)
            await self._render(uow, other)
        return over

    async def _note_reversion(self, uow: UnitOfWork, back: Operation) -> list[Operation]:
        """Record a step of the reverting operation on the card of the switch that it restores."""
        fact = ended(back) if back.options.reverts else None
        limited = await uow.operations.get(back.options.reverts.of) if fact and back.options.reverts else None
        if limited is None:
            return []
        stored = note(limited, at=self.clock(), fact=fact, kind=StepKind.TIME_UP)
        await uow.operations.save(stored, WORDING)
        await uow.outbox.put(MessageKey.card(stored.card_id), stored.channel, views.card(stored))
        return [stored]

    async def _audit(self, uow: UnitOfWork, *entries: AuditEntry) -> None:
        """Append to the audit log; last in a unit of work, because no other append can start before its commit."""
        for entry in entries:
            row = await uow.audit.append(entry)
            log.info("audit.noted", action=row.action, op=entry.op_id, head=str(row.head))

    async def get(self, op_id: int) -> Operation | None:
        """Get an operation, or None."""
        async with self.store.read() as uow:
            return await uow.operations.get(op_id)

    async def withdraw(self, card: int, error: str) -> None:
        """Cancel the operation of a card that Slack refuses."""
        async with self.store.read() as uow:
            op = await uow.operations.of_card(card)
        if op is None or op.state is not OpState.WAITING:
            return
        with suppress(Conflict):
            await self.move(op, OpState.CANCELLED, fact=CardRefused(error))

    async def in_state(self, state: OpState) -> list[Operation]:
        """List all operations in that state."""
        async with self.store.read() as uow:
            return list(await uow.operations.in_state(state))

    async def open_on(self, cluster: str | None, *, but: int = 0) -> list[Operation]:
        """List the open operations on a cluster (None: on any) except `but`."""
        async with self.store.read() as uow:
            return [op for op in await uow.operations.open(cluster) if op.id != but]

    async def beside(self, op: Operation, *, start: int | None = None) -> list[Operation]:
        """List the open operations on the cluster of `op` that its checks look at: not itself, nor its own series.

        Nor a change of disks that comes after operation `start` (`op` by default, 0: all count) and so counts it:
        of two that start at one moment one goes on.
        """
        series = op.options.part_of.of if op.options.part_of else op.id
        others = await self.open_on(op.cluster, but=op.id)
        first = op.id if start is None else start
        own = [other for other in others if series not in {other.id, *_whole_of(other)}]
        return [other for other in own if not (isinstance(op.request, DiskRequest) and _comes_after(first, other))]

    async def recent(self, cluster: str | None, limit: int) -> list[Operation]:
        """List the newest operations."""
        async with self.store.read() as uow:
            return await uow.operations.recent(limit, cluster=cluster)

    async def of_disks(self, cluster: str) -> list[Operation]:
        """List the newest operations that drop one disk or declare it broken, unless they did not take place."""
        kinds = (OpKind.DISK_OFFLINE, OpKind.DISK_BROKEN)
        async with self.store.read() as uow:
            return await uow.operations.newest(kinds, _OF_DISKS, cluster, _MAX_OF_DISKS)

    async def living(self) -> Sequence[str]:
        """List the live processes by the names under which they execute operations."""
        async with self.store.read() as uow:
            return await uow.replicas.active()

    async def due(self) -> list[Operation]:
        """List the waiting operations that are due to expire."""
        async with self.store.read() as uow:
            return list(await uow.operations.due(self.clock()))

    async def taken_offline(self) -> list[Operation]:
        """List the operations that began the drop of a disk and are not too old to follow it."""
        async with self.store.read() as uow:
            since = self.clock() - FOLLOWED_SECONDS
            return await uow.operations.of_kind(OpKind.DISK_OFFLINE, OpState.VERIFIED, since)

    async def time_limited(self) -> list[Operation]:
        """List the operations with a lease."""
        async with self.store.read() as uow:
            return await uow.operations.time_limited()

    async def leased(self, op: Operation) -> Operation | None:
        """Get the operation after which the switch of `op` goes back, None if there is none."""
        if not op.task:
            return None
        limited = await self.time_limited()
        return next((each for each in limited if (each.cluster, each.task) == (op.cluster, op.task)), None)

    async def explain(self, cluster: str, changes: Sequence[Change]) -> Causes:
        """Map each change that an operation caused to its number and its approvers."""
        async with self.store.read() as uow:
            recent = await uow.operations.recent(_MAX_CAUSES, cluster=cluster)
        found = {change: caused_by(change, recent) for change in changes}
        return {change: (op.id, " ".join(op.approvals)) for change, op in found.items() if op is not None}

    async def refused_messages(self) -> int:
        """Count the messages that Slack refused for good."""
        async with self.store.read() as uow:
            return (await uow.outbox.health(self.clock())).dead

    async def posted_at(self, op: Operation) -> str:
        """Get the Slack timestamp of the card, "" before it is posted."""
        async with self.store.read() as uow:
            return await uow.outbox.ts_of(MessageKey.card(op.card_id)) or ""


async def _refuse_too_many(uow: UnitOfWork, now: float) -> None:
    """Refuse one more proposal of an agent; two at one moment, also of two replicas, count each other."""
    await uow.operations.queue_proposal()
    since = now - agent_limits.HOUR
    lately = await uow.operations.recent(agent_limits.MAX_READ, since)
    agent_limits.refuse_too_many(await uow.operations.open(), lately)


async def _in_order(uow: UnitOfWork, op: Operation) -> Operation:
    """Record the changes of disks that run when this one starts."""
    await uow.operations.queue_start()
    running = await uow.operations.in_state(OpState.RUNNING, op.cluster)
    ids = tuple(other.id for other in running if isinstance(other.request, DiskRequest) and other.id != op.id)
    return replace(op, options=replace(op.options, begun_after=ids))


def _comes_after(first: int, other: Operation) -> bool:
    """True if another change of disks began, or was proposed and has not begun, after operation `first`."""
    if not first or not isinstance(other.request, DiskRequest):
        return False
    if other.state is OpState.WAITING:
        return other.id > first
    return other.state is OpState.RUNNING and first in other.options.begun_after


def _whole_of(op: Operation) -> tuple[int, ...]:
    """Number of the series that an operation is a part of, if it is one."""
    return (op.options.part_of.of,) if op.options.part_of is not None else ()
