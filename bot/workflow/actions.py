"""DEEDS: for each kind of operation what is sent, once, and how its effect is seen on the leader's view."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bot.clustermgr.client import ClusterApi
from bot.clustermgr.models import Peer, Snapshot
from bot.clustermgr.tasks import meaning_of
from bot.interactions.command import ClusterPort
from bot.operations.model import Operation, OpKind
from bot.workflow.switch_reading import read_switch


@dataclass(frozen=True, slots=True)
class Observation:
    """What a look for the effect found: whether it is there, and what is so in words."""

    done: bool
    words: str


@dataclass(frozen=True, slots=True)
class Action:
    """One kind: `send` raises ClusterError and is called once; `look` reads, raises ClusterError, and sends nothing."""

    send: Callable[[ClusterApi, Operation], Awaitable[None]]
    look: Callable[[ClusterPort, Operation], Awaitable[Observation]]


def _leader(op: Operation) -> str | None:
    """The leader's host when the operation was last judged: the request goes there, or it is not sent."""
    return str(op.seen.get("first", "")) or None


async def _set_switch(api: ClusterApi, op: Operation) -> None:
    await api.config_set(op.seen["key"], op.seen["will_send"], at=_leader(op))


async def _add_member(api: ClusterApi, op: Operation) -> None:
    request = op.request
    await api.member_add(
        request["peer_id"],
        request["host"],
        learner=request["learner"],
        node_host=request["node_host"] or None,
        at=_leader(op),
    )


async def _remove_member(api: ClusterApi, op: Operation) -> None:
    await api.member_remove(op.request["peer_id"], at=_leader(op))


async def _transfer(api: ClusterApi, op: Operation) -> None:
    await api.leadership_transfer(op.request["peer_id"], at=_leader(op))


async def _look_at_switch(cluster: ClusterPort, op: Operation) -> Observation:
    value = await read_switch(cluster, op.seen["key"])
    meaning = meaning_of(value, op.seen["dialect"])
    return Observation(value == op.seen["will_send"], f"{op.request['task']} is now {meaning.word}")


async def last_look(cluster: ClusterPort) -> Snapshot:
    """What all hosts say now."""
    return (await cluster.snapshot_pair(patient=False))[1]


def _on_leader(
    look_for: Callable[[Mapping[str, Any], int, Mapping[int, Peer]], Observation],
) -> Callable[..., Awaitable[Observation]]:
    async def look(cluster: ClusterPort, op: Operation) -> Observation:
        return observation(await last_look(cluster), lambda leader, peers: look_for(op.request, leader, peers))

    return look


def observation(now: Snapshot, look_for: Callable[[int, Mapping[int, Peer]], Observation]) -> Observation:
    """Judge by the leader's own view; without a leader nothing is seen."""
    if now.leader is None:
        return Observation(done=False, words="no leader is seen just now")
    status = now.leader[1].raft_status
    return look_for(status.leader, {peer.id: peer for peer in status.peers})


def added(request: Mapping[str, Any], _leader: int, peers: Mapping[int, Peer]) -> Observation:
    """Whether the member is there as it was asked for."""
    peer, wanted = peers.get(request["peer_id"]), "learner" if request["learner"] else "voter"
    if peer is None:
        return Observation(done=False, words=f"peer {request['peer_id']} is no member")
    found = "learner" if peer.is_learner else "voter"
    return Observation(found == wanted, f"peer {peer.id} is a member now, as {found}")


def removed(request: Mapping[str, Any], _leader: int, peers: Mapping[int, Peer]) -> Observation:
    """Whether the member is gone."""
    peer = request["peer_id"]
    if peer in peers:
        return Observation(done=False, words=f"peer {peer} is still a member")
    return Observation(done=True, words=f"peer {peer} is no member any more")


def transferred(request: Mapping[str, Any], leader: int, _peers: Mapping[int, Peer]) -> Observation:
    """Whether the target leads."""
    return Observation(leader == request["peer_id"], f"peer {leader} leads")


ACTIONS: Mapping[OpKind, Action] = MappingProxyType(
    {
        OpKind.TASK_SWITCH: Action(_set_switch, _look_at_switch),
        OpKind.MEMBER_ADD: Action(_add_member, _on_leader(added)),
        OpKind.MEMBER_REMOVE: Action(_remove_member, _on_leader(removed)),
        OpKind.LEADER_TRANSFER: Action(_transfer, _on_leader(transferred)),
    }
)
"""What each kind does."""
