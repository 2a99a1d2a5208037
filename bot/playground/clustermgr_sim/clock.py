"""Time of the simulated cluster: the real clock, one that tests move by hand, and how long things take."""

import asyncio
import time
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds each.

    `wait`: how long a proposal or a linear read waits for raft; `election`: the election time-out, after which a
    silent leader is replaced, a leader without quorum steps down, an unanswered transfer ends and a dead peer stops
    being active; `transfer`: what a good transfer takes; `hold`: how long a fresh leader holds every request;
    `refresh`: the age at which disk counters are counted anew; `catch_up`: what a new member needs to catch up.
    `ghost`: for how long after a change of leader a dead peer looks active.
    `drift` is no time: log entries per second that heartbeats add, 0 for none.
    """

    wait: float = 10.0
    election: float = 10.0
    transfer: float = 0.2
    hold: float = 0.0
    refresh: float = 300.0
    catch_up: float = 0.0
    ghost: float = 0.0
    drift: float = 0.0

    def scaled(self, factor: float) -> "Timing":
        """The same with every time multiplied by `factor`, for tests that cannot wait."""
        return replace(
            self,
            wait=self.wait * factor,
            election=self.election * factor,
            transfer=self.transfer * factor,
            hold=self.hold * factor,
            refresh=self.refresh * factor,
            catch_up=self.catch_up * factor,
            ghost=self.ghost * factor,
        )
