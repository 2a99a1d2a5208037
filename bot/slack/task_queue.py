"""Background tasks: referenced, started one at a time, and awaited at shutdown."""

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)

_PROMPT = 0.001
"""Seconds that one turn of an idle event loop takes at most."""
PRESSING_SECONDS = 1.0
"""Time from its start for which a piece of work comes before polls; one that takes longer waits for a cluster."""
_TURNS = 50
"""Busy turns after which the next piece of work starts anyway."""


BackgroundWork = Coroutine[Any, Any, None]
"""A piece of work for the queue."""


class TaskQueue:
    """Runs coroutines in the background; none starts within the turn of the event loop that queues it.

    Fifty commands at once would block the loop, and deliveries would be acknowledged late. So the next command starts
    when the loop is prompt again, or after fifty turns.
    """

    def __init__(self) -> None:
        self._waiting: deque[BackgroundWork] = deque()
        self._running: dict[asyncio.Task[None], float] = {}
        self._starter: asyncio.Task[None] | None = None

    @property
    def pressing(self) -> bool:
        """True while work waits, or works and has just begun."""
        since = time.monotonic() - PRESSING_SECONDS
        return bool(self._waiting) or any(began > since for began in self._running.values())

    def __len__(self) -> int:
        """Return how many pieces of work wait or run."""
        return len(self._waiting) + len(self._running)

    def start(self, work: BackgroundWork) -> None:
        """Run `work` soon; what it raises is logged."""
        if self._starter is not None:
            self._waiting.append(work)
            return
        self._begin(work)
        self._starter = asyncio.create_task(self._start_others(), name="background starter")

    async def idle(self, patience: float) -> bool:
        """Wait up to `patience` seconds until no work waits or runs; returns whether that is so."""
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        while len(self) and (left := until - loop.time()) > 0:
            await asyncio.wait({*self._running, *self._starters()}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        return not len(self)

    async def drain(self, patience: float) -> int:
        """Wait up to `patience` seconds for all work, then cancel what is left; returns how many were cancelled."""
        await self.idle(patience)
        return await self._cancel()

    def _starters(self) -> tuple[asyncio.Task[None], ...]:
        return (self._starter,) if self._starter else ()

    async def _cancel(self) -> int:
        left = len(self)
        tasks = (*self._running, *self._starters())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        while self._waiting:
            self._waiting.popleft().close()
        return left

    def _begin(self, work: BackgroundWork) -> None:
        """Let it run from the next turn of the event loop on."""
        task = asyncio.create_task(work, name="background work")
        self._running[task] = time.monotonic()
        task.add_done_callback(self._ended)

    async def _start_others(self) -> None:
        try:
            await _yield_until_idle()
            while self._waiting:
                self._begin(self._waiting.popleft())
                await _yield_until_idle()
        finally:
            self._starter = None

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background.crashed", exc_info=error)


async def _yield_until_idle() -> None:
    loop = asyncio.get_running_loop()
    for _ in range(_TURNS):
        before = loop.time()
        await asyncio.sleep(0)
        if loop.time() - before < _PROMPT:
            return
