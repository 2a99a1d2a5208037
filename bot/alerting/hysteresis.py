"""Hysteresis: the recent peak of an alert, and the time in which no poll could decide. No I/O."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.alerting.model import Alert, AlertState, Severity
from bot.alerting.rules.base import MAX_PARTS
from bot.alerting.transition import Tell, Transition, TransitionReason, noted

LASTS = 900.0
"""Seconds for which an alert that eased is still measured by how bad it was: a node that comes and goes is no news."""


def recent_peak(alert: Alert, now: float) -> Alert:
    """The alert as bad as it was lately: by this, and not by how it reads now, one tells whether it got worse."""
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
    """`new`, which follows `old`, noting how bad it was where it is milder now."""
    peak = recent_peak(old, now)
    parts = peak.data.get("parts") or []
    if new.severity >= peak.severity and new.weight >= peak.weight and not set(parts) - set(new.data.get("parts", ())):
        return noted(new, eased=None)
    held = _held(old, now)
    until = held["until"] if held is not None else now + LASTS
    worst_of = {"severity": int(max(peak.severity, new.severity)), "weight": max(peak.weight, new.weight)}
    return noted(new, eased={**worst_of, "parts": _parts(new, parts).get("parts", parts), "until": until})


def unlearned(alert: Alert, parts: set[str]) -> Alert:
    """The alert without those parts in what is noted of its worst; what it has now stays."""
    held = alert.data.get("eased")
    if held is None or not parts:
        return alert
    return noted(alert, eased={**held, "parts": [part for part in held["parts"] if part not in parts]})


def _held(alert: Alert, now: float) -> Mapping[str, Any] | None:
    """What is noted of its worst, while that counts; a clock that was set back does not make it count for longer."""
    held: Mapping[str, Any] | None = alert.data.get("eased")
    return held if held is not None and now < held["until"] <= now + LASTS else None


def _parts(alert: Alert, others: list[str]) -> dict[str, Any]:
    """The alert's parts and those others, as its data has them; none where it does not say what it consists of."""
    own = alert.data.get("parts")
    return {} if own is None else {"parts": list(dict.fromkeys((*own, *others)))[:MAX_PARTS]}


def paused(old: Alert, now: float) -> Transition | None:
    """Stop the clock of an alert that waits, to be told or to end; None where it runs for nothing."""
    waits = old.state is AlertState.PENDING or old.clear_since > 0
    if not waits or "unknown_since" in old.data:
        return None
    return Transition(old, noted(old, unknown_since=now), TransitionReason.NOTED, Tell.QUIET)


def resumed(old: Alert, now: float) -> Alert:
    """The alert now that a look tells of it: what nobody knew for a while is left out of its waiting."""
    if "unknown_since" not in old.data:
        return old
    gap = max(0.0, now - old.data["unknown_since"])
    alert = noted(old, unknown_since=None)
    if old.state is AlertState.PENDING:
        return noted(alert, unknown_for=unknown_for(old) + gap)
    return replace(alert, clear_since=min(now, old.clear_since + gap)) if old.clear_since > 0 else alert


def unknown_for(alert: Alert) -> float:
    """Seconds of its waiting in which nobody knew."""
    return float(alert.data.get("unknown_for", 0.0))
