"""The clock of the process: Unix time that nobody sets while it runs, and the notice when the system clock is set."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger(__name__)

TOLERANCE = 2.0
"""Seconds by which the system clock may be corrected (as NTP does) without a word."""
_DAY = 86400.0


def steady() -> float:
    """Seconds on a clock that nobody sets, and that goes on while this process, or this machine, is stopped."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@dataclass(frozen=True, slots=True)
class Jump:
    """The system clock was set by `by` seconds at `at` (Unix seconds of the process).

    It is `ahead` seconds before the clock of the process since; 0 when the two agree again.
    """

    at: float
    by: float
    ahead: float


@dataclass(slots=True)
class ProcessClock:
    """The system clock (`wall`, Unix seconds) as of the start of the process, moved on by `steady` alone.

    So no interval, back-off, claim or deadline is early or late because somebody sets the system clock. `follow` gives
    it another beginning: that of the database server, which all replicas share.
    """

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = steady
    _origin: float = field(init=False)

    def __post_init__(self) -> None:
        """Start counting."""
        self._origin = self.wall() - self.steady()

    def __call__(self) -> float:
        """The present, in Unix seconds."""
        return self._origin + self.steady()

    def follow(self, now: float) -> None:
        """Count from `now` (Unix seconds of the database server) instead; call it before anything is dated."""
        by = now - self()
        self._origin += by
        if abs(by) > TOLERANCE:
            log.warning("clock.differs", by=round(by, 3))


@dataclass(slots=True)
class Guard:
    """Notices when the system clock (`wall`) is set while `clock` goes on; `jumps` are those not yet announced."""

    clock: Callable[[], float]
    wall: Callable[[], float]
    jumps: list[Jump] = field(default_factory=list)
    known: float = field(init=False)
    """`ahead` as of the start, or of the last jump that was noted."""

    def __post_init__(self) -> None:
        """Take a difference at the start for no jump."""
        self.known = self.ahead

    @property
    def ahead(self) -> float:
        """By how many seconds the system clock is before the clock of the process."""
        return self.wall() - self.clock()

    def look(self) -> None:
        """Note a jump, once. Small corrections count when they add up to more."""
        ahead = self.ahead
        by = ahead - self.known
        if abs(by) <= TOLERANCE:
            return
        self.known = ahead
        self.jumps.append(Jump(self.clock(), by, ahead if abs(ahead) > TOLERANCE else 0.0))
        log.warning("clock.set", by=round(by, 3), ahead=round(ahead, 3))


def earliest(at: float, now: float, wall: float) -> float:
    """The earliest system time that `at` may mean, a time that some process noted by its own clock.

    `now` and `wall` are the clock of this process and the system clock. For those who ask others, whose clock is right.
    """
    meant = at - max(0.0, now - wall)
    # A time that is still to come was noted on a clock that was wrong by an unknown amount.
    return meant if meant <= wall else wall - _DAY
