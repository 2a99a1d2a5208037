"""What happened to a cluster within a time, in sentences: folded for a summary, one by one for a hand-over. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, TypeVar

from bot.alerting.cluster_state.members import MemberChange
from bot.alerting.cluster_state.observations import SwitchChange
from bot.alerting.cluster_state.state import ClusterState, LeaderChange
from bot.alerting.cluster_status import noted
from bot.alerting.model import Alert, AlertText, Silence, Wording, unworded
from bot.alerting.reports.trend import Point, Sample, Trend
from bot.alerting.text import count, listed, span
from bot.clustermgr.tasks import meaning_of

T = TypeVar("T", LeaderChange, MemberChange, SwitchChange)

_ONE_BY_ONE = 3
_MOST_ALERTS = 100
_REPEATS = frozenset({"leader_changed", "membership_changed", "switch_changed"})


@dataclass(frozen=True, slots=True)
class OperationFact:
    """A change that somebody made with the bot: `words` tell what and how it went, `why` the reason given (both raw).

    `by` asked for it and `approved` said yes (Slack user ids; "" is the program itself).
    """

    at: float
    words: str
    by: str = ""
    why: str = ""
    approved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """An operation that is not over: `state` is `waiting`, `running`, `unknown` or `leased` (it goes back by itself).

    `words` tell what it does (raw), `by` asked for it `at` that time; `until` is when its card expires or when the
    switch goes back (Unix seconds, 0: no such time).
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
    """What is known of one cluster; `recent` are the alerts that changed in the time asked for, resolved ones too.

    `samples` are of that time, `trend` and `history` of the month before its end.
    """

    name: str
    memory: ClusterState
    open: Sequence[Alert] = ()
    recent: Sequence[Alert] = ()
    samples: Sequence[Sample] = ()
    deeds: Sequence[OperationFact] = ()
    pending: Sequence[Pending] = ()
    silences: Sequence[Silence] = ()
    trend: Trend = field(default_factory=Trend)
    history: Sequence[Point] = ()
    wording: Wording = unworded

    @property
    def verdict(self) -> Mapping[str, Any]:
        """The noted verdict (`level`, `verdict`), not milder than the worst open alert."""
        return noted(self.name, {"level": self.memory.level, "verdict": self.memory.verdict}, self.open, self.wording)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a cluster: when, what (a raw phrase without a full stop), and who did it, if one."""

    at: float
    cluster: str
    words: str
    by: str = ""


def happened(facts: ClusterFacts, since: float) -> list[Happening]:
    """Everything that is known to have happened at `since` or later, the oldest first; each is told once.

    What an operation did is told by the operation, and what an alert repeats of a change by the change.
    """
    memory = facts.memory
    found = [
        *_alerts(facts),
        *_noticed(facts.name, memory.changes, lambda each: _moved(each.before, each.after, each.term)),
        *_noticed(facts.name, memory.member_changes, member_words),
        *_noticed(facts.name, memory.switch_changes, lambda each: switch_words(each, memory.dialect)),
        *(Happening(deed.at, facts.name, deed.words, deed.by) for deed in facts.deeds),
    ]
    return sorted((each for each in found if each.at >= since), key=attrgetter("at", "words"))


def _noticed(name: str, changes: Sequence[T], words: Callable[[T], str]) -> Iterator[Happening]:
    return (Happening(each.at, name, words(each)) for each in changes if not each.op)


def _alerts(facts: ClusterFacts) -> Iterator[Happening]:
    for alert in facts.recent[-_MOST_ALERTS:]:
        if alert.rule in _REPEATS:
            continue
        if alert.fired_at:
            yield Happening(alert.fired_at, facts.name, _fired_words(alert, facts.wording(alert)))
        if alert.fired_at and alert.resolved_at:
            text = facts.wording(alert)
            became, lasted = text.outcome or text.sentence, span(alert.lasted)
            yield Happening(alert.resolved_at, facts.name, f"resolved after {lasted}: {became.removesuffix('.')}")


def _fired_words(alert: Alert, text: AlertText) -> str:
    """An alert at the time when it fired: its sentence is the newest, and is said to be that once it may have moved."""
    number = f"alert #{alert.id}" if alert.id else "alert"
    told = "" if alert.changed_at <= alert.fired_at else " and says by now" if alert.open else " and said in the end"
    return f"{number} ({alert.rule}) fired{told}: {text.sentence.removesuffix('.')}"


def _moved(before: int, after: int, term: int) -> str:
    return f"the leadership went from peer {before} to peer {after} in term {term}"


def changed(facts: ClusterFacts, since: float) -> list[str]:
    """The same folded into a few phrases, the gravest first."""
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
    memory = facts.memory
    changes = [change for change in memory.changes if change.at >= since]
    elections = _elections(facts)
    if len(changes) == 1:
        yield _moved(changes[0].before, changes[0].after, changes[0].term) + _caused(changes[0].op)
    elif changes:
        yield f"the leader changed {len(changes)} times, now peer {memory.leader} leads in term {memory.term}"
    elif elections:
        yield f"{count(elections, 'election')}, and peer {memory.leader} leads still (term {memory.term})"


def _elections(facts: ClusterFacts) -> int:
    terms = [term for _, values in facts.samples if isinstance(term := values.get("term"), int) and term]
    return max(0, facts.memory.term - terms[0]) if terms else 0


def _disks(facts: ClusterFacts) -> Iterator[str]:
    """Which disks broke and which were mended; by their number where older measurements do not name them."""
    named = [_ids(values) for _, values in facts.samples]
    known = [ids for ids in named if ids is not None]
    if known:
        now = {disk.id for disk in facts.memory.disks} if facts.memory.disks_at else known[-1]
        seen = frozenset(now).union(*known)
        broke, mended = sorted(seen - known[0]), sorted(seen - now)
        if broke:
            yield f"{_numbered(broke)} broke"
        if mended:
            yield f"{_numbered(mended)} {'is' if len(mended) == 1 else 'are'} repaired or gone"
    else:
        yield from _counted(facts.samples, "bad_disks", "broken or repairing disks")
    yield from _counted(facts.samples, "disks", "disks")


def _ids(values: Mapping[str, Any]) -> frozenset[int] | None:
    ids = values.get("bad")
    return frozenset(each for each in ids if isinstance(each, int)) if isinstance(ids, list) else None


def _numbered(ids: Sequence[int]) -> str:
    return f"{'disk' if len(ids) == 1 else 'disks'} {listed([str(each) for each in ids])}"


def _counted(samples: Sequence[Sample], key: str, words: str) -> Iterator[str]:
    known = [number for _, values in samples if isinstance(number := values.get(key), int)]
    if known and known[0] != known[-1]:
        yield f"{words}: {known[0]:,} then, {known[-1]:,} now"


def _members(facts: ClusterFacts, since: float) -> Iterator[str]:
    changes = [change for change in facts.memory.member_changes if change.at >= since]
    if changes:
        yield from _folded([member_words(change) for change in changes], "changes of members")
    else:
        yield from _counted(facts.samples, "members", "members")


def _switches(facts: ClusterFacts, since: float) -> Iterator[str]:
    changes = [change for change in facts.memory.switch_changes if change.at >= since]
    yield from _folded([switch_words(change, facts.memory.dialect) for change in changes], "changes of switches")


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
    """What a stored value comes to: on, off, unset or the raw value where it means nothing that is known."""
    word = meaning_of(value, dialect).word if dialect else ""
    if word in {"on", "off", "unset"}:
        return word
    return "unset" if value is None else f"'{value}'"
