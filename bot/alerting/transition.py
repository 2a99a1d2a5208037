"""Transitions: one step in the life of an alert, why it was taken, and what a channel sees of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bot.alerting.model import Alert, AlertState, Finding, Severity
from bot.alerting.rules.base import MAX_PARTS

UNKNOWN = ("unknown_since", "unknown_for")
KEPT = (
    "said_at",
    "unsaid",
    "lifted",
    "muted",
    "silenced",
    "calling_since",
    "escalated_at",
    "digest",
    "eased",
    *UNKNOWN,
)
"""What the engine itself notes in an alert's data: no finding overwrites it.

`lifted`: ids of silences that no longer hold for it · `muted`: the silence {id, by} under which it is quiet now ·
`silenced`: ids of all that ever muted it · `calling_since`: since when somebody is called for, where that is not when
it fired · `escalated_at`: when a group was called · `digest`: the slot of the digest that tells it in its place ·
`said_at`: when a reply last said that it got worse · `unsaid`: that it grew since, unsaid as yet: which parts are
new ([]: none) · `eased`: how bad it was lately {severity, weight, parts, until}, where it is milder now ·
`unknown_since`: since when no look can tell of it, `unknown_for`: for how long none could while it waited (seconds).
"""


class TransitionReason(StrEnum):
    """Why an alert moved."""

    SEEN = "seen, and not told yet"
    FIRED = "told for the first time"
    WORSE = "got worse"
    CHANGED = "reads differently"
    CLEARING = "not seen any more, waiting to be sure"
    BACK = "seen again before it was resolved"
    RESOLVED = "resolved"
    DROPPED = "went away before it was told"
    REMINDED = "still there and nobody acknowledged it"
    ESCALATED = "nobody acknowledged it for too long"
    NOTED = "noted, and nobody would notice"
    UNMUTED = "no silence mutes it any more"
    ACKNOWLEDGED = "acknowledged"
    WITHDRAWN = "its rule is not watched any more"
    SURFACED = "told in a message of its own, as the storm is over"


class Tell(StrEnum):
    """What a channel sees of a transition; a reply comes with the edit of the alert's message."""

    QUIET = "quiet"
    EDIT = "edit"
    POST = "post"
    REPLY = "reply"
    REPLY_BROADCAST = "reply and broadcast"


LOUD = frozenset({Tell.POST, Tell.REPLY, Tell.REPLY_BROADCAST})
"""What may notify somebody."""


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
    """Whether the finding is worse than what the alert says: more severe, more of it, or something new in it."""
    if finding.severity > alert.severity or finding.weight > alert.weight:
        return True
    return has_new_part(alert, finding)


def has_new_part(alert: Alert, finding: Finding) -> bool:
    """Whether something in the finding was not in the alert; where that names as many as it can, nobody can tell."""
    return bool(new_parts(alert, finding))


def new_parts(alert: Alert, found: Finding | Alert) -> set[str]:
    """What is in the finding, or in the alert that took it up, and was not in the alert before."""
    known = alert.data.get("parts")
    return set() if known is None or len(known) >= MAX_PARTS else set(found.data.get("parts", ())) - set(known)


def unsaid_parts(alert: Alert) -> set[str]:
    """The parts that came in a burst, and that no reply named yet."""
    unsaid = alert.data.get("unsaid")
    return set(unsaid) if isinstance(unsaid, list) else set()


def as_found(alert: Alert, finding: Finding) -> Alert:
    """The alert with the finding's newest words; a partial finding takes nothing back."""
    if finding.partial and not worse(alert, finding):
        return alert
    return replace(
        alert,
        severity=finding.severity,
        sentence=finding.sentence,
        lines=finding.lines,
        weight=finding.weight,
        data={**finding.data, **kept(alert)},
    )


def kept(alert: Alert) -> Mapping[str, Any]:
    """What the engine noted of it."""
    return {name: alert.data[name] for name in KEPT if name in alert.data}


def noted(alert: Alert, **notes: Any) -> Alert:
    """The alert with these notes of the engine; None takes one away."""
    data = {**alert.data, **notes}
    return replace(alert, data={name: value for name, value in data.items() if name not in notes or value is not None})


def reads_the_same(one: Alert, other: Alert) -> bool:
    """Whether no reader could tell them apart, whatever the engine noted."""
    return _shown(one) == _shown(other)


def fired(alert: Alert, now: float) -> Alert:
    """The alert as it is told for the first time."""
    return following(alert, now, state=AlertState.FIRING, fired_at=now, reminded_at=now)


def ended(alert: Alert, now: float, words: str) -> Alert:
    """The alert at its end; `words` say what became of it."""
    return following(alert, now, state=AlertState.RESOLVED, resolved_at=now, resolution=words)


def following(alert: Alert, now: float, **changes: Any) -> Alert:
    """The next version of the alert."""
    return replace(alert, version=alert.version + 1, changed_at=now, **changes)


def loud(severity: Severity, *, news: bool = False) -> Tell:
    """How what calls for attention is said; `news` is a failure that the channel has not heard of yet."""
    shown = severity is Severity.CRITICAL or (news and severity is Severity.WARNING)
    return Tell.REPLY_BROADCAST if shown else Tell.REPLY


def _shown(alert: Alert) -> Alert:
    unseen = {*KEPT, "covers"}
    return replace(alert, clear_since=0.0, data={name: x for name, x in alert.data.items() if name not in unseen})
