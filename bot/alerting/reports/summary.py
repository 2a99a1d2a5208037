"""What a periodic summary says: the verdict on each cluster, what changed since the last one, what is open. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.model import Alert, AlertState, Silence
from bot.alerting.reports.facts import ClusterFacts, OperationFact, Pending, changed
from bot.alerting.reports.trend import DAY, Point, Sample, Trend, points
from bot.clustermgr.tasks import TASKS, Dialect, meaning_of

SOON_SECONDS = DAY / 2
"""A silence or a lease that ends within this time is worth a word."""
LONG_OFF_SECONDS = DAY
"""A switch that has been off for longer is worth a word."""
SOON_FULL_DAYS = 60.0
"""A cluster that is full within this time is not quiet."""
STALE_SECONDS = 300.0
"""A view that is older says so."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Space in bytes: used at the first measurement and at the last one, and of how much.

    `writable` is what might be written at the last measurement, taken `at` that time (Unix seconds).
    """

    before: int
    after: int
    total: int
    writable: int
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Off:
    """A background task whose switch does not say on: its name, what is stored (raw) and means, and since when."""

    cluster: str
    task: str
    word: str
    since: float


@dataclass(frozen=True, slots=True)
class ClusterSummary:
    """One cluster's part: its verdict as of `at` (0: never), what changed in phrases, what is open, due or off."""

    name: str
    level: str
    verdict: str
    at: float
    changes: tuple[str, ...]
    growth: Growth | None
    alerts: tuple[Alert, ...]
    operations: tuple[OperationFact, ...]
    pending: tuple[Pending, ...] = ()
    ending: tuple[Silence, ...] = ()
    silences: int = 0
    off: tuple[Off, ...] = ()
    trend: Trend = field(default_factory=Trend)
    history: tuple[Point, ...] = ()

    @property
    def filling(self) -> bool:
        """Whether it is going to be full soon."""
        return self.trend.full_in is not None and self.trend.full_in <= SOON_FULL_DAYS

    def quiet(self, now: float) -> bool:
        """Whether there is nothing to say of it but that it is healthy."""
        announced = (
            self.changes or self.alerts or self.operations or self.pending or self.ending or self.off or self.filling
        )
        return self.level == "healthy" and now - self.at <= STALE_SECONDS and not announced


@dataclass(frozen=True, slots=True)
class Summary:
    """A whole summary of the time from `since` to `now` (Unix seconds), the clusters in trouble first.

    `due_at` is when it should have come, 0 for one that was asked for.
    """

    since: float
    now: float
    clusters: tuple[ClusterSummary, ...]
    due_at: float = 0.0


def summarise(facts: Sequence[ClusterFacts], since: float, now: float, *, due_at: float = 0.0) -> Summary:
    """Sum up what happened from `since` to `now`."""
    parts = [_of_cluster(each, since, now) for each in facts]
    return Summary(since, now, tuple(sorted(parts, key=lambda part: _urgency(part, now))), due_at)


def _urgency(part: ClusterSummary, now: float) -> tuple[bool, int, bool, str]:
    """Sorts what is in trouble first, then what has alerts, then what has anything to tell."""
    worst = max((alert.severity for alert in part.alerts), default=0)
    return (part.level == "healthy", -worst, part.quiet(now), part.name)


def _of_cluster(facts: ClusterFacts, since: float, now: float) -> ClusterSummary:
    return ClusterSummary(
        name=facts.name,
        level=facts.status.level or "unknown",
        verdict=facts.status.verdict or f"{facts.name} has not been polled yet.",
        at=facts.state.at,
        changes=tuple(changed(facts, since)),
        growth=_growth(facts.samples),
        alerts=announced(facts.open),
        operations=tuple(operation for operation in facts.operations if operation.at >= since),
        pending=tuple(each for each in facts.pending if each.state != "leased" or each.until - now <= SOON_SECONDS),
        ending=tuple(each for each in facts.silences if each.until - now <= SOON_SECONDS),
        silences=len(facts.silences),
        off=tuple(off for off in switches_off(facts) if now - off.since >= LONG_OFF_SECONDS),
        trend=facts.trend,
        history=tuple(facts.history),
    )


def announced(alerts: Sequence[Alert]) -> tuple[Alert, ...]:
    """Those that people know of, the gravest and then the oldest first."""
    known = [alert for alert in alerts if alert.state is not AlertState.PENDING]
    return tuple(sorted(known, key=lambda alert: (-alert.severity, alert.since)))


def switches_off(facts: ClusterFacts) -> tuple[Off, ...]:
    """The tasks whose switch says off or nothing that is known, the longest first; not those that go back anyway.

    What was never set is left out: it says nothing of what anybody wanted.
    """
    leased = {each.task for each in facts.pending if each.state == "leased"}
    found = [off for off in _not_on(facts.name, facts.state) if off.task not in leased]
    return tuple(sorted(found, key=attrgetter("since", "task")))


def _not_on(name: str, state: ClusterState) -> Iterator[Off]:
    if state.dialect not in set(Dialect):
        return
    for task in TASKS:
        note = state.switches.get(task.keys.get(Dialect(state.dialect), ""))
        if note is None or note.value is None:
            continue
        word = meaning_of(note.value, state.dialect).word
        if word != "on":
            yield Off(name, task.name, word if word == "off" else f"{word} ('{note.value}')", note.since)


def _growth(samples: Sequence[Sample]) -> Growth | None:
    known = points(samples)
    if not known:
        return None
    first, last = known[0], known[-1]
    return Growth(int(first.used), int(last.used), int(last.total), int(last.writable), last.at)
