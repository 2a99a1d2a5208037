"""The quorum by snapshots: its arithmetic, the reasons against it, and the proof that it is lost. No I/O."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.alerting.model import Severity
from bot.alerting.reasons import StatusReason
from bot.alerting.text import count, plain
from bot.alerting.topics import Topic
from bot.clustermgr.health import (
    MIN_APART,
    VoterHealth,
    healthy_count,
    learners,
    peer_fault,
    quorum,
    voter_health,
    voters,
)
from bot.clustermgr.models import Snapshot, Stat
from bot.clustermgr.voter_text import voter_fault_text
from bot.common.errors import ClusterTimeout, ClusterUnreachable

NEXT_LOOK = "the next poll decides whether writes have stopped"
_AT_RISK = ("quorum_at_risk",)
_OUT_OF_STEP = ("peer_down", "peer_lagging")


@dataclass(frozen=True, slots=True)
class Quorum:
    """The arithmetic of writes: `needed` of `voters` must agree, `healthy` of them are proven healthy."""

    voters: int
    needed: int
    healthy: int

    @property
    def spare(self) -> int:
        """Number of voters that can fail before writes stop; negative if they have stopped."""
        return self.healthy - self.needed

    @property
    def words(self) -> str:
        """The arithmetic as part of a sentence."""
        if self.spare < 0:
            proven = f"{self.healthy} {'is' if self.healthy == 1 else 'are'} proven healthy"
            return f"quorum is {self.needed} of {self.voters} voters, and only {proven}"
        more = "none" if self.spare == 0 else count(self.spare, "more voter")
        return f"quorum is {self.needed} of {self.voters}, it can lose {more}"


def proven_health(snapshot: Snapshot, previous: Snapshot | None = None) -> Mapping[int, VoterHealth]:
    """Health of each voter by peer id, from two snapshots if `previous` has the same leader and term.

    Otherwise the one snapshot counts as both, so that a single question gets an answer. The checks before a change are
    stricter: there unproven means unhealthy.
    """
    if not same_term(previous, snapshot):
        previous = replace(snapshot, at=snapshot.at - MIN_APART)
    return voter_health(previous, snapshot)


def quorum_of(health: Mapping[int, VoterHealth]) -> Quorum:
    """Quorum arithmetic for these voters."""
    return Quorum(len(health), quorum(len(health)), healthy_count(health))


def same_term(before: Snapshot | None, now: Snapshot) -> bool:
    """True if both snapshots have the same leader and term, far enough apart to prove a voter healthy."""
    if before is None or before.leader is None or now.leader is None or now.at - before.at < MIN_APART:
        return False
    then, here = before.leader[1].raft_status, now.leader[1].raft_status
    return (then.leader, then.term) == (here.leader, here.term)


def lost(snapshot: Snapshot, previous: Snapshot | None) -> int:
    """Number of hosts known to be down: they refuse connections, or gave no answer at two polls.

    A host that rejects the token or answers with an error is up.
    """
    refused = {answer.host for answer in snapshot.silent if isinstance(answer.error, ClusterUnreachable)}
    late = {
        answer.host for answer in snapshot.silent if answer.error is None or isinstance(answer.error, ClusterTimeout)
    }
    before = _mute(previous) if previous and snapshot.at - previous.at >= MIN_APART else set()
    return len(refused) + len(late & before)


def _mute(snapshot: Snapshot) -> set[str]:
    kinds = (ClusterUnreachable, ClusterTimeout)
    return {answer.host for answer in snapshot.silent if answer.error is None or isinstance(answer.error, kinds)}


def quorum_reasons(
    snapshot: Snapshot, leader: Stat, previous: Snapshot | None, smallest: float
) -> Iterator[StatusReason]:
    """The reasons against the quorum; a group of fewer than `smallest` voters raises none."""
    health = proven_health(snapshot, previous)
    arithmetic = quorum_of(health)
    sick = [voter for voter in health.values() if not voter.healthy]
    if not health:
        text = "the leader lists no voters, so the quorum cannot be judged"
        yield StatusReason(Severity.WARNING, Topic.QUORUM, text)
    elif arithmetic.spare < 0:
        yield _no_majority(snapshot, leader, previous, arithmetic, sick)
    elif arithmetic.spare == 0 and sick:
        text = f"one more failure stops writes: {arithmetic.healthy} of {arithmetic.voters} voters are proven healthy"
        yield StatusReason(Severity.WARNING, Topic.QUORUM, text, _AT_RISK)
    elif arithmetic.spare == 0 and not _accepted_size(arithmetic.voters, len(snapshot.answers), smallest):
        only = "it has 1 voter only" if arithmetic.voters == 1 else f"all of its {arithmetic.voters} voters must agree"
        yield StatusReason(
            Severity.WARNING, Topic.QUORUM, f"one failure stops writes: {only}; add another voter", _AT_RISK
        )
    for voter in sick:
        text = f"voter {voter.peer} is not healthy: {plain(voter_fault_text(voter.fault))}"
        yield StatusReason(Severity.WARNING, Topic.QUORUM, text, _OUT_OF_STEP, str(voter.peer))
    for learner in learners(leader):
        if not learner.active:
            text = f"learner {learner.id} is down: the leader has not heard from it lately"
            yield StatusReason(Severity.WARNING, Topic.REACH, text, _OUT_OF_STEP, str(learner.id))


def _accepted_size(size: int, hosts: int, smallest: float) -> bool:
    """True for a small group that the settings accept; a single voter beside other hosts is not accepted."""
    return size < smallest and (size > 1 or hosts <= 1)


def _no_majority(
    snapshot: Snapshot, leader: Stat, previous: Snapshot | None, arithmetic: Quorum, sick: Sequence[VoterHealth]
) -> StatusReason:
    """The reason that writes may have stopped; one snapshot that other answers contradict is no proof.

    A voter counts as lost if its leader reports a fault that its own host does not contradict, or that two polls show;
    of the others, as many as there are hosts known to be down.
    """
    now = _faults(snapshot)
    before = _faults(previous) if previous and same_term(previous, snapshot) else set()
    leads = (leader.raft_status.leader, leader.raft_status.term)
    following = {
        raft.node_id for _, stat in snapshot.answered if ((raft := stat.raft_status).leader, raft.term) == leads
    }
    found = {voter.peer for voter in sick}
    by_leader = found & {peer for peer in now if peer not in following or peer in before}
    certain = len(by_leader) + min(lost(snapshot, previous), len(found - now))
    if arithmetic.voters - certain >= arithmetic.needed:
        text = f"only {arithmetic.healthy} of {arithmetic.voters} voters are proven healthy at this poll"
        return StatusReason(Severity.WARNING, Topic.QUORUM, f"{text}; {NEXT_LOOK}", _AT_RISK)
    return StatusReason(Severity.CRITICAL, Topic.WRITES, f"writes may have stopped: {arithmetic.words}", _AT_RISK)


def _faults(snapshot: Snapshot) -> set[int]:
    """The voters that the leader itself reports as faulty."""
    if snapshot.leader is None:
        return set()
    leader = snapshot.leader[1]
    return {peer.id for peer in voters(leader) if peer_fault(peer, leader)}
