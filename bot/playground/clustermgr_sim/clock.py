"""Time of the simulated cluster: the real clock, one that tests move by hand, and how long things take."""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Protocol


class Clock(Protocol):
    """Unix seconds, and sleep."""

    def now(self) -> float:
        """The present, in Unix seconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` on this clock."""
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
    """A clock that moves only by `advance` and `sleep`, so that no test waits."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        """The present, in Unix seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock by `seconds`."""
        self._now += seconds

    async def sleep(self, seconds: float) -> None:
        """Move the clock to the end of this sleep; parallel sleeps overlap."""
        target = self._now + seconds
        await asyncio.sleep(0)
        self._now = max(self._now, target)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds each.

    - `wait`: limit of a proposal or a linear read.
    - `election`: election time-out; after it a silent leader is replaced, a leader without quorum steps down, an
      unanswered transfer ends, and a dead peer is no longer active.
    - `transfer`: duration of a good transfer.
    - `hold`: time for which a new leader holds every request.
    - `refresh`: interval of the disk counters.
    - `report`: interval at which the nodes set their own metrics.
    - `catch_up`: time in which a new member catches up.
    - `ghost`: time after a change of leader in which a dead peer looks active.
    - `collect`: time until a scheduler begins with a disk.
    - `unit_move`: time to move one unit of a disk.
    - `drift`: log entries per second that heartbeats add (not a time), 0 for none.
    """

    wait: float = 10.0
    election: float = 10.0
    transfer: float = 0.2
    hold: float = 0.0
    refresh: float = 300.0
    report: float = 120.0
    catch_up: float = 0.0
    ghost: float = 0.0
    collect: float = 5.0
    unit_move: float = 2.0
    drift: float = 0.0

    def scaled(self, factor: float) -> "Timing":
        """Multiply every time by `factor`, for fast tests."""
        return replace(
            self,
            wait=self.wait * factor,
            election=self.election * factor,
            transfer=self.transfer * factor,
            hold=self.hold * factor,
            refresh=self.refresh * factor,
            report=self.report * factor,
            catch_up=self.catch_up * factor,
            ghost=self.ghost * factor,
            collect=self.collect * factor,
            unit_move=self.unit_move * factor,
        )
