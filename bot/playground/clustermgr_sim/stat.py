"""GET /stat in the spelling of each release, in the view of the node that answers."""

import random
from typing import Any

from bot.playground.clustermgr_sim.disks import count_space
from bot.playground.clustermgr_sim.flavour import Flavour
from bot.playground.clustermgr_sim.nodes import Node, Role, peer_view
from bot.playground.clustermgr_sim.raft import Raft


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _spell(row: dict[str, Any], flavour: Flavour) -> dict[str, Any]:
    return row if flavour.snake_case else {_camel(name): value for name, value in row.items()}


def recount(raft: Raft, flavour: Flavour) -> None:
    """Count the disks again on every running node, in its own view; drops of nodes end at that time too."""
    raft.data.drop_empty_nodes()
    for node in raft.nodes.values():
        if node.runs:
            data = raft.view(node)
            node.space = count_space(data.disks.values(), flavour, data.dropped)


def leader_host(raft: Raft, node: Node, flavour: Flavour, from_file: dict[int, str]) -> str:
    """The service address of the leader this node knows, or `""`."""
    if flavour.member_addresses_from_file:
        return from_file.get(node.named, "")
    member = raft.members.get(node.named)
    return member.node_host if member is not None else from_file.get(node.named, "")


def render(raft: Raft, node: Node, flavour: Flavour, from_file: dict[int, str], rng: random.Random) -> dict[str, Any]:
    """The whole answer; peers come in random order, and only from a leader."""
    data = raft.view(node)
    empty = count_space((), flavour)
    answer: dict[str, Any] = {"leader_host": leader_host(raft, node, flavour, from_file)}
    if flavour.has_read_only:
        answer["read_only"] = data.read_only
    answer["raft_status"] = _raft_status(raft, node, flavour, rng)
    answer["space_stat"] = node.space if node.space is not None else empty
    if flavour.has_shard_nodes:
        answer["shard_node_space_stat"] = empty
    answer["volume_stat"] = data.volumes.counters()
    return answer


def _raft_status(raft: Raft, node: Node, flavour: Flavour, rng: random.Random) -> dict[str, Any]:
    status: dict[str, Any] = {
        "node_id": node.node_id,
        "term": node.term,
        "vote": node.vote,
        "commit": node.commit,
        "leader": node.leader,
        "raft_state": str(node.role),
        "applied": node.applied,
        "raft_applied": node.applied,
        "transferee": node.transferee,
    }
    if flavour.has_applying_length:
        status["applying_length"] = node.commit - node.applied
    status["peers"] = _peers(raft, node, flavour, rng) if node.role is Role.LEADER else None
    return _spell(status, flavour)


def _peers(raft: Raft, leader: Node, flavour: Flavour, rng: random.Random) -> list[dict[str, Any]]:
    rows = [
        _spell(
            peer_view(
                leader,
                member,
                live=raft.is_live(member.peer_id) and not leader.isolated,
                now=raft.now,
                election=raft.timing.election,
                behind=raft.nodes[member.peer_id].behind if member.peer_id in raft.nodes else 0,
            ),
            flavour,
        )
        for member in raft.members.values()
    ]
    rng.shuffle(rows)
    return rows
