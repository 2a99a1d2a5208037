"""Time for the simulated cluster: the real clock, and one that tests move by hand."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Unix seconds, and waiting for them to pass."""

    def now(self) -> float:
        """The present, in Unix seconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed on this clock."""
        ...


class RealClock:
    """The machine's own clock."""

    def now(self) -> float:
        """The present, in Unix seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)


class VirtualClock:
    """A clock that stands still until it is moved; whoever sleeps on it moves it, so that no test waits."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        """The present, in Unix seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._now += seconds

    async def sleep(self, seconds: float) -> None:
        """Move the clock to the end of this sleep; sleeps at the same time overlap, they do not add up."""
        target = self._now + seconds
        await asyncio.sleep(0)
        self._now = max(self._now, target)
