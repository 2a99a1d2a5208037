"""Words for the facts of summaries and hand-overs. No I/O.

All is plain text: raw, unescaped, each on one line.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from bot.alerting.cluster_state.observations import MemberChange
from bot.alerting.cluster_state.state import LeaderChange
from bot.alerting.model import Alert
from bot.alerting.reports import facts as f
from bot.alerting.reports import handover as h
from bot.clustermgr.tasks import meaning_of
from bot.common.text import count, duration, listed
from bot.views.alert_text.table import outcome_sentence, sentence_of
from bot.views.risk_text import risk_text

_MAX_DISKS = 5
"""Disks that a summary names; the list of a rack says no more than its number."""


def event_text(event: f.Event) -> str:
    """An event of a hand-over, as a phrase without a full stop."""
    match event:
        case f.AlertEvent(alert, resolved):
            return _resolved(alert) if resolved else _fired(alert)
        case f.OperationFact() | f.NoteFact():
            return event.words
    return change_text(event)


def _fired(alert: Alert) -> str:
    """An alert when it fired; its sentence is marked as newer if it changed since."""
    newer = "" if alert.changed_at <= alert.fired_at else " and now says" if alert.open else " and last said"
    return f"{_named(alert)} fired{newer}: {sentence_of(alert).removesuffix('.')}"


def _named(alert: Alert) -> str:
    number = f"alert #{alert.id}" if alert.id else "alert"
    return f"{number} ({alert.rule})"


def _resolved(alert: Alert) -> str:
    became = outcome_sentence(alert) or sentence_of(alert)
    return f"{_named(alert)} resolved after {duration(alert.lasted)}: {became.removesuffix('.')}"


def change_text(change: f.ChangeFact) -> str:
    """A change, as a phrase without a full stop."""
    return _CHANGES[type(change)](change)


def _leader_moved(change: LeaderChange) -> str:
    moved = f"leadership moved from peer {change.before} to peer {change.after} in term {change.term}"
    return f"{moved}{_caused(change.op)}"


def _disks_gone(fact: f.DisksGone) -> str:
    return f"{_disks(fact.disks)} {'is' if len(fact.disks) == 1 else 'are'} repaired or gone"


def _disks(ids: tuple[int, ...]) -> str:
    return f"{'disk' if len(ids) == 1 else 'disks'} {listed(ids, most=_MAX_DISKS)}"


_COUNTED = {
    f.Counted.BAD_DISKS: "broken or repairing disks",
    f.Counted.DISKS: "disks",
    f.Counted.MEMBERS: "members",
}


def _member(change: MemberChange) -> str:
    if not change.was:
        did = f"joined as a {change.now}"
    elif not change.now:
        did = f"left (it was a {change.was})"
    elif change.was != change.now:
        did = f"went from {change.was} to {change.now}"
    else:
        did = f"moved from {change.host_was} to {change.host}"
    return f"peer {change.peer} {did}{_caused(change.op)}"


def _switch(move: f.SwitchEvent) -> str:
    change = move.change
    before, after = (_value(value, move.dialect) for value in (change.before, change.after))
    return f"the switch {change.key} went from {before} to {after}{_caused(change.op)}"


def _value(value: str | None, dialect: str) -> str:
    """A stored value: on, off, unset, or the raw value if its meaning is unknown."""
    word = meaning_of(value, dialect).word if dialect else ""
    if word in {"on", "off", "unset"}:
        return word
    return "unset" if value is None else f"'{value}'"


def _caused(op: int) -> str:
    return f" (operation #{op})" if op else ""


def _many(fact: f.ManyMoves) -> str:
    of = "members" if isinstance(fact.last, MemberChange) else "switches"
    return f"{fact.number:,} changes of {of}, the last: {change_text(fact.last)}"


def _alerts(fact: f.AlertsCounted) -> str:
    if not fact.fired:
        return f"{count(fact.resolved, 'alert')} resolved"
    return f"{count(fact.fired, 'alert')} fired{f', {fact.resolved:,} resolved' if fact.resolved else ''}"


_CHANGES: Mapping[type[f.ChangeFact], Callable[[Any], str]] = MappingProxyType(
    {
        LeaderChange: _leader_moved,
        f.LeaderMovedOften: lambda fact: (
            f"the leader changed {fact.times} times, now peer {fact.leader} leads in term {fact.term}"
        ),
        f.Elections: lambda fact: (
            f"{count(fact.number, 'election')}, and peer {fact.leader} still leads (term {fact.term})"
        ),
        f.DisksBroke: lambda fact: f"{_disks(fact.disks)} broke",
        f.DisksGone: _disks_gone,
        f.NumberMoved: lambda fact: f"{_COUNTED[fact.counted]}: {fact.before:,} then, {fact.now:,} now",
        MemberChange: _member,
        f.SwitchEvent: _switch,
        f.ManyMoves: _many,
        f.AlertsCounted: _alerts,
    }
)


def watch_text(fact: h.WatchFact) -> str:
    """A sentence about what the next shift must watch."""
    return _WATCH[type(fact)](fact)


def _unknown(fact: h.OperationUndecided) -> str:
    return (
        f"It is unknown whether operation #{fact.op} of {fact.cluster} was applied: "
        f"check the cluster, then type `/cm op settle {fact.op}`."
    )


def _silence_ends(fact: h.SilenceEnds) -> str:
    silence = fact.silence
    if silence.scope is not None:
        return f"The maintenance of {silence.subject} of {silence.cluster} ends in {duration(fact.left)}."
    if silence.window is not None:
        return f"The maintenance window {silence.window.name} of {silence.cluster} ends in {duration(fact.left)}."
    what = "everything" if silence.rule == "*" else silence.rule
    return f"Silence #{silence.id} of {what} in {silence.cluster} ends in {duration(fact.left)}."


def _repairs_stuck(fact: h.RepairsStuck) -> str:
    return (
        f"The repair of {count(fact.disks, 'disk')} of {fact.cluster} has made no progress for "
        f"{duration(fact.stuck_for)} (disk {fact.oldest})."
    )


def _repair_off(fact: h.RepairOff) -> str:
    waiting = "1 disk waits" if fact.disks == 1 else f"{fact.disks:,} disks wait"
    return f"disk_repair is off in {fact.cluster} while {waiting} for repair."


_WATCH: Mapping[type[h.WatchFact], Callable[[Any], str]] = MappingProxyType(
    {
        h.NeverPolled: lambda fact: f"cmbot has never polled {fact.cluster}: check its configuration.",
        h.PollsStale: lambda fact: (
            f"cmbot has not polled {fact.cluster} for {duration(fact.age)}: its data here is that old."
        ),
        h.OperationUndecided: _unknown,
        h.ApprovalExpires: lambda fact: (
            f"Operation #{fact.op} of {fact.cluster} expires in {duration(fact.left)} unless it is approved."
        ),
        h.SwitchReverts: lambda fact: (
            f"{fact.task or 'A switch'} of {fact.cluster} reverts automatically in {duration(fact.left)}."
        ),
        h.SilenceEnds: _silence_ends,
        h.RepairsStuck: _repairs_stuck,
        h.RepairOff: _repair_off,
        h.VolumesReduced: lambda fact: (
            f"Volumes of {fact.cluster}: {risk_text(fact.fact.risk)}: `/cm risk {fact.cluster}`"
        ),
        h.LeaderUnsteady: lambda fact: (
            f"The leader of {fact.cluster} changed {fact.times} times in this shift: find the cause."
        ),
        h.FullSoon: lambda fact: (
            f"{fact.cluster} is full in about {count(fact.days, 'day')} at the current pace: `/cm trend {fact.cluster}`"
        ),
    }
)
