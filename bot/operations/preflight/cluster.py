"""Checks for one raft group with one leader; without that no change can be checked."""

from collections import Counter
from collections.abc import Callable

from bot.clustermgr.models import Snapshot
from bot.common.text import listed
from bot.operations.preflight.facts import cluster as f
from bot.operations.preflight.verdict import Check, block, passed, warn
from bot.operations.preflight.view import View


def group_checks(now: Snapshot) -> tuple[Check, ...]:
    """First checks of every change; after a block among them nothing else can be checked."""
    checks: tuple[Callable[[Snapshot], Check | None], ...] = (
        _nothing_answered,
        _two_hosts_one_node,
        _two_leaders,
        _no_leader,
        _passed_over,
        _leader_without_itself,
    )
    found = next((check for check in (each(now) for each in checks) if check is not None), None)
    if found is not None:
        return (found,)
    if now.leader is None:
        raise AssertionError("_no_leader has a check when there is no leader")
    host, stat = now.leader
    return (passed("leader", f.LeaderIs(stat.raft_status.leader, stat.raft_status.term, host)),)


def read_only_check(view: View) -> Check | None:
    """Check the leader's own configuration; None when it is as usual."""
    return warn("read_only", f.LeaderReadOnly(), bound="read_only") if view.leader.read_only else None


def stranger_check(view: View, replaces: tuple[int, ...] = ()) -> Check:
    """Check for configured hosts that are no members: a removed node still answers with stale data.

    `replaces` are the dead and the new peer of a replacement: the new one is no member between two of its steps.
    """
    strange = tuple(
        f.StrangeHost(host, stat.raft_status.node_id)
        for host, stat in view.now.answered
        if stat.raft_status.node_id not in {*view.members, *replaces[1:]}
    )
    if not strange:
        return passed("hosts", f.HostsAreMembers())
    bound = listed([f"{each.host} (node {each.node})" for each in strange], most=len(strange))
    return warn("hosts", f.StrangeHosts(strange), bound=bound)


def _nothing_answered(now: Snapshot) -> Check | None:
    return None if now.answered else block("reach", f.NoHostAnswered(len(now.answers)))


def _two_hosts_one_node(now: Snapshot) -> Check | None:
    nodes = Counter(stat.raft_status.node_id for _, stat in now.answered)
    doubled = sorted(node for node, times in nodes.items() if times > 1 or node <= 0)
    if not doubled:
        return None
    hosts = tuple(host for host, stat in now.answered if stat.raft_status.node_id == doubled[0])
    return block("node_ids", f.NodeIdMissing(hosts) if doubled[0] <= 0 else f.NodeIdShared(doubled[0], hosts))


def _two_leaders(now: Snapshot) -> Check | None:
    if len(now.named_leaders) <= 1:
        return None
    named = tuple(
        f.NamedLeader(host, stat.raft_status.leader)
        for host, stat in now.answered
        if stat.raft_status.term == now.term and stat.raft_status.leader
    )
    return block("leader", f.TwoLeaders(now.term, named))


def _no_leader(now: Snapshot) -> Check | None:
    if now.leader is not None:
        return None
    if not now.named_leaders:
        return block("leader", f.NoLeaderNamed(now.term))
    (peer,) = now.named_leaders
    return _leader_unseen(now, peer)


def _leader_unseen(now: Snapshot, peer: int) -> Check:
    own = [host for host, stat in now.answered if stat.raft_status.node_id == peer]
    if own:
        return block("leader", f.LeaderDenied(peer, now.term, own[0]))
    silent = tuple(answer.host for answer in now.silent)
    if silent:
        return block("leader", f.LeaderUnplaced(peer, now.term, silent))
    named = {stat.leader_host for _, stat in now.answered if stat.raft_status.leader == peer and stat.leader_host}
    return block("leader", f.LeaderNotConfigured(peer, now.term, min(named, default="")))


def _passed_over(now: Snapshot) -> Check | None:
    """Check for a leader of an old term: its group has a newer one, or a removed node is campaigning."""
    if now.leader is None or now.leader[1].raft_status.term >= now.term:
        return None
    host, stat = now.leader
    ahead = tuple(host for host, other in now.answered if other.raft_status.term > stat.raft_status.term)
    return block("leader", f.LeaderOutdated(host, stat.raft_status.term, ahead, now.term))


def _leader_without_itself(now: Snapshot) -> Check | None:
    if now.leader is None:
        return None
    status = now.leader[1].raft_status
    ids = [peer.id for peer in status.peers]
    if len(ids) == len(set(ids)) and any(peer.id == status.leader and not peer.is_learner for peer in status.peers):
        return None
    return block("leader", f.LeaderNotListed(status.leader))
