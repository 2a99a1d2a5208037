"""Which voters of a raft group are proven healthy, from two looks at all hosts.

No single flag and no single look proves it: a dead peer can be `StateReplicate` with lag 0, and right after it
died even `active` (recorded exchanges, tests/contract). So unproven counts as unhealthy.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.clustermgr.models import Peer, Snapshot, Stat

MIN_APART = 3.0
"""Seconds that the two looks must lie apart."""
MAX_LAG = 1000
"""Log entries a healthy voter may be behind its leader's commit."""


@dataclass(frozen=True, slots=True)
class VoterHealth:
    """What is known of one voter; `why` says what is missing, "" when healthy.

    `confirmed` is whether its own host said so too; without that every check built on it is at least a warning.
    """

    peer: int
    healthy: bool
    confirmed: bool
    why: str = ""


def quorum(voters: int) -> int:
    """How many voters must agree: a majority."""
    return voters // 2 + 1


def lag(leader: Stat, peer: Peer) -> int:
    """How many committed entries `peer` has not confirmed, never negative."""
    return max(0, leader.raft_status.commit - peer.match)


def voters(leader: Stat) -> tuple[Peer, ...]:
    """The voting peers that the leader lists, by id (the server's own order is random)."""
    return tuple(sorted((p for p in leader.raft_status.peers if not p.is_learner), key=lambda p: p.id))


def learners(leader: Stat) -> tuple[Peer, ...]:
    """The learners that the leader lists, by id."""
    return tuple(sorted((p for p in leader.raft_status.peers if p.is_learner), key=lambda p: p.id))


def voter_health(before: Snapshot | None, now: Snapshot) -> Mapping[int, VoterHealth]:
    """The health of every voter by peer id; empty when no leader is known.

    `before` is an earlier look; without one, or with one of another leader or term, only the leader is proven.
    """
    if now.leader is None:
        return {}
    leader = now.leader[1]
    earlier = same_reign(before, now)
    return {peer.id: _judge(peer, leader, earlier, now) for peer in voters(leader)}


def learner_health(before: Snapshot | None, now: Snapshot) -> Mapping[int, VoterHealth]:
    """The same proof for every learner: a healthy one has caught up; empty when no leader is known."""
    if now.leader is None:
        return {}
    leader = now.leader[1]
    earlier = same_reign(before, now)
    return {peer.id: _judge(peer, leader, earlier, now) for peer in learners(leader)}


def healthy_count(health: Mapping[int, VoterHealth]) -> int:
    """How many voters are proven healthy."""
    return sum(voter.healthy for voter in health.values())


def same_reign(before: Snapshot | None, now: Snapshot) -> Snapshot | None:
    """The earlier look when it counts as proof: same leader and term, and far enough apart; else None."""
    if before is None or before.leader is None or now.leader is None or now.at - before.at < MIN_APART:
        return None
    then, here = before.leader[1].raft_status, now.leader[1].raft_status
    return before if (then.leader, then.term) == (here.leader, here.term) else None


def _judge(peer: Peer, leader: Stat, earlier: Snapshot | None, now: Snapshot) -> VoterHealth:
    if peer.id == leader.raft_status.leader:
        return VoterHealth(peer.id, healthy=True, confirmed=True)
    fault = _twice_sound(peer, leader, earlier)
    if earlier is None or fault:
        return VoterHealth(peer.id, healthy=False, confirmed=False, why=fault)
    return _confirm(peer.id, leader, earlier, now)


def _twice_sound(peer: Peer, leader: Stat, earlier: Snapshot | None) -> str:
    """What the leader's two views hold against a peer, "" for nothing."""
    fault = peer_fault(peer, leader)
    if fault:
        return fault
    if earlier is None or earlier.leader is None:
        return "seen only once under this leader and term"
    then = {p.id: p for p in earlier.leader[1].raft_status.peers if p.is_learner == peer.is_learner}.get(peer.id)
    if then is None:
        return f"was no {'learner' if peer.is_learner else 'voter'} at the look before"
    fault = peer_fault(then, earlier.leader[1])
    return fault and f"at the look before: {fault}"


REPLICATES = "StateReplicate"
DOWN = "down: the leader does not hear from it"
"""What a peer is that the leader probes without an answer."""
_NOT_REPLICATING = {
    "StateProbe": "the leader only probes it, not knowing how far it is",
    "StateSnapshot": "a snapshot is on its way to it",
}
"""What a leader's states of a peer (raft's own names) mean for it."""


def _unusual(state: str) -> str:
    return f"the leader does not replicate to it (its state is {state[:32] or 'not told'})"


def peer_fault(peer: Peer, leader: Stat) -> str:
    """What this one view of the leader holds against a peer, in words; "" proves nothing by itself."""
    behind = lag(leader, peer)
    faults = (
        (peer.state == "StateProbe" and not peer.active, DOWN),
        (peer.state != REPLICATES, _NOT_REPLICATING.get(peer.state) or _unusual(peer.state)),
        (not peer.active, "the leader has not heard from it lately"),
        (peer.paused, "replication to it is paused"),
        (peer.pending_snapshot != 0, "a snapshot is on its way to it"),
        (behind > MAX_LAG, f"it is {behind:,} entries behind"),
    )
    return next((words for wrong, words in faults if wrong), "")


def _confirm(peer: int, leader: Stat, earlier: Snapshot, now: Snapshot) -> VoterHealth:
    reign = (leader.raft_status.leader, leader.raft_status.term)
    then, here = _own_views(earlier, peer), _own_views(now, peer)
    if any(view != reign for view in (*then.values(), *here.values())):
        return VoterHealth(peer, healthy=False, confirmed=False, why="its own host names another leader or term")
    if len(then.keys() | here.keys()) > 1:
        return VoterHealth(peer, healthy=False, confirmed=False, why="two hosts answer as this peer")
    if then and here:
        return VoterHealth(peer, healthy=True, confirmed=True)
    if then or here:
        return VoterHealth(peer, healthy=False, confirmed=False, why="its own host did not answer both times")
    if _unplaced(earlier, now):
        return VoterHealth(
            peer, healthy=False, confirmed=False, why="its own host does not answer or is not configured"
        )
    return VoterHealth(peer, healthy=True, confirmed=False, why="its own host is not configured")


def _own_views(snapshot: Snapshot, peer: int) -> Mapping[str, tuple[int, int]]:
    """The (leader, term) that each host answering as that peer names."""
    return {
        host: (stat.raft_status.leader, stat.raft_status.term)
        for host, stat in snapshot.answered
        if stat.raft_status.node_id == peer
    }


def _unplaced(earlier: Snapshot, now: Snapshot) -> bool:
    """Whether some host told in neither look whose it is: it may be that of any peer."""
    placed = {host for look in (earlier, now) for host, stat in look.answered if stat.raft_status.node_id}
    return any(look.host not in placed for snapshot in (earlier, now) for look in snapshot.looks)
