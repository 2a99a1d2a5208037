"""Transitions: one step of an alert, its reason, and its effect in the channel. No I/O."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bot.alerting.model import NO_NOTES, Alert, AlertState, Finding, LegacyDetail, Outcome, Severity
from bot.alerting.rules.base import MAX_PARTS


class TransitionReason(StrEnum):
    """Why an alert moved."""

    SEEN = "found, not announced yet"
    FIRED = "announced for the first time"
    WORSE = "got worse"
    CHANGED = "reads differently"
    CLEARING = "not seen any more, waiting to be sure"
    BACK = "seen again before it was resolved"
    RESOLVED = "resolved"
    DROPPED = "gone before it was announced"
    REMINDED = "still firing without an acknowledgement"
    ESCALATED = "not acknowledged for too long"
    NOTED = "noted; a reader sees no difference"
    UNMUTED = "no silence mutes it any more"
    ACKNOWLEDGED = "acknowledged"
    WITHDRAWN = "its rule is not watched any more"
    SURFACED = "moved to a separate message, as the storm is over"


class Tell(StrEnum):
    """Effect of a transition in the channel; a reply comes with the edit of the alert's message."""

    QUIET = "quiet"
    EDIT = "edit"
    POST = "post"
    REPLY = "reply"
    REPLY_BROADCAST = "reply and broadcast"


LOUD = frozenset({Tell.POST, Tell.REPLY, Tell.REPLY_BROADCAST})
"""Effects that may notify people."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One step in the life of an alert; `old` is None at its birth. `new.version` is raised when a reader notices.

    `mention` is the user group (its Slack id) that is called, "" when none is.
    """

    old: Alert | None
    new: Alert
    reason: TransitionReason
    tell: Tell
    mention: str = ""


def worse(alert: Alert, finding: Finding) -> bool:
    """True if the finding is worse than the alert: more severe, more of it, or with a new part."""
    if finding.severity > alert.severity or finding.weight > alert.weight:
        return True
    return has_new_part(alert, finding)


def has_new_part(alert: Alert, finding: Finding) -> bool:
    """True if the finding has a part that the alert has not; unknown, so False, if the alert's list is full."""
    return bool(new_parts(alert, finding))


def new_parts(alert: Alert, found: Finding | Alert) -> set[str]:
    """The parts of the finding, or of the alert that took it up, that the alert did not have before."""
    known = alert.parts
    return set() if known is None or len(known) >= MAX_PARTS else set(found.parts or ()) - set(known)


def as_found(alert: Alert, finding: Finding) -> Alert:
    """The alert with the facts of the finding; a partial finding takes nothing back."""
    if finding.partial and not worse(alert, finding):
        return alert
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
    """The alert with these notes of the engine."""
    return replace(alert, notes=replace(alert.notes, **notes))


def reads_the_same(one: Alert, other: Alert) -> bool:
    """True if a reader sees no difference, even if the engine noted something.

    An alert of 0.1.0 takes up its facts without an edit: facts and stored text of the same parts say the same.
    """
    if isinstance(one.detail, LegacyDetail) and not isinstance(other.detail, LegacyDetail):
        one = replace(one, detail=other.detail, parts=other.parts if one.parts is None else one.parts, fix=other.fix)
    return _shown(one) == _shown(other)


def fired(alert: Alert, now: float) -> Alert:
    """The alert as it is announced for the first time."""
    return following(alert, now, state=AlertState.FIRING, fired_at=now, reminded_at=now)


def ended(alert: Alert, now: float, outcome: Outcome | None) -> Alert:
    """The alert at its end."""
    return following(alert, now, state=AlertState.RESOLVED, resolved_at=now, outcome=outcome)


def following(alert: Alert, now: float, **changes: Any) -> Alert:
    """The next version of the alert."""
    return replace(alert, version=alert.version + 1, changed_at=now, **changes)


def loud(severity: Severity, *, news: bool = False) -> Tell:
    """Effect of a call for attention; `news` is a failure that the channel has not seen yet."""
    shown = severity is Severity.CRITICAL or (news and severity is Severity.WARNING)
    return Tell.REPLY_BROADCAST if shown else Tell.REPLY


def _shown(alert: Alert) -> Alert:
    return replace(alert, clear_since=0.0, notes=NO_NOTES, covers=())
