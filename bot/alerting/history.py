"""The events of an alert that a timeline shows, from its transitions. No I/O."""

from collections.abc import Iterator

from bot.alerting.model import Alert, Severity
from bot.alerting.transition import Transition, TransitionReason
from bot.common.frozen import frozen

_UNSEEN = frozenset(
    {
        TransitionReason.SEEN,
        TransitionReason.CHANGED,
        TransitionReason.CLEARING,
        TransitionReason.BACK,
        TransitionReason.DROPPED,
        TransitionReason.NOTED,
        TransitionReason.SURFACED,
    }
)
"""Reasons that are no event for a reader."""
SILENCED = "silenced"
"""The event of an alert that became muted."""
_OF_NO_PERSON = frozenset(
    {
        TransitionReason.FIRED,
        TransitionReason.WORSE,
        TransitionReason.RESOLVED,
        TransitionReason.HOLD_EXPIRED,
        TransitionReason.HOLDER_REMINDED,
        TransitionReason.UNFOLDED,
    }
)
"""Reasons that no person caused, though one may hold the alert."""


@frozen
class AlertRecord:
    """One event of an alert at a time (Unix seconds), by a person (a Slack user id) or "".

    `kind` is the name of the transition's reason in lower case, or SILENCED; `sentence` is what the alert said.
    """

    alert: int
    cluster: str
    kind: str
    at: float
    by: str
    severity: Severity
    sentence: str = ""
    id: int = 0


def records_of(transition: Transition, at: float) -> Iterator[AlertRecord]:
    """The events of one transition of a stored alert, without sentences."""
    old, new = transition.old, transition.new
    if transition.reason not in _UNSEEN:
        yield _record(new, transition.reason.name.lower(), at, _person(transition))
    muted, before = new.notes.muted, old.notes.muted if old else None
    if muted is not None and (before is None or before.id != muted.id):
        yield _record(new, SILENCED, at, muted.by)


def _person(transition: Transition) -> str:
    if transition.reason in _OF_NO_PERSON or transition.mention:
        return ""
    return transition.new.acked_by or (transition.old.acked_by if transition.old else "")


def _record(alert: Alert, kind: str, at: float, by: str) -> AlertRecord:
    return AlertRecord(alert.id, alert.cluster, kind, at, by, alert.severity)
