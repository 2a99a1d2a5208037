"""Audit rows about who holds an alert: acknowledged, taken over, given back, expired, reminded. No I/O."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.transition import Transition, TransitionReason
from bot.audit.chain import AuditEntry
from bot.common.json_object import JsonValue
from bot.views.alert_text.table import sentence_of

ACTIONS: Mapping[TransitionReason, str] = MappingProxyType(
    {
        TransitionReason.ACKNOWLEDGED: "alert.acknowledged",
        TransitionReason.TAKEN_OVER: "alert.taken_over",
        TransitionReason.HOLD_CHANGED: "alert.hold_changed",
        TransitionReason.GIVEN_BACK: "alert.given_back",
        TransitionReason.HOLD_EXPIRED: "alert.hold_expired",
        TransitionReason.HOLDER_REMINDED: "alert.holder_reminded",
    }
)
"""The name of the audit row of each transition."""
OF_THE_WATCH = frozenset({TransitionReason.HOLD_EXPIRED, TransitionReason.HOLDER_REMINDED})
"""Those that no person causes."""


def entry(transition: Transition, by: str, *, first: int = 0) -> AuditEntry:
    """Return the row of a transition that `by` caused ("" for cmbot): the alert, its holder before and its end.

    `first` is the alert in whose message this one is, if the person acted on that.
    """
    old, new = transition.old, transition.new
    detail: dict[str, JsonValue] = {"alert": new.id, "rule": new.rule, "sentence": sentence_of(new)}
    if old is not None and old.acked_by and old.acked_by != by:
        detail["holder"] = old.acked_by
    if new.notes.acked_until is not None:
        detail["until"] = new.notes.acked_until
    if first:
        detail["with"] = first
    if transition.also:
        detail["also"] = list(transition.also)
    return AuditEntry(new.changed_at, by, ACTIONS[transition.reason], new.cluster, detail=detail)
