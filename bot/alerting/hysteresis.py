"""Hysteresis: the recent peak of an alert, and the time in which no poll could decide. No I/O."""

from dataclasses import replace

from bot.alerting.model import Alert, AlertState, RecentPeak
from bot.alerting.rules.base import MAX_PARTS
from bot.alerting.transition import Transition, TransitionReason, Visibility, noted

LASTS = 900.0
"""Seconds for which the recent peak counts: a node that comes and goes is no news."""


def recent_peak(alert: Alert, now: float) -> Alert:
    """The alert at its recent peak; growth is measured against this value."""
    held = _held(alert, now)
    if held is None:
        return alert
    return replace(
        alert,
        severity=max(alert.severity, held.severity),
        weight=max(alert.weight, held.weight),
        parts=_parts(alert, held.parts),
    )


def eased(old: Alert, new: Alert, now: float) -> Alert:
    """`new`, the successor of `old`, with the recent peak recorded if `new` is milder."""
    peak = recent_peak(old, now)
    parts = peak.parts or ()
    if new.severity >= peak.severity and new.weight >= peak.weight and not set(parts) - set(new.parts or ()):
        return noted(new, peak=None)
    held = _held(old, now)
    until = held.until if held is not None else now + LASTS
    severity, weight = max(peak.severity, new.severity), max(peak.weight, new.weight)
    both = _parts(new, parts)
    return noted(new, peak=RecentPeak(severity, weight, parts if both is None else both, until))


def unlearned(alert: Alert, parts: set[str]) -> Alert:
    """The alert without those parts in its recent peak; its present parts stay."""
    held = alert.notes.peak
    if held is None or not parts:
        return alert
    return noted(alert, peak=replace(held, parts=tuple(part for part in held.parts if part not in parts)))


def _held(alert: Alert, now: float) -> RecentPeak | None:
    """The recent peak while it counts; a clock that was set back does not make it count for longer."""
    held = alert.notes.peak
    return held if held is not None and now < held.until <= now + LASTS else None


def _parts(alert: Alert, others: tuple[str, ...]) -> tuple[str, ...] | None:
    """The alert's parts and those others; None where it has no parts."""
    return None if alert.parts is None else tuple(dict.fromkeys((*alert.parts, *others)))[:MAX_PARTS]


def paused(old: Alert, now: float) -> Transition | None:
    """Pause the waiting or clear time of an alert while no poll can decide; None if no time is running."""
    waits = old.state is AlertState.PENDING or old.clear_since > 0
    if not waits or old.notes.unknown_since is not None:
        return None
    return Transition(old, noted(old, unknown_since=now), TransitionReason.NOTED, Visibility.QUIET)


def resumed(old: Alert, now: float) -> Alert:
    """The alert at the first poll that decides again: the undecided time does not count."""
    if old.notes.unknown_since is None:
        return old
    gap = max(0.0, now - old.notes.unknown_since)
    alert = noted(old, unknown_since=None)
    if old.state is AlertState.PENDING:
        return noted(alert, unknown_for=unknown_for(old) + gap)
    return replace(alert, clear_since=min(now, old.clear_since + gap)) if old.clear_since > 0 else alert


def unknown_for(alert: Alert) -> float:
    """Seconds of the waiting time in which no poll could decide."""
    return alert.notes.unknown_for or 0.0
