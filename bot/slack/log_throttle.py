"""Log lines that strangers can cause: the first at once, then one a minute with the number of lines left out."""

import time
from typing import Any

import structlog

log = structlog.get_logger(__name__)

EVERY_SECONDS = 60.0


class LogThrottle:
    """Writes warnings of a few fixed kinds, each at most once in EVERY_SECONDS."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def warn(self, event: str, **facts: Any) -> None:
        """Log a warning, or count it."""
        now = time.monotonic()
        if now < self._until.get(event, 0.0):
            self._left_out[event] = self._left_out.get(event, 0) + 1
            return
        self._until[event] = now + EVERY_SECONDS
        log.warning(event, left_out=self._left_out.pop(event, 0), **facts)
