"""Folding: an alert of the same cause as an announced one is announced in the message of that one. No I/O.

The first alert of a cause carries the others (`notes.folded` of these names it), by the table of causes.py. What
shares the cause of a folded alert joins it in the same message. A folded alert keeps its own state, number, reminders
and calls; only its message is that of the first one, with its thread. It gets its own message as soon as nothing
carries it any more: the first one is resolved or silenced while it is not. An alert about a change, which is over at
once, stays open while an alert that it carries is open.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from bot.alerting.causes import EVENTS, folds, place_as_first
from bot.alerting.model import Alert, AlertState, Pair, Severity
from bot.alerting.rules.table import NEVER_WILDCARD_SILENCED
from bot.alerting.topics import most_severe_first
from bot.alerting.transition import NOTIFYING, Transition, TransitionReason, Visibility, following, noted

_ANNOUNCED = frozenset({AlertState.FIRING, AlertState.ACKNOWLEDGED})


def fold_alerts(transitions: Sequence[Transition], alerts: Iterable[Alert], now: float) -> tuple[Transition, ...]:
    """Fold alerts of one cluster that have one cause; return the transitions to publish.

    `alerts` are the open alerts before these transitions, all of the cluster.
    """
    held = list(alerts)
    kept = _without_held_open(transitions, held)
    after = _after(held, kept)
    fired = sorted((each for each in kept if each.reason is TransitionReason.FIRED), key=_firsts_first)
    new = {each.new.pair for each in fired}
    alone = _left_alone(after, kept)
    messages = _messages([each for each in after.values() if each.pair not in new and each not in alone])
    moved: dict[Pair, Alert] = {}
    for alert in sorted(alone, key=lambda alert: (place_as_first(alert.rule), alert.id)):
        moved[alert.pair] = _placed(alert, messages)
    for each in fired:
        moved[each.new.pair] = _placed(each.new, messages)
    firsts = {pair: alert.notes.folded for pair, alert in moved.items() if alert.notes.folded is not None}
    settled = [_moved(each, moved.pop(each.new.pair), now) if each.new.pair in moved else each for each in kept]
    by_pair = {alert.pair: alert for alert in held}
    settled += [_unfolded(by_pair[pair], alert, now) for pair, alert in moved.items()]
    return tuple(_with_first(settled, held, firsts))


def _with_first(
    transitions: Sequence[Transition], alerts: Iterable[Alert], firsts: Mapping[Pair, Pair]
) -> Iterator[Transition]:
    """Yield the transitions, with each alert that is folded into a folded one in the message of the first one.

    `firsts` are the alerts that were folded at this step. An alert whose finding is gone for now is still folded into
    an earlier one of such a subject.
    """
    stepped = {each.new.pair for each in transitions}
    for each in transitions:
        first = firsts.get(each.new.notes.folded) if each.new.notes.folded is not None else None
        yield each if first is None else replace(each, new=noted(each.new, folded=first))
    for alert in alerts:
        first = firsts.get(alert.notes.folded) if alert.notes.folded is not None else None
        if first is not None and alert.pair not in stepped:
            yield Transition(alert, noted(alert, folded=first), TransitionReason.NOTED, Visibility.QUIET)


def grouped_with_first(transitions: Sequence[Transition]) -> tuple[Transition, ...]:
    """Return the transitions after grouping: what was folded into an alert that a storm lists is listed beside it.

    An alert that always gets its own message gets it.
    """
    groups = {each.new.pair: each.new.notes.group for each in transitions if each.new.notes.group is not None}
    return tuple(_beside(each, groups) for each in transitions)


def _beside(transition: Transition, groups: Mapping[Pair, str | None]) -> Transition:
    new, first = transition.new, transition.new.notes.folded
    if first is None or first not in groups or transition.visibility is not Visibility.POST:
        return transition
    own = transition.reason is not TransitionReason.FIRED or new.rule in NEVER_WILDCARD_SILENCED
    return replace(transition, new=noted(new, folded=None, group=None if own else groups[first]))


def carried(first: Alert, alerts: Iterable[Alert]) -> list[Alert]:
    """Return the alerts that are folded into this one, open ones first, the most severe first.

    `alerts` may include older ones, of an earlier alert of the same subject: these do not count.
    """
    own = [alert for alert in alerts if alert.notes.folded == first.pair and alert.cluster == first.cluster]
    its = [
        alert
        for alert in own
        if (alert.open and first.open) or alert.fired_at >= first.fired_at or alert.id == first.notes.message
    ]
    return sorted(its, key=lambda alert: (not alert.open, *most_severe_first(alert)))


def folded_into(alert: Alert, alerts: Iterable[Alert]) -> Alert | None:
    """Return the open alert whose message has this one; None if it has its own."""
    where = alert.notes.folded
    return next((each for each in alerts if each.cluster == alert.cluster and each.pair == where and each.open), None)


def severity_of(first: Alert, others: Iterable[Alert]) -> Severity:
    """Return the severity of a message: the highest of its alerts that are open, else that of the first."""
    still = [alert.severity for alert in (first, *others) if alert.open]
    return max(still, default=first.severity)


def _without_held_open(transitions: Sequence[Transition], alerts: Sequence[Alert]) -> list[Transition]:
    """The transitions without the end of an alert about a change that still carries an open alert."""
    after = _after(alerts, transitions)
    busy = {alert.notes.folded for alert in after.values() if alert.open}
    return [
        each
        for each in transitions
        if not (each.reason is TransitionReason.RESOLVED and each.new.rule in EVENTS and each.new.pair in busy)
    ]


def _after(alerts: Iterable[Alert], transitions: Iterable[Transition]) -> dict[Pair, Alert]:
    return {alert.pair: alert for alert in (*alerts, *(each.new for each in transitions))}


def _carries(alert: Alert) -> bool:
    """True if an alert can carry others: announced in its own message, not silenced, and its finding is there."""
    notes = alert.notes
    own = notes.group is None and notes.folded is None
    return own and alert.state in _ANNOUNCED and notes.muted is None and not alert.clear_since


def _still_carries(alert: Alert | None) -> bool:
    """True if an alert that carries others goes on doing so; that its finding is gone for now does not end it."""
    return alert is not None and alert.state in _ANNOUNCED and alert.notes.muted is None and alert.notes.folded is None


def _left_alone(after: Mapping[Pair, Alert], transitions: Iterable[Transition]) -> list[Alert]:
    """The announced alerts that nothing carries any more.

    One that notifies at this step replies where it was folded; its own post follows at the next step. A silenced one
    is posted when its silence ends, one whose finding is gone only if that comes back.
    """
    notifying = {each.new.pair for each in transitions if each.visibility in NOTIFYING}
    return [
        alert
        for alert in after.values()
        if alert.notes.folded is not None
        and alert.state in _ANNOUNCED
        and alert.notes.muted is None
        and not alert.clear_since
        and alert.pair not in notifying
        and not _still_carries(after.get(alert.notes.folded))
    ]


def _messages(alerts: Sequence[Alert]) -> list[tuple[Alert, Alert]]:
    """Each alert whose cause a new one may share, and the one that has the message: itself, or the first one."""
    firsts = {alert.pair: alert for alert in alerts if _carries(alert)}
    found = [(alert, firsts.get(alert.notes.folded or alert.pair)) for alert in alerts if alert.state in _ANNOUNCED]
    return [(alert, first) for alert, first in found if first is not None]


def _placed(alert: Alert, messages: list[tuple[Alert, Alert]]) -> Alert:
    """The alert as folded into the oldest message of its cause, else with its own, which may carry others then."""
    found = [first for each, first in messages if folds(each, alert)]
    if found:
        first = min(found, key=lambda each: (each.fired_at, place_as_first(each.rule), each.subject))
        folded = noted(alert, folded=first.pair)
        messages.append((folded, first))
        return folded
    alone = noted(alert, folded=None)
    if _carries(alone):
        messages.append((alone, alone))
    return alone


def _moved(transition: Transition, placed: Alert, now: float) -> Transition:
    """The transition of an alert that is announced now, or was left alone at this step."""
    if transition.reason is TransitionReason.FIRED or transition.old is None:
        return Transition(transition.old, placed, transition.reason, transition.visibility, transition.mention)
    return _unfolded(transition.old, placed, now)


def _unfolded(old: Alert, placed: Alert, now: float) -> Transition:
    """Announce an alert that was left alone: in its own message, or in that of another alert of its cause."""
    new = placed if placed.version > old.version else following(placed, now)
    return Transition(old, new, TransitionReason.UNFOLDED, Visibility.POST)


def _firsts_first(transition: Transition) -> tuple[float, ...]:
    return (place_as_first(transition.new.rule), *most_severe_first(transition.new))
