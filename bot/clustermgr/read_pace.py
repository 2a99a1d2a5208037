"""Read pace: how many units and volumes the polls of all clusters read in a second. No I/O.

When many clusters lose disks in one moment, tens of thousands of such reads are due at once. Without a limit they
delay the polls that find further faults, and commands. What is not read yet is pending, and counts as unknown.
"""

from collections.abc import Callable
from dataclasses import dataclass

RATE = 100.0
"""Reads a second; a read takes about 2 ms of processor time."""
RATE_LATE = 25.0
"""Reads a second while polls are late."""
BURST = 500.0
"""Reads at one moment: a fault of a few clusters is not delayed."""
KEPT_FOR_FIRST = 250.0
"""Of these, the reads that only what was never read may use."""

Admits = Callable[[bool], bool]
"""True if one read may begin now; its argument is true for what is read again."""


def admits_all(_again: bool) -> bool:
    """Admit every read: for a command."""
    return True


@dataclass(slots=True)
class ReadPace:
    """The pace of one process; `late` is true while polls are late, `clock` is steady, in seconds."""

    clock: Callable[[], float]
    late: Callable[[], bool] = lambda: False
    _left: float = BURST
    _at: float = float("-inf")

    def admits(self, again: bool) -> bool:
        """True if one read may begin now (an Admits)."""
        now = self.clock()
        self._left = min(BURST, self._left + (now - self._at) * (RATE_LATE if self.late() else RATE))
        self._at = now
        if self._left < (KEPT_FOR_FIRST if again else 0) + 1:
            return False
        self._left -= 1
        return True
