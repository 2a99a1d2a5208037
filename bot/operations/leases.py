"""Leases: a switch that is set for a time, and the operation that restores the old value. No I/O."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypedDict

from bot.operations.change_request import MAX_LEASE, RequestOptions, Reversion
from bot.operations.model import ObservedSwitch, Operation, OpState, StepKind
from bot.operations.requests import TaskSwitch
from bot.operations.step_facts import LeaseEnded, Restoration

MAX_NOTICE = 600.0
"""Seconds before its end at which a lease is announced, at most; short leases are announced in their last quarter."""


class LeaseTimes(TypedDict):
    """Fields of a lease; StepChanges has them too."""

    lease_until: float
    warn_at: float


NO_LEASE: LeaseTimes = {"lease_until": 0.0, "warn_at": 0.0}


def switch_of(op: Operation) -> tuple[TaskSwitch, ObservedSwitch]:
    """Request and observed value of an operation that sends a switch; raises ValueError when it sends none."""
    if not isinstance(op.request, TaskSwitch) or op.seen.switch is None:
        raise ValueError(f"operation #{op.id} has no switch to send")
    return op.request, op.seen.switch


def announcements(op: Operation) -> int:
    """Number of times the end of its lease was announced: an extended lease is announced again."""
    return sum(event.kind is StepKind.WARNED for event in op.history)


def started(op: Operation, now: float) -> Operation:
    """Begin the lease of a verified operation, if it has one."""
    lease = op.options.lease
    if not isinstance(op.request, TaskSwitch) or not lease:
        return op
    return replace(op, **until(now + lease, lease))


def until(end: float, lease: float) -> LeaseTimes:
    """Fields of a lease of that length (seconds) that ends at that time."""
    return {"lease_until": end, "warn_at": end - min(MAX_NOTICE, lease / 4)}


def extended(op: Operation) -> LeaseTimes | None:
    """Fields of a lease that is extended by its length; None if it would be longer than a lease may be, in all."""
    lease = op.options.lease
    parts = 2 + sum(event.kind is StepKind.EXTENDED for event in op.history)
    return None if lease * parts > MAX_LEASE else until(op.lease_until + lease, lease)


def goes_back_on(op: Operation) -> bool:
    """True if its switch goes back to on: what it was before this change, or before an earlier one for a time."""
    before = op.seen.baseline or (op.seen.switch.meaning if op.seen.switch is not None else "")
    return before == "on"


def taking_over(op: Operation, earlier: Operation | None) -> Operation:
    """Let a switch for a time go back to the value before an `earlier` one that still runs."""
    if earlier is None or earlier.id == op.id or not op.lease_until:
        return op
    return replace(op, seen=replace(op.seen, baseline="on" if goes_back_on(earlier) else "off"))


def reverting(op: Operation, now: float, reason: str) -> Operation:
    """Make the operation that restores the value before a lease; an unset or meaningless value becomes off.

    It is marked as an agent's if the lease is, but no person decides on it and its reason is that of cmbot.
    """
    request, switch = switch_of(op)
    reversion = Reversion(of=op.id, thread=op.card_id, left=switch.will_send)
    return Operation(
        cluster=op.cluster,
        request=TaskSwitch(request.task, on=goes_back_on(op)),
        options=RequestOptions(dialect=op.options.dialect, reverts=reversion, agent=op.options.agent),
        requester=op.requester,
        created_at=now,
        expires_at=now,
        channel=op.channel,
        reason=reason,
        trace=op.trace,
    )


_RESTORATIONS: Mapping[OpState, Restoration] = {
    OpState.PROPOSED: Restoration.BEGUN,
    OpState.VERIFIED: Restoration.DONE,
    OpState.UNKNOWN: Restoration.UNKNOWN,
    OpState.BLOCKED: Restoration.NOT_DONE,
    OpState.CANCELLED: Restoration.NOT_DONE,
    OpState.FAILED: Restoration.NOT_DONE,
}


def ended(back: Operation) -> LeaseEnded | None:
    """Fact of the step TIME_UP on a lease, None for no step; `back` is the operation that restores the old value."""
    found = _RESTORATIONS.get(back.state)
    if found is None or not isinstance(back.request, TaskSwitch):
        return None
    return LeaseEnded(back.task, back.request.on, back.id, found)
