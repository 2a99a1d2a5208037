"""Operation: a requested change, its states, and the transitions between them. No I/O."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import TypedDict, Unpack

from bot.alerting.progress import LeftCount
from bot.clustermgr.tasks import DialectEvidence
from bot.common.frozen import frozen
from bot.operations.change_request import NO_OPTIONS, RequestOptions
from bot.operations.policy import Terms
from bot.operations.preflight.verdict import PreflightResult
from bot.operations.requests import (
    DiskAccess,
    DiskBroken,
    DiskOffline,
    DisksOffline,
    LeaderTransfer,
    MemberAdd,
    MemberRemove,
    NodeDrop,
    NodeOffline,
    OpKind,
    Request,
    TaskSwitch,
)
from bot.operations.step_facts import Difference, LegacyDifference, LegacyWords, StepFact

MAX_SEEN_DISKS = 5
"""Limit of disks of which a card shows the place."""


class OpState(StrEnum):
    """State of an operation; TRANSITIONS has the ways between states."""

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
"""The transitions; a state that is no key here is final.

Only the end of a lease goes from proposed to running, because it needs no approval. An operation that is evaluated
again right before its request is sent, and then not sent, goes from running to blocked, cancelled or superseded.
`closed` means that the cluster was removed from the settings."""

LOCKING = frozenset({OpState.WAITING, OpState.RUNNING, OpState.UNKNOWN})
"""The states in which an operation keeps other operations of its kind off its cluster."""


_UNSENT = frozenset({OpState.BLOCKED, OpState.CANCELLED, OpState.SUPERSEDED})


class StepKind(StrEnum):
    """Kind of a step, where its state alone does not tell it; the value begins the recorded words of the step."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    EXTENDED = "extended"
    KEPT = "kept"
    SETTLED = "settled"
    WARNED = "it goes back soon"
    TIME_UP = "time is up: "

    @property
    def by_person(self) -> bool:
        """True for an act of a person."""
        return self not in {StepKind.WARNED, StepKind.TIME_UP}


@frozen
class Event:
    """One step of an operation's history; `by` is a Slack user id, "" for cmbot itself.

    `fact` is what was recorded about it besides its state and its kind, None for nothing.
    """

    at: float
    state: OpState
    by: str
    fact: StepFact | None = None
    kind: StepKind | None = None


@frozen
class ObservedSwitch:
    """A task's switch when it was evaluated; `value` is the stored text, None when it is unset or was not read.

    `evidence` has how the dialect was detected; `will_send` is the value that the request sets.
    """

    key: str
    value: str | None
    meaning: str
    will_send: str
    dialect: str
    evidence: DialectEvidence | LegacyWords | None = None


@frozen
class Settlement:
    """An admin's statement on an unknown outcome: `done` or not, when, and when the comparison ended (0: not yet)."""

    done: bool
    at: float
    until: float = 0.0


@frozen
class ObservedDisk:
    """A disk when its change was evaluated; `units` and `volumes` are counts on it, None where they were not read."""

    disk_id: int
    host: str
    path: str
    zone: str
    units: int | None = None
    volumes: int | None = None


@frozen
class DropProgress:
    """Units counted on a disk since its drop began; `total` is their number at the beginning.

    `over` is True once the disk is dropped or gone and its units were counted after that, or another state ended it.
    """

    counts: tuple[LeftCount, ...] = ()
    total: int = 0
    over: bool = False


@frozen
class DiskCount:
    """Last count of the units `left` on one disk of several, at `at`, and its state: `status` as on the wire."""

    disk_id: int
    at: float
    left: int
    status: int
    dropping: bool


@frozen
class ObservedState:
    """The state of the cluster that a card shows and an approval is bound to, and what was found out later.

    `leader` is the host that led: the request goes there only. `verdict` is None on a card of an older release.
    `difference` is how the cluster moved since the card before this one. `contradiction` is set when the cluster
    shows the opposite of an admin's settlement. `disks` are those of a change of disks, at most MAX_SEEN_DISKS; `drop`
    is the progress of a disk that was taken offline, `counts` are those of several disks, one each. `baseline` is the
    meaning of a switch before an earlier change for a time that this one took over, "" for none.
    """

    leader: str = ""
    dialect: str = ""
    switch: ObservedSwitch | None = None
    verdict: PreflightResult | None = None
    difference: Difference | LegacyDifference | None = None
    settlement: Settlement | None = None
    contradiction: StepFact | None = None
    disks: tuple[ObservedDisk, ...] = ()
    drop: DropProgress | None = None
    counts: tuple[DiskCount, ...] = ()
    baseline: str = ""


@frozen
class Operation:
    """A requested change; times in Unix seconds.

    `version` is the compare-and-set key: every step raises it by one, and every button carries it. `terms` are those
    of its policy, for the card (None on a card of an older release). `approvals` are the Slack ids of the approvers so
    far. `card` is the operation whose card it took over (0: it has its own). `runner` names the process that executes
    it ("" before it ran). `lease_until` is when the old value of a switch is restored, `warn_at` when that is
    announced (0: never). `trace` is the stored form of the trace of its proposal.
    """

    cluster: str
    request: Request
    requester: str
    created_at: float
    expires_at: float
    state: OpState = OpState.PROPOSED
    options: RequestOptions = NO_OPTIONS
    seen: ObservedState = ObservedState()
    history: tuple[Event, ...] = ()
    channel: str = ""
    reason: str = ""
    id: int = 0
    version: int = 0
    terms: Terms | None = None
    approvals: tuple[str, ...] = ()
    card: int = 0
    lease_until: float = 0.0
    warn_at: float = 0.0
    runner: str = ""
    trace: str = ""

    @property
    def kind(self) -> OpKind:
        """Kind of its request."""
        return self.request.kind

    @property
    def task(self) -> str:
        """Task that it switches, "" for a change of members."""
        return self.request.task if isinstance(self.request, TaskSwitch) else ""

    @property
    def card_id(self) -> int:
        """Number of the operation under which its card was posted."""
        return self.card or self.id

    @property
    def lock(self) -> str:
        """Name of what it locks on its cluster now, "" for nothing; two open operations never have the same lock.

        It is "membership", "task:<name>", "disk:<id>", "node:<id>", or "disks" for several disks or the disks of a
        node, one at a time. The preflight keeps a disk of such an operation from another one.
        """
        return lock_of(self.request) if self.state in LOCKING else ""

    @property
    def forced(self) -> bool:
        """True if break-glass was used."""
        return self.options.forced

    @property
    def final(self) -> bool:
        """True if no transition is left."""
        return self.state not in TRANSITIONS

    @property
    def sent(self) -> bool:
        """True if its request was sent, or may have been."""
        return self.state not in _UNSENT and any(event.state is OpState.RUNNING for event in self.history)

    @property
    def sent_at(self) -> float:
        """Time at which its request was sent, 0 when it was not."""
        return max((event.at for event in self.history if event.state is OpState.RUNNING), default=0.0)


def lock_of(request: Request) -> str:
    """Name of what a request locks on its cluster while its operation is open."""
    match request:
        case TaskSwitch(task=task):
            return f"task:{task}"
        case DiskAccess(disk_id=disk) | DiskBroken(disk_id=disk) | DiskOffline(disk_id=disk):
            return f"disk:{disk}"
        case NodeDrop(node_id=node):
            return f"node:{node}"
        case DisksOffline() | NodeOffline():
            return "disks"
        case MemberAdd() | MemberRemove() | LeaderTransfer():
            return "membership"


class StepChanges(TypedDict, total=False):
    """Fields of an operation that a step may set."""

    seen: ObservedState
    approvals: tuple[str, ...]
    terms: Terms | None
    lease_until: float
    warn_at: float


def note(
    op: Operation,
    *,
    at: float,
    by: str = "",
    fact: StepFact | None = None,
    kind: StepKind | None = None,
    **changes: Unpack[StepChanges],
) -> Operation:
    """Take a step that keeps the state, such as one of several approvals or an extended lease; one version up."""
    history = (*op.history, Event(at, op.state, by, fact, kind))
    return replace(op, version=op.version + 1, history=history, **changes)


def advance(
    op: Operation,
    to: OpState,
    *,
    at: float,
    by: str = "",
    fact: StepFact | None = None,
    kind: StepKind | None = None,
    **changes: Unpack[StepChanges],
) -> Operation:
    """Move `op` to state `to`, one version up.

    Raises ValueError when no transition leads there: a programming error, never a user's.
    """
    if to not in TRANSITIONS.get(op.state, frozenset()):
        raise ValueError(f"no transition from {op.state} to {to}")
    history = (*op.history, Event(at, to, by, fact, kind))
    return replace(op, state=to, version=op.version + 1, history=history, **changes)
