"""Whether the looks show one raft group with one leader at all: without that no change is safe to judge."""

from collections import Counter
from collections.abc import Callable

from bot.clustermgr.models import Snapshot
from bot.operations.addresses import shown
from bot.operations.preflight.text import count, listed
from bot.operations.preflight.verdict import Check, block, passed, warn
from bot.operations.preflight.view import View

_ONE_CLUSTER = (
    "List the nodes of one cluster only under its `hosts` in the settings; /cm members shows who answers there."
)


def group_checks(now: Snapshot) -> tuple[Check, ...]:
    """The checks every change begins with; a block among them means that nothing else can be judged."""
    looks: tuple[Callable[[Snapshot], Check | None], ...] = (
        _nothing_answered,
        _two_hosts_one_node,
        _two_leaders,
        _no_leader,
        _passed_over,
        _leader_without_itself,
    )
    found = next((check for check in (look(now) for look in looks) if check is not None), None)
    if found is not None:
        return (found,)
    if now.leader is None:
        raise AssertionError("_no_leader answers whenever there is none")
    host, stat = now.leader
    return (passed("leader", f"Peer {stat.raft_status.leader} leads in term {stat.raft_status.term} (host {host})."),)


def read_only_check(view: View) -> Check | None:
    """What the leader reports of its own configuration; None when that is nothing unusual."""
    if not view.leader.read_only:
        return None
    return warn(
        "read_only",
        "The leader reports read_only (from its configuration).",
        "Ask who set it and why before you change anything.",
        bound="read_only",
    )


def stranger_check(view: View, replaces: tuple[int, ...] = ()) -> Check:
    """Configured hosts that are no members: a removed node answers on with a frozen view.

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
        f"Configured, but no member of this raft group: {listed(strange)}; what it tells is an old or a foreign view.",
        "If it was removed, stop it and take it out of `hosts` in the settings.",
        bound=listed(strange),
    )


def _nothing_answered(now: Snapshot) -> Check | None:
    if now.answered:
        return None
    return block(
        "reach",
        f"None of the {count(len(now.looks), 'configured host')} answered, so nothing is known of the cluster.",
        "Look whether the nodes run and whether cmbot can reach them: /cm stat shows each host's error.",
    )


def _two_hosts_one_node(now: Snapshot) -> Check | None:
    nodes = Counter(stat.raft_status.node_id for _, stat in now.answered)
    doubled = sorted(node for node, times in nodes.items() if times > 1 or node <= 0)
    if not doubled:
        return None
    hosts = [host for host, stat in now.answered if stat.raft_status.node_id == doubled[0]]
    if doubled[0] <= 0:
        return block(
            "node_ids", f"{listed(hosts)} told no node id, so it cannot be placed among the peers.", _ONE_CLUSTER
        )
    return block(
        "node_ids",
        f"{listed(hosts)} both answer as node {doubled[0]}: votes cannot be counted like that.",
        "If these are two names of one node, keep one of them under `hosts` in the settings; "
        "if they are nodes of two clusters, take the foreign one out.",
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
        f"Two leaders in term {now.term}: {listed(named)}. One raft group never has that, so these are two groups.",
        _ONE_CLUSTER,
    )


def _no_leader(now: Snapshot) -> Check | None:
    if now.leader is not None:
        return None
    if not now.named_leaders:
        return block(
            "leader",
            f"No host that answered names a leader in term {now.term}: nothing can be written.",
            "Wait for the election and ask again; if it does not end, start voters that are down until a quorum runs.",
        )
    (peer,) = now.named_leaders
    return _leader_unseen(now, peer)


def _leader_unseen(now: Snapshot, peer: int) -> Check:
    own = [host for host, stat in now.answered if stat.raft_status.node_id == peer]
    if own:
        return block(
            "leader",
            f"Peer {peer} is named leader in term {now.term}, but its own host {own[0]} does not say so.",
            "An election has just ended, or that host's view is old: ask again in some seconds.",
        )
    silent = [look.host for look in now.silent]
    if silent:
        return block(
            "leader",
            f"Peer {peer} is named leader in term {now.term}, but no host that answered is peer {peer}; "
            f"{listed(silent)} did not answer.",
            f"Wait until it answers or another leader is elected; if peer {peer} is none of these hosts, "
            "add its service address to `hosts` in the settings.",
        )
    return block(
        "leader",
        f"Peer {peer} is leader in term {now.term}, but is not among the configured hosts, so only followers are seen.",
        f"Add the service address of peer {peer} to `hosts` in the settings{_told_by(now, peer)}.",
    )


def _told_by(now: Snapshot, peer: int) -> str:
    told = {stat.leader_host for _, stat in now.answered if stat.raft_status.leader == peer and stat.leader_host}
    return f": the others call it {shown(min(told))}" if told else ""


def _passed_over(now: Snapshot) -> Check | None:
    """A leader of an old term: its group has moved on without it, or a node that was removed is campaigning."""
    if now.leader is None or now.leader[1].raft_status.term >= now.term:
        return None
    host, stat = now.leader
    ahead = [host for host, other in now.answered if other.raft_status.term > stat.raft_status.term]
    return block(
        "leader",
        f"{host} says that it leads in term {stat.raft_status.term}, but {listed(ahead)} tells of term {now.term}: "
        "an election is under way, or its leader is not among the configured hosts.",
        f"Wait for the election and ask again; if it stays so, look whether {listed(ahead)} still belongs to this "
        "cluster and whether `hosts` in the settings names every node.",
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
        f"The leader, peer {status.leader}, does not list itself once among its voters, so its view cannot be trusted.",
        "Ask again in some seconds; if it stays so, look at the log of that node and move leadership by hand.",
    )
