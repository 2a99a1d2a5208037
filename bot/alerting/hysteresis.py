"""Hysteresis: the recent peak of an alert, and the time in which no poll could decide. No I/O."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.alerting.model import Alert, AlertState, Severity
from bot.alerting.rules.base import MAX_PARTS
from bot.alerting.transition import Tell, Transition, TransitionReason, noted

LASTS = 900.0
"""Seconds for which the recent peak counts: a node that comes and goes is no news."""


def recent_peak(alert: Alert, now: float) -> Alert:
    """The alert at its recent peak; growth is measured against this value."""
    held = _held(alert, now)
    if held is None:
        return alert
    return replace(
        alert,
        severity=Severity(max(alert.severity, held["severity"])),
        weight=max(alert.weight, held["weight"]),
        data={**alert.data, **_parts(alert, held["parts"])},
    )


def eased(old: Alert, new: Alert, now: float) -> Alert:
    """`new`, the successor of `old`, with the recent peak recorded if `new` is milder."""
    peak = recent_peak(old, now)
    parts = peak.data.get("parts") or []
    if new.severity >= peak.severity and new.weight >= peak.weight and not set(parts) - set(new.data.get("parts", ())):
        return noted(new, eased=None)
    held = _held(old, now)
    until = held["until"] if held is not None else now + LASTS
    worst_of = {"severity": int(max(peak.severity, new.severity)), "weight": max(peak.weight, new.weight)}
    return noted(new, eased={**worst_of, "parts": _parts(new, parts).get("parts", parts), "until": until})


def unlearned(alert: Alert, parts: set[str]) -> Alert:
    """The alert without those parts in its recent peak; its present parts stay."""
    held = alert.data.get("eased")
    if held is None or not parts:
        return alert
    return noted(alert, eased={**held, "parts": [part for part in held["parts"] if part not in parts]})


def _held(alert: Alert, now: float) -> Mapping[str, Any] | None:
    """The recorded peak while it counts; a clock that was set back does not prolong it."""
    held: Mapping[str, Any] | None = alert.data.get("eased")
    return held if held is not None and now < held["until"] <= now + LASTS else None


def _parts(alert: Alert, others: list[str]) -> dict[str, Any]:
    """The alert's parts and the others, as stored data; empty if the alert has no parts."""
    own = alert.data.get("parts")
    return {} if own is None else {"parts": list(dict.fromkeys((*own, *others)))[:MAX_PARTS]}


def paused(old: Alert, now: float) -> Transition | None:
    """Pause the hold or clear time of an alert while no poll can decide; None if no time is running."""
    waits = old.state is AlertState.PENDING or old.clear_since > 0
    if not waits or "unknown_since" in old.data:
        return None
    return Transition(old, noted(old, unknown_since=now), TransitionReason.NOTED, Tell.QUIET)


def resumed(old: Alert, now: float) -> Alert:
    """The alert at the first poll that decides again: the undecided time does not count."""
    if "unknown_since" not in old.data:
        return old
    gap = max(0.0, now - old.data["unknown_since"])
    alert = noted(old, unknown_since=None)
    if old.state is AlertState.PENDING:
        return noted(alert, unknown_for=unknown_for(old) + gap)
    return replace(alert, clear_since=min(now, old.clear_since + gap)) if old.clear_since > 0 else alert


def unknown_for(alert: Alert) -> float:
    """Seconds of the hold time in which no poll could decide."""
    return float(alert.data.get("unknown_for", 0.0))
