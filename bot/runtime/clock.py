"""Clock of the process: Unix time that does not change when the system clock is set, and a guard that notices that.

RemoteTimes translates times that other processes wrote: their clocks may differ from this one.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from bot.common.frozen import frozen

log = structlog.get_logger(__name__)

Clock = Callable[[], float]
"""Gives the present time in Unix seconds."""

TOLERANCE = 2.0
"""Seconds by which the system clock may be corrected (as NTP does) without a message."""
MIN_DIFFERENCE = 30.0
"""Seconds from now by which a new time of another process must differ to prove that the clocks differ."""
_DAY = 86400.0


def steady() -> float:
    """Seconds on a clock that is never set and that also runs while this process or this machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@frozen
class Jump:
    """A change of the system clock by `by` seconds at `at` (Unix seconds of the process).

    Since then the system clock is `ahead` seconds before the clock of the process; 0 when the two agree again.
    """

    at: float
    by: float
    ahead: float


@dataclass(slots=True)
class ProcessClock:
    """The system clock (`wall`, Unix seconds) as of the start of the process, moved on by `steady` alone.

    Setting the system clock therefore shifts no interval, back-off, claim or deadline. `follow` sets another origin:
    the clock of the database server, which all replicas share.
    """

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = steady
    _origin: float = field(init=False)

    def __post_init__(self) -> None:
        """Start counting."""
        self._origin = self.wall() - self.steady()

    def __call__(self) -> float:
        """Return the present time in Unix seconds."""
        return self._origin + self.steady()

    def follow(self, now: float) -> None:
        """Count from `now` (Unix seconds of the database server) instead; call this before any time is saved."""
        by = now - self()
        self._origin += by
        if abs(by) > TOLERANCE:
            log.warning("clock.differs", by=round(by, 3))


@dataclass(slots=True)
class ClockGuard:
    """Notice when the system clock (`wall`) is set while `clock` goes on; `jumps` are those not yet posted."""

    clock: Callable[[], float]
    wall: Callable[[], float]
    jumps: list[Jump] = field(default_factory=list)
    known: float = field(init=False)
    """`ahead` at the start, or at the last jump."""

    def __post_init__(self) -> None:
        """Accept the difference at the start: it is not a jump."""
        self.known = self.ahead

    @property
    def ahead(self) -> float:
        """Seconds by which the system clock is before the clock of the process."""
        return self.wall() - self.clock()

    def check(self) -> None:
        """Record a jump once. Small corrections count when they add up to more than the tolerance."""
        ahead = self.ahead
        by = ahead - self.known
        if abs(by) <= TOLERANCE:
            return
        self.known = ahead
        self.jumps.append(Jump(self.clock(), by, ahead if abs(ahead) > TOLERANCE else 0.0))
        log.warning("clock.set", by=round(by, 3), ahead=round(ahead, 3))


def earliest(at: float, now: float, wall: float) -> float:
    """Return the earliest system time that `at` may mean: a time that some process saved by its own clock.

    `now` and `wall` are the clock of this process and the system clock. Use the result to ask a server whose clock is
    right.
    """
    meant = at - max(0.0, now - wall)
    # A time in the future was saved by a clock that was wrong by an unknown amount.
    return meant if meant <= wall else wall - _DAY


@dataclass(slots=True)
class RemoteTimes:
    """The last time of each cluster: as another process wrote it, and by the clock of this process (Unix seconds)."""

    _times: dict[str, tuple[float, float]] = field(default_factory=dict)

    def local(self, name: str, theirs: float, now: float) -> float:
        """The time `theirs` by our clock; call this every few seconds."""
        before, ours = self._times.get(name, (theirs, min(theirs, now)))
        if before != theirs:
            # The other process wrote it since the last call, a moment ago.
            ours = now if abs(now - theirs) > MIN_DIFFERENCE else min(theirs, now)
        self._times[name] = theirs, ours
        return ours
