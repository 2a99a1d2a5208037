"""Rules about leadership: nobody leads, somebody else leads, and who leads changes again and again."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.alerting.cluster_state.state import MAX_CHANGES, LeaderChange
from bot.alerting.inhibition import covers
from bot.alerting.model import Alert, Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleConfig, RuleContext, Threshold, Unit
from bot.alerting.rules.peers import silent_hosts_of
from bot.alerting.text import count, listed, span


def _no_leader(context: RuleContext, limits: RuleConfig) -> Answer:
    snapshot = context.snapshot
    if snapshot.leader is not None:
        return ()
    if not snapshot.answered or snapshot.named_leaders:
        # Nobody to ask; or a leader that is named but silent, which may lead all the same.
        return CANNOT_TELL
    if any(stat.claims_leadership for _, stat in snapshot.answered):
        return CANNOT_TELL
    answered, hosts = len(snapshot.answered), len(snapshot.looks)
    sentence = (
        f"{context.cluster} has no leader: {answered} of {count(hosts, 'host')} "
        f"{'answers' if answered == 1 else 'answer'} and none knows one, so nothing can be written."
    )
    # Who is silent is why nobody leads, or a part of it: it is said here.
    silent = tuple((rule, look.host) for look in snapshot.silent for rule in ("host_unreachable", "api_error"))
    lines = (*_last_leader(context), *(f"{look.host} gives no usable answer" for look in snapshot.silent))
    data = {"parts": sorted(look.host for look in snapshot.silent), **covers(*silent)}
    return (Finding("no_leader", "", limits.severity, sentence, lines, data=data),)


def _last_leader(context: RuleContext) -> tuple[str, ...]:
    if not context.memory.leader:
        return ()
    return (f"the last known leader was peer {context.memory.leader} in term {context.memory.term}",)


def _led_again(context: RuleContext, _: Alert) -> str:
    return f"{context.cluster} has a leader again: peer {context.memory.leader} in term {context.memory.term}."


def _leader_changed(context: RuleContext, limits: RuleConfig) -> Answer:
    """Changes that no operation caused; one that somebody asked for is told only where none of those is told yet."""
    if not _can_tell(context):
        return CANNOT_TELL
    window = limits["window"]
    unplanned = _recent(_unplanned(context), context.now, window)
    if unplanned:
        return (_crashes(context, unplanned, limits),)
    planned = _recent(_planned_alone(context.memory.changes, window), context.now, window)
    return (_planned(context, planned, limits),) if planned else ()


def _can_tell(context: RuleContext) -> bool:
    """Whether a leader is seen, or this very look shows that another one leads."""
    changes = context.memory.changes
    return context.snapshot.leader is not None or (bool(changes) and changes[-1].at >= context.snapshot.at)


def _unplanned(context: RuleContext) -> tuple[LeaderChange, ...]:
    return tuple(change for change in context.memory.changes if not change.op)


def _planned_alone(changes: Sequence[LeaderChange], window: float) -> tuple[LeaderChange, ...]:
    """Those that operations caused, but for what stands in an alert that was open when they came."""
    crashes = [change.at for change in changes if not change.op]
    return tuple(change for change in changes if change.op and not any(0 <= change.at - at < window for at in crashes))


def _crashes(context: RuleContext, changes: Sequence[LeaderChange], limits: RuleConfig) -> Finding:
    """What nobody asked for; what operations did meanwhile is listed with it, and makes it no worse."""
    first, last = changes[0], changes[-1]
    all_since = [change for change in context.memory.changes if change.at >= first.at]
    mixed = len(all_since) > len(changes)
    if len(changes) == 1:
        sentence, lines = f"{_moved(context.cluster, first)}.", _lost(context, last)
    else:
        outside = ", and not by an operation of cmbot" if mixed else ""
        sentence = (
            f"The leader of {context.cluster} changed {len(changes)} times in {span(last.at - first.at)}{outside}, "
            f"last from peer {last.before} to peer {last.after} in term {last.term}{_confirming(last)}."
        )
        lines = ()
    if mixed or len(changes) > 1:
        lines = (*lines, *(_line(change, mixed=mixed) for change in reversed(all_since)))
    parts = [f"{change.before}>{change.after}@{change.at:.3f}" for change in changes]
    data = {"parts": parts, "from": last.before, "to": last.after, "term": last.term}
    return Finding("leader_changed", "", limits.severity, sentence, lines, weight=len(changes), data=data)


def _planned(context: RuleContext, changes: Sequence[LeaderChange], limits: RuleConfig) -> Finding:
    """What somebody asked for and somebody approved is no alarm."""
    first, last = changes[0], changes[-1]
    sentence = f"{_moved(context.cluster, first)}."
    if len(changes) > 1:
        sentence = (
            f"The leader of {context.cluster} changed {len(changes)} times in {span(last.at - first.at)}, by "
            f"operations of cmbot, last from peer {last.before} to peer {last.after} in term {last.term}."
        )
    lines = tuple(_line(change) for change in reversed(changes)) if len(changes) > 1 else ()
    parts = [f"{change.before}>{change.after}@{change.at:.3f}" for change in changes]
    data = {"parts": parts, "from": last.before, "to": last.after, "term": last.term}
    data |= {"op": last.op, "approved": last.approved.split()} if len(changes) == 1 else {}
    severity = limits.at_most(Severity.INFO)
    return Finding("leader_changed", "", severity, sentence, lines, weight=len(changes), data=data)


def _lost(context: RuleContext, change: LeaderChange) -> tuple[str, ...]:
    """Why leadership moved, where it can be seen: the host of the peer that led is silent."""
    return tuple(f"the peer that led, {change.before}: {line}" for line in silent_hosts_of(context, change.before))


def _recent(changes: Sequence[LeaderChange], now: float, window: float) -> tuple[LeaderChange, ...]:
    """The last changes, each within `window` of the next, the last of them within `window` of now."""
    found: list[LeaderChange] = []
    edge = now
    for change in reversed(changes):
        if edge - change.at >= window:
            break
        found.append(change)
        edge = change.at
    return tuple(reversed(found))


def _moved(cluster: str, change: LeaderChange) -> str:
    """The change as a sentence without its full stop: what happened, as the new leader may be gone when it is read."""
    moved = f"from peer {change.before} to peer {change.after} in term {change.term}{_by(change)}{_confirming(change)}"
    if change.away:
        unseen = f"While cmbot was not looking (for {span(change.away)} at most)"
        return f"{unseen}, the leadership of {cluster} moved {moved}"
    return f"The leadership of {cluster} moved {moved}"


def _line(change: LeaderChange, *, mixed: bool = False) -> str:
    """The change in a list; among changes of operations (`mixed`) one that none of them caused says so."""
    when = f", noticed after at most {span(change.away)} without a look" if change.away else ""
    by = _by(change) or (", not by an operation of cmbot" if mixed else "")
    return f"term {change.term}: from peer {change.before} to peer {change.after}{when}{by}"


def _confirming(change: LeaderChange) -> str:
    """Whose word it is, as long as the new leader itself has not answered."""
    return f", as peer {change.seen_by} saw it; not confirmed yet" if change.seen_by else ""


def _by(change: LeaderChange) -> str:
    return f", by operation #{change.op}" if change.op else ""


def _leader_flapping(context: RuleContext, limits: RuleConfig) -> Answer:
    """Leader changes that no operation caused, so many within the window; it lasts until the last is a window old."""
    if not _can_tell(context):
        return CANNOT_TELL
    window, many = limits["window"], max(2, round(limits["changes"]))
    changes = list(_recent(_unplanned(context), context.now, window))
    if not any(last.at - first.at <= window for first, last in zip(changes, changes[many - 1 :], strict=False)):
        return ()
    first, last = changes[0], changes[-1]
    times = f"at least {len(changes)}" if len(changes) >= MAX_CHANGES else str(len(changes))
    return (
        Finding(
            rule="leader_flapping",
            subject="",
            severity=limits.severity if len(changes) >= limits["critical"] else limits.at_most(Severity.WARNING),
            sentence=(
                f"The leadership of {context.cluster} does not stay: it moved {times} times in "
                f"{span(last.at - first.at)} between peers {_who(changes)}, and each time writes stop for a moment."
            ),
            lines=tuple(_line(change) for change in reversed(changes)),
            # Told anew each time that it doubles, not with each change.
            weight=1 + int(math.log2(len(changes) / many)),
        ),
    )


def _who(changes: list[LeaderChange]) -> str:
    return listed([str(peer) for peer in sorted({peer for each in changes for peer in (each.before, each.after)})])


def _led_on(context: RuleContext, _: Alert) -> str:
    memory = context.memory
    lasted = span(context.now - memory.leader_since)
    return f"The leader of {context.cluster} has not changed again: peer {memory.leader} has led for {lasted}."


NO_LEADER = Rule(
    key="no_leader",
    about="No host that answers knows a leader: the cluster takes no writes.",
    severity=Severity.CRITICAL,
    hold=10,
    clear=30,
    remind=1800,
    looks=_no_leader,
    resolved=_led_again,
)

_WINDOW: Mapping[str, Threshold] = MappingProxyType(
    {"window": Threshold(600, Unit.SECONDS, "changes closer together than this are told as one; so long it stays open")}
)

LEADER_CHANGED = Rule(
    key="leader_changed",
    about="Another peer leads than before; an election that the same peer wins again is none.",
    severity=Severity.WARNING,
    hold=0,
    clear=0,
    remind=0,
    looks=_leader_changed,
    resolved=_led_on,
    thresholds=_WINDOW,
)

LEADER_FLAPPING = Rule(
    key="leader_flapping",
    about="The leader changes again and again, and no operation of cmbot asked for it; one alert for all the changes.",
    severity=Severity.CRITICAL,
    hold=0,
    clear=0,
    remind=1800,
    looks=_leader_flapping,
    resolved=_led_on,
    thresholds=MappingProxyType(
        {
            **_WINDOW,
            "changes": Threshold(3, Unit.NUMBER, "so many changes within the window are told by this rule, as one"),
            "critical": Threshold(6, Unit.NUMBER, "from so many changes on it is critical, below it is a warning"),
        }
    ),
)
