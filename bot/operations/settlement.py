"""Settlement: an admin states an unknown outcome; cmbot compares that with the cluster afterwards. No I/O."""

from collections.abc import Iterable
from dataclasses import replace

from bot.operations.model import ObservedState, Operation, Settlement, lock_of
from bot.operations.requests import LeaderTransfer, MemberAdd, MemberRemove
from bot.operations.step_facts import Compared, ComparisonOver

MAX_COMPARED = 50
"""Number of newest operations of which those settled by an admin are compared with the cluster."""


def mark(op: Operation, *, done: bool, at: float) -> ObservedState:
    """`seen` of an operation that an admin settles."""
    return replace(op.seen, settlement=Settlement(done, at))


def is_open(op: Operation) -> bool:
    """True while an admin's settlement is still to be compared with the cluster."""
    return op.seen.settlement is not None and not op.seen.settlement.until


def until(op: Operation) -> float:
    """Time until which an effect counts as that of a settled operation (Unix seconds); 0 when it was not settled."""
    settlement = op.seen.settlement
    return 0.0 if settlement is None else settlement.until or float("inf")


def contradicts(op: Operation, *, there: bool, calm: bool) -> bool | None:
    """Compare a settlement with the cluster: True if they contradict; None while that is open.

    `there` is True if the effect is seen. An effect that is there is proof; a missing effect counts once the cluster
    was `calm` for a minute. Raises ValueError without a settlement.
    """
    if op.seen.settlement is None:
        raise ValueError(f"operation #{op.id} was not settled")
    if not (there or calm):
        return None
    return there != op.seen.settlement.done


def closed(op: Operation, fact: Compared | ComparisonOver, *, at: float) -> ObservedState:
    """`seen` once the comparison is over."""
    settlement = replace(op.seen.settlement, until=at) if op.seen.settlement is not None else None
    found = fact if isinstance(fact, Compared) and fact.contradicts else op.seen.contradiction
    return replace(op.seen, settlement=settlement, contradiction=found)


def changed_later(op: Operation, recent: Iterable[Operation]) -> bool:
    """True if a later operation changed the same thing, so that the cluster proves nothing about this one."""
    return any(other.id > op.id and _same(op, other) and other.sent for other in recent)


def _same(op: Operation, other: Operation) -> bool:
    return op.cluster == other.cluster and _target(op) == _target(other)


def _target(op: Operation) -> tuple[str, str | int]:
    match op.request:
        case MemberAdd(peer_id=peer) | MemberRemove(peer_id=peer) | LeaderTransfer(peer_id=peer):
            return "peer", peer
        case request:
            return "lock", lock_of(request)
