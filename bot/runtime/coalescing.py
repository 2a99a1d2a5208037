"""Timer coalescing: jobs whose time may be a little off begin together, so that the process wakes less often. No I/O.

A wake costs as much as a request. With few clusters each poll came alone, and so did each answer that it waited for.
"""

from dataclasses import dataclass, field

LONGEST = 0.25
"""Most seconds between two moments at which jobs begin."""
TOGETHER = 4
"""How many jobs begin at one moment, about: more of them would delay a command."""


@dataclass(slots=True)
class Coalescing:
    """The moments at which jobs begin; `phase` (seconds) differs between processes, so that they begin at others."""

    phase: float
    _rates: dict[str, float] = field(default_factory=dict)
    _active: set[str] = field(default_factory=set)
    _rate: float = 0.0

    def add(self, job: str, seconds: float) -> None:
        """Add a job that runs every `seconds`; a job is added once."""
        self._rates[job] = 1 / seconds
        self.resume(job)

    def rest(self, job: str) -> None:
        """The job does not run until `resume`."""
        if job in self._active:
            self._active.discard(job)
            self._rate -= self._rates[job]

    def resume(self, job: str) -> None:
        """The job runs again; do nothing if it was not added."""
        if job in self._rates and job not in self._active:
            self._active.add(job)
            self._rate += self._rates[job]

    def nearest(self, due: float, most: float) -> float:
        """The moment for a job that is due at `due` (seconds), at most half of `most` seconds before or after that."""
        step = min(LONGEST, most)
        if self._rate * step > TOGETHER:
            step = TOGETHER / self._rate
        return round((due - self.phase) / step) * step + self.phase
