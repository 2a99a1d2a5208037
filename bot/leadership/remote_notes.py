"""Times that other processes wrote, translated to the clock of this process: the clocks may differ. No I/O."""

from dataclasses import dataclass, field

MIN_DIFFERENCE = 30.0
"""Seconds from now by which a new time must differ to prove that the clocks differ."""


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
