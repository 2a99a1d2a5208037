"""Facts of leadership, and of changes that are still in progress."""

from enum import StrEnum

from bot.clustermgr.health import VoterFault
from bot.common.frozen import frozen
from bot.operations.model import OpState
from bot.operations.preflight.verdict import Fact
from bot.operations.requests import OpKind


@frozen
class TargetFact(Fact):
    """The target of a transfer, and the healthy voters that could lead instead."""

    peer: int
    targets: tuple[int, ...]


@frozen
class TargetLeads(TargetFact):
    """The target already leads."""


@frozen
class TargetIsLearner(TargetFact):
    """The target is a learner, which cannot lead."""


@frozen
class TargetIsStranger(TargetFact):
    """The target is no member."""


@frozen
class TargetUnproven(TargetFact):
    """The target is a voter that is not proven healthy; `fault` is the missing proof."""

    fault: VoterFault | None


@frozen
class LeadershipMoves(Fact):
    """Leadership moves to a healthy voter; `confirmed` is False if its own host is not configured."""

    leader: int
    peer: int
    confirmed: bool


@frozen
class NoTransferPending(Fact):
    """No transfer of leadership is pending."""


@frozen
class TransferPending(Fact):
    """A transfer of leadership to a peer is pending, so writes get no answer."""

    peer: int


@frozen
class EntriesUnapplied(Fact):
    """The leader has committed entries that it has not applied."""

    entries: int


@frozen
class NoneCatchesUp(Fact):
    """No other member is catching up."""


class CatchUp(StrEnum):
    """State of a member that does not follow the log yet; an unsound learner has a fault instead."""

    SNAPSHOT = "snapshot"
    NO_ENTRY = "no_entry"
    BEHIND = "behind"
    NEW_VOTER = "new_voter"


@frozen
class BehindMember:
    """A member that catches up: the state, or the `fault` of a learner; `entries` counts those that it lacks."""

    peer: int
    state: CatchUp | None = None
    entries: int = 0
    fault: VoterFault | None = None


class CatchUpRule(StrEnum):
    """Effect of a member that catches up on the requested change."""

    NEW_LEADER = "new_leader"
    ONE_AT_A_TIME = "one_at_a_time"
    REMOVAL_ONLY = "removal_only"


@frozen
class MembersCatchUp(Fact):
    """Members that are catching up, and the effect on the requested change."""

    members: tuple[BehindMember, ...]
    rule: CatchUpRule


@frozen
class NoOpenOperation(Fact):
    """No other operation is open for the same thing."""


@frozen
class OperationOpen(Fact):
    """Another operation is open for the same thing."""

    op: int
    change: OpKind
    state: OpState
    task: str
