"""Clocks of the process: one that never jumps, Unix time that follows it, and the notice when the system clock jumps.

Inside a process nothing may depend on the system clock, which administrators and NTP set. So the process reads it once,
at its start, and counts on from there. Kept deadlines are Unix seconds in the store: a jump neither fires nor delays
them, and after a restart the system clock decides again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

JUMP_SECONDS = 2.0
"""A step of the system clock larger than this is a jump; NTP corrects smaller ones by itself."""


def steady() -> float:
    """Seconds on a clock that is never set and that goes on while this process, or this machine, is stopped."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@dataclass(frozen=True, slots=True)
class Jump:
    """A step of the system clock: by how many seconds (negative: set back), and how far it is from ours now."""

    seconds: float
    ahead: float


@dataclass(slots=True)
class ProcessClock:
    """Unix seconds: the system clock at the start of the process plus what has passed since on the steady clock."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = steady
    _began: float = field(init=False)
    _noticed: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._began = self.wall() - self.steady()

    def __call__(self) -> float:
        """The time now."""
        return self._began + self.steady()

    @property
    def jumping(self) -> bool:
        """True between a jump of the system clock and the call of `jumped` that gives it."""
        return abs(self._ahead() - self._noticed) > JUMP_SECONDS

    def jumped(self) -> Jump | None:
        """The jump of the system clock since the last call, None without one."""
        if not self.jumping:
            return None
        ahead = self._ahead()
        seconds, self._noticed = ahead - self._noticed, ahead
        return Jump(seconds, ahead)

    def _ahead(self) -> float:
        return self.wall() - self()
