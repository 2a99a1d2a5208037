"""The log of the program as JSON lines, with its real bound on repeated ones."""

import io
import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.telemetry.log_throttle import FIRST, MAX_KINDS
from bot.telemetry.logs import set_up

FIRST_MINUTE = FIRST * (MAX_KINDS + 1)
"""Lines that one event has in the first minute of a fault, before its summaries (docs/logs.md)."""


@dataclass(slots=True)
class LogLines:
    """What was written so far."""

    stream: io.StringIO = field(default_factory=io.StringIO)

    def sum_up(self) -> None:
        """End the minute: write what was only counted."""
        for handler in logging.getLogger().handlers:
            handler.close()

    @property
    def lines(self) -> Sequence[dict[str, Any]]:
        """All lines."""
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    def of(self, event: str) -> Sequence[dict[str, Any]]:
        """The whole lines of an event."""
        return [line for line in self.lines if line["event"] == event]

    def counted(self, event: str) -> int:
        """Number of lines of an event that summaries have."""
        return sum(line["count"] for line in self.lines if line["event"] == "log.more" and line["of"] == event)

    def excess(self) -> dict[str, int]:
        """The events with more lines than one minute may have."""
        events = Counter(line["event"] for line in self.lines if line["event"] != "log.more")
        summaries = Counter(line["of"] for line in self.lines if line["event"] == "log.more")
        bounds = {event: number for event, number in events.items() if number > FIRST_MINUTE}
        return bounds | {event: number for event, number in summaries.items() if number > MAX_KINDS + 1}


@contextmanager
def log_lines(level: str = "debug", secrets: Sequence[str] = ()) -> Iterator[LogLines]:
    """Set up logging as the program does, into memory, until the block ends."""
    root, found = logging.getLogger(), LogLines()
    before = root.level, list(root.handlers)
    set_up(level, secrets, as_json=True, stream=found.stream)
    ours = list(root.handlers)
    try:
        yield found
    finally:
        structlog.reset_defaults()
        root.setLevel(before[0])
        root.handlers[:] = before[1]
        for handler in ours:
            handler.close()
