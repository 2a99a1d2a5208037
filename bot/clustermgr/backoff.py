"""Backoff: reads that a cluster refuses, or answers in a form that cannot be used, are not repeated at each poll."""

from collections.abc import Hashable
from dataclasses import dataclass, field

FIRST_SECONDS = 60.0
"""Wait after the first refusal; each further one doubles it."""
MOST_SECONDS = 600.0
"""Longest wait."""
MAX_KEPT = 20_000


@dataclass(slots=True)
class Backoff:
    """Until when each refused read waits (Unix seconds), and for how long it waited last."""

    _waits: dict[Hashable, tuple[float, float]] = field(default_factory=dict)

    def waits(self, what: Hashable, now: float) -> bool:
        """True while it is too early to read this again."""
        return what in self._waits and now < self._waits[what][0]

    def refused(self, what: Hashable, now: float) -> None:
        """Note that this was refused."""
        if what not in self._waits and len(self._waits) >= MAX_KEPT:
            self._waits = {each: wait for each, wait in self._waits.items() if now < wait[0]}
        last = self._waits.get(what, (0.0, 0.0))[1]
        seconds = min(MOST_SECONDS, 2 * last) if last else FIRST_SECONDS
        self._waits[what] = (now + seconds, seconds)

    def accepted(self, what: Hashable) -> None:
        """Note that this was read."""
        self._waits.pop(what, None)
