"""Facts of the quorum: the votes now and after the change."""

from enum import StrEnum

from bot.clustermgr.health import VoterFault, quorum
from bot.common.frozen import frozen
from bot.operations.preflight.verdict import Fact


@frozen
class UnhealthyVoter:
    """A voter that is not proven healthy; `fault` is the missing proof."""

    peer: int
    fault: VoterFault | None


@frozen
class Votes:
    """Voters, and those of them that count as healthy; ids in rising order."""

    voters: tuple[int, ...]
    healthy: tuple[int, ...]

    @property
    def spare(self) -> int:
        """Number of healthy voters that may fail before writes stop; negative when they have stopped."""
        return len(self.healthy) - quorum(len(self.voters))


class QuorumAdvice(StrEnum):
    """Next step after a look at the quorum: a fix of a block, or a caution of a warning."""

    NONE = ""
    POLL_AGAIN = "poll_again"
    BRING_BACK = "bring_back"
    BRING_BACK_OR_CONFIGURE = "bring_back_or_configure"
    BY_HAND = "by_hand"
    CONFIGURE = "configure"
    BRING_BACK_FIRST = "bring_back_first"
    REST = "rest"


@frozen
class QuorumAfter(Fact):
    """The votes now and after the change.

    `faults` are the present voters that are not proven healthy. `unseen` are the remaining healthy voters that only the
    leader vouches for. `advice` is about the voters `down`.
    """

    now: Votes
    after: Votes
    faults: tuple[UnhealthyVoter, ...]
    unseen: tuple[int, ...] = ()
    advice: QuorumAdvice = QuorumAdvice.NONE
    down: tuple[int, ...] = ()


@frozen
class CommitFact(Fact):
    """A removal that a quorum of the present voters must commit: the votes it needs, and the present voters."""

    wanted: int
    voters: int


@frozen
class CommitUnproven(CommitFact):
    """The leader counts a quorum as active, and fewer voters are proven healthy."""

    healthy: int


@frozen
class CommitAfterElection(CommitFact):
    """The leader has just been elected, so its count of active voters is not reliable yet."""

    active: int


@frozen
class CommitFails(CommitFact):
    """The leader counts fewer voters as active than a quorum; `away` are the others."""

    active: int
    away: tuple[int, ...]


@frozen
class FewVoters(Fact):
    """Fewer than three voters afterwards."""

    voters: int


@frozen
class EvenVoters(Fact):
    """An even number of voters afterwards."""

    voters: int


@frozen
class OddVoters(Fact):
    """An odd number of voters afterwards."""

    voters: int


@frozen
class VotersInReach(Fact):
    """Enough voters can be reached for a switch."""

    there: int
    voters: int


@frozen
class VotersOutOfReach(Fact):
    """Fewer voters can be reached than a quorum; `away` are the others."""

    there: int
    voters: int
    away: tuple[int, ...]


@frozen
class QuorumLost(Fact):
    """Fewer voters answer than a quorum, so reads and writes fail; `away` are the others."""

    there: int
    voters: int
    away: tuple[int, ...]
