"""Transitions: one step of an alert, the reason for the step, and its visibility in the channel. No I/O."""

from dataclasses import replace
from enum import StrEnum
from typing import Any

from bot.alerting.model import NO_NOTES, Alert, AlertState, Finding, Outcome, Severity
from bot.alerting.rules.base import MAX_PARTS
from bot.common.frozen import frozen


class TransitionReason(StrEnum):
    """The reason for a transition."""

    SEEN = "found, not announced yet"
    FIRED = "announced for the first time"
    WORSE = "got worse"
    CHANGED = "text changed"
    CLEARING = "no longer found, waiting for the clear time"
    BACK = "found again before it was resolved"
    RESOLVED = "resolved"
    DROPPED = "gone before it was announced"
    REMINDED = "still firing without an acknowledgement"
    ESCALATED = "unacknowledged for too long"
    NOTED = "notes changed, invisible to readers"
    UNMUTED = "no longer silenced"
    ACKNOWLEDGED = "acknowledged"
    TAKEN_OVER = "taken over by another person"
    HOLD_CHANGED = "acknowledged until another time"
    GIVEN_BACK = "given back by its holder"
    HOLD_EXPIRED = "its acknowledgement expired"
    HOLDER_REMINDED = "its holder was reminded"
    WITHDRAWN = "its rule is no longer enabled"
    SURFACED = "posted as a separate message after the storm"
    UNFOLDED = "posted as a separate message, as the alert that carried it is over"


class Visibility(StrEnum):
    """Visibility of a transition in its channel; a reply also edits the alert's message."""

    QUIET = "quiet"
    EDIT = "edit"
    POST = "post"
    REPLY = "reply"
    REPLY_BROADCAST = "reply and broadcast"


NOTIFYING = frozenset({Visibility.POST, Visibility.REPLY, Visibility.REPLY_BROADCAST})
"""Visibilities that may notify a person."""


@frozen
class Transition:
    """One step of an alert; `old` is None for a new alert. `new.version` rises if a reader sees a change.

    `mention` is the user group (its Slack id) that is called, "" when none is. `also` are the ids of the other alerts
    that a reminder of their holder stands for.
    """

    old: Alert | None
    new: Alert
    reason: TransitionReason
    visibility: Visibility
    mention: str = ""
    also: tuple[int, ...] = ()


def worse(alert: Alert, finding: Finding) -> bool:
    """True if the finding is worse than the alert: a higher severity, a higher weight, or a new part."""
    if finding.severity > alert.severity or finding.weight > alert.weight:
        return True
    return has_new_part(alert, finding)


def has_new_part(alert: Alert, finding: Finding) -> bool:
    """True if the finding has a part that the alert lacks; False if the alert's list of parts is full."""
    return bool(new_parts(alert, finding))


def new_parts(alert: Alert, found: Finding | Alert) -> set[str]:
    """Return the parts of a finding, or of a later version of the alert, that the alert lacks."""
    known = alert.parts
    return set() if known is None or len(known) >= MAX_PARTS else set(found.parts or ()) - set(known)


def as_found(alert: Alert, finding: Finding) -> Alert:
    """Return the alert with the facts of the finding; a partial finding can only make it worse."""
    if finding.partial and not worse(alert, finding):
        return replace(alert, detail=alert.detail.doubted(finding.detail))
    return replace(
        alert,
        severity=finding.severity,
        detail=finding.detail,
        weight=finding.weight,
        parts=finding.parts,
        covers=finding.covers,
        fix=finding.fix,
    )


def noted(alert: Alert, **notes: Any) -> Alert:
    """Return the alert with these notes of the engine changed."""
    return replace(alert, notes=replace(alert.notes, **notes))


def reads_the_same(one: Alert, other: Alert) -> bool:
    """True if a reader sees no difference; notes of the engine do not count."""
    return _shown(one) == _shown(other)


def fired(alert: Alert, now: float) -> Alert:
    """Return the alert as announced for the first time."""
    return following(alert, now, state=AlertState.FIRING, fired_at=now, reminded_at=now)


def ended(alert: Alert, now: float, outcome: Outcome | None) -> Alert:
    """Return the alert as resolved."""
    return following(alert, now, state=AlertState.RESOLVED, resolved_at=now, outcome=outcome)


def following(alert: Alert, now: float, **changes: Any) -> Alert:
    """Return the next version of the alert."""
    return replace(alert, version=alert.version + 1, changed_at=now, **changes)


def reply_visibility(severity: Severity, *, news: bool = False) -> Visibility:
    """Choose reply or broadcast for a change that needs attention; `news`: the failure is new to the channel."""
    shown = severity is Severity.CRITICAL or (news and severity is Severity.WARNING)
    return Visibility.REPLY_BROADCAST if shown else Visibility.REPLY


def _shown(alert: Alert) -> Alert:
    return replace(alert, clear_since=0.0, notes=NO_NOTES, covers=())
