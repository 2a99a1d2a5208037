"""What an admin said of an unknown outcome: kept in the operation, and compared with the cluster afterwards. No I/O."""

from collections.abc import Iterable, Mapping
from typing import Any

from bot.operations.model import Operation, OpKind, OpState

MOST_COMPARED = 50
"""Of so many newest operations those that were settled by hand are compared with the cluster."""
CANNOT_SEE = (
    "cmbot sees what the hosts answer now, not what is still on its way inside the cluster. It looks again until the "
    "cluster was calm for a minute, and says so on the card where the cluster shows otherwise."
)


def mark(op: Operation, *, done: bool, at: float) -> Mapping[str, Any]:
    """`seen` of an operation that an admin settles."""
    return {**op.seen, "settled": {"done": done, "at": at, "until": 0.0}}


def is_open(op: Operation) -> bool:
    """Whether what an admin said of it is still to be compared with the cluster."""
    return bool(op.seen.get("settled")) and not op.seen["settled"]["until"]


def until(op: Operation) -> float:
    """Until when an effect counts as that of an operation settled by hand (Unix seconds); 0 for any other one."""
    if not op.seen.get("settled"):
        return 0.0
    return float(op.seen["settled"]["until"]) or float("inf")


def compare(op: Operation, words: str, *, there: bool, calm: bool) -> tuple[str, bool] | None:
    """What the cluster shows of it, in words, and whether it contradicts; None while that cannot be told.

    `there` is whether its effect is seen, `words` what is seen.
    An effect that is there proves itself; that it is not there counts once the cluster was `calm` for a minute.
    """
    if not (there or calm):
        return None
    if there == op.seen["settled"]["done"]:
        return f"looked again: {words}", False
    return f"the cluster shows otherwise: {words}", True


def closed(op: Operation, words: str, *, contradicts: bool, at: float) -> Mapping[str, Any]:
    """`seen` once the comparison is over."""
    told = {"contradiction": words} if contradicts else {}
    return {**op.seen, "settled": {**op.seen["settled"], "until": at}, **told}


def overtaken(op: Operation, recent: Iterable[Operation]) -> bool:
    """Whether a later operation changed the same thing, so that the cluster proves nothing about this one."""
    return any(other.id > op.id and _same(op, other) and _sent(other) for other in recent)


def _same(op: Operation, other: Operation) -> bool:
    switches = [each.kind is OpKind.TASK_SWITCH for each in (op, other)]
    if op.cluster != other.cluster or switches[0] != switches[1]:
        return False
    key = "task" if switches[0] else "peer_id"
    return bool(op.request.get(key) == other.request.get(key))


def _sent(op: Operation) -> bool:
    unsent = {OpState.BLOCKED, OpState.CANCELLED, OpState.SUPERSEDED}
    return op.state not in unsent and any(event.state is OpState.RUNNING for event in op.history)
