"""Checks for one raft group with one leader; without that no change can be checked."""

from collections import Counter
from collections.abc import Callable

from bot.clustermgr.models import Snapshot
from bot.operations.addresses import shown
from bot.operations.preflight.verdict import Check, block, count, listed, passed, warn
from bot.operations.preflight.view import View

_ONE_CLUSTER = (
    "Under `hosts` in the settings, list the nodes of one cluster only; `/cm members` shows which nodes answer."
)


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
    return (passed("leader", f"Peer {stat.raft_status.leader} leads in term {stat.raft_status.term} (host {host})."),)


def read_only_check(view: View) -> Check | None:
    """Check the leader's own configuration; None when it is as usual."""
    if not view.leader.read_only:
        return None
    return warn(
        "read_only",
        "The leader reports `read_only` from its configuration.",
        "Find out who set it, and why, before any change.",
        bound="read_only",
    )


def stranger_check(view: View, replaces: tuple[int, ...] = ()) -> Check:
    """Check for configured hosts that are no members: a removed node still answers with stale data.

    `replaces` are the dead and the new peer of a replacement: the new one is no member between two of its steps.
    """
    strange = [
        f"{host} (node {stat.raft_status.node_id})"
        for host, stat in view.now.answered
        if stat.raft_status.node_id not in {*view.members, *replaces[1:]}
    ]
    if not strange:
        return passed("hosts", "Every configured host that answers is a member.")
    return warn(
        "hosts",
        f"Configured, but no member of this raft group: {listed(strange)}. Its data is stale, or of another group.",
        "If it was removed, stop it and delete it from `hosts` in the settings.",
        bound=listed(strange),
    )


def _nothing_answered(now: Snapshot) -> Check | None:
    if now.answered:
        return None
    return block(
        "reach",
        f"None of the {count(len(now.answers), 'configured host')} answered, so the state of the cluster is not known.",
        "Make sure that the nodes run and that cmbot reaches them: `/cm stat` shows each host's error.",
    )


def _two_hosts_one_node(now: Snapshot) -> Check | None:
    nodes = Counter(stat.raft_status.node_id for _, stat in now.answered)
    doubled = sorted(node for node, times in nodes.items() if times > 1 or node <= 0)
    if not doubled:
        return None
    hosts = [host for host, stat in now.answered if stat.raft_status.node_id == doubled[0]]
    if doubled[0] <= 0:
        return block("node_ids", f"{listed(hosts)} reports no node id, so its peer is not known.", _ONE_CLUSTER)
    return block(
        "node_ids",
        f"{listed(hosts)} both answer as node {doubled[0]}, so votes cannot be counted.",
        "If these are two names of one node, keep one of them under `hosts` in the settings; "
        "if they are nodes of two clusters, delete the foreign one.",
    )


def _two_leaders(now: Snapshot) -> Check | None:
    if len(now.named_leaders) <= 1:
        return None
    named = [
        f"{host} names peer {stat.raft_status.leader}"
        for host, stat in now.answered
        if stat.raft_status.term == now.term and stat.raft_status.leader
    ]
    return block(
        "leader",
        f"Two leaders in term {now.term}: {listed(named)}. A term has one leader, so these are two groups.",
        _ONE_CLUSTER,
    )


def _no_leader(now: Snapshot) -> Check | None:
    if now.leader is not None:
        return None
    if not now.named_leaders:
        return block(
            "leader",
            f"No host that answered names a leader in term {now.term}, so writes fail.",
            "Wait for the election and try again; if it does not end, start voters that are down until a quorum runs.",
        )
    (peer,) = now.named_leaders
    return _leader_unseen(now, peer)


def _leader_unseen(now: Snapshot, peer: int) -> Check:
    own = [host for host, stat in now.answered if stat.raft_status.node_id == peer]
    if own:
        return block(
            "leader",
            f"Peer {peer} is named leader in term {now.term}, but its own host {own[0]} does not say so.",
            "An election has just ended, or that host's data is stale: try again in some seconds.",
        )
    silent = [answer.host for answer in now.silent]
    if silent:
        return block(
            "leader",
            f"Peer {peer} is named leader in term {now.term}, but no host that answered is peer {peer}; "
            f"{listed(silent)} did not answer.",
            f"Wait until it answers or another leader is elected. If peer {peer} is none of these hosts, "
            "add its service address to `hosts` in the settings.",
        )
    return block(
        "leader",
        f"Peer {peer} is leader in term {now.term}, but its host is not configured, so cmbot sees only followers.",
        f"Add the service address of peer {peer} to `hosts` in the settings{_named_by(now, peer)}.",
    )


def _named_by(now: Snapshot, peer: int) -> str:
    named = {stat.leader_host for _, stat in now.answered if stat.raft_status.leader == peer and stat.leader_host}
    return f": the other hosts call it {shown(min(named))}" if named else ""


def _passed_over(now: Snapshot) -> Check | None:
    """Check for a leader of an old term: its group has a newer one, or a removed node is campaigning."""
    if now.leader is None or now.leader[1].raft_status.term >= now.term:
        return None
    host, stat = now.leader
    ahead = [host for host, other in now.answered if other.raft_status.term > stat.raft_status.term]
    return block(
        "leader",
        f"{host} leads in term {stat.raft_status.term}, but {listed(ahead)} reports term {now.term}: "
        "an election is in progress, or the host of its leader is not configured.",
        f"Wait for the election and try again. If nothing changes, check that {listed(ahead)} still belongs to this "
        "cluster and that `hosts` in the settings names every node.",
    )


def _leader_without_itself(now: Snapshot) -> Check | None:
    if now.leader is None:
        return None
    status = now.leader[1].raft_status
    ids = [peer.id for peer in status.peers]
    if len(ids) == len(set(ids)) and any(peer.id == status.leader and not peer.is_learner for peer in status.peers):
        return None
    return block(
        "leader",
        f"The leader, peer {status.leader}, does not list itself once among its voters, so its data is not reliable.",
        "Try again in some seconds. If nothing changes, read the log of that node and move leadership by hand.",
    )
