"""Gathers from the store what summaries, hand-overs and trends tell; writes nothing."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.reports.facts import ClusterFacts, OperationFact, Pending
from bot.alerting.reports.handover import SHIFT_SECONDS, Handover, hand_over
from bot.alerting.reports.summary import Summary, summarise
from bot.alerting.reports.timeseries import Timeseries, timeseries
from bot.alerting.reports.trend import DAY, Trend, points, trend
from bot.views.alert_text.table import alert_text
from bot.watch.ports import WatchStore, WatchUnit

Deeds = Callable[[str, float], Awaitable[Sequence[OperationFact]]]
"""What was done to a cluster with the bot since a time."""
PendingOf = Callable[[str], Awaitable[Sequence[Pending]]]
"""What is not over on a cluster."""

MONTH = 30 * DAY
_SAMPLES = 200
"""About how many measurements of one cluster are read, however long the time."""
LONGEST_SHIFT = 7 * DAY
"""A hand-over before that is no beginning of this shift."""


async def no_deeds(_cluster: str, _since: float) -> Sequence[OperationFact]:
    """For a program that keeps no operations."""
    return ()


async def nothing_pending(_cluster: str) -> Sequence[Pending]:
    """For a program that keeps no operations."""
    return ()


@dataclass(frozen=True, slots=True)
class Reports:
    """Implements commands.spec.ReportBook; every method raises StoreError.

    `handovers` are the names of the scheduled hand-overs, as they are noted when they fired.
    """

    store: WatchStore
    clock: Callable[[], float]
    deeds: Deeds = no_deeds
    pending: PendingOf = nothing_pending
    handovers: Collection[str] = ()

    async def summary(self, clusters: Sequence[str], since: float) -> Summary:
        """What happened since a time (Unix seconds), and what is open."""
        now = self.clock()
        return summarise([await self.facts(name, since, now) for name in clusters], since, now)

    async def handover(self, clusters: Sequence[str], since: float | None = None) -> Handover:
        """What who takes over needs to know; without `since` of the time since the last scheduled hand-over."""
        now = self.clock()
        begun = await self.shift(now) if since is None else since
        return hand_over([await self.facts(name, begun, now) for name in clusters], begun, now)

    async def shift(self, now: float) -> float:
        """When the shift that ends `now` began: at the last scheduled hand-over, else twelve hours ago."""
        async with self.store.read() as uow:
            last = await uow.firings.last(self.handovers, now) if self.handovers else None
        return last if last is not None and now - last <= LONGEST_SHIFT else now - SHIFT_SECONDS

    async def timeseries(self, cluster: str, window: float) -> Timeseries:
        """How the space of a cluster went in the last `window` seconds."""
        now, every = self.clock(), window / _SAMPLES
        async with self.store.read() as uow:
            samples = await uow.samples.range(cluster, now - window, every=every)
            first = await uow.samples.first(cluster)
        return timeseries(cluster, samples, window=window, now=now, every=every, watched_since=first)

    async def facts(self, name: str, since: float, now: float) -> ClusterFacts:
        """All that is known of one cluster, what happened since a time, and its trend of a month."""
        async with self.store.read() as uow:
            facts = await _facts(uow, name, since, now)
            month = await uow.samples.range(name, now - MONTH, every=MONTH / _SAMPLES)
        known = points(month)
        return replace(
            facts,
            deeds=await self.deeds(name, since),
            pending=await self.pending(name),
            trend=trend(month) if known else Trend(),
            history=known,
        )


async def _facts(uow: WatchUnit, name: str, since: float, now: float) -> ClusterFacts:
    return ClusterFacts(
        name=name,
        memory=ClusterState.from_json(await uow.memory.get(name)),
        open=await uow.alerts.open(name),
        recent=await uow.alerts.recent(since, name),
        samples=await uow.samples.range(name, since, every=max(0.0, (now - since) / _SAMPLES)),
        silences=await uow.silences.active(now, name),
        wording=alert_text,
    )
