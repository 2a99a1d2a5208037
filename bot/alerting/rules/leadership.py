"""Rules about leadership: there is no leader, the leader changed, the leader changes again and again."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from bot.alerting.cluster_state.state import MAX_CHANGES, LeaderChange
from bot.alerting.details import LeaderChanged, LeaderFlapping, LeaderMissing, LeaderMove
from bot.alerting.model import Alert, Finding, Outcome, Severity
from bot.alerting.outcomes import LeaderNow
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule, RuleConfig, RuleContext, Threshold, Unit, leader_now
from bot.alerting.rules.raft import silent_hosts_of


def _no_leader(context: RuleContext, limits: RuleConfig) -> Answer:
    snapshot = context.snapshot
    if snapshot.leader is not None:
        return ()
    if not snapshot.answered or snapshot.named_leaders:
        # No host answered; or the named leader is silent and may still lead.
        return CANNOT_TELL
    if any(stat.claims_leadership for _, stat in snapshot.answered):
        return CANNOT_TELL
    silent = tuple(answer.host for answer in snapshot.silent)
    state = context.state
    detail = LeaderMissing(len(snapshot.answered), len(snapshot.answers), silent, state.leader, state.term)
    # Silent hosts are why there is no leader, or a part of it: this alert names them.
    covers = tuple((rule, host) for host in silent for rule in ("host_unreachable", "api_error"))
    return (Finding("no_leader", "", limits.severity, detail, parts=tuple(sorted(silent)), covers=covers),)


def _leader_changed(context: RuleContext, limits: RuleConfig) -> Answer:
    """Find changes that no operation caused; report planned ones only if there are no others."""
    if not _can_tell(context):
        return CANNOT_TELL
    window = limits["window"]
    unplanned = _recent(_unplanned(context), context.now, window)
    if unplanned:
        return (_unplanned_finding(context, unplanned, limits),)
    planned = _recent(_planned_alone(context.state.changes, window), context.now, window)
    return (_planned_finding(planned, limits),) if planned else ()


def _can_tell(context: RuleContext) -> bool:
    """True if a leader is known, or this poll shows that another peer leads."""
    changes = context.state.changes
    return context.snapshot.leader is not None or (bool(changes) and changes[-1].at >= context.snapshot.at)


def _unplanned(context: RuleContext) -> tuple[LeaderChange, ...]:
    return tuple(change for change in context.state.changes if not change.op)


def _planned_alone(changes: Sequence[LeaderChange], window: float) -> tuple[LeaderChange, ...]:
    """Return changes that operations caused, except those listed in an alert that was open then."""
    crashes = [change.at for change in changes if not change.op]
    return tuple(change for change in changes if change.op and not any(0 <= change.at - at < window for at in crashes))


def _unplanned_finding(context: RuleContext, changes: Sequence[LeaderChange], limits: RuleConfig) -> Finding:
    """Report the unplanned changes; later changes by operations are listed but do not make it worse."""
    first, last = changes[0], changes[-1]
    moves = tuple(_move(change) for change in context.state.changes if change.at >= first.at)
    silent = silent_hosts_of(context, last.before) if len(changes) == 1 else ()
    detail = LeaderChanged(moves, silent)
    return Finding("leader_changed", "", limits.severity, detail, weight=len(changes), parts=_parts(changes))


def _planned_finding(changes: Sequence[LeaderChange], limits: RuleConfig) -> Finding:
    """Report planned changes with severity info."""
    detail = LeaderChanged(tuple(_move(change) for change in changes))
    severity = limits.at_most(Severity.INFO)
    return Finding("leader_changed", "", severity, detail, weight=len(changes), parts=_parts(changes))


def _parts(changes: Sequence[LeaderChange]) -> tuple[str, ...]:
    return tuple(f"{change.before}>{change.after}@{change.at:.3f}" for change in changes)


def _move(change: LeaderChange) -> LeaderMove:
    return LeaderMove(
        change.before,
        change.after,
        change.term,
        change.at,
        change.away,
        change.op,
        tuple(change.approved.split()),
        change.seen_by,
    )


def _recent(changes: Sequence[LeaderChange], now: float, window: float) -> tuple[LeaderChange, ...]:
    """Return the last changes, each within `window` of the next, the last within `window` of now."""
    found: list[LeaderChange] = []
    edge = now
    for change in reversed(changes):
        if edge - change.at >= window:
            break
        found.append(change)
        edge = change.at
    return tuple(reversed(found))


def _leader_flapping(context: RuleContext, limits: RuleConfig) -> Answer:
    """Find too many unplanned changes within the window; lasts until the last change is older than the window."""
    if not _can_tell(context):
        return CANNOT_TELL
    window, many = limits["window"], max(2, round(limits["changes"]))
    changes = list(_recent(_unplanned(context), context.now, window))
    if not any(last.at - first.at <= window for first, last in zip(changes, changes[many - 1 :], strict=False)):
        return ()
    return (
        Finding(
            rule="leader_flapping",
            subject="",
            severity=limits.severity if len(changes) >= limits["critical"] else limits.at_most(Severity.WARNING),
            detail=LeaderFlapping(tuple(_move(change) for change in changes), len(changes) >= MAX_CHANGES),
            # Worse each time the number doubles, not with each change.
            weight=1 + int(math.log2(len(changes) / many)),
        ),
    )


def _led_on(context: RuleContext, _: Alert) -> Outcome:
    state = context.state
    return LeaderNow(state.leader, state.term, context.now - state.leader_since)


NO_LEADER = Rule(
    key="no_leader",
    about="No host that answers knows a leader: the cluster accepts no writes.",
    severity=Severity.CRITICAL,
    for_seconds=10,
    clear=30,
    remind=1800,
    finds=_no_leader,
    resolved=leader_now,
)

_WINDOW: Mapping[str, Threshold] = MappingProxyType(
    {
        "window": Threshold(
            600, Unit.SECONDS, "changes closer together than this share one alert, which stays open for this time"
        )
    }
)

LEADER_CHANGED = Rule(
    key="leader_changed",
    about="Another peer leads than before; an election that the same peer wins again does not count.",
    severity=Severity.WARNING,
    for_seconds=0,
    clear=0,
    remind=0,
    finds=_leader_changed,
    resolved=_led_on,
    thresholds=_WINDOW,
)

LEADER_FLAPPING = Rule(
    key="leader_flapping",
    about="The leader changes again and again, and not by operations of cmbot; one alert for all changes.",
    severity=Severity.CRITICAL,
    for_seconds=0,
    clear=0,
    remind=1800,
    finds=_leader_flapping,
    resolved=_led_on,
    thresholds=MappingProxyType(
        {
            **_WINDOW,
            "changes": Threshold(3, Unit.NUMBER, "number of changes within the window that fires this rule"),
            "critical": Threshold(6, Unit.NUMBER, "number of changes from which it is critical instead of a warning"),
        }
    ),
)
