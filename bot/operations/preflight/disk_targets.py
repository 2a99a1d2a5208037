"""Targets: the disks that a request changes, and the other open operations that change one of them. No I/O."""

from bot.clustermgr.disk_facts import DiskFacts
from bot.clustermgr.models import Disk, DiskStatus
from bot.common.addresses import same_place
from bot.operations.preflight.context import DISKS, SEVERAL_DISKS, OpenOperation
from bot.operations.requests import DiskAccess, DiskBroken, DiskOffline, DiskRequest, DisksOffline, NodeOffline

_GONE = frozenset({DiskStatus.REPAIRED, DiskStatus.DROPPED})


def targets_of(request: DiskRequest, disks: tuple[Disk, ...] | None) -> tuple[int, ...]:
    """Ids of the disks that a request changes; those of a node by the disk list, without the ones that left it.

    Empty for a node when the list is not known or has none.
    """
    match request:
        case DiskAccess(disk_id=disk) | DiskBroken(disk_id=disk) | DiskOffline(disk_id=disk):
            return (disk,)
        case DisksOffline(disk_ids=disks_given):
            return disks_given
        case NodeOffline(host=host):
            return tuple(each.disk_id for each in _present(disks) if same_place(each.host, host))
        case _:
            return tuple(each.disk_id for each in _present(disks) if each.node_id == request.node_id)


def _present(disks: tuple[Disk, ...] | None) -> tuple[Disk, ...]:
    return tuple(disk for disk in disks or () if disk.status not in _GONE)


def in_the_way(request: DiskRequest, op: OpenOperation, known: DiskFacts | None) -> bool:
    """True if an open operation changes a disk of this one, or if both change several disks."""
    if op.kind not in DISKS:
        return False
    if op.kind in SEVERAL_DISKS and request.kind in SEVERAL_DISKS:
        return True
    disks = known.disks if known is not None else None
    own = targets_of(request, disks)
    if not set(own).isdisjoint(op.disks):
        return True
    if isinstance(request, NodeOffline) and same_place(request.host, op.host):
        return True
    found = [disk for disk in disks or () if disk.disk_id in own]
    return bool(op.host) and any(same_place(disk.host, op.host) for disk in found)
