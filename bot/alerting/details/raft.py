"""Details of findings about hosts, the raft group and the watch itself. No I/O."""

from enum import StrEnum

from bot.alerting.model import Detail, LegacyText
from bot.clustermgr.health import VoterFault
from bot.common.frozen import frozen


class FaultKind(StrEnum):
    """Why a host gave no usable answer."""

    NOTHING = "nothing"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    REJECTED = "rejected"
    BAD_ANSWER = "bad_answer"
    FAILED = "failed"
    REFUSED = "refused"


@frozen
class AnswerFault:
    """The kind of an error and the status that came with it."""

    kind: FaultKind
    status: int | None = None


@frozen
class HostFault:
    """A host that gave no usable answer, and why."""

    host: str
    fault: AnswerFault


class OthersView(StrEnum):
    """The view of the other hosts on the peer of a silent host."""

    NOTHING = "nothing"
    NAMED_LEADER = "named_leader"
    STILL_HEARD = "still_heard"


@frozen
class HostSilent(Detail):
    """A configured host gives no answer; `removed` if its `peer` (0: not known) is no member any more."""

    host: str
    fault: AnswerFault
    peer: int = 0
    removed: bool = False
    others: OthersView = OthersView.NOTHING


@frozen
class ClusterSilent(Detail):
    """No configured host gives a usable answer."""

    hosts: tuple[HostFault, ...]


@frozen
class ReadOnly(Detail):
    """The leader reports read_only."""


@frozen
class UselessAnswer(Detail):
    """A host answers, but not as a Clustermgr does; `disks_only` if it is the leader and only /disk/list fails."""

    host: str
    fault: AnswerFault
    disks_only: bool = False


@frozen
class TokenRejected(Detail):
    """`hosts` of `asked` hosts reject the request token."""

    hosts: tuple[str, ...]
    asked: int

    @property
    def everywhere(self) -> bool:
        """True if no host accepts the token."""
        return len(self.hosts) == self.asked


@frozen
class SlowHost(Detail):
    """A host takes longer than `limit` seconds to answer /stat."""

    host: str
    limit: float


class ContradictionKind(StrEnum):
    """Kinds of contradiction between hosts."""

    CLAIMS = "claims"
    LEADERS = "leaders"
    SAME_PEER = "same_peer"


@frozen
class Contradiction:
    """Several `hosts` claim to lead, several `peers` are named leader in one term, or `hosts` answer as one peer."""

    kind: ContradictionKind
    hosts: tuple[str, ...] = ()
    peers: tuple[int, ...] = ()

    @property
    def part(self) -> str:
        """The name of this contradiction among the parts of its finding."""
        return f"{self.kind}:{','.join((*(str(peer) for peer in self.peers), *self.hosts))}"


@frozen
class HostsDisagree(Detail):
    """The hosts contradict each other; the first contradiction is the most severe."""

    contradictions: tuple[Contradiction, ...]


@frozen
class StaleHost(Detail):
    """A host answers as a peer that is no member."""

    host: str
    peer: int


@frozen
class LeaderUnseen(Detail):
    """The leader is none of the configured hosts; `addresses` are those that followers give for it."""

    peer: int
    addresses: tuple[str, ...] = ()


@frozen
class LeaderMissing(Detail):
    """`answered` of `hosts` hosts answer and none knows a leader; the last one was `peer` in `term` (0: not known)."""

    answered: int
    hosts: int
    silent: tuple[str, ...] = ()
    peer: int = 0
    term: int = 0


@frozen
class LeaderMove:
    """One change of leader, noticed at `at` after `away` seconds without a poll.

    `op` is the operation that caused it (0: none), `approved` its approvers (Slack user ids); `seen_by` is the peer
    that names the new leader while that has not answered itself.
    """

    before: int
    after: int
    term: int
    at: float
    away: float = 0.0
    op: int = 0
    approved: tuple[str, ...] = ()
    seen_by: int = 0


@frozen
class LeaderChanged(Detail):
    """Changes of leader, oldest first; operations caused all of them, or all but those that the alert counts.

    `silent` are the hosts of the peer that led before the only change, if they give no usable answer.
    """

    moves: tuple[LeaderMove, ...]
    silent: tuple[str, ...] = ()


@frozen
class LeaderFlapping(Detail):
    """The leader changes again and again; `truncated` if there may have been more changes."""

    moves: tuple[LeaderMove, ...]
    truncated: bool = False


@frozen
class MemberMove:
    """One change of a member; `was` and `now` are its kinds ("": no member), noticed after `away` s without a poll."""

    peer: int
    was: str
    now: str
    host_was: str = ""
    host: str = ""
    away: float = 0.0


@frozen
class MembershipChanged(Detail):
    """Changes of members that no operation caused, oldest first."""

    moves: tuple[MemberMove, ...]


@frozen
class PeerName:
    """A raft member: its number, its kind and its raft address ("": not known)."""

    id: int
    learner: bool = False
    address: str = ""


class PeerFault(StrEnum):
    """Why the leader counts a peer as down."""

    NOT_HEARD = "not_heard"
    PROBED = "probed"
    PAUSED = "paused"


@frozen
class PeerDown(Detail):
    """The leader does not hear from a peer or cannot replicate to it; `silent` are its hosts that do not answer."""

    peer: PeerName
    fault: PeerFault
    silent: tuple[str, ...] = ()


@frozen
class SickVoter:
    """A voter that is not proven healthy, and the fault that the health check finds."""

    peer: int
    fault: VoterFault | LegacyText | None
    silent: tuple[str, ...] = ()


@frozen
class QuorumAtRisk(Detail):
    """One more failure stops writes: `needed` of `voters` must agree, `healthy` are proven healthy."""

    voters: int
    needed: int
    healthy: int
    sick: tuple[SickVoter, ...] = ()


@frozen
class PeerLagging(Detail):
    """A peer is more than 10^`power` entries behind, and `grows` further behind though it is below the limit."""

    peer: PeerName
    power: int
    grows: bool = False
    snapshot: bool = False


@frozen
class ApplyStalled(Detail):
    """A node stays at an applied entry while more is committed; `leads` if it is the leader."""

    host: str
    peer: int
    applied: int
    leads: bool = False


@frozen
class ApplyUnknown(Detail):
    """A host gives no usable answer, so it may apply its log or not."""

    host: str


@frozen
class LearnerReady(Detail):
    """A learner has caught up; `address` and `service` are its raft and service addresses ("": not known)."""

    peer: int
    address: str = ""
    service: str = ""


@frozen
class OwnNetworkLost(Detail):
    """None of these clusters answers from here (`place`)."""

    clusters: tuple[str, ...]
    place: str = ""


class PollFailureKind(StrEnum):
    """Where a poll failed: with an error of cmbot, with an unexpected error, or before it ran."""

    ERROR = "error"
    UNEXPECTED = "unexpected"
    NOT_RUN = "not_run"


@frozen
class PollFailure:
    """Why a poll failed: the sentence of an error, the name of an unexpected one, or the problem of the scheduler."""

    kind: PollFailureKind
    about: str


@frozen
class PollsFail(Detail):
    """No poll of the cluster comes through; `failure` is the reason of the last one, None if unknown."""

    failure: PollFailure | LegacyText | None = None
