"""The quorum by snapshots: its arithmetic, the reasons against it, and the proof that it is lost. No I/O."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from bot.alerting.model import Severity
from bot.alerting.reasons import StatusReason
from bot.alerting.status_facts import LearnerDown, NoVoters, Quorum, QuorumShort, VoterUnhealthy
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
from bot.common.errors import ClusterTimeout, ClusterUnreachable

_AT_RISK = ("quorum_at_risk",)
_OUT_OF_STEP = ("peer_down", "peer_lagging")


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


def lost(snapshot: Snapshot, previous: Snapshot | None, others: Collection[str]) -> int:
    """Number of hosts known to be down: they refuse connections, or gave no answer at two polls.

    A host that rejects the token or answers with an error is up. `others` do not count: they run no voter.
    """
    refused = {answer.host for answer in snapshot.silent if isinstance(answer.error, ClusterUnreachable)}
    late = {
        answer.host for answer in snapshot.silent if answer.error is None or isinstance(answer.error, ClusterTimeout)
    }
    before = _mute(previous) if previous and snapshot.at - previous.at >= MIN_APART else set()
    return len((refused | (late & before)).difference(others))


def _mute(snapshot: Snapshot) -> set[str]:
    kinds = (ClusterUnreachable, ClusterTimeout)
    return {answer.host for answer in snapshot.silent if answer.error is None or isinstance(answer.error, kinds)}


def quorum_reasons(
    snapshot: Snapshot,
    leader: Stat,
    previous: Snapshot | None,
    health: Mapping[int, VoterHealth],
    smallest: float,
    others: Collection[str],
) -> Iterator[StatusReason]:
    """The reasons against the quorum; a group of fewer than `smallest` voters raises none. `others` run no voter.

    `health` is that of each voter, from these snapshots.
    """
    arithmetic = quorum_of(health)
    sick = tuple(voter for voter in health.values() if not voter.healthy)
    if not health:
        yield StatusReason(Severity.WARNING, Topic.QUORUM, NoVoters())
    elif arithmetic.spare < 0:
        down = lost(snapshot, previous, others)
        yield _no_majority(snapshot, leader, previous, arithmetic, sick, down)
    elif arithmetic.spare == 0 and (sick or not _accepted_size(arithmetic.voters, len(snapshot.answers), smallest)):
        yield StatusReason(Severity.WARNING, Topic.QUORUM, QuorumShort(arithmetic, sick), _AT_RISK)
    for voter in sick:
        fact = VoterUnhealthy(voter.peer, voter.fault)
        yield StatusReason(Severity.WARNING, Topic.QUORUM, fact, _OUT_OF_STEP, str(voter.peer))
    for learner in learners(leader):
        if not learner.active:
            fact_down = LearnerDown(learner.id)
            yield StatusReason(Severity.WARNING, Topic.REACH, fact_down, _OUT_OF_STEP, str(learner.id))


def _accepted_size(size: int, hosts: int, smallest: float) -> bool:
    """True for a small group that the settings accept; a single voter beside other hosts is not accepted."""
    return size < smallest and (size > 1 or hosts <= 1)


def _no_majority(
    snapshot: Snapshot,
    leader: Stat,
    previous: Snapshot | None,
    arithmetic: Quorum,
    sick: tuple[VoterHealth, ...],
    down: int,
) -> StatusReason:
    """The reason that writes may have stopped; one snapshot that other answers contradict is no proof.

    A voter counts as lost if its leader reports a fault that its own host does not contradict, or that two polls show;
    of the others, as many as there are hosts `down`.
    """
    now = _faults(snapshot)
    before = _faults(previous) if previous and same_term(previous, snapshot) else set()
    leads = (leader.raft_status.leader, leader.raft_status.term)
    following = {
        raft.node_id for _, stat in snapshot.answered if ((raft := stat.raft_status).leader, raft.term) == leads
    }
    found = {voter.peer for voter in sick}
    by_leader = found & {peer for peer in now if peer not in following or peer in before}
    certain = len(by_leader) + min(down, len(found - now))
    if arithmetic.voters - certain >= arithmetic.needed:
        unsure = QuorumShort(arithmetic, sick, unsure=True)
        return StatusReason(Severity.WARNING, Topic.QUORUM, unsure, _AT_RISK, unsure=True)
    return StatusReason(Severity.CRITICAL, Topic.WRITES, QuorumShort(arithmetic, sick), _AT_RISK)


def _faults(snapshot: Snapshot) -> set[int]:
    """The voters that the leader itself reports as faulty."""
    if snapshot.leader is None:
        return set()
    leader = snapshot.leader[1]
    return {peer.id for peer in voters(leader) if peer_fault(peer, leader)}
