"""Effects of operations on disks and nodes: what the cluster shows of one that was sent."""

from bot.clustermgr.blob_nodes import NodeStatus
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.models import DiskStatus
from bot.common.errors import ClusterRefused, NotFound
from bot.operations.requests import DiskAccess, DiskBroken, NodeDrop, OneDiskRequest
from bot.operations.step_facts import DiskNow, NodeNotShown, NodeNow

_DECLARED = frozenset({DiskStatus.BROKEN, DiskStatus.REPAIRING, DiskStatus.REPAIRED})


async def disk_effect(api: ClustermgrClient, request: OneDiskRequest, leader: str) -> tuple[bool, DiskNow]:
    """True if the effect of a request is there, and the state of the disk; raises ClusterError.

    Only the host that leads is asked: another one may show an older state, or the disks of another group.
    A disk is taken offline once it is being dropped: its units then move for minutes or hours.
    """
    disk = await api.disk_info(request.disk_id, at=leader)
    now = DiskNow(disk.disk_id, disk.status, disk.readonly)
    match request:
        case DiskAccess(readonly=readonly):
            return disk.readonly == readonly, now
        case DiskBroken():
            return disk.status in _DECLARED, now
    if disk.status == DiskStatus.DROPPED:
        return True, now
    dropping = any(each.disk_id == disk.disk_id for each in await api.disk_dropping(at=leader))
    return dropping, DiskNow(disk.disk_id, disk.status, disk.readonly, dropping)


_NO_SUCH_CALL = 404


async def node_effect(api: ClustermgrClient, request: NodeDrop, leader: str) -> tuple[bool, NodeNow | NodeNotShown]:
    """True if the node is dropped, and its state; NodeNotShown where the release has no such call.

    Only the host that leads is asked. Raises ClusterError. The router of a server answers 404 to a call that it does
    not have (recorded exchanges of v1).
    """
    try:
        node = await api.node_info(request.node_id, at=leader)
    except NotFound:
        raise
    except ClusterRefused as error:
        if error.status != _NO_SUCH_CALL:
            raise
        return False, NodeNotShown(request.node_id)
    return node.status == NodeStatus.DROPPED, NodeNow(node.node_id, node.status)
