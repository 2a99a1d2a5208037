"""Leases: a switch that is set for a time, when that is over, and the operation that puts the old value back. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.operations.model import Operation, OpKind, OpState

MOST_NOTICE = 600.0
"""Seconds before its end at which a lease is announced, at most; short leases are announced in their last quarter."""


WARNED = "it goes back soon"
"""The words of the step that announces the end of a lease."""


TIME_UP = "time is up: "
"""How the words begin of the steps in which a lease ends and its switch goes back."""
_ENDS: Mapping[OpState, str] = {
    OpState.PROPOSED: "{task} goes back to {value} now",
    OpState.VERIFIED: "{task} is {value} again",
    OpState.UNKNOWN: "whether {task} is {value} again is not known",
    OpState.BLOCKED: "{task} was not put back",
    OpState.CANCELLED: "{task} was not put back",
    OpState.FAILED: "{task} was not put back",
}


def ended(back: Operation) -> str:
    """What became of a switch whose lease is over, in words; `back` is the operation that puts it back."""
    told = _ENDS.get(back.state)
    if told is None:
        return ""
    words = told.format(task=back.request["task"], value="on" if back.request["on"] else "off")
    return f"{TIME_UP}{words} (operation #{back.id})"


def announcements(op: Operation) -> int:
    """How often the end of its lease was announced: an extended one is announced again."""
    return sum(event.words == WARNED for event in op.history)


def started(op: Operation, now: float) -> Operation:
    """A verified operation with its lease begun, when it is to last for a time only."""
    lease = float(op.request.get("lease", 0.0))
    if op.kind is not OpKind.TASK_SWITCH or not lease:
        return op
    return replace(op, **until(now + lease, lease))


def until(end: float, lease: float) -> dict[str, Any]:
    """The fields of a lease of that length (seconds) that ends then."""
    return {"lease_until": end, "warn_at": end - min(MOST_NOTICE, lease / 4)}


def reverting(op: Operation, now: float) -> Operation:
    """The operation that puts back what a leased one changed: a value that was unset or meant nothing goes to off."""
    request = {
        "task": op.request["task"],
        "on": op.seen["meaning"] == "on",
        "reverts": op.id,
        "thread": op.card_id,
        "left": op.seen["will_send"],
        **({"dialect": op.request["dialect"]} if op.request.get("dialect") else {}),
    }
    return Operation(
        cluster=op.cluster,
        kind=op.kind,
        request=request,
        requester=op.requester,
        created_at=now,
        expires_at=now,
        channel=op.channel,
        reason=f"operation #{op.id} was for a time only",
    )


def refuse_lease_click(op: Operation) -> str:
    """Why a lease can no longer be extended or kept, in a sentence; "" when it can."""
    if op.lease_until:
        return ""
    return f"What operation #{op.id} set is no longer going to be put back, so there is nothing to extend or keep."
