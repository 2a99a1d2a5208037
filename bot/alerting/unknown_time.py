"""What no look can tell of: time in which nobody knows counts neither for telling an alert nor for ending it. Pure.

The time from one look to the next counts if the look that begins it could tell.
"""

from dataclasses import replace

from bot.alerting.model import Alert, AlertState
from bot.alerting.transition import Tell, Transition, TransitionReason, noted


def untold(old: Alert, now: float) -> Transition | None:
    """Stop the clock of an alert that waits, to be told or to end; None where it runs for nothing."""
    waits = old.state is AlertState.PENDING or old.clear_since > 0
    if not waits or old.notes.unknown_since is not None:
        return None
    return Transition(old, noted(old, unknown_since=now), TransitionReason.NOTED, Tell.QUIET)


def known_again(old: Alert, now: float) -> Alert:
    """The alert now that a look tells of it: what nobody knew for a while is left out of its waiting."""
    if old.notes.unknown_since is None:
        return old
    gap = max(0.0, now - old.notes.unknown_since)
    alert = noted(old, unknown_since=None)
    if old.state is AlertState.PENDING:
        return noted(alert, unknown_for=unknown_for(old) + gap)
    return replace(alert, clear_since=min(now, old.clear_since + gap)) if old.clear_since > 0 else alert


def unknown_for(alert: Alert) -> float:
    """Seconds of its waiting in which nobody knew."""
    return alert.notes.unknown_for or 0.0
