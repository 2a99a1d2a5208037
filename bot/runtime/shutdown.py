"""The steps of a stop in bounded time: each has its share, and all end within Docker's ten seconds."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger(__name__)

STOP_SECONDS = 5.5
"""Limit of all steps together; the next start completes a step that was cut short."""
_MIN_SECONDS = 0.1
"""Time of a step when none is left: enough where nothing hangs."""


@dataclass(slots=True)
class Shutdown:
    """The time that a stop may take, counted from its first step."""

    total: float = STOP_SECONDS
    monotonic: Callable[[], float] = time.monotonic
    _stop_by: float | None = field(default=None, init=False)

    @asynccontextmanager
    async def step_after(self, name: str, seconds: float, work: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
        """Run `work` when the block ends, for at most `seconds`."""
        try:
            yield
        finally:
            await self._step(name, seconds, work)

    async def _step(self, name: str, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        now = self.monotonic()
        if self._stop_by is None:
            self._stop_by = now + self.total
        left = max(_MIN_SECONDS, min(seconds, self._stop_by - now))
        try:
            async with asyncio.timeout(left):
                await work()
        except TimeoutError:
            log.warning("end.cut_short", step=name, seconds=round(left, 1))
