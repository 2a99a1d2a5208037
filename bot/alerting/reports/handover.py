"""Hand-over: open alerts and their owners, operations in progress, things to watch. No I/O."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from operator import attrgetter

from bot.alerting.cluster_state.state import risk_fact
from bot.alerting.model import Alert, Silence
from bot.alerting.reports.facts import ClusterFacts, Happening, Pending, happened, watched_later
from bot.alerting.reports.summary import SOON_FULL_DAYS, STALE_SECONDS, Off, announced, switches_off
from bot.alerting.reports.trend import Sureness
from bot.alerting.risk_facts import RiskFact
from bot.clustermgr.models import DiskStatus
from bot.common.frozen import frozen

SHIFT_SECONDS = 12 * 3600.0
"""Length of a shift if no hand-over marks its start."""
_RESTLESS = 3
"""Leader changes in one shift that deserve attention."""
_SLOW_REPAIR = 6 * 3600.0


@frozen
class State:
    """The status of one cluster as of `at` (Unix seconds, 0: never); `raised_by` is an alert that is more severe."""

    name: str
    level: str
    verdict: str
    at: float
    raised_by: Alert | None = None


@frozen
class OpenOperationFact:
    """A pending operation with its cluster."""

    cluster: str
    pending: Pending


@frozen
class NeverPolled:
    """No poll of the cluster has succeeded yet."""

    cluster: str


@frozen
class PollsStale:
    """The last poll is `age` seconds old."""

    cluster: str
    age: float


@frozen
class OperationUndecided:
    """An operation may have been applied or not."""

    cluster: str
    op: int


@frozen
class ApprovalExpires:
    """An operation that waits for approval expires in `left` seconds."""

    cluster: str
    op: int
    left: float


@frozen
class SwitchReverts:
    """A switch reverts automatically in `left` seconds; `task` is "" if unknown."""

    cluster: str
    task: str
    left: float


@frozen
class SilenceEnds:
    """A silence ends in `left` seconds."""

    silence: Silence
    left: float


@frozen
class RepairsStuck:
    """The repair of `disks` disks has made no progress; that of disk `oldest` not for `stuck_for` seconds."""

    cluster: str
    disks: int
    oldest: int
    stuck_for: float


@frozen
class RepairOff:
    """The switch disk_repair is off although `disks` broken disks need it."""

    cluster: str
    disks: int


@frozen
class VolumesReduced:
    """Volumes of the cluster have units that are lost or unreachable, or could not all be judged."""

    cluster: str
    fact: RiskFact


@frozen
class LeaderUnsteady:
    """The leader changed `times` times in the shift."""

    cluster: str
    times: int


@frozen
class FullSoon:
    """The cluster is full in `days` days at the current pace."""

    cluster: str
    days: int


WatchFact = (
    NeverPolled
    | PollsStale
    | OperationUndecided
    | ApprovalExpires
    | SwitchReverts
    | SilenceEnds
    | RepairsStuck
    | RepairOff
    | VolumesReduced
    | LeaderUnsteady
    | FullSoon
)


@frozen
class Handover:
    """The time from `since` to `now` (Unix seconds), and all that is open at its end.

    `free` are unacknowledged alerts, `held` acknowledged ones; `watch` is what deserves attention. `watched_later` has
    the clusters that were not watched yet at `since`, with the time of their first measurement.
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
    watch: tuple[WatchFact, ...]
    due_at: float = 0.0
    watched_later: Mapping[str, float] = field(default_factory=dict)


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
        silences=tuple(
            sorted((held for each in facts for held in (*each.silences, *each.planned)), key=attrgetter("until"))
        ),
        off=tuple(sorted((off for each in facts for off in switches_off(each)), key=attrgetter("since"))),
        happened=tuple(
            sorted((each for known in facts for each in happened(known, since)), key=attrgetter("at", "cluster"))
        ),
        watch=tuple(fact for each in facts for fact in _to_watch(each, since, now)),
        due_at=due_at,
        watched_later=watched_later(facts, since),
    )


def _to_watch(facts: ClusterFacts, since: float, now: float) -> Iterator[WatchFact]:
    yield from _polls(facts, now)
    if (risk := risk_fact(facts.state)) is not None:
        yield VolumesReduced(facts.name, risk)
    yield from _undecided(facts, now)
    yield from _ending(facts, now)
    yield from _disks(facts, now)
    changes = sum(change.at >= since for change in facts.state.changes)
    if changes >= _RESTLESS:
        yield LeaderUnsteady(facts.name, changes)
    full_in = facts.trend.full_in
    if full_in is not None and full_in <= SOON_FULL_DAYS and facts.trend.sure is not Sureness.NONE:
        yield FullSoon(facts.name, round(full_in))


def _polls(facts: ClusterFacts, now: float) -> Iterator[NeverPolled | PollsStale]:
    at = facts.state.at
    if not at:
        yield NeverPolled(facts.name)
    elif now - at > STALE_SECONDS:
        yield PollsStale(facts.name, now - at)


def _undecided(facts: ClusterFacts, now: float) -> Iterator[OperationUndecided | ApprovalExpires]:
    for each in facts.pending:
        if each.state == "unknown":
            yield OperationUndecided(facts.name, each.op)
        elif each.state == "waiting" and each.until > now:
            yield ApprovalExpires(facts.name, each.op, each.until - now)


def _ending(facts: ClusterFacts, now: float) -> Iterator[SwitchReverts | SilenceEnds]:
    for pending in facts.pending:
        if pending.state == "leased" and 0 < pending.until - now <= SHIFT_SECONDS:
            yield SwitchReverts(facts.name, pending.task, pending.until - now)
    for silence in facts.silences:
        if silence.until - now <= SHIFT_SECONDS:
            yield SilenceEnds(silence, silence.until - now)


def _disks(facts: ClusterFacts, now: float) -> Iterator[RepairsStuck | RepairOff]:
    slow = [each for each in facts.state.repairs if now - each.moved_at >= _SLOW_REPAIR]
    broken = [disk for disk in facts.state.disks if disk.status == DiskStatus.BROKEN]
    if slow:
        oldest = min(slow, key=attrgetter("moved_at"))
        yield RepairsStuck(facts.name, len(slow), oldest.id, now - oldest.moved_at)
    if broken and any(off.task == "disk_repair" for off in switches_off(facts)):
        yield RepairOff(facts.name, len(broken))
