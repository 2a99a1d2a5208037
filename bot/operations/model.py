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
    CLOSED = "closed"


TRANSITIONS: Mapping[OpState, frozenset[OpState]] = {
    OpState.PROPOSED: frozenset({OpState.BLOCKED, OpState.WAITING, OpState.RUNNING, OpState.CANCELLED, OpState.CLOSED}),
    OpState.WAITING: frozenset(
        {
            OpState.RUNNING,
            OpState.BLOCKED,
            OpState.REJECTED,
            OpState.CANCELLED,
            OpState.EXPIRED,
            OpState.SUPERSEDED,
            OpState.CLOSED,
        }
    ),
    OpState.RUNNING: frozenset(
        {
            OpState.VERIFIED,
            OpState.FAILED,
            OpState.UNKNOWN,
            OpState.BLOCKED,
            OpState.CANCELLED,
            OpState.SUPERSEDED,
            OpState.CLOSED,
        }
    ),
    OpState.UNKNOWN: frozenset({OpState.VERIFIED, OpState.FAILED, OpState.CLOSED}),
}
"""The ways between states; a state that is no key here is final. Only what needs no approval, the end of a lease, goes
from proposed to running. From running to blocked, cancelled or superseded goes what was judged again right before
sending, and was not sent. `closed` is what became of an operation whose cluster left the settings."""

LOCKING = frozenset({OpState.WAITING, OpState.RUNNING, OpState.UNKNOWN})
"""The states in which an operation keeps others of its sort off its cluster."""


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
    is bound to; `version` is the compare-and-set key that every step raises by one and every button carries.
    `terms` are those of its policy, for the card; `approvals` are who approved so far (Slack user ids). `card` is the
    operation whose card it took over (0: it has its own). `runner` names the process that carries it out, or did (""
    before it ran). `lease_until` is when the old value of a switch is put back,
    `warn_at` when that is announced (0: never).
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
    terms: Mapping[str, Any] = field(default_factory=dict)
    approvals: tuple[str, ...] = ()
    card: int = 0
    lease_until: float = 0.0
    warn_at: float = 0.0
    runner: str = ""

    @property
    def card_id(self) -> int:
        """The operation under whose number its card was posted."""
        return self.card or self.id

    @property
    def lock(self) -> str:
        """What it keeps for itself on its cluster just now: "membership", "task:<name>", or "" for nothing."""
        if self.state not in LOCKING:
            return ""
        return f"task:{self.request['task']}" if self.kind is OpKind.TASK_SWITCH else "membership"

    @property
    def forced(self) -> bool:
        """Whether break-glass was used."""
        return bool(self.request.get("forced"))

    @property
    def final(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.state not in TRANSITIONS


def note(op: Operation, *, at: float, by: str = "", words: str, **changes: Any) -> Operation:
    """A step that leaves the state as it is, such as an approval of several or a lease that goes on; a version up."""
    history = (*op.history, Event(at, op.state, by, words))
    return replace(op, version=op.version + 1, history=history, **changes)


def advance(
    op: Operation,
    to: OpState,
    *,
    at: float,
    by: str = "",
    words: str = "",
    seen: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Operation:
    """Move `op` to state `to`, one version up; `changes` are further fields.

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
        **changes,
    )
