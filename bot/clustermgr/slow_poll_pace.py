"""Pace of the slow polls of all clusters of a process. No I/O."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.clustermgr.slow_poll import INTERVAL_SECONDS

SPARE = 1.1
"""Slow polls that may begin, as a multiple of those that are due; at 2 all would be done in half of each minute."""
LEAST_RATE = 5.0
"""Slow polls a second that may begin with few clusters: their switches are known soon."""
BURST = 10.0
"""Slow polls that may begin at one moment."""


@dataclass(slots=True)
class SlowPollPace:
    """Spreads the slow polls of `clusters` clusters over a minute: at a start all are due at once.

    `clock` is steady, in seconds.
    """

    clusters: int
    clock: Callable[[], float]
    _left: float = BURST
    _at: float = float("-inf")

    def give_back(self) -> None:
        """Let another one begin instead of one that failed: it is due again at the next poll of its cluster."""
        self._left = min(BURST, self._left + 1)

    def admits(self) -> bool:
        """True if one may begin now. A few more than needed may: one that has to wait is due at the next poll."""
        now, rate = self.clock(), max(LEAST_RATE, SPARE * self.clusters / INTERVAL_SECONDS)
        self._left = min(BURST, self._left + (now - self._at) * rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
