"""What a periodic summary says: the verdict on each cluster, what changed since the last one, open alerts. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.monitor.alert import Alert, AlertState
from bot.monitor.memory import Memory
from bot.monitor.trend import Sample
from bot.monitor.words import count

__all__ = ["ClusterSummary", "Deed", "Facts", "Growth", "Sample", "Summary", "summarise"]


@dataclass(frozen=True, slots=True)
class Deed:
    """A change that somebody made with the bot: `words` tell what and how it went (raw), `by` is a Slack user id."""

    at: float
    words: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one cluster; `recent` are the alerts that changed since the last summary, resolved ones too."""

    name: str
    memory: Memory
    open: Sequence[Alert] = ()
    recent: Sequence[Alert] = ()
    samples: Sequence[Sample] = ()
    deeds: Sequence[Deed] = ()


@dataclass(frozen=True, slots=True)
class Growth:
    """Space in bytes: used then and now, and of how much; `writable` is what may be written now."""

    before: int
    after: int
    total: int
    writable: int


@dataclass(frozen=True, slots=True)
class ClusterSummary:
    """One cluster's part: its verdict as of `at` (0: never), what changed in sentences, what is still open."""

    name: str
    level: str
    verdict: str
    at: float
    changes: tuple[str, ...]
    growth: Growth | None
    alerts: tuple[Alert, ...]
    deeds: tuple[Deed, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """A whole summary of the time from `since` to `now` (Unix seconds), the clusters in trouble first."""

    since: float
    now: float
    clusters: tuple[ClusterSummary, ...]


def summarise(facts: Sequence[Facts], since: float, now: float) -> Summary:
    """Sum up what happened from `since` to `now`."""
    parts = [_of_cluster(each, since) for each in facts]
    return Summary(since, now, tuple(sorted(parts, key=lambda part: (part.level == "healthy", part.name))))


def _of_cluster(facts: Facts, since: float) -> ClusterSummary:
    told = [alert for alert in facts.open if alert.state is not AlertState.PENDING]
    return ClusterSummary(
        name=facts.name,
        level=facts.memory.level or "unknown",
        verdict=facts.memory.verdict or f"cmbot has not looked at {facts.name} yet.",
        at=facts.memory.at,
        changes=tuple(_changes(facts, since)),
        growth=_growth(facts.samples),
        alerts=tuple(sorted(told, key=lambda alert: (-alert.severity, alert.since))),
        deeds=tuple(deed for deed in facts.deeds if deed.at >= since),
    )


def _changes(facts: Facts, since: float) -> Iterator[str]:
    yield from _leadership(facts, since)
    yield from _counted(facts.samples)
    fired = sum(alert.fired_at >= since for alert in facts.recent if alert.fired_at)
    ended = sum(alert.resolved_at >= since for alert in facts.recent if alert.fired_at and alert.resolved_at)
    if fired or ended:
        yield f"{count(fired, 'alert')} fired, {ended:,} resolved"


def _leadership(facts: Facts, since: float) -> Iterator[str]:
    terms = [values["term"] for _, values in facts.samples if values.get("term")]
    elections = max(0, facts.memory.term - terms[0]) if terms else 0
    changes = [change for change in facts.memory.changes if change.at >= since]
    if changes:
        moved = f"the leader changed {count(len(changes), 'time')}, now peer {facts.memory.leader}"
        yield f"{moved} in term {facts.memory.term}"
    elif elections:
        yield f"{count(elections, 'election')}, and peer {facts.memory.leader} leads still (term {facts.memory.term})"


def _counted(samples: Sequence[Sample]) -> Iterator[str]:
    for key, words in (("bad_disks", "broken or repairing disks"), ("disks", "disks"), ("members", "members")):
        known = [values[key] for _, values in samples if values.get(key) is not None]
        if known and known[0] != known[-1]:
            yield f"{words}: {known[0]:,} then, {known[-1]:,} now"


def _growth(samples: Sequence[Sample]) -> Growth | None:
    known = [values for _, values in samples if values.get("total")]
    if not known:
        return None
    first, last = known[0], known[-1]
    return Growth(first["used"], last["used"], last["total"], last["writable"])
