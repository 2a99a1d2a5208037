"""What other processes note of their clusters, dated by the clock of this one: theirs may be another one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DIFFER = 30.0
"""Seconds by which a note that has just come is old, or of a time to come, at least when the clocks differ."""


@dataclass(slots=True)
class RemoteNotes:
    """The notes as they came, by cluster; times in Unix seconds."""

    _at: dict[str, tuple[float, float]] = field(default_factory=dict)

    def dated(self, name: str, note: Mapping[str, Any], now: float) -> Mapping[str, Any]:
        """The note with the time `at` by our clock; to be asked every few seconds."""
        theirs = float(note.get("at") or 0.0)
        before, ours = self._at.get(name, (theirs, min(theirs, now)))
        if before != theirs:
            # It was made since the last time that this was asked, a moment ago.
            ours = now if abs(now - theirs) > DIFFER else min(theirs, now)
        self._at[name] = theirs, ours
        return {**note, "at": ours}
