"""Post the periodic summaries and hand-overs, each exactly once over all replicas and restarts."""

from collections.abc import Callable
from typing import Literal

import structlog

from bot.alerting.reports.handover import SHIFT_SECONDS, hand_over
from bot.alerting.reports.summary import summarise
from bot.alerting.reports.trend import DAY
from bot.common.frozen import frozen
from bot.common.message_key import MessageKey
from bot.store.database import Store
from bot.views.handover import handover
from bot.views.parts import Report
from bot.views.summary import summary
from bot.watch.report_builder import Reports

log = structlog.get_logger(__name__)

CATCH_UP_SECONDS = 6 * 3600.0
"""Seconds after which a missed summary is no longer posted."""
LONGEST = 32 * DAY
"""Longest time that a summary covers (seconds)."""


@frozen
class ReportJob:
    """One configured summary: a `job` name that is stable over restarts, its channel (id), its clusters.

    `latest` returns the last due time at or before a time (Unix seconds), None if there is none.
    """

    job: str
    channel: str
    clusters: tuple[str, ...]
    latest: Callable[[float], float | None]
    kind: Literal["summary", "handover"] = "summary"


class Summaries:
    """Posts summaries through the outbox; both methods raise StoreError.

    Due times use the system clock, which is `ahead` seconds ahead of the clock of the reported facts.
    """

    def __init__(
        self,
        store: Store,
        reports: Reports,
        *,
        wake: Callable[[], None],
        ahead: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._store, self._ahead = store, ahead
        self._reports = reports
        self._wake = wake
        self._done: dict[str, float] = {}

    async def fire(self, entry: ReportJob, due_at: float, now: float) -> bool:
        """Post the summary due at `due_at`, covering the time since the last one; False if it was posted already.

        Both times are the system clock's. The facts are read before the transaction, so that the lock is short.
        """
        report = await self._report(entry, due_at, now)
        message_key = MessageKey.report(entry.kind, entry.job, due_at)
        async with self._store.begin() as uow:
            first = await uow.scheduled_runs.once(entry.job, due_at)
            if first:
                await uow.outbox.put(message_key, entry.channel, report.message)
                for number, reply in enumerate(report.thread):
                    await uow.outbox.put(message_key.page(number), entry.channel, reply, parent=message_key)
        self._done[entry.job] = due_at
        if first:
            log.info("summary_posted", job=entry.job, due_at=due_at)
            self._wake()
        return first

    async def catch_up(self, entry: ReportJob, now: float) -> bool:
        """Post a summary that was missed recently, if the clusters were watched then; for starts and after outages."""
        due_at = entry.latest(now)
        if due_at is None or now - due_at > CATCH_UP_SECONDS or self._done.get(entry.job, 0.0) >= due_at:
            return False
        if not await self._watched_at(entry, due_at):
            return False
        return await self.fire(entry, due_at, now)

    async def _report(self, entry: ReportJob, due_at: float, now: float) -> Report:
        ahead = self._ahead()
        since = await self._since(entry, due_at, ahead)
        due_at, now = due_at - ahead, now - ahead
        facts = [await self._reports.facts(name, since, now) for name in entry.clusters]
        if entry.kind == "handover":
            return handover(hand_over(facts, since, now, due_at=due_at))
        return summary(summarise(facts, since, now, due_at=due_at))

    async def _since(self, entry: ReportJob, due_at: float, ahead: float) -> float:
        """When the previous summary was posted, else due; by the clock of the reported facts."""
        async with self._store.read() as uow:
            posted = await uow.scheduled_runs.last((entry.job,), due_at)
        end = due_at - ahead
        if posted is not None:
            # A later time was posted while the system clock was already ahead.
            return max(posted if posted < end else min(posted - ahead, end), end - LONGEST)
        due_before = None if entry.kind == "handover" else entry.latest(due_at - 1)
        return end - SHIFT_SECONDS if entry.kind == "handover" else (due_before or due_at - DAY) - ahead

    async def _watched_at(self, entry: ReportJob, time: float) -> bool:
        async with self._store.read() as uow:
            firsts = [await uow.samples.first(name) for name in entry.clusters]
        return any(first is not None and first <= time - self._ahead() for first in firsts)
