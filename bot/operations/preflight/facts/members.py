"""Facts of adding and removing members."""

from enum import StrEnum

from bot.clustermgr.health import VoterFault
from bot.common.frozen import frozen
from bot.operations.preflight.verdict import Fact


@frozen
class LearnerInPlace(Fact):
    """The peer to add as a voter is a learner, which cannot be made a voter in place."""

    peer: int


@frozen
class IdTaken(Fact):
    """The peer id is a member's."""

    peer: int


@frozen
class IdAnswersElsewhere(Fact):
    """A configured host answers as that peer, and is not the given service address."""

    peer: int
    host: str


@frozen
class IdFree(Fact):
    """The peer id is free."""

    peer: int


@frozen
class RaftAddressTaken(Fact):
    """The raft address belongs to the member `owner`."""

    peer: int
    host: str
    owner: int


@frozen
class RaftAddressServes(Fact):
    """The raft address is the service address of a node."""

    host: str


@frozen
class RaftAddressFree(Fact):
    """The raft address is not in use."""

    host: str


@frozen
class ServiceAddressIsRaft(Fact):
    """The service address is the raft address of the member `owner`."""

    node: str
    owner: int


@frozen
class ServiceAddressTaken(Fact):
    """The service address belongs to the member `owner`."""

    peer: int
    node: str
    owner: int


@frozen
class ServiceAddressFree(Fact):
    """The service address is not in use."""

    node: str


@frozen
class ServiceAddressMissing(Fact):
    """The service address is missing, and the release refuses a member without it."""


@frozen
class AddressesInFiles(Fact):
    """The release takes no service address: each node reads all of them from its own file."""

    peer: int


@frozen
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


@frozen
class NodeUnknown(Fact):
    """It is not known if the new node answers; `doubt` is the reason if it is known."""

    node: str
    doubt: NodeDoubt | None


@frozen
class NodeSilent(Fact):
    """The new node does not answer."""

    node: str
    learner: bool


@frozen
class LearnerNoVote(Fact):
    """The new member is a learner: it does not count for the quorum."""


@frozen
class LogReceived(Fact):
    """The new voter already has nearly the whole log."""

    peer: int


@frozen
class VoterAtOnce(Fact):
    """The new voter counts for the quorum before it has received the log."""


@frozen
class RemovesStranger(Fact):
    """The peer to remove is no member."""

    peer: int


@frozen
class RemovesOnlyVoter(Fact):
    """The peer to remove is the only voter."""

    peer: int


@frozen
class RemovesLeader(Fact):
    """The peer to remove leads; `successor` is a healthy voter that could lead, 0 if there is none."""

    peer: int
    successor: int


@frozen
class RemovesLearner(Fact):
    """The peer to remove is a learner."""

    peer: int


@frozen
class RemovesHealthyVoter(Fact):
    """The peer to remove is a healthy voter."""

    peer: int


@frozen
class RemovesUnhealthyVoter(Fact):
    """The peer to remove is a voter that is not proven healthy; `fault` is the missing proof."""

    peer: int
    fault: VoterFault | None


@frozen
class RunsOn(Fact):
    """The removed peer keeps running: the next step of a replacement adds it again as a voter."""

    peer: int


@frozen
class AnswersAfterwards(Fact):
    """The removed peer still answers with stale data; `host` is its configured host, "" if there is none."""

    peer: int
    host: str
