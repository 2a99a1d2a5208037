"""Facts of a cluster status: what is wrong, as values without words. No I/O."""

from bot.alerting.model import Alert
from bot.alerting.volume_risk import RiskLevel
from bot.clustermgr.health import VoterFault, VoterHealth
from bot.common.frozen import frozen


@frozen
class Quorum:
    """The arithmetic of writes: `needed` of `voters` must agree, `healthy` of them are proven healthy."""

    voters: int
    needed: int
    healthy: int

    @property
    def spare(self) -> int:
        """Number of voters that can fail before writes stop; negative if they have stopped."""
        return self.healthy - self.needed


@frozen
class Leader:
    """The leader and its term."""

    peer: int
    term: int


@frozen
class StatusFact:
    """One fact of a cluster status. All text in it is raw text of the cluster, on one line and bounded."""


@frozen
class LedWell(StatusFact):
    """A leader leads, and nothing is wrong."""

    peer: int
    term: int
    quorum: Quorum


@frozen
class AlertFires(StatusFact):
    """An open alert that the snapshot does not show."""

    alert: Alert


@frozen
class NoVoters(StatusFact):
    """The leader lists no voters."""


@frozen
class QuorumShort(StatusFact):
    """No voter may fail (`quorum.spare` is 0), or writes may have stopped; `sick` are the voters without proof.

    `unsure` is True if one snapshot shows it and other answers contradict it.
    """

    quorum: Quorum
    sick: tuple[VoterHealth, ...] = ()
    unsure: bool = False


@frozen
class VoterUnhealthy(StatusFact):
    """A voter is not proven healthy."""

    peer: int
    fault: VoterFault | None


@frozen
class LearnerDown(StatusFact):
    """The leader has not heard from a learner lately."""

    peer: int


@frozen
class NoUsableAnswer(StatusFact):
    """A host gave no usable answer; `error` is the sentence of its error without a full stop, "" if it sent nothing."""

    host: str
    error: str


@frozen
class SlowLeader(StatusFact):
    """The host of the leader took `seconds` to answer."""

    host: str
    seconds: float


@frozen
class FormerMember(StatusFact):
    """A host answers as a peer that is no member."""

    host: str
    peer: int


@frozen
class OtherLeader(StatusFact):
    """A host follows another `leader` (0: none) or term than the leader's."""

    host: str
    leader: int
    term: int


@frozen
class DisksBad(StatusFact):
    """`number` disks are broken, or `repairing`; `counted` if only the leader's counters say so."""

    number: int
    repairing: bool = False
    counted: bool = False


@frozen
class VolumesStand(StatusFact):
    """`number` volumes have this standing, as the watch judged them last."""

    standing: RiskLevel
    number: int


@frozen
class ReportsReadOnly(StatusFact):
    """The leader reports read_only."""


@frozen
class LittleWritable(StatusFact):
    """`writable` of `total` bytes are writable."""

    writable: int
    total: int


@frozen
class AllSilent(StatusFact):
    """None of the cluster's `hosts` answered."""

    hosts: int


@frozen
class SeveralClaim(StatusFact):
    """Several hosts claim to lead in one term."""

    hosts: tuple[str, ...]
    term: int


@frozen
class SeveralNamed(StatusFact):
    """Hosts name different leaders in one term."""

    peers: tuple[int, ...]
    term: int


@frozen
class NoneKnown(StatusFact):
    """`answered` of `hosts` hosts answered, and none knows a leader."""

    answered: int
    hosts: int


@frozen
class MajorityGone(StatusFact):
    """`answered` of `hosts` hosts answered, and too few for a quorum: `needed` of `voters` must be up."""

    answered: int
    hosts: int
    needed: int
    voters: int


@frozen
class NamedLeaderDenies(StatusFact):
    """Hosts name a peer as leader in `term`, but it answers as no leader in `own_term`."""

    peer: int
    term: int
    own_term: int


@frozen
class NamedLeaderSilent(StatusFact):
    """`answered` of `hosts` hosts answered; the peer that they name as leader did not."""

    peer: int
    term: int
    answered: int
    hosts: int
