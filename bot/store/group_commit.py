"""Group commit: units of work of many callers share one transaction, so that a storm costs few commits.

The first unit begins at once. Units that arrive less than GROUP_SECONDS after the last commit wait until that time is
over, and are written together: each in its own savepoint, so a unit that fails changes nothing and fails alone. A
caller goes on when its unit is committed.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bot.common.errors import StoreError

GROUP_SECONDS = 0.1
"""Least time between two commits of groups: at most ten a second."""
MOST = 50
"""Greatest number of units in one transaction."""
HELD_SECONDS = 0.05
"""Time after which a transaction ends with the unit at work, if another writer waits: that of a command or a message
does not wait for fifty units. The units that are left come in the next transaction, after that writer."""

U = TypeVar("U")
Nested = Callable[[], AbstractAsyncContextManager[U]]
"""Opens a unit in a savepoint of the open transaction; rolls back to it when its block raises."""
Transaction = Callable[[], AbstractAsyncContextManager[Nested[U]]]
"""Opens a transaction, which commits at its end and rolls back when its block raises. Raises StoreError."""


@dataclass(slots=True, eq=False)
class _Unit(Generic[U]):
    """One caller: `order` sorts the units of a group. The futures carry its turn, its end and the commit."""

    order: str
    turn: "asyncio.Future[U]" = field(default_factory=asyncio.Future)
    failed: "asyncio.Future[bool]" = field(default_factory=asyncio.Future)
    left: "asyncio.Future[None]" = field(default_factory=asyncio.Future)


class GroupCommit(Generic[U]):
    """Groups the units of one process. `pause` waits (seconds), `clock` is steady.

    `wanted` is true while another writer waits for the open transaction to end.
    """

    def __init__(
        self,
        transaction: Transaction[U],
        *,
        clock: Callable[[], float],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        wanted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._transaction, self._clock, self._pause, self._wanted = transaction, clock, pause, wanted
        self._waiting: deque[_Unit[U]] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._committed_at = float("-inf")
        self.commits = 0
        """Transactions since the start."""

    @asynccontextmanager
    async def unit(self, order: str) -> AsyncIterator[U]:
        """Open a unit; it is committed when the block has ended. Raises StoreError if it is not.

        The units of a group run in the order of `order`, so that two processes lock shared rows in one order.
        """
        unit: _Unit[U] = _Unit(order)
        self._waiting.append(unit)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(), name="group commit")
        try:
            work = await unit.turn
        except BaseException:
            if unit.turn.done() and not unit.turn.cancelled() and unit.turn.exception() is None:
                # Cancelled at the moment of its turn: the group must not wait for it.
                unit.failed.set_result(True)
            raise
        try:
            yield work
        except BaseException:
            unit.failed.set_result(True)
            # The savepoint is rolled back before the caller goes on.
            with suppress(StoreError):
                await unit.left
            raise
        unit.failed.set_result(False)
        await unit.left

    async def _work(self) -> None:
        left: Sequence[_Unit[U]] = ()
        try:
            while left or self._waiting:
                if not left and (early := self._committed_at + GROUP_SECONDS - self._clock()) > 0:
                    await self._pause(early)
                group = left or [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
                left = await self._commit(sorted(group, key=lambda unit: unit.order))
        finally:
            # A fault of the program ends the worker, not the units behind it.
            again = bool(self._waiting)
            self._worker = asyncio.create_task(self._work(), name="group commit") if again else None

    async def _commit(self, group: Sequence[_Unit[U]]) -> Sequence[_Unit[U]]:
        """Commit the group, or its first units if another writer waits; returns the units for the next transaction."""
        written: list[_Unit[U]] = []
        left = deque(group)
        try:
            async with self._transaction() as nested:
                until = self._clock() + HELD_SECONDS
                while left and not (written and self._wanted() and self._clock() >= until):
                    unit = left.popleft()
                    if not unit.turn.cancelled() and await _run(unit, nested):
                        written.append(unit)
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
            self._committed_at = self._clock()
            for unit in group:
                _fail(unit, StoreError("The database did not commit this."))


class _FailedUnit(Exception):
    """Rolls the savepoint of a unit back, whose caller has the error."""


async def _run(unit: _Unit[U], nested: Nested[U]) -> bool:
    """Run one unit; False if it failed, which leaves the others as they are. Raises StoreError of the savepoint."""
    with suppress(_FailedUnit):
        async with nested() as work:
            unit.turn.set_result(work)
            if await unit.failed:
                raise _FailedUnit
        return True
    _end(unit)
    return False


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
