"""How bad an alert was lately: what eases and comes back soon is the same trouble, not one that got worse. Pure."""

from dataclasses import replace

from bot.alerting.model import Alert, RecentPeak
from bot.alerting.rules.base import MAX_PARTS
from bot.alerting.transition import noted

LASTS = 900.0
"""Seconds for which an alert that eased is still measured by how bad it was: a node that comes and goes is no news."""


def recent_peak(alert: Alert, now: float) -> Alert:
    """The alert as bad as it was lately: only what is worse than this counts as worse."""
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
    """`new`, which follows `old`, with a note of its recent peak if it is milder now."""
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
