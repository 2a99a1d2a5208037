"""Facts of adding and removing members."""

from dataclasses import dataclass
from enum import StrEnum

from bot.clustermgr.health import VoterFault
from bot.operations.preflight.verdict import Fact


@dataclass(frozen=True, slots=True)
class LearnerInPlace(Fact):
    """The peer to add as a voter is a learner, which cannot be made a voter in place."""

    peer: int


@dataclass(frozen=True, slots=True)
class IdTaken(Fact):
    """The peer id is a member's."""

    peer: int


@dataclass(frozen=True, slots=True)
class IdAnswersElsewhere(Fact):
    """A configured host answers as that peer, and is not the given service address."""

    peer: int
    host: str


@dataclass(frozen=True, slots=True)
class IdFree(Fact):
    """The peer id is free."""

    peer: int


@dataclass(frozen=True, slots=True)
class RaftAddressTaken(Fact):
    """The raft address belongs to the member `owner`."""

    peer: int
    host: str
    owner: int


@dataclass(frozen=True, slots=True)
class RaftAddressServes(Fact):
    """The raft address is the service address of a node."""

    host: str


@dataclass(frozen=True, slots=True)
class RaftAddressFree(Fact):
    """The raft address is not in use."""

    host: str


@dataclass(frozen=True, slots=True)
class ServiceAddressIsRaft(Fact):
    """The service address is the raft address of the member `owner`."""

    node: str
    owner: int


@dataclass(frozen=True, slots=True)
class ServiceAddressTaken(Fact):
    """The service address belongs to the member `owner`."""

    peer: int
    node: str
    owner: int


@dataclass(frozen=True, slots=True)
class ServiceAddressFree(Fact):
    """The service address is not in use."""

    node: str


@dataclass(frozen=True, slots=True)
class ServiceAddressMissing(Fact):
    """The service address is missing, and the release refuses a member without it."""


@dataclass(frozen=True, slots=True)
class AddressesInFiles(Fact):
    """The release takes no service address: each node reads all of them from its own file."""

    peer: int


@dataclass(frozen=True, slots=True)
class NodeAnswers(Fact):
    """The new node answers."""

    node: str


class NodeDoubt(StrEnum):
    """Reason why it is not known if the new node answers."""

    SLOW = "slow"
    TOKEN_WITHHELD = "token_withheld"  # noqa: S105 - a reason, not a token
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - a reason, not a token
    NOT_ASKED = "not_asked"
    """An agent named the address, and no person has decided on it yet."""


@dataclass(frozen=True, slots=True)
class NodeUnknown(Fact):
    """It is not known if the new node answers; `doubt` is the reason if it is known."""

    node: str
    doubt: NodeDoubt | None


@dataclass(frozen=True, slots=True)
class NodeSilent(Fact):
    """The new node does not answer."""

    node: str
    learner: bool


@dataclass(frozen=True, slots=True)
class LearnerNoVote(Fact):
    """The new member is a learner: it does not count for the quorum."""


@dataclass(frozen=True, slots=True)
class LogReceived(Fact):
    """The new voter already has nearly the whole log."""

    peer: int


@dataclass(frozen=True, slots=True)
class VoterAtOnce(Fact):
    """The new voter counts for the quorum before it has received the log."""


@dataclass(frozen=True, slots=True)
class RemovesStranger(Fact):
    """The peer to remove is no member."""

    peer: int


@dataclass(frozen=True, slots=True)
class RemovesOnlyVoter(Fact):
    """The peer to remove is the only voter."""

    peer: int


@dataclass(frozen=True, slots=True)
class RemovesLeader(Fact):
    """The peer to remove leads; `successor` is a healthy voter that could lead, 0 if there is none."""

    peer: int
    successor: int


@dataclass(frozen=True, slots=True)
class RemovesLearner(Fact):
    """The peer to remove is a learner."""

    peer: int


@dataclass(frozen=True, slots=True)
class RemovesHealthyVoter(Fact):
    """The peer to remove is a healthy voter."""

    peer: int


@dataclass(frozen=True, slots=True)
class RemovesUnhealthyVoter(Fact):
    """The peer to remove is a voter that is not proven healthy; `fault` is the missing proof."""

    peer: int
    fault: VoterFault | None


@dataclass(frozen=True, slots=True)
class RunsOn(Fact):
    """The removed peer keeps running: the next step of a replacement adds it again as a voter."""

    peer: int


@dataclass(frozen=True, slots=True)
class AnswersAfterwards(Fact):
    """The removed peer still answers with stale data; `host` is its configured host, "" if there is none."""

    peer: int
    host: str
