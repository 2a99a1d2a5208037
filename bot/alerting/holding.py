"""Holding an alert: who acknowledged it, until when, who takes it over, and when its holder is reminded. No I/O."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import StrEnum

from bot.alerting.model import Alert, AlertState
from bot.alerting.topics import most_severe_first
from bot.alerting.transition import (
    Transition,
    TransitionReason,
    Visibility,
    following,
    noted,
    reads_the_same,
    reply_visibility,
)

DEFAULT_REMINDER = 4 * 3600.0
"""Seconds after which the holder of an alert is reminded, unless the settings say otherwise."""
MAX_HOLD = 7 * 86400.0
"""Seconds until the latest end that an acknowledgement may be given."""
TOGETHER = 1800.0
"""One reminder also names the alerts of its holder that are due within this many seconds."""
_DAY = 86400.0


class HoldRefusal(StrEnum):
    """Why an alert is not acknowledged, taken over or given back."""

    OVER = "the alert is resolved"
    NOT_ANNOUNCED = "the alert was not announced"
    HELD_BY_CALLER = "the caller holds it already"
    HELD_BY_ANOTHER = "another person holds it"
    NOT_HELD = "no one holds it"
    CHANGED_HANDS = "the button shows another holder than the alert has now"


def hold(
    alert: Alert, by: str, now: float, *, until: float | None = None, take: bool = False, seen: str | None = None
) -> Transition | HoldRefusal:
    """Acknowledge an alert for `by` (a Slack user id), `until` a time (Unix seconds) or, for None, until it ends.

    With `take` an alert that another person holds is taken over. The holder may change the end. `seen` is the holder
    that a button to take over showed: when the alert changed hands since, the click is refused.
    """
    if refused := _not_open(alert):
        return refused
    holder = alert.acked_by if alert.state is AlertState.ACKNOWLEDGED else ""
    if holder == by:
        return HoldRefusal.HELD_BY_CALLER if until is None else _until(alert, until, now)
    if holder and not take:
        return HoldRefusal.HELD_BY_ANOTHER
    if seen is not None and seen != holder:
        return HoldRefusal.CHANGED_HANDS
    new = following(alert, now, state=AlertState.ACKNOWLEDGED, acked_by=by, acked_at=now)
    new = noted(new, acked_until=until, holder_reminded_at=None)
    if holder:
        return Transition(alert, new, TransitionReason.TAKEN_OVER, Visibility.REPLY)
    return Transition(alert, new, TransitionReason.ACKNOWLEDGED, Visibility.EDIT)


def give_back(alert: Alert, by: str, now: float, *, seen: str | None = None) -> Transition | HoldRefusal:
    """End the acknowledgement of `by`; the alert fires, and escalates again after the full wait."""
    if refused := _not_open(alert):
        return refused
    if alert.state is not AlertState.ACKNOWLEDGED:
        return HoldRefusal.NOT_HELD
    if alert.acked_by != by:
        changed = seen is not None and seen != alert.acked_by
        return HoldRefusal.CHANGED_HANDS if changed else HoldRefusal.HELD_BY_ANOTHER
    visibility = Visibility.REPLY if alert.notes.muted else reply_visibility(alert.severity)
    return Transition(alert, _released(alert, now), TransitionReason.GIVEN_BACK, visibility)


def expire(old: Alert, new: Alert, now: float, *, quiet: bool) -> Transition | None:
    """End an acknowledgement whose time is over; None before that. `new` has the newest text.

    `quiet`: a silence mutes the alert, or another alert covers it, so only its message changes.
    """
    until = old.notes.acked_until
    if old.state is not AlertState.ACKNOWLEDGED or until is None or now < until:
        return None
    visibility = Visibility.EDIT if quiet else reply_visibility(new.severity)
    return Transition(old, _released(new, now), TransitionReason.HOLD_EXPIRED, visibility)


def without_hold(alert: Alert) -> Alert:
    """Return the alert without a holder."""
    held = replace(alert, acked_by="", acked_at=0.0)
    return noted(held, acked_until=None, holder_reminded_at=None)


def reminder_due_at(alert: Alert, after: float) -> float:
    """Return when the holder of an acknowledged alert is reminded next.

    The first time is `after` seconds; then the time doubles with each reminder, up to a day.
    """
    last = alert.notes.holder_reminded_at or alert.acked_at
    return last + max(after, min(last - alert.acked_at, _DAY))


def holders_due(alerts: Iterable[Alert], after: float, now: float) -> frozenset[str]:
    """Return the holders who are reminded now, as one of their alerts is due; `after` 0: no one."""
    held = (alert for alert in alerts if alert.state is AlertState.ACKNOWLEDGED and not alert.notes.muted)
    return frozenset(alert.acked_by for alert in held if after > 0 and reminder_due_at(alert, after) <= now)


def remind(old: Alert, new: Alert, after: float, now: float, holders: frozenset[str]) -> Transition | None:
    """Remind the holder of an acknowledged alert, if that is one of `holders` and it is due soon."""
    if old.state is not AlertState.ACKNOWLEDGED or old.acked_by not in holders:
        return None
    if reminder_due_at(old, after) > now + min(TOGETHER, after / 2):
        return None
    said = noted(following(new, now), holder_reminded_at=now)
    return Transition(old, said, TransitionReason.HOLDER_REMINDED, Visibility.REPLY)


def one_reminder_each(transitions: Sequence[Transition]) -> Iterator[Transition]:
    """Keep one reminder a holder, at the most severe of the alerts, which names the others; these stay quiet."""
    reminders = [each for each in transitions if each.reason is TransitionReason.HOLDER_REMINDED]
    ranked = sorted(reminders, key=lambda each: most_severe_first(each.new))
    first = {each.new.acked_by: each for each in reversed(ranked)}
    for each in transitions:
        if each.reason is not TransitionReason.HOLDER_REMINDED:
            yield each
        elif first[each.new.acked_by] is each:
            others = [other.new.id for other in ranked if other.new.acked_by == each.new.acked_by and other is not each]
            yield replace(each, also=tuple(others))
        else:
            yield _unsaid(each)


def _unsaid(reminder: Transition) -> Transition:
    old, new = reminder.old, reminder.new
    assert old is not None  # noqa: S101 - a reminder is about an alert that was there
    same = replace(new, version=old.version, changed_at=old.changed_at)
    if reads_the_same(old, same):
        return Transition(old, same, TransitionReason.NOTED, Visibility.QUIET)
    return Transition(old, new, TransitionReason.CHANGED, Visibility.EDIT)


def _not_open(alert: Alert) -> HoldRefusal | None:
    if not alert.open:
        return HoldRefusal.OVER
    return HoldRefusal.NOT_ANNOUNCED if alert.state is AlertState.PENDING else None


def _until(alert: Alert, until: float, now: float) -> Transition:
    new = noted(following(alert, now), acked_until=until)
    return Transition(alert, new, TransitionReason.HOLD_CHANGED, Visibility.EDIT)


def _released(alert: Alert, now: float) -> Alert:
    """Return the alert as firing for no one: reminders and the wait before a call start now."""
    again = following(without_hold(alert), now, state=AlertState.FIRING, reminded_at=now)
    return noted(again, calling_since=now, escalated_at=None)
