"""Actions: for each kind of request, how it is sent, once, and how its effect is observed."""

import asyncio

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.models import Snapshot
from bot.clustermgr.tasks import meaning_of
from bot.common.errors import ClusterTimeout, NoLeader
from bot.common.frozen import frozen
from bot.operations.leases import switch_of
from bot.operations.model import Operation
from bot.operations.requests import (
    DiskAccess,
    DiskBroken,
    DiskOffline,
    DisksOffline,
    LeaderTransfer,
    MemberAdd,
    MemberRemove,
    MemberRequest,
    NodeDrop,
    NodeOffline,
    TaskSwitch,
)
from bot.operations.step_facts import (
    NodeNotShown,
    NoLeaderSeen,
    PeerAbsent,
    PeerGone,
    PeerJoined,
    PeerLeads,
    PeerStays,
    Sight,
    SwitchIs,
)
from bot.workflow.disk_effects import disk_effect, node_effect

READ_SECONDS = 5.0
"""Time limit for reading a switch; a linear read without a quorum holds for ten seconds."""


@frozen
class Observation:
    """Result of one check for an effect: `done` is True if the effect is there; `sight` is what is there."""

    done: bool
    sight: Sight

    @property
    def proves(self) -> bool:
        """False if the release has no call that would show the effect."""
        return not isinstance(self.sight, NodeNotShown)


async def send(api: ClustermgrClient, op: Operation) -> None:
    """Send the request of an operation; raises ClusterError, ValueError for one that is sent in steps.

    Only the host that led at the last evaluation gets the request; if it no longer leads, it refuses.
    """
    leader = op.seen.leader or None
    match op.request:
        case TaskSwitch():
            _, switch = switch_of(op)
            await api.config_set(switch.key, switch.will_send, at=leader)
        case MemberAdd(peer_id=peer, host=host, node_host=node, learner=learner):
            await api.member_add(peer, host, learner=learner, node_host=node or None, at=leader)
        case MemberRemove(peer_id=peer):
            await api.member_remove(peer, at=leader)
        case LeaderTransfer(peer_id=peer):
            await api.leadership_transfer(peer, at=leader)
        case DiskAccess(disk_id=disk, readonly=readonly):
            await api.disk_access(disk, readonly=readonly, at=leader)
        case DiskBroken(disk_id=disk):
            await api.disk_set_broken(disk, at=leader)
        case NodeDrop(node_id=node_id):
            await api.node_drop(node_id, at=leader)
        case DiskOffline() | DisksOffline() | NodeOffline():
            raise ValueError(f"operation #{op.id} ({op.kind}) is sent in steps")


async def observe(cluster: Cluster, op: Operation) -> Observation:
    """Check for the effect of an operation once, at the leader; sends nothing. Raises ClusterError."""
    if isinstance(op.request, TaskSwitch):
        request, switch = switch_of(op)
        value = await read_switch(cluster, switch.key, at=await leader_now(cluster))
        sight = SwitchIs(request.task, meaning_of(value, switch.dialect).word)
        return Observation(value == switch.will_send, sight)
    if isinstance(op.request, DiskAccess | DiskBroken | DiskOffline):
        return Observation(*await disk_effect(cluster.api, op.request, await leader_now(cluster)))
    if isinstance(op.request, NodeDrop):
        return Observation(*await node_effect(cluster.api, op.request, await leader_now(cluster)))
    if isinstance(op.request, MemberRequest):
        return effect_of(op.request, await last_look(cluster))
    raise ValueError(f"operation #{op.id} ({op.kind}) is observed in steps")


def effect_of(request: MemberRequest, now: Snapshot) -> Observation:
    """Find the effect of a change of members in the leader's own view; without a leader nothing is seen."""
    if now.leader is None:
        return Observation(done=False, sight=NoLeaderSeen())
    status = now.leader[1].raft_status
    peer = request.peer_id
    found = next((each for each in status.peers if each.id == peer), None)
    match request:
        case LeaderTransfer():
            return Observation(status.leader == peer, PeerLeads(status.leader))
        case MemberRemove():
            return Observation(found is None, PeerGone(peer) if found is None else PeerStays(peer))
        case MemberAdd(learner=learner):
            if found is None:
                return Observation(done=False, sight=PeerAbsent(peer))
            return Observation(found.is_learner == learner, PeerJoined(peer, found.is_learner))


async def last_look(cluster: Cluster) -> Snapshot:
    """Ask all hosts now."""
    return (await cluster.snapshot_pair(patient=False))[1]


async def leader_now(cluster: Cluster) -> str:
    """Ask all hosts which one leads now: only that one proves an effect. Raises NoLeader."""
    now = await last_look(cluster)
    if now.leader is None:
        raise no_leader(cluster)
    return now.leader[0]


def no_leader(cluster: Cluster) -> NoLeader:
    """Make the error of a read that is not tried without a leader."""
    return NoLeader(f"{cluster.name} has no leader at present, so nothing was read.")


async def read_switch(cluster: Cluster, key: str, *, at: str, seconds: float = READ_SECONDS) -> str | None:
    """Read the stored value of a switch from the leader `at`, None when it is unset; raises ClusterError."""
    try:
        async with asyncio.timeout(seconds):
            return await cluster.api.config_get(key, host=at)
    except TimeoutError as error:
        raise ClusterTimeout(
            f"{cluster.name} did not tell the value of {key} in time: it may have no quorum."
        ) from error
