"""Proof of health of the voters of a raft group, from two polls of all hosts. No I/O.

No single flag and no single poll proves health. A dead peer can be `StateReplicate` with lag 0, and for some time even
`active` (recorded exchanges, tests/contract). A voter without proof counts as unhealthy.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from enum import StrEnum

from bot.clustermgr.models import HostAnswer, Peer, Snapshot, SpaceStat, Stat, VolumeStat
from bot.common.addresses import place
from bot.common.errors import ClusterTimeout, ClusterUnreachable
from bot.common.frozen import frozen

_NO_SPACE, _NO_VOLUMES = SpaceStat(), VolumeStat()
MIN_APART = 3.0
"""Least time between the two polls."""
MAX_LAG = 1000
"""Log entries that a healthy voter may be behind its leader's commit."""


class VoterFaultKind(StrEnum):
    """The proof of health that a voter lacks."""

    POLLED_ONCE = "polled_once"
    NEW_MEMBER = "new_member"
    DOWN = "down"
    PROBED = "probed"
    SNAPSHOT = "snapshot"
    OTHER_STATE = "other_state"
    NOT_HEARD = "not_heard"
    PAUSED = "paused"
    BEHIND = "behind"
    OTHER_LEADER = "other_leader"
    TWO_HOSTS = "two_hosts"
    ANSWERED_ONCE = "answered_once"
    HOST_UNKNOWN = "host_unknown"
    NOT_CONFIGURED = "not_configured"


class HostError(StrEnum):
    """Why the host of a voter gave no answer."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"


_SEEN_FAULTY = frozenset(
    {
        VoterFaultKind.DOWN,
        VoterFaultKind.PROBED,
        VoterFaultKind.SNAPSHOT,
        VoterFaultKind.OTHER_STATE,
        VoterFaultKind.NOT_HEARD,
        VoterFaultKind.PAUSED,
        VoterFaultKind.BEHIND,
        VoterFaultKind.OTHER_LEADER,
        VoterFaultKind.TWO_HOSTS,
    }
)


@frozen
class VoterFault:
    """Why a peer is not proven healthy, or not confirmed by its own host.

    `entries` is how far it is behind (0: over MAX_LAG), `state` the unusual raft state. `learner` is True if the peer
    is a learner, `earlier` if the fault is of the previous poll. `error` is the error of its host, None if unknown.
    """

    kind: VoterFaultKind
    entries: int = 0
    state: str = ""
    learner: bool = False
    earlier: bool = False
    error: HostError | None = None

    @property
    def unproven(self) -> bool:
        """True if no answer of now shows a fault: only the proof of health is missing."""
        return self.earlier or self.kind not in _SEEN_FAULTY

    @property
    def needs_poll(self) -> bool:
        """True if the previous poll lacks the proof, so that one more poll may give it."""
        return self.earlier or self.kind in {VoterFaultKind.POLLED_ONCE, VoterFaultKind.NEW_MEMBER}

    @property
    def needs_host(self) -> bool:
        """True if the peer's own host may be missing from the settings."""
        return self.kind in {VoterFaultKind.HOST_UNKNOWN, VoterFaultKind.NOT_CONFIGURED}


@frozen
class VoterHealth:
    """Health of one voter; `fault` is the missing proof, None if there is none.

    `confirmed` is True if the voter's own host agrees; otherwise every check that uses it is at least a warning.
    """

    peer: int
    healthy: bool
    confirmed: bool
    fault: VoterFault | None = None


def quorum(voters: int) -> int:
    """The number of voters that must agree: a majority."""
    return voters // 2 + 1


def lag(leader: Stat, peer: Peer) -> int:
    """The number of committed entries that `peer` has not confirmed, never negative."""
    return max(0, leader.raft_status.commit - peer.match)


def voters(leader: Stat) -> tuple[Peer, ...]:
    """The voting peers that the leader lists, by id (the server's own order is random)."""
    return tuple(sorted((p for p in leader.raft_status.peers if not p.is_learner), key=lambda p: p.id))


def learners(leader: Stat) -> tuple[Peer, ...]:
    """The learners that the leader lists, by id."""
    return tuple(sorted((p for p in leader.raft_status.peers if p.is_learner), key=lambda p: p.id))


def voter_health(before: Snapshot | None, now: Snapshot) -> Mapping[int, VoterHealth]:
    """The health of every voter by peer id; empty if no leader is known.

    `before` is an earlier snapshot. If it is missing or of another leader or term, only the leader is proven.
    """
    if now.leader is None:
        return {}
    leader = now.leader[1]
    earlier = same_leadership(before, now)
    return {peer.id: _health_of(peer, leader, earlier, now) for peer in voters(leader)}


def learner_health(before: Snapshot | None, now: Snapshot) -> Mapping[int, VoterHealth]:
    """The health of every learner by peer id; a healthy one has caught up. Empty if no leader is known."""
    if now.leader is None:
        return {}
    leader = now.leader[1]
    earlier = same_leadership(before, now)
    return {peer.id: _health_of(peer, leader, earlier, now) for peer in learners(leader)}


def healthy_count(health: Mapping[int, VoterHealth]) -> int:
    """The number of voters that are proven healthy."""
    return sum(voter.healthy for voter in health.values())


def raft_alone(snapshot: Snapshot) -> Snapshot:
    """The snapshot without counters, disks and volumes: a poll is compared with an earlier one by its raft state."""
    if snapshot.shortened is None:
        answers = tuple(map(_raft_alone, snapshot.answers))
        alone = Snapshot(snapshot.cluster, snapshot.at, answers, complete=snapshot.complete)
        object.__setattr__(snapshot, "shortened", alone)
        return alone
    return snapshot.shortened


def _raft_alone(answer: HostAnswer) -> HostAnswer:
    if answer.stat is None:
        return answer
    return replace(answer, stat=answer.stat.model_copy(update={"space_stat": _NO_SPACE, "volume_stat": _NO_VOLUMES}))


def same_leadership(before: Snapshot | None, now: Snapshot) -> Snapshot | None:
    """Return `before` if it counts as proof: same leader and term, and early enough; else None."""
    if before is None or before.leader is None or now.leader is None or now.at - before.at < MIN_APART:
        return None
    then, here = before.leader[1].raft_status, now.leader[1].raft_status
    return before if (then.leader, then.term) == (here.leader, here.term) else None


def _health_of(peer: Peer, leader: Stat, earlier: Snapshot | None, now: Snapshot) -> VoterHealth:
    if peer.id == leader.raft_status.leader:
        return VoterHealth(peer.id, healthy=True, confirmed=True)
    fault = _fault_in_both_views(peer, leader, earlier)
    if earlier is None or fault is not None:
        return VoterHealth(peer.id, healthy=False, confirmed=False, fault=fault)
    return _confirm(peer, leader, earlier, now)


def _fault_in_both_views(peer: Peer, leader: Stat, earlier: Snapshot | None) -> VoterFault | None:
    """The fault of a peer in one of the leader's two views, None if there is none."""
    fault = peer_fault(peer, leader)
    if fault is not None:
        return fault
    if earlier is None or earlier.leader is None:
        return VoterFault(VoterFaultKind.POLLED_ONCE)
    then = {p.id: p for p in earlier.leader[1].raft_status.peers if p.is_learner == peer.is_learner}.get(peer.id)
    if then is None:
        return VoterFault(VoterFaultKind.NEW_MEMBER, learner=peer.is_learner)
    fault = peer_fault(then, earlier.leader[1])
    return replace(fault, earlier=True) if fault is not None else None


REPLICATES = "StateReplicate"
_NOT_REPLICATING = {
    "StateProbe": VoterFault(VoterFaultKind.PROBED),
    "StateSnapshot": VoterFault(VoterFaultKind.SNAPSHOT),
}
"""The meaning of the states that a leader gives a peer (raft's own names)."""
_MAX_STATE = 32


def peer_fault(peer: Peer, leader: Stat) -> VoterFault | None:
    """The fault of a peer in one view of the leader; None alone does not prove health."""
    kind, behind = VoterFaultKind, lag(leader, peer)
    faulty = (
        kind.DOWN if peer.state == "StateProbe" and not peer.active else None,
        kind.OTHER_STATE if peer.state != REPLICATES else None,
        kind.NOT_HEARD if not peer.active else None,
        kind.PAUSED if peer.paused else None,
        kind.SNAPSHOT if peer.pending_snapshot != 0 else None,
        kind.BEHIND if behind > MAX_LAG else None,
    )
    first = next(filter(None, faulty), None)
    if first is None:
        return None
    if first is kind.OTHER_STATE:
        return _NOT_REPLICATING.get(peer.state) or VoterFault(first, state=peer.state[:_MAX_STATE])
    return VoterFault(first, entries=behind if first is kind.BEHIND else 0)


def _confirm(peer: Peer, leader: Stat, earlier: Snapshot, now: Snapshot) -> VoterHealth:
    leadership = (leader.raft_status.leader, leader.raft_status.term)
    then, here = _own_views(earlier, peer.id), _own_views(now, peer.id)
    if any(view != leadership for view in (*then.values(), *here.values())):
        return _unproven(peer.id, VoterFaultKind.OTHER_LEADER)
    if len(then.keys() | here.keys()) > 1:
        return _unproven(peer.id, VoterFaultKind.TWO_HOSTS)
    if then and here:
        return VoterHealth(peer.id, healthy=True, confirmed=True)
    if then or here:
        error = _host_error(earlier if here else now, {*then, *here})
        return _unproven(peer.id, VoterFaultKind.ANSWERED_ONCE, error)
    if unidentified := _unidentified(earlier, now):
        error = _host_error(now, _of_machine(peer.host, unidentified))
        return _unproven(peer.id, VoterFaultKind.HOST_UNKNOWN, error)
    return VoterHealth(peer.id, healthy=True, confirmed=False, fault=VoterFault(VoterFaultKind.NOT_CONFIGURED))


def _unproven(peer: int, kind: VoterFaultKind, error: HostError | None = None) -> VoterHealth:
    return VoterHealth(peer, healthy=False, confirmed=False, fault=VoterFault(kind, error=error))


def _own_views(snapshot: Snapshot, peer: int) -> Mapping[str, tuple[int, int]]:
    """The (leader, term) that each host with this peer's id names."""
    return {
        host: (stat.raft_status.leader, stat.raft_status.term)
        for host, stat in snapshot.answered
        if stat.raft_status.node_id == peer
    }


def _unidentified(earlier: Snapshot, now: Snapshot) -> set[str]:
    """The hosts that gave their node id in neither poll: each may belong to any peer."""
    placed = {host for answer in (earlier, now) for host, stat in answer.answered if stat.raft_status.node_id}
    return {answer.host for snapshot in (earlier, now) for answer in snapshot.answers} - placed


def _of_machine(raft_host: str, hosts: Collection[str]) -> Collection[str]:
    """The only one of these hosts on the machine of a raft address; none if several are."""
    name = place(raft_host).rpartition(":")[0]
    found = {host for host in hosts if name and place(host).rpartition(":")[0] == name}
    return found if len(found) == 1 else ()


def _host_error(snapshot: Snapshot, hosts: Collection[str]) -> HostError | None:
    """The error of the first of these hosts without an answer."""
    kinds = {ClusterUnreachable: HostError.UNREACHABLE, ClusterTimeout: HostError.TIMEOUT}
    errors = (type(answer.error) for answer in snapshot.silent if answer.host in hosts and answer.error)
    return next((kinds[error] for error in errors if error in kinds), None)
