"""Read pace: how many units and volumes the polls of all clusters read in a second. No I/O.

When many clusters lose disks in one moment, tens of thousands of such reads are due at once. Without a limit they
delay the polls that find further faults, and commands. A cluster that has begun is read to its end, the others wait:
so its volumes are judged in a few polls, and not one by one. What is not read yet is pending, and counts as unknown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

RATE = 100.0
"""Reads a second; a read takes about 2 ms of processor time."""
RATE_LATE = 25.0
"""Reads a second while polls are late."""
BURST = 200.0
"""Reads at one moment: a fault of a few clusters is not delayed."""


class Urgency(Enum):
    """What a poll wants to read; the value is the number of reads that must be left for it."""

    GO_ON = -BURST
    """The rest of what it has begun to read."""
    FIRST = 0.0
    """What was never read."""
    AGAIN = BURST / 2
    """What was read before."""


@dataclass(slots=True)
class ReadPace:
    """The pace of one process; `late` is true while polls are late, `clock` is steady, in seconds."""

    clock: Callable[[], float]
    late: Callable[[], bool] = lambda: False
    _left: float = BURST
    _at: float = float("-inf")

    def admits(self, urgency: Urgency) -> bool:
        """True if a poll may read a piece now; it then says by `spend` how many reads that were."""
        now = self.clock()
        self._left = min(BURST, self._left + (now - self._at) * (RATE_LATE if self.late() else RATE))
        self._at = now
        return self._left > urgency.value

    def spend(self, reads: int) -> None:
        """Count reads; later ones wait for these."""
        self._left -= reads
