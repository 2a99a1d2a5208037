"""Saves the states of clusters about which there is nothing else to write: many clusters in one unit of work.

Most polls find nothing. Once a minute they save that the cluster was polled; with a thousand clusters that would be
a thousand transactions a minute.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.reports.trend import Measurement
from bot.common.errors import Fenced, StoreError
from bot.leadership.ports import HeldCheck, HoldCheck
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork

GATHER_SECONDS = 1.5
"""Longest time that a state waits for others; a shorter poll interval makes it shorter.

A transaction costs as much as a poll, so three replicas with a third of the clusters each need the time to share one.
"""
GATHER_SHARE = 0.1
MOST = 200
"""Most states in one unit of work."""


@dataclass(slots=True, eq=False)
class _Save:
    """A state to save after the one of `saved_at`; `saved` is True once it is committed, False if not written."""

    cluster: str
    state: ClusterState
    saved_at: float
    sample: Measurement | None
    hold_check: HoldCheck
    saved: "asyncio.Future[bool]" = field(default_factory=asyncio.Future)


class StateSaver:
    """Gathers states and saves them together; `pause` waits (seconds).

    `waits` gets the name of a cluster whose state begins to wait.
    """

    def __init__(
        self,
        store: Store,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        waits: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store, self._pause, self._waits = store, pause, waits
        self._waiting: deque[_Save] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._gathering: asyncio.Future[None] | None = None
        self.closed = False

    def close(self) -> None:
        """Let no state wait for others any more: the program ends, and waits for the polls that are to be saved."""
        self.closed = True
        self._stop_gathering()

    async def save(
        self,
        cluster: str,
        state: ClusterState,
        sample: Measurement | None,
        *,
        saved_at: float,
        interval: float,
        hold_check: HoldCheck,
    ) -> bool:
        """Save a state and a measurement; False, and nothing is saved, if the cluster needs its own unit of work.

        That is so if it has an open alert or a silence, or if its stored state is not that of `saved_at` (Unix
        seconds). `interval` is its poll interval. Raises Fenced, StoreError.
        """
        item = _Save(cluster, state, saved_at, sample, hold_check)
        self._waiting.append(item)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work(interval), name="state saver")
        self._waits(cluster)
        return await item.saved

    def _stop_gathering(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()

    async def _work(self, interval: float) -> None:
        try:
            if not self.closed:
                self._gathering = asyncio.ensure_future(self._pause(min(GATHER_SECONDS, GATHER_SHARE * interval)))
                # Whether it ends or is cancelled.
                await asyncio.wait((self._gathering,))
            while self._waiting:
                items = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
                await self._save(items)
        except asyncio.CancelledError:
            # The event loop ends: a further worker would be left behind.
            self._stop_gathering()
            while self._waiting:
                _fail(self._waiting.popleft(), StoreError("The state was not saved."))
            raise
        finally:
            again = bool(self._waiting)
            self._worker = asyncio.create_task(self._work(interval), name="state saver") if again else None

    async def _save(self, items: Sequence[_Save]) -> None:
        try:
            async with self._store.grouped(last=True) as uow:
                held = await _held(uow, items)
                quiet = await _quiet(uow, held)
                await uow.cluster_states.put_all({item.cluster: item.state for item in quiet})
                await uow.samples.add_all(
                    [(item.cluster, item.state.at, item.sample) for item in quiet if item.sample is not None]
                )
        except StoreError as error:
            for item in items:
                _fail(item, error)
        else:
            for item in held:
                if not item.saved.done():
                    item.saved.set_result(item in quiet)
        finally:
            for item in items:
                _fail(item, StoreError("The state was not saved."))


async def _held(uow: UnitOfWork, items: Sequence[_Save]) -> list[_Save]:
    """The items whose cluster this process still holds; the others fail with Fenced."""
    holds = [item.hold_check.hold for item in items if isinstance(item.hold_check, HeldCheck)]
    lost = await uow.replicas.lost(holds)
    for item in items:
        if not isinstance(item.hold_check, HeldCheck) or item.hold_check.hold.task in lost:
            try:
                await item.hold_check(uow)
            except Fenced as error:
                _fail(item, error)
    return [item for item in items if not item.saved.done()]


async def _quiet(uow: UnitOfWork, items: Sequence[_Save]) -> list[_Save]:
    """The items about which nothing else is stored."""
    quiet = await uow.cluster_states.quiet_since([item.cluster for item in items])
    return [item for item in items if quiet.get(item.cluster) == item.saved_at]


def _fail(item: _Save, error: StoreError) -> None:
    if not item.saved.done():
        item.saved.set_exception(error)
        # A poll that was cancelled does not take it.
        item.saved.exception()
