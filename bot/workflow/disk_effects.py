"""Effects of disk operations: what the cluster shows of one that was sent."""

from bot.clustermgr.client import ClusterApi
from bot.clustermgr.models import Disk, DiskStatus
from bot.operations.requests import DiskAccess, DiskBroken, OneDiskRequest

_DECLARED = frozenset({DiskStatus.BROKEN, DiskStatus.REPAIRING, DiskStatus.REPAIRED})
_WORDS = {
    DiskStatus.NORMAL: "normal",
    DiskStatus.BROKEN: "broken",
    DiskStatus.REPAIRING: "being repaired",
    DiskStatus.REPAIRED: "repaired",
    DiskStatus.DROPPED: "dropped",
}


async def disk_effect(api: ClusterApi, request: OneDiskRequest) -> tuple[bool, str]:
    """True if the effect of a request is there, and a phrase on what is there; raises ClusterError.

    A disk is taken offline once it is being dropped: its units then move for minutes or hours.
    """
    disk = await api.disk_info(request.disk_id)
    match request:
        case DiskAccess(readonly=readonly):
            return disk.readonly == readonly, f"disk {disk.disk_id} is {'read-only' if disk.readonly else 'writable'}"
        case DiskBroken():
            return disk.status in _DECLARED, f"disk {disk.disk_id} is {_state(disk)}"
        case _:
            if disk.status == DiskStatus.DROPPED:
                return True, f"disk {disk.disk_id} is dropped"
            dropping = any(each.disk_id == disk.disk_id for each in await api.disk_dropping())
            return dropping, f"disk {disk.disk_id} is {'being dropped' if dropping else _state(disk)}"


def _state(disk: Disk) -> str:
    return _WORDS.get(DiskStatus(disk.status), "") if disk.status in set(DiskStatus) else f"in state {disk.status}"
