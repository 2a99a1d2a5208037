"""Escalation: which group an unacknowledged alert calls, and when. No I/O."""

from bot.alerting.model import Alert, AlertState, Severity
from bot.alerting.rules.base import Rule
from bot.alerting.transition import Transition, TransitionReason, Visibility, following, noted, reply_visibility
from bot.common.frozen import frozen

DEFAULT_WAIT = 900.0
"""Seconds to acknowledge an alert before it calls a group."""


@frozen
class Escalation:
    """Alerts of `severity` or worse call the user group `to` (its Slack id, "" for none) after `after` seconds."""

    to: str = ""
    after: float = DEFAULT_WAIT
    severity: Severity = Severity.CRITICAL

    def covers(self, alert: Alert) -> bool:
        """True if the alert is severe enough to call the group."""
        return bool(self.to) and alert.severity >= self.severity

    def due(self, alert: Alert, now: float) -> bool:
        """True if the first call is due."""
        waited = now - max(alert.fired_at, alert.notes.calling_since or 0.0)
        return self.covers(alert) and alert.notes.escalated_at is None and waited >= self.after


def call(rule: Rule, old: Alert, new: Alert, escalation: Escalation, now: float) -> Transition | None:
    """Call the group or send a reminder, if one is due, for a firing alert that no silence mutes.

    The group is called once, and then with every reminder. `new` has the newest text.
    """
    if escalation.due(new, now):
        escalated = noted(following(new, now, reminded_at=now), escalated_at=now)
        return Transition(old, escalated, TransitionReason.ESCALATED, Visibility.REPLY_BROADCAST, escalation.to)
    if rule.remind <= 0 or now - old.reminded_at < rule.remind:
        return None
    again = escalation.covers(new) and new.notes.escalated_at is not None
    visibility = Visibility.REPLY_BROADCAST if again else reply_visibility(new.severity)
    mention = escalation.to if again else ""
    return Transition(old, following(new, now, reminded_at=now), TransitionReason.REMINDED, visibility, mention)


def with_new_wait(old: Alert, new: Alert, now: float) -> Alert:
    """The alert after it got worse: the wait before a call starts again."""
    if old.state is AlertState.ACKNOWLEDGED:
        return noted(new, calling_since=now, escalated_at=None)
    if new.severity > old.severity and old.notes.escalated_at is None:
        return noted(new, calling_since=now)
    return new
