"""Proof of health of the voters of a raft group, from two polls of all hosts. No I/O.

No single flag and no single poll proves health. A dead peer can be `StateReplicate` with lag 0, and for some time even
`active` (recorded exchanges, tests/contract). A voter without proof counts as unhealthy.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.clustermgr.models import Peer, Snapshot, Stat

MIN_APART = 3.0
"""Least time between the two polls."""
MAX_LAG = 1000
"""Log entries that a healthy voter may be behind its leader's commit."""


@dataclass(frozen=True, slots=True)
class VoterHealth:
    """Health of one voter; `why` is the missing proof, "" if healthy.

    `confirmed` is True if the voter's own host agrees; otherwise every check that uses it is at least a warning.
    """

    peer: int
    healthy: bool
    confirmed: bool
    why: str = ""


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
    if earlier is None or fault:
        return VoterHealth(peer.id, healthy=False, confirmed=False, why=fault)
    return _confirm(peer.id, leader, earlier, now)


def _fault_in_both_views(peer: Peer, leader: Stat, earlier: Snapshot | None) -> str:
    """The fault of a peer in one of the leader's two views, "" if none."""
    fault = peer_fault(peer, leader)
    if fault:
        return fault
    if earlier is None or earlier.leader is None:
        return "polled only once under this leader and term"
    then = {p.id: p for p in earlier.leader[1].raft_status.peers if p.is_learner == peer.is_learner}.get(peer.id)
    if then is None:
        return f"was not a {'learner' if peer.is_learner else 'voter'} in the previous poll"
    fault = peer_fault(then, earlier.leader[1])
    return fault and f"in the previous poll: {fault}"


REPLICATES = "StateReplicate"
DOWN = "down: the leader does not hear from it"
"""The fault of a peer that does not answer the leader's probes."""
_NOT_REPLICATING = {
    "StateProbe": "the leader only probes it, because its progress is unknown",
    "StateSnapshot": "a snapshot is on its way to it",
}
"""The meaning of the states that a leader gives a peer (raft's own names)."""


def _unknown_state(state: str) -> str:
    return f"the leader does not replicate to it (its state is {state[:32] or 'unknown'})"


def peer_fault(peer: Peer, leader: Stat) -> str:
    """The fault of a peer in one view of the leader; "" alone does not prove health."""
    behind = lag(leader, peer)
    faults = (
        (peer.state == "StateProbe" and not peer.active, DOWN),
        (peer.state != REPLICATES, _NOT_REPLICATING.get(peer.state) or _unknown_state(peer.state)),
        (not peer.active, "the leader has not heard from it lately"),
        (peer.paused, "replication to it is paused"),
        (peer.pending_snapshot != 0, "a snapshot is on its way to it"),
        (behind > MAX_LAG, f"it is {behind:,} entries behind"),
    )
    return next((words for wrong, words in faults if wrong), "")


def _confirm(peer: int, leader: Stat, earlier: Snapshot, now: Snapshot) -> VoterHealth:
    leadership = (leader.raft_status.leader, leader.raft_status.term)
    then, here = _own_views(earlier, peer), _own_views(now, peer)
    if any(view != leadership for view in (*then.values(), *here.values())):
        return VoterHealth(peer, healthy=False, confirmed=False, why="its own host names another leader or term")
    if len(then.keys() | here.keys()) > 1:
        return VoterHealth(peer, healthy=False, confirmed=False, why="two hosts answer as this peer")
    if then and here:
        return VoterHealth(peer, healthy=True, confirmed=True)
    if then or here:
        return VoterHealth(peer, healthy=False, confirmed=False, why="its own host did not answer both times")
    if _host_unidentified(earlier, now):
        return VoterHealth(
            peer, healthy=False, confirmed=False, why="its own host does not answer or is not configured"
        )
    return VoterHealth(peer, healthy=True, confirmed=False, why="its own host is not configured")


def _own_views(snapshot: Snapshot, peer: int) -> Mapping[str, tuple[int, int]]:
    """The (leader, term) that each host with this peer's id names."""
    return {
        host: (stat.raft_status.leader, stat.raft_status.term)
        for host, stat in snapshot.answered
        if stat.raft_status.node_id == peer
    }


def _host_unidentified(earlier: Snapshot, now: Snapshot) -> bool:
    """True if a host gave its node id in neither poll: it may belong to any peer."""
    placed = {host for answer in (earlier, now) for host, stat in answer.answered if stat.raft_status.node_id}
    return any(answer.host not in placed for snapshot in (earlier, now) for answer in snapshot.answers)
