"""Group commit: units of work of many callers share one transaction, so that a storm costs few commits.

The first unit begins at once. Units that arrive less than GROUP_SECONDS after the last commit wait until that time is
over, or until an urgent one comes, and are written together: several each in a savepoint, so a unit that fails changes
nothing and fails alone. In a storm urgent units go first, in turns with those that have waited for long. A caller goes
on when its unit is committed. A unit that is cancelled inside a statement breaks the connection, and one that takes
UNIT_SECONDS blocks it: then the whole group fails with StoreError, and its callers try again.

SQLite only: it has one writer. On PostgreSQL a group would keep the locks of one unit while the next ones wait for
others, and deadlocks would follow.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Generic, TypeVar

import structlog

from bot.common.errors import StoreError
from bot.common.events import wait_for_event

log = structlog.get_logger(__name__)

GROUP_SECONDS = 0.25
"""Least time between two commits of groups; urgent units, and those that made room for another writer, do not wait."""
BURST = 150
"""Number of groups that urgent units may begin early; each GROUP_SECONDS gives one back. In a storm they wait too, so
it costs few commits."""
LATE_SECONDS = 2.0
"""Time after which units that are not urgent take turns with urgent ones: else the polls that find nothing would wait
until the last alert of a storm is written."""
MOST_LATE = 25
"""Greatest number of these that take turns with urgent ones in one transaction."""
MOST = 50
"""Greatest number of units in one transaction."""
UNIT_SECONDS = 15.0
"""Longest time that one unit may take: all other writers wait for it."""
HELD_SECONDS = 0.1
"""Time after which a transaction ends with the unit at work, if another writer waits: that of a command or a message
does not wait for fifty units. The units that are left come in the next transaction, after that writer."""
_CLOSED = "The store was closed before this was written."

U = TypeVar("U")
Nested = Callable[[bool], AbstractAsyncContextManager[U]]
"""Opens a unit in the open transaction, in a savepoint if asked; rolls back to that when its block raises."""
Transaction = Callable[[], AbstractAsyncContextManager[Nested[U]]]
"""Opens a transaction, which commits at its end and rolls back when its block raises. Raises StoreError."""


@dataclass(slots=True, eq=False)
class _Unit(Generic[U]):
    """One caller; `last` puts it behind the others of its group, `urgent` before them.

    One that has waited for long since `since` takes turns with urgent ones. The futures carry its turn, its end and the
    commit.
    """

    last: bool
    urgent: bool
    since: float
    turn: "asyncio.Future[U]" = field(default_factory=asyncio.Future)
    failed: "asyncio.Future[bool]" = field(default_factory=asyncio.Future)
    left: "asyncio.Future[None]" = field(default_factory=asyncio.Future)


class GroupCommit(Generic[U]):
    """Groups the units of one process. `clock` is steady, `longest` is UNIT_SECONDS.

    `pause` waits until an event is set, at most for so many seconds.
    `wanted` is true while another writer waits for the open transaction to end.
    """

    def __init__(
        self,
        transaction: Transaction[U],
        *,
        clock: Callable[[], float],
        pause: Callable[[asyncio.Event, float], Awaitable[None]] = wait_for_event,
        wanted: Callable[[], bool] = lambda: False,
        longest: float = UNIT_SECONDS,
    ) -> None:
        self._transaction, self._clock, self._pause, self._wanted = transaction, clock, pause, wanted
        self._longest = longest
        self._waiting: deque[_Unit[U]] = deque()
        self._hurried = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._next_at = self._counted_at = float("-inf")
        self._early = float(BURST)
        self._closed = False
        self.commits = 0
        """Transactions since the start."""

    @asynccontextmanager
    async def unit(self, *, last: bool = False, urgent: bool = False) -> AsyncIterator[U]:
        """Open a unit; it is committed when the block has ended. Raises StoreError if it is not.

        The units of a group run in the order in which they came, those with `last` behind the others. An `urgent` one
        is in the next group and first in it, and ends the wait for others, except in a storm. Those that have waited
        for LATE_SECONDS take turns with urgent ones.
        """
        if self._closed:
            raise StoreError(_CLOSED)
        if urgent and self._may_be_early():
            self._hurried.set()
        unit: _Unit[U] = _Unit(last, urgent, self._clock())
        self._waiting.append(unit)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name="group commit")
        failed = True
        try:
            yield await unit.turn
            failed = False
        finally:
            # Also of a unit that was cancelled at the moment of its turn: the group must not wait for it.
            _leave(unit, failed=failed)
            if failed and _has_begun(unit):
                # The savepoint is rolled back before the caller goes on.
                with suppress(StoreError):
                    await unit.left
        await unit.left

    async def close(self) -> None:
        """End the worker. Units that are not known to be committed fail with StoreError, as later ones do."""
        self._closed = True
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait((self._worker,))
        self._fail_waiting()

    async def _work(self) -> None:
        left: Sequence[_Unit[U]] = ()
        try:
            while not self._closed and (left or self._waiting):
                if not left and (early := self._next_at - self._clock()) > 0:
                    await self._pause(self._hurried, early)
                left = await self._commit(self._next_group(left))
            # The store closes; those that the last transaction left for the next one are not written.
            self._waiting.extendleft(left)
        except asyncio.CancelledError:
            # The event loop ends, or the store closes: a further worker would be left behind.
            self._fail_waiting()
            raise
        finally:
            # A fault of the program ends the worker, not the units behind it.
            again = bool(self._waiting)
            self._worker = asyncio.create_task(self._work(), name="group commit") if again else None

    def _fail_waiting(self) -> None:
        while self._waiting:
            _fail(self._waiting.popleft(), StoreError(_CLOSED))

    def _next_group(self, left: Sequence[_Unit[U]]) -> Sequence[_Unit[U]]:
        """Those that wait, or those `left` and urgent ones that hurry: late ones in turns with urgent ones, the rest.

        After a transaction that ended early, the turns go on.
        """
        hurried = self._hurried.is_set()
        joining = self._late(self._waiting)[: MOST - 1 - len(left)] if hurried or not left else []
        late = sorted([*self._late(left), *joining], key=lambda unit: unit.since)[:MOST_LATE]
        begun_late = bool(left) and left[0] in late
        left = [unit for unit in left if unit not in late]
        in_order = sorted([unit for unit in self._waiting if unit not in late], key=lambda unit: not unit.urgent)
        urgent = sum(unit.urgent for unit in in_order)
        room = MOST - len(late) - len(left)
        number = min(room, urgent if hurried else 0) if left else room
        self._early -= hurried
        if number >= urgent or self._early < 1:
            self._hurried.clear()
        self._waiting = deque(in_order[number:])
        others = [*left, *in_order[:number]]
        alerts = [unit for unit in others if unit.urgent]
        rest = sorted([unit for unit in others if not unit.urgent], key=lambda unit: unit.last)
        turns = zip_longest(late, alerts) if begun_late else zip_longest(alerts, late)
        return [*(unit for pair in turns for unit in pair if unit is not None), *rest]

    def _late(self, units: Iterable[_Unit[U]]) -> list[_Unit[U]]:
        before = self._clock() - LATE_SECONDS
        return [unit for unit in units if not unit.urgent and unit.since <= before]

    async def _commit(self, group: Sequence[_Unit[U]]) -> Sequence[_Unit[U]]:
        """Commit the group, or its first units if another writer waits; returns the units for the next transaction."""
        written: list[_Unit[U]] = []
        left = deque(group)
        try:
            async with self._transaction() as nested:
                until = self._clock() + HELD_SECONDS
                while left and not (written and self._wanted() and self._clock() >= until):
                    unit = left.popleft()
                    if not unit.turn.cancelled() and await self._run(unit, nested, alone=len(group) == 1):
                        written.append(unit)
        except _FailedUnit:
            # The only unit of the group: its transaction is rolled back.
            for unit in group:
                _end(unit)
            return ()
        except StoreError as error:
            for unit in group:
                _fail(unit, error)
            return ()
        else:
            for unit in written:
                _end(unit)
            group = [unit for unit in group if unit not in left]
            return tuple(left)
        finally:
            self.commits += 1
            self._next_at = self._clock() + GROUP_SECONDS
            for unit in group:
                _fail(unit, StoreError("It is not known whether the database committed this."))

    def _may_be_early(self) -> bool:
        """True unless urgent units began many groups early lately."""
        now = self._clock()
        self._early = min(BURST, self._early + (now - self._counted_at) / GROUP_SECONDS)
        self._counted_at = now
        return self._early >= 1

    async def _run(self, unit: _Unit[U], nested: Nested[U], *, alone: bool) -> bool:
        """Run one unit; False if it failed, which leaves the others as they are.

        One that is `alone` needs no savepoint: if it fails, _FailedUnit is raised, to roll back its transaction. Raises
        StoreError if the group cannot go on.
        """
        with nullcontext() if alone else suppress(_FailedUnit):
            async with nested(not alone) as work:
                if unit.turn.cancelled():
                    raise _FailedUnit
                unit.turn.set_result(work)
                if await self._failed(unit):
                    raise _FailedUnit
            return True
        _end(unit)
        return False

    async def _failed(self, unit: _Unit[U]) -> bool:
        """True if the block of the unit raised."""
        try:
            async with asyncio.timeout(self._longest):
                return await unit.failed
        except TimeoutError as error:
            log.warning("store.unit_too_long", seconds=self._longest)
            raise StoreError(f"One write took longer than {self._longest:g} s; the others were given up.") from error


class _FailedUnit(Exception):
    """Rolls the savepoint of a unit back, whose caller has the error."""


def _leave(unit: _Unit[U], *, failed: bool) -> None:
    """The block has ended; nothing waits for that if it took too long."""
    if not unit.failed.done():
        unit.failed.set_result(failed)


def _has_begun(unit: _Unit[U]) -> bool:
    return unit.turn.done() and not unit.turn.cancelled() and unit.turn.exception() is None


def _end(unit: _Unit[U]) -> None:
    if not unit.left.done():
        unit.left.set_result(None)


def _fail(unit: _Unit[U], error: StoreError) -> None:
    if not unit.turn.done():
        unit.turn.set_exception(error)
    if not unit.left.done():
        unit.left.set_exception(error)
        # A caller that was cancelled does not take it.
        unit.left.exception()
