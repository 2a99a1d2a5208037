"""Outage: says once that the database is gone, again every five minutes, and once that it is back."""

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from bot.store.error_text import raw

log = structlog.get_logger(__name__)

REMIND_SECONDS = 300.0


@dataclass(slots=True)
class Outage:
    """One line in the log instead of one for each part of the program that finds out; `what` is reading or writing."""

    what: str
    clock: Callable[[], float]
    since: float | None = field(default=None)
    told_at: float = 0.0
    failures: int = 0

    def failed(self, error: Exception) -> None:
        """The database could not be used."""
        now = self.clock()
        self.failures += 1
        if self.since is None:
            self.since = now
        elif now - self.told_at < REMIND_SECONDS:
            return
        self.told_at = now
        log.error(
            "store.down",
            what=self.what,
            seconds=round(now - self.since),
            failures=self.failures,
            error=str(error),
            driver=raw(error.__cause__ or error),
        )

    def worked(self) -> None:
        """It could."""
        if self.since is not None:
            seconds = round(self.clock() - self.since)
            log.warning("store.back", what=self.what, seconds=seconds, failures=self.failures)
            self.since, self.failures = None, 0
