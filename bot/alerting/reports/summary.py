"""Summary: status of each cluster, changes since the last summary, open alerts and operations. No I/O."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from operator import attrgetter

from bot.alerting.cluster_state.state import ClusterState, risk_fact
from bot.alerting.model import Alert, AlertState, Silence
from bot.alerting.reports.facts import ChangeFact, ClusterFacts, OperationFact, Pending, changed, watched_later
from bot.alerting.reports.trend import DAY, Point, Sample, Trend, points
from bot.alerting.risk_facts import RiskFact
from bot.alerting.topics import most_severe_first
from bot.clustermgr.tasks import TASKS, Dialect, meaning_of
from bot.common.frozen import frozen

SOON_SECONDS = DAY / 2
"""Silences and leases that end within this time are listed."""
LONG_OFF_SECONDS = DAY
"""Switches off for longer are listed."""
SOON_FULL_DAYS = 60.0
"""A cluster that is full within this time is not quiet."""
STALE_SECONDS = 300.0
"""An older status is marked as stale."""


@frozen
class Growth:
    """Space in bytes: used at the first measurement and at the last one, and of how much.

    `writable` is the writable space at the last measurement, taken at `at` (Unix seconds).
    """

    before: int
    after: int
    total: int
    writable: int
    at: float = 0.0


@frozen
class Off:
    """A background task whose switch is not on: its name, and since when.

    `stored` is a value without meaning (raw), None if the switch is off.
    """

    cluster: str
    task: str
    since: float
    stored: str | None = None


@frozen
class ClusterSummary:
    """One cluster's part: status as of `at` (0: never), changes, open alerts, operations, switches off.

    `verdict` is the sentence of the last status ("": none), `raised_by` the open alert that is more severe. `risk` is
    the risk of volumes, None if there is nothing to say.
    """

    name: str
    level: str
    verdict: str
    at: float
    changes: tuple[ChangeFact, ...]
    growth: Growth | None
    alerts: tuple[Alert, ...]
    operations: tuple[OperationFact, ...]
    pending: tuple[Pending, ...] = ()
    ending: tuple[Silence, ...] = ()
    silences: int = 0
    off: tuple[Off, ...] = ()
    trend: Trend = field(default_factory=Trend)
    history: tuple[Point, ...] = ()
    raised_by: Alert | None = None
    risk: RiskFact | None = None

    @property
    def filling(self) -> bool:
        """True if it will be full soon."""
        return self.trend.full_in is not None and self.trend.full_in <= SOON_FULL_DAYS

    def quiet(self, now: float) -> bool:
        """True if it is healthy and nothing happened."""
        announced = (
            self.changes
            or self.alerts
            or self.operations
            or self.pending
            or self.ending
            or self.off
            or self.filling
            or self.risk
        )
        return self.level == "healthy" and now - self.at <= STALE_SECONDS and not announced


@frozen
class Summary:
    """A whole summary of the time from `since` to `now` (Unix seconds), unhealthy clusters first.

    `due_at` is when it was due, 0 for one requested by a command. `watched_later` has the clusters that were not
    watched yet at `since`, with the time of their first measurement.
    """

    since: float
    now: float
    clusters: tuple[ClusterSummary, ...]
    due_at: float = 0.0
    watched_later: Mapping[str, float] = field(default_factory=dict)


def summarise(facts: Sequence[ClusterFacts], since: float, now: float, *, due_at: float = 0.0) -> Summary:
    """Build the summary of the time from `since` to `now`."""
    parts = [_of_cluster(each, since, now) for each in facts]
    ordered = tuple(sorted(parts, key=lambda part: _urgency(part, now)))
    return Summary(since, now, ordered, due_at, watched_later(facts, since))


def _urgency(part: ClusterSummary, now: float) -> tuple[bool, int, bool, str]:
    """Sort key: unhealthy clusters first, then those with alerts, then those with changes."""
    most_severe = max((alert.severity for alert in part.alerts), default=0)
    return (part.level == "healthy", -most_severe, part.quiet(now), part.name)


def _of_cluster(facts: ClusterFacts, since: float, now: float) -> ClusterSummary:
    return ClusterSummary(
        name=facts.name,
        level=facts.level,
        verdict=facts.state.verdict,
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
        raised_by=facts.raised_by,
        risk=risk_fact(facts.state),
    )


def announced(alerts: Sequence[Alert]) -> tuple[Alert, ...]:
    """The posted alerts, the most severe first."""
    known = [alert for alert in alerts if alert.state is not AlertState.PENDING]
    return tuple(sorted(known, key=most_severe_first))


def switches_off(facts: ClusterFacts) -> tuple[Off, ...]:
    """The tasks whose switch is off or has an unknown value, the longest first; without leased switches.

    A switch that was never set is left out: it expresses no intent.
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
            yield Off(name, task.name, note.since, None if word == "off" else note.value)


def _growth(samples: Sequence[Sample]) -> Growth | None:
    known = points(samples)
    if not known:
        return None
    first, last = known[0], known[-1]
    return Growth(int(first.used), int(last.used), int(last.total), int(last.writable), last.at)
