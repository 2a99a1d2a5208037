"""Events of a cluster within a time: folded for a summary, one by one for a hand-over. No I/O."""

from collections.abc import Iterator, Sequence
from dataclasses import field
from enum import Enum, auto
from operator import attrgetter

from bot.alerting.cluster_state.observations import MemberChange, SwitchChange
from bot.alerting.cluster_state.state import ClusterState, LeaderChange
from bot.alerting.cluster_status import level_of, worse_alert
from bot.alerting.model import Alert, Silence
from bot.alerting.reports.trend import Point, Sample, Trend
from bot.common.frozen import frozen

WATCH_GRACE_SECONDS = 600.0
"""A cluster that was first polled this much after the start of a report was watched for all of its time."""
_ONE_BY_ONE = 3
_MAX_ALERTS = 100
_REPEATS = frozenset({"leader_changed", "membership_changed", "switch_changed"})


@frozen
class OperationFact:
    """A finished operation: `words` describe it and its result, `why` is its reason (both raw).

    `by` requested it, `approved` approved it (Slack user ids; "" is the program itself).
    """

    at: float
    words: str
    by: str = ""
    why: str = ""
    approved: tuple[str, ...] = ()


@frozen
class NoteFact:
    """A note that a person kept: `words` name what it is about and repeat it (raw), `by` wrote it ("": cmbot)."""

    at: float
    words: str
    by: str = ""


@frozen
class Pending:
    """An open operation: `state` is `waiting`, `running`, `unknown` or `leased` (reverts automatically).

    `words` describe it (raw), `by` requested it at `at`; `until` is when its card expires or the switch reverts (Unix
    seconds, 0: never).
    """

    op: int
    words: str
    state: str
    by: str
    at: float
    until: float = 0.0
    task: str = ""


@frozen
class ClusterFacts:
    """Facts of one cluster; `recent` are the alerts that changed in the requested time, resolved ones too.

    `planned` are silences that begin later. `samples` are of that time, `trend` and `history` of the month before its
    end. `watched_since` is the time of the oldest stored measurement (Unix seconds), None without any.
    """

    name: str
    state: ClusterState
    open: Sequence[Alert] = ()
    recent: Sequence[Alert] = ()
    samples: Sequence[Sample] = ()
    operations: Sequence[OperationFact] = ()
    pending: Sequence[Pending] = ()
    notes: Sequence[NoteFact] = ()
    silences: Sequence[Silence] = ()
    planned: Sequence[Silence] = ()
    trend: Trend = field(default_factory=Trend)
    history: Sequence[Point] = ()
    watched_since: float | None = None

    @property
    def raised_by(self) -> Alert | None:
        """The open alert that is more severe than the last status, None if there is none."""
        return worse_alert(self.state.level, [alert for alert in self.open if alert.cluster == self.name])

    @property
    def level(self) -> str:
        """The level of the last status, not milder than the most severe open alert; "unknown" before the first poll."""
        alert = self.raised_by
        return level_of(alert.severity) if alert else self.state.level or "unknown"


@frozen
class AlertEvent:
    """An alert fired, or was resolved."""

    alert: Alert
    resolved: bool = False


@frozen
class SwitchEvent:
    """A switch changed; the dialect of the cluster ("" if unknown) gives its stored values their meaning."""

    change: SwitchChange
    dialect: str


Event = AlertEvent | LeaderChange | MemberChange | SwitchEvent | OperationFact | NoteFact


@frozen
class Happening:
    """One event of a cluster, with its time."""

    at: float
    cluster: str
    event: Event


class Counted(Enum):
    """The numbers that a summary compares."""

    BAD_DISKS = auto()
    DISKS = auto()
    MEMBERS = auto()


@frozen
class NumberMoved:
    """A number differs from the one at the start."""

    counted: Counted
    before: int
    now: int


@frozen
class LeaderMovedOften:
    """The leader changed several times; now `leader` leads in `term`."""

    times: int
    leader: int
    term: int


@frozen
class Elections:
    """Elections took place, and the same peer still leads."""

    number: int
    leader: int
    term: int


@frozen
class DisksBroke:
    """Disks broke, by id."""

    disks: tuple[int, ...]


@frozen
class DisksGone:
    """Broken disks were repaired or removed, by id."""

    disks: tuple[int, ...]


@frozen
class AlertsCounted:
    """Number of alerts that fired, and of those that were resolved."""

    fired: int
    resolved: int


@frozen
class ManyMoves:
    """More changes of one kind than a summary lists, and the last one."""

    number: int
    last: MemberChange | SwitchEvent


ChangeFact = (
    LeaderChange
    | LeaderMovedOften
    | Elections
    | DisksBroke
    | DisksGone
    | NumberMoved
    | MemberChange
    | SwitchEvent
    | ManyMoves
    | AlertsCounted
)


def watched_later(facts: Sequence[ClusterFacts], since: float) -> dict[str, float]:
    """When cmbot began to watch each cluster (Unix seconds by name) that it did not watch yet at `since`."""
    return {
        each.name: each.watched_since
        for each in facts
        if each.watched_since is not None and each.watched_since > since + WATCH_GRACE_SECONDS
    }


def happened(facts: ClusterFacts, since: float) -> list[Happening]:
    """All events at `since` or later, the oldest first, each once.

    A change made by an operation appears as the operation; an alert that repeats a change is left out.
    """
    state = facts.state
    moves: tuple[LeaderChange | MemberChange, ...] = (*state.changes, *state.member_changes)
    switches = (each for each in state.switch_changes if not each.op)
    found = [
        *_alerts(facts),
        *(Happening(each.at, facts.name, each) for each in moves if not each.op),
        *(Happening(each.at, facts.name, SwitchEvent(each, state.dialect)) for each in switches),
        *(Happening(operation.at, facts.name, operation) for operation in facts.operations),
        *(Happening(note.at, facts.name, note) for note in facts.notes),
    ]
    return sorted((each for each in found if each.at >= since), key=attrgetter("at"))


def _alerts(facts: ClusterFacts) -> Iterator[Happening]:
    for alert in facts.recent[-_MAX_ALERTS:]:
        if alert.rule in _REPEATS:
            continue
        if alert.fired_at:
            yield Happening(alert.fired_at, facts.name, AlertEvent(alert))
        if alert.fired_at and alert.resolved_at:
            yield Happening(alert.resolved_at, facts.name, AlertEvent(alert, resolved=True))


def changed(facts: ClusterFacts, since: float) -> list[ChangeFact]:
    """The events folded into a few facts, the most severe first."""
    return [
        *_leadership(facts, since),
        *_disks(facts),
        *_members(facts, since),
        *_switches(facts, since),
        *_fired(facts, since),
    ]


def _fired(facts: ClusterFacts, since: float) -> Iterator[AlertsCounted]:
    fired = sum(alert.fired_at >= since for alert in facts.recent if alert.fired_at)
    ended = sum(alert.resolved_at >= since for alert in facts.recent if alert.fired_at and alert.resolved_at)
    if fired or ended:
        yield AlertsCounted(fired, ended)


def _leadership(facts: ClusterFacts, since: float) -> Iterator[LeaderChange | LeaderMovedOften | Elections]:
    state = facts.state
    changes = [change for change in state.changes if change.at >= since]
    elections = _elections(facts)
    if len(changes) == 1:
        yield changes[0]
    elif changes:
        yield LeaderMovedOften(len(changes), state.leader, state.term)
    elif elections:
        yield Elections(elections, state.leader, state.term)


def _elections(facts: ClusterFacts) -> int:
    terms = [values.term for _, values in facts.samples if values.term]
    return max(0, facts.state.term - terms[0]) if terms else 0


def _disks(facts: ClusterFacts) -> Iterator[DisksBroke | DisksGone | NumberMoved]:
    """The disks that broke or were repaired; only their number if older measurements have no ids."""
    known = [frozenset(values.bad) for _, values in facts.samples if values.bad is not None]
    if known:
        now = {disk.id for disk in facts.state.disks} if facts.state.disks_at else known[-1]
        seen = frozenset(now).union(*known)
        if broke := sorted(seen - known[0]):
            yield DisksBroke(tuple(broke))
        if gone := sorted(seen - now):
            yield DisksGone(tuple(gone))
    else:
        yield from _moved(Counted.BAD_DISKS, [values.bad_disks for _, values in facts.samples])
    yield from _moved(Counted.DISKS, [values.disks for _, values in facts.samples])


def _moved(counted: Counted, numbers: Sequence[int | None]) -> Iterator[NumberMoved]:
    known = [number for number in numbers if number is not None]
    if known and known[0] != known[-1]:
        yield NumberMoved(counted, known[0], known[-1])


def _members(facts: ClusterFacts, since: float) -> Iterator[MemberChange | ManyMoves | NumberMoved]:
    changes = [change for change in facts.state.member_changes if change.at >= since]
    if len(changes) > _ONE_BY_ONE:
        yield ManyMoves(len(changes), changes[-1])
    elif changes:
        yield from changes
    else:
        yield from _moved(Counted.MEMBERS, [values.members for _, values in facts.samples])


def _switches(facts: ClusterFacts, since: float) -> Iterator[SwitchEvent | ManyMoves]:
    state = facts.state
    moves = [SwitchEvent(change, state.dialect) for change in state.switch_changes if change.at >= since]
    if len(moves) > _ONE_BY_ONE:
        yield ManyMoves(len(moves), moves[-1])
    else:
        yield from moves
