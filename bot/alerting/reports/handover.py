"""Hand-over: open alerts and their owners, operations in progress, things to watch. No I/O."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from bot.alerting.model import Alert, Silence
from bot.alerting.reports.facts import ClusterFacts, Happening, Pending, happened
from bot.alerting.reports.summary import SOON_FULL_DAYS, STALE_SECONDS, Off, announced, switches_off
from bot.alerting.reports.trend import Sureness
from bot.alerting.text import count, span
from bot.clustermgr.models import DiskStatus

SHIFT_SECONDS = 12 * 3600.0
"""Length of a shift if no hand-over marks its start."""
_RESTLESS = 3
"""Leader changes in one shift that deserve attention."""
_SLOW_REPAIR = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class State:
    """The status of one cluster as of `at` (Unix seconds, 0: never); `raised_by` is an alert that is more severe."""

    name: str
    level: str
    verdict: str
    at: float
    raised_by: Alert | None = None


@dataclass(frozen=True, slots=True)
class OpenOperationFact:
    """A pending operation with its cluster."""

    cluster: str
    pending: Pending


@dataclass(frozen=True, slots=True)
class Handover:
    """The time from `since` to `now` (Unix seconds), and all that is open at its end.

    `free` are unacknowledged alerts, `held` acknowledged ones; `watch` are full sentences (raw).
    """

    since: float
    now: float
    states: tuple[State, ...]
    free: tuple[Alert, ...]
    held: tuple[Alert, ...]
    tasks: tuple[OpenOperationFact, ...]
    silences: tuple[Silence, ...]
    off: tuple[Off, ...]
    happened: tuple[Happening, ...]
    watch: tuple[str, ...]
    due_at: float = 0.0


def hand_over(facts: Sequence[ClusterFacts], since: float, now: float, *, due_at: float = 0.0) -> Handover:
    """Build the hand-over of the time from `since` to `now`."""
    alerts = announced([alert for each in facts for alert in each.open])
    states = [State(each.name, each.level, each.state.verdict, each.state.at, each.raised_by) for each in facts]
    return Handover(
        since=since,
        now=now,
        states=tuple(sorted(states, key=lambda state: (state.level == "healthy", state.name))),
        free=tuple(alert for alert in alerts if not alert.acked_by),
        held=tuple(alert for alert in alerts if alert.acked_by),
        tasks=tuple(OpenOperationFact(each.name, pending) for each in facts for pending in each.pending),
        silences=tuple(sorted((held for each in facts for held in each.silences), key=attrgetter("until"))),
        off=tuple(sorted((off for each in facts for off in switches_off(each)), key=attrgetter("since"))),
        happened=tuple(
            sorted((each for known in facts for each in happened(known, since)), key=attrgetter("at", "cluster"))
        ),
        watch=tuple(sentence for each in facts for sentence in _to_watch(each, since, now)),
        due_at=due_at,
    )


def _to_watch(facts: ClusterFacts, since: float, now: float) -> Iterator[str]:
    yield from _blind(facts, now)
    yield from _undecided(facts, now)
    yield from _ending(facts, now)
    yield from _disks(facts, now)
    yield from _restless(facts, since)
    yield from _filling(facts)


def _blind(facts: ClusterFacts, now: float) -> Iterator[str]:
    at = facts.state.at
    if not at:
        yield f"cmbot has never polled {facts.name}: check its configuration."
    elif now - at > STALE_SECONDS:
        yield f"cmbot has not polled {facts.name} for {span(now - at)}: its data here is that old."


def _undecided(facts: ClusterFacts, now: float) -> Iterator[str]:
    for each in facts.pending:
        if each.state == "unknown":
            yield (
                f"It is unknown whether operation #{each.op} of {facts.name} was applied: "
                f"check the cluster, then type /cm op settle {each.op}."
            )
        elif each.state == "waiting" and each.until > now:
            yield f"Operation #{each.op} of {facts.name} expires in {span(each.until - now)} unless it is approved."


def _ending(facts: ClusterFacts, now: float) -> Iterator[str]:
    for pending in facts.pending:
        if pending.state == "leased" and 0 < pending.until - now <= SHIFT_SECONDS:
            yield f"{pending.task or 'A switch'} of {facts.name} reverts automatically in {span(pending.until - now)}."
    for silence in facts.silences:
        if silence.until - now <= SHIFT_SECONDS:
            what = "everything" if silence.rule == "*" else silence.rule
            yield (f"Silence #{silence.id} of {what} in {silence.cluster} ends in {span(silence.until - now)}.")


def _disks(facts: ClusterFacts, now: float) -> Iterator[str]:
    slow = [each for each in facts.state.repairs if now - each.moved_at >= _SLOW_REPAIR]
    broken = [disk for disk in facts.state.disks if disk.status == DiskStatus.BROKEN]
    if slow:
        oldest = min(slow, key=attrgetter("moved_at"))
        yield (
            f"The repair of {count(len(slow), 'disk')} of {facts.name} has made no progress for "
            f"{span(now - oldest.moved_at)} (disk {oldest.id})."
        )
    if broken and any(off.task == "disk_repair" for off in switches_off(facts)):
        waiting = "1 disk waits" if len(broken) == 1 else f"{len(broken):,} disks wait"
        yield f"disk_repair is off in {facts.name} while {waiting} for repair."


def _restless(facts: ClusterFacts, since: float) -> Iterator[str]:
    changes = sum(change.at >= since for change in facts.state.changes)
    if changes >= _RESTLESS:
        yield f"The leader of {facts.name} changed {changes} times in this shift: find the cause."


def _filling(facts: ClusterFacts) -> Iterator[str]:
    full_in = facts.trend.full_in
    if full_in is not None and full_in <= SOON_FULL_DAYS and facts.trend.sure is not Sureness.NONE:
        days = count(round(full_in), "day")
        yield f"{facts.name} is full in about {days} at the current pace: /cm trend {facts.name}"
