"""Reports: reads from the store the facts of summaries, hand-overs and trends; writes nothing."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace

from bot.alerting.reports.facts import ClusterFacts, NoteFact, OperationFact, Pending
from bot.alerting.reports.handover import SHIFT_SECONDS, Handover, hand_over
from bot.alerting.reports.summary import Summary, summarise
from bot.alerting.reports.timeseries import Timeseries, timeseries
from bot.alerting.reports.trend import DAY, Trend, points, trend
from bot.common.frozen import frozen
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork

OperationsOf = Callable[[str, float], Awaitable[Sequence[OperationFact]]]
"""The operations on a cluster since a time."""
PendingOf = Callable[[str], Awaitable[Sequence[Pending]]]
"""The open operations of a cluster."""

MONTH = 30 * DAY
_MAX_NOTES = 50
_SAMPLES = 200
"""Approximate number of measurements read of one cluster, for any length of time."""
LONGEST_SHIFT = 7 * DAY
"""An earlier hand-over does not begin this shift."""


@frozen
class Reports:
    """Implements the report port of commands; every method raises StoreError.

    `handovers` are the job names of the scheduled hand-overs.
    """

    store: Store
    clock: Callable[[], float]
    operations: OperationsOf
    pending: PendingOf
    handovers: Collection[str]

    async def summary(self, clusters: Sequence[str], since: float) -> Summary:
        """A summary since a time (Unix seconds)."""
        now = self.clock()
        return summarise([await self.facts(name, since, now) for name in clusters], since, now)

    async def handover(self, clusters: Sequence[str], since: float | None = None) -> Handover:
        """A hand-over since a time, by default since the last scheduled hand-over."""
        now = self.clock()
        begun = await self.shift(now) if since is None else since
        return hand_over([await self.facts(name, begun, now) for name in clusters], begun, now)

    async def shift(self, now: float) -> float:
        """Start of the shift that ends `now`: the last scheduled hand-over, else twelve hours ago."""
        async with self.store.read() as uow:
            last = await uow.scheduled_runs.last(self.handovers, now) if self.handovers else None
        return last if last is not None and now - last <= LONGEST_SHIFT else now - SHIFT_SECONDS

    async def timeseries(self, cluster: str, window: float) -> Timeseries:
        """The space of a cluster over the last `window` seconds."""
        now, every = self.clock(), window / _SAMPLES
        async with self.store.read() as uow:
            samples = await uow.samples.range(cluster, now - window, every=every)
            first = await uow.samples.first(cluster)
        return timeseries(cluster, samples, window=window, now=now, every=every, watched_since=first)

    async def facts(self, name: str, since: float, now: float) -> ClusterFacts:
        """Facts of one cluster since a time, with its trend of a month."""
        async with self.store.read() as uow:
            facts = await _facts(uow, name, since, now)
            month = await uow.samples.range(name, now - MONTH, every=MONTH / _SAMPLES)
            watched_since = await uow.samples.first(name)
        known = points(month)
        return replace(
            facts,
            operations=await self.operations(name, since),
            pending=await self.pending(name),
            trend=trend(month) if known else Trend(),
            history=known,
            watched_since=watched_since,
        )


async def _facts(uow: UnitOfWork, name: str, since: float, now: float) -> ClusterFacts:
    return ClusterFacts(
        name=name,
        state=await uow.cluster_states.get(name),
        open=await uow.alerts.open(name),
        recent=await uow.alerts.recent(since, name),
        samples=await uow.samples.range(name, since, every=max(0.0, (now - since) / _SAMPLES)),
        silences=await uow.silences.active(now, name),
        planned=[each for each in await uow.silences.held(now, name) if each.begins > now],
        notes=[
            NoteFact(note.at, f"note on {note.subject}: {note.text}", note.by)
            for note in await uow.notes.between(since, now, name, _MAX_NOTES)
        ],
    )
