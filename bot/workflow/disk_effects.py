"""Effects of disk operations: what the cluster shows of one that was sent."""

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.models import DiskStatus
from bot.operations.requests import DiskAccess, DiskBroken, OneDiskRequest
from bot.operations.step_facts import DiskNow

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
