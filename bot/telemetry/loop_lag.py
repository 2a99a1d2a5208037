"""Delays of the event loop: a step that blocks the loop delays polls, acknowledgements and health pages."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

EVERY = 0.05
"""Seconds between two measurements."""
WINDOW = 30.0
"""Seconds for which delays are kept."""
LONG = 0.1
"""Delay in seconds from which on `/readyz` shows it."""
TOO_LONG = 2.0
"""Delay in seconds from which on the process is not ready: Slack waits 3 s for an acknowledgement."""


class LoopLag:
    """Measures while `run()` runs; `observe` takes each delay in seconds."""

    def __init__(
        self, observe: Callable[[float], None] = lambda _: None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._observe, self._monotonic = observe, monotonic
        self._delays: deque[tuple[float, float]] = deque()

    async def run(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def start() -> None:
            nonlocal timer
            # A sleep would take two turns of the event loop, and twenty of them a second are felt.
            timer = loop.call_later(EVERY, measured, self._monotonic())

        def measured(began: float) -> None:
            late = self._monotonic() - began - EVERY
            start()
            self.note(late)

        start()
        try:
            await loop.create_future()
        finally:
            timer.cancel()

    def note(self, late: float) -> None:
        """Take one delay; log it if it is too long."""
        late = max(0.0, late)
        self._observe(late)
        self._forget()
        if late > LONG:
            self._delays.append((self._monotonic(), late))
        if late > TOO_LONG:
            log.warning("loop.held", seconds=round(late, 2))

    @property
    def longest(self) -> float:
        """Longest delay of the last 30 s, 0 if none was long; any thread may ask."""
        since = self._monotonic() - WINDOW
        return max((late for at, late in tuple(self._delays) if at >= since), default=0.0)

    def _forget(self) -> None:
        """Drop the delays that are too old."""
        since = self._monotonic() - WINDOW
        while self._delays and self._delays[0][0] < since:
            self._delays.popleft()

    def remark(self) -> str:
        """Return a remark for `/readyz`, "" for none."""
        return f"blocked for up to {self.longest:.2f} s in the last {WINDOW:.0f} s" if self.longest else ""

    async def problem(self) -> str:
        """Return the problem, "" for none (`bot.telemetry.health.Probe`)."""
        return f"the event loop was {self.remark()}" if self.longest > TOO_LONG else ""
