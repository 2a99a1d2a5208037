"""Events of a cluster within a time, as sentences: folded for a summary, one by one for a hand-over. No I/O."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TypeVar

from bot.alerting.cluster_state.observations import MemberChange, SwitchChange
from bot.alerting.cluster_state.state import ClusterState, LeaderChange
from bot.alerting.cluster_status import level_of, worse_alert
from bot.alerting.model import Alert, Silence
from bot.alerting.reports.trend import Point, Sample, Trend
from bot.alerting.text import count, listed
from bot.clustermgr.tasks import meaning_of

T = TypeVar("T", LeaderChange, MemberChange, SwitchChange)

_ONE_BY_ONE = 3
_MAX_ALERTS = 100
_REPEATS = frozenset({"leader_changed", "membership_changed", "switch_changed"})


@dataclass(frozen=True, slots=True)
class OperationFact:
    """A finished operation: `words` describe it and its result, `why` is its reason (both raw).

    `by` requested it, `approved` approved it (Slack user ids; "" is the program itself).
    """

    at: float
    words: str
    by: str = ""
    why: str = ""
    approved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """Facts of one cluster; `recent` are the alerts that changed in the requested time, resolved ones too.

    `samples` are of that time, `trend` and `history` of the month before its end.
    """

    name: str
    state: ClusterState
    open: Sequence[Alert] = ()
    recent: Sequence[Alert] = ()
    samples: Sequence[Sample] = ()
    operations: Sequence[OperationFact] = ()
    pending: Sequence[Pending] = ()
    silences: Sequence[Silence] = ()
    trend: Trend = field(default_factory=Trend)
    history: Sequence[Point] = ()

    @property
    def raised_by(self) -> Alert | None:
        """The open alert that is more severe than the last status, None if there is none."""
        return worse_alert(self.state.level, [alert for alert in self.open if alert.cluster == self.name])

    @property
    def level(self) -> str:
        """The level of the last status, not milder than the most severe open alert; "unknown" before the first poll."""
        alert = self.raised_by
        return level_of(alert.severity) if alert else self.state.level or "unknown"


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a cluster: time, phrase (raw, without a full stop), and the user behind it, if any.

    An event without a phrase is that of an `alert`, which fired or was `resolved` then.
    """

    at: float
    cluster: str
    words: str = ""
    by: str = ""
    alert: Alert | None = None
    resolved: bool = False


def happened(facts: ClusterFacts, since: float) -> list[Happening]:
    """All events at `since` or later, the oldest first, each once.

    A change made by an operation appears as the operation; an alert that repeats a change is left out.
    """
    state = facts.state
    found = [
        *_alerts(facts),
        *_noticed(facts.name, state.changes, lambda each: _moved(each.before, each.after, each.term)),
        *_noticed(facts.name, state.member_changes, member_words),
        *_noticed(facts.name, state.switch_changes, lambda each: switch_words(each, state.dialect)),
        *(Happening(operation.at, facts.name, operation.words, operation.by) for operation in facts.operations),
    ]
    return sorted((each for each in found if each.at >= since), key=attrgetter("at", "words"))


def _noticed(name: str, changes: Sequence[T], words: Callable[[T], str]) -> Iterator[Happening]:
    return (Happening(each.at, name, words(each)) for each in changes if not each.op)


def _alerts(facts: ClusterFacts) -> Iterator[Happening]:
    for alert in facts.recent[-_MAX_ALERTS:]:
        if alert.rule in _REPEATS:
            continue
        if alert.fired_at:
            yield Happening(alert.fired_at, facts.name, alert=alert)
        if alert.fired_at and alert.resolved_at:
            yield Happening(alert.resolved_at, facts.name, alert=alert, resolved=True)


def _moved(before: int, after: int, term: int) -> str:
    return f"leadership moved from peer {before} to peer {after} in term {term}"


def changed(facts: ClusterFacts, since: float) -> list[str]:
    """The events folded into a few phrases, the most severe first."""
    return [
        *_leadership(facts, since),
        *_disks(facts),
        *_members(facts, since),
        *_switches(facts, since),
        *_fired(facts, since),
    ]


def _fired(facts: ClusterFacts, since: float) -> Iterator[str]:
    fired = sum(alert.fired_at >= since for alert in facts.recent if alert.fired_at)
    ended = sum(alert.resolved_at >= since for alert in facts.recent if alert.fired_at and alert.resolved_at)
    if fired:
        yield f"{count(fired, 'alert')} fired{f', {ended:,} resolved' if ended else ''}"
    elif ended:
        yield f"{count(ended, 'alert')} resolved"


def _leadership(facts: ClusterFacts, since: float) -> Iterator[str]:
    state = facts.state
    changes = [change for change in state.changes if change.at >= since]
    elections = _elections(facts)
    if len(changes) == 1:
        yield _moved(changes[0].before, changes[0].after, changes[0].term) + _caused(changes[0].op)
    elif changes:
        yield f"the leader changed {len(changes)} times, now peer {state.leader} leads in term {state.term}"
    elif elections:
        yield f"{count(elections, 'election')}, and peer {state.leader} still leads (term {state.term})"


def _elections(facts: ClusterFacts) -> int:
    terms = [values.term for _, values in facts.samples if values.term]
    return max(0, facts.state.term - terms[0]) if terms else 0


def _disks(facts: ClusterFacts) -> Iterator[str]:
    """The disks that broke or were repaired; only their number if older measurements have no ids."""
    known = [frozenset(values.bad) for _, values in facts.samples if values.bad is not None]
    if known:
        now = {disk.id for disk in facts.state.disks} if facts.state.disks_at else known[-1]
        seen = frozenset(now).union(*known)
        broke, repaired = sorted(seen - known[0]), sorted(seen - now)
        if broke:
            yield f"{_numbered(broke)} broke"
        if repaired:
            yield f"{_numbered(repaired)} {'is' if len(repaired) == 1 else 'are'} repaired or gone"
    else:
        yield from _counted([values.bad_disks for _, values in facts.samples], "broken or repairing disks")
    yield from _counted([values.disks for _, values in facts.samples], "disks")


def _numbered(ids: Sequence[int]) -> str:
    return f"{'disk' if len(ids) == 1 else 'disks'} {listed([str(each) for each in ids])}"


def _counted(numbers: Sequence[int | None], words: str) -> Iterator[str]:
    known = [number for number in numbers if number is not None]
    if known and known[0] != known[-1]:
        yield f"{words}: {known[0]:,} then, {known[-1]:,} now"


def _members(facts: ClusterFacts, since: float) -> Iterator[str]:
    changes = [change for change in facts.state.member_changes if change.at >= since]
    if changes:
        yield from _folded([member_words(change) for change in changes], "changes of members")
    else:
        yield from _counted([values.members for _, values in facts.samples], "members")


def _switches(facts: ClusterFacts, since: float) -> Iterator[str]:
    changes = [change for change in facts.state.switch_changes if change.at >= since]
    yield from _folded([switch_words(change, facts.state.dialect) for change in changes], "changes of switches")


def _folded(phrases: Sequence[str], what: str) -> Iterator[str]:
    if len(phrases) <= _ONE_BY_ONE:
        yield from phrases
    else:
        yield f"{len(phrases):,} {what}, the last: {phrases[-1]}"


def member_words(change: MemberChange) -> str:
    """A change of a member in a phrase."""
    if not change.was:
        did = f"joined as a {change.now}"
    elif not change.now:
        did = f"left (it was a {change.was})"
    elif change.was != change.now:
        did = f"went from {change.was} to {change.now}"
    else:
        did = f"moved from {change.host_was} to {change.host}"
    return f"peer {change.peer} {did}{_caused(change.op)}"


def switch_words(change: SwitchChange, dialect: str) -> str:
    """A change of a switch in a phrase."""
    before, after = (meaning(value, dialect) for value in (change.before, change.after))
    return f"the switch {change.key} went from {before} to {after}{_caused(change.op)}"


def _caused(op: int) -> str:
    return f" (operation #{op})" if op else ""


def meaning(value: str | None, dialect: str) -> str:
    """The meaning of a stored value: on, off, unset, or the raw value if unknown."""
    word = meaning_of(value, dialect).word if dialect else ""
    if word in {"on", "off", "unset"}:
        return word
    return "unset" if value is None else f"'{value}'"
