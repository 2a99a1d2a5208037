"""An orderly end in bounded time: each step has its share, and all end before Docker's ten seconds are over."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)

END_SECONDS = 5.5
"""How long all steps may take together; what is cut short is made good after the next start."""
_LEAST = 0.1
"""What a step still gets when the time is over: enough where nothing hangs."""


@dataclass(slots=True)
class Shutdown:
    """The time that an end has, counted from its first step."""

    stack: AsyncExitStack
    total: float = END_SECONDS
    monotonic: Callable[[], float] = time.monotonic
    _began: float = 0.0

    def then(self, name: str, most: float, work: Callable[[], Awaitable[object]]) -> None:
        """Take this step at the end, before those that were named earlier; `most` seconds at most."""
        self.stack.push_async_callback(self._step, name, most, work)

    async def _step(self, name: str, most: float, work: Callable[[], Awaitable[object]]) -> None:
        now = self.monotonic()
        self._began = self._began or now
        left = max(_LEAST, min(most, self._began + self.total - now))
        try:
            async with asyncio.timeout(left):
                await work()
        except TimeoutError:
            log.warning("end.cut_short", step=name, seconds=round(left, 1))
