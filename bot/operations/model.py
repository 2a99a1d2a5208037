"""Operation: a requested change with a life, and the pure state machine of that life."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class OpState(StrEnum):
    """Where an operation is in its life; see TRANSITIONS for the ways between."""

    PROPOSED = "proposed"
    BLOCKED = "blocked"
    WAITING = "waiting"
    RUNNING = "running"
    VERIFIED = "verified"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


TRANSITIONS: Mapping[OpState, frozenset[OpState]] = {
    OpState.PROPOSED: frozenset({OpState.BLOCKED, OpState.WAITING, OpState.CANCELLED}),
    OpState.WAITING: frozenset(
        {
            OpState.RUNNING,
            OpState.BLOCKED,
            OpState.REJECTED,
            OpState.CANCELLED,
            OpState.EXPIRED,
            OpState.SUPERSEDED,
        }
    ),
    OpState.RUNNING: frozenset({OpState.VERIFIED, OpState.FAILED, OpState.UNKNOWN}),
    OpState.UNKNOWN: frozenset({OpState.VERIFIED, OpState.FAILED}),
}
"""The ways between states; a state that is no key here is final."""


class OpKind(StrEnum):
    """What an operation does to a cluster."""

    TASK_SWITCH = "task_switch"
    MEMBER_ADD = "member_add"
    MEMBER_REMOVE = "member_remove"
    LEADER_TRANSFER = "leader_transfer"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of an operation's history: who did what when, in words; `by` is a Slack user id or "" (the program)."""

    at: float
    state: OpState
    by: str
    words: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A requested change with a life; times in Unix seconds.

    `request` is what is asked (JSON, by kind); `seen` is the state of the cluster that the card shows and an approval
    is bound to; `version` is the compare-and-set key that every transition raises by one and every button carries.
    """

    cluster: str
    kind: OpKind
    request: Mapping[str, Any]
    requester: str
    created_at: float
    expires_at: float
    state: OpState = OpState.PROPOSED
    seen: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[Event, ...] = ()
    channel: str = ""
    reason: str = ""
    id: int = 0
    version: int = 0

    @property
    def final(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.state not in TRANSITIONS


def advance(
    op: Operation,
    to: OpState,
    *,
    at: float,
    by: str = "",
    words: str = "",
    seen: Mapping[str, Any] | None = None,
) -> Operation:
    """Move `op` to state `to`, one version up.

    Raises ValueError when there is no way from its state to that one: a caller's mistake, never a person's.
    """
    if to not in TRANSITIONS.get(op.state, frozenset()):
        raise ValueError(f"no way from {op.state} to {to}")
    return replace(
        op,
        state=to,
        version=op.version + 1,
        seen=op.seen if seen is None else seen,
        history=(*op.history, Event(at, to, by, words)),
    )
