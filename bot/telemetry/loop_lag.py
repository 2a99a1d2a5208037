"""How late the event loop is: whoever holds it keeps polls, acknowledgements and these pages waiting."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

EVERY = 0.05
"""Seconds between two looks at the clock."""
WINDOW = 30.0
"""Seconds for which the longest hold is remembered."""
WORTH_SAYING = 0.1
"""Seconds that a single step may hold the loop at most; a longer one is shown."""
TOO_LONG = 2.0
"""Seconds from which on the process counts as not ready: Slack waits 3 s for an acknowledgement."""


class LoopLag:
    """Measures while `run()` runs; `observe` is handed each delay in seconds."""

    def __init__(
        self, observe: Callable[[float], None] = lambda _: None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._observe, self._monotonic = observe, monotonic
        self._held: deque[tuple[float, float]] = deque()

    async def run(self) -> None:
        """Look at the clock until cancelled."""
        while True:
            began = self._monotonic()
            await asyncio.sleep(EVERY)
            self.note(self._monotonic() - began - EVERY)

    def note(self, late: float) -> None:
        """Note one delay; one that is too long is logged."""
        late = max(0.0, late)
        self._observe(late)
        if late > WORTH_SAYING:
            self._held.append((self._monotonic(), late))
        if late > TOO_LONG:
            log.warning("loop.held", seconds=round(late, 2))

    @property
    def longest(self) -> float:
        """The longest delay of the last half minute, 0 when none was worth saying."""
        since = self._monotonic() - WINDOW
        while self._held and self._held[0][0] < since:
            self._held.popleft()
        return max((late for _, late in self._held), default=0.0)

    def remark(self) -> str:
        """What is to be shown of it, "" for nothing."""
        return f"held for {self.longest:.2f} s at most within the last {WINDOW:.0f} s" if self.longest else ""

    async def trouble(self) -> str:
        """What is wrong, "" when nothing is (`bot.telemetry.health.Probe`)."""
        return f"the event loop was {self.remark()}" if self.longest > TOO_LONG else ""
