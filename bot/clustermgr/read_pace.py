"""Read pace: how many requests for units and volumes the polls of all clusters make in a second. No I/O.

When many clusters lose disks in one moment, tens of thousands of such reads are due at once. Without a limit they
delay the polls that find further faults, and commands. A cluster that has begun is read to its end, the others wait:
so its volumes are judged in a few polls, and not one by one. What is not read yet is pending, and counts as unknown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

RATE = 100.0
"""Reads a second; a read takes about 2 ms of processor time, a page of volumes about 5 ms."""
RATE_LATE = 25.0
"""Reads a second while polls are late."""
BURST = 200.0
"""Reads at one moment: a fault of a few clusters is not delayed."""


REMEMBERED_SECONDS = 60.0
"""Seconds for which a read that was left to later counts; a poll asks again at its next turn."""


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
    _refused_at: float = float("-inf")

    def admits(self, urgency: Urgency, most: int) -> bool:
        """True if a poll may make up to `most` reads now; they are booked until it says by `made` how many it made."""
        now = self.clock()
        self._left = min(BURST, self._left + (now - self._at) * (RATE_LATE if self.late() else RATE))
        self._at = now
        if self._left <= urgency.value:
            if urgency is not Urgency.AGAIN:
                self._refused_at = now
            return False
        self._left -= most
        return True

    def made(self, reads: int, booked: int = 0) -> None:
        """Count the reads that were made of those that were booked."""
        self._left += booked - reads

    @property
    def waiting(self) -> bool:
        """True if a poll had to leave disks or volumes unread in the last REMEMBERED_SECONDS."""
        return self.clock() - self._refused_at <= REMEMBERED_SECONDS
