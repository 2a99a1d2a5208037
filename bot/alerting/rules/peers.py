"""How single peers do by their leader's own view, and whose host is whose: what several rules judge by."""

from bot.alerting.cluster_state.observations import hosts_of
from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.rules.base import RuleContext
from bot.alerting.text import plain
from bot.clustermgr.health import MAX_LAG, lag, quorum, voter_health, voters
from bot.clustermgr.models import Peer, Stat

REPLICATES = "StateReplicate"
Pairs = tuple[tuple[str, str], ...]
"""Rules and subjects that a finding tells of as well."""


def why_down(peer: Peer, leader: Stat) -> str:
    """Why it counts as down, "" when it does not; an inactive flag of the leader's own says nothing."""
    if peer.id == leader.raft_status.node_id:
        return ""
    if not peer.active:
        return "the leader has not heard from it lately"
    if peer.state == "StateProbe":
        return "the leader only probes it"
    return "replication to it is paused" if peer.paused and peer.pending_snapshot == 0 else ""


def following(leader: Stat) -> int:
    """How many voters follow by the leader's own view alone, itself included."""
    return sum(
        peer.id == leader.raft_status.node_id
        or (peer.active and not peer.paused and peer.state == REPLICATES and lag(leader, peer) <= MAX_LAG)
        for peer in voters(leader)
    )


def sees_spare(leader: Stat) -> bool:
    """Whether by the leader's own view one more voter may fail; that is much less than proof."""
    return following(leader) > quorum(len(voters(leader)))


def named(peer: Peer) -> str:
    """`voter 3 (10.0.0.3:10110)`; the address is raw, on one line."""
    kind = "learner" if peer.is_learner else "voter"
    return f"{kind} {peer.id} ({plain(peer.host)})" if peer.host else f"{kind} {peer.id}"


def covered_by_loss(memory: ClusterState, peer: int) -> Pairs:
    """What need not be told of a peer that is told to be lost: that its host is silent, and that it is behind."""
    hosts = tuple(("host_unreachable", host) for host in hosts_of(memory.hosts, peer))
    return (*hosts, ("peer_lagging", str(peer)))


def unproven_only(context: RuleContext) -> Pairs:
    """What need not be told beside a host that gives no usable answer: that its voter is not proven healthy.

    As long as the leader itself sees voters to spare, the quorum is as good as it was. A voter that is unproven though
    its own host answers is other news.
    """
    leader = context.snapshot.leader
    if leader is None or not sees_spare(leader[1]):
        return ()
    quiet = {look.host for look in context.snapshot.silent}
    sick = [voter.peer for voter in voter_health(context.previous, context.snapshot).values() if not voter.healthy]
    all_quiet = all(quiet & set(hosts_of(context.memory.hosts, peer)) for peer in sick)
    return (("quorum_at_risk", ""),) if all_quiet else ()


def silent_hosts_of(context: RuleContext, peer: int) -> tuple[str, ...]:
    """One line for each configured host of that peer that gives no usable answer either."""
    known = set(hosts_of(context.memory.hosts, peer))
    return tuple(
        f"its host {look.host} gives no usable answer" for look in context.snapshot.silent if look.host in known
    )
