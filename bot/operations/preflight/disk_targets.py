"""Targets: the disks that a request changes, and those that other open operations change. No I/O."""

from dataclasses import replace

from bot.clustermgr.disk_facts import DiskFacts
from bot.clustermgr.models import Disk, DiskStatus
from bot.common.addresses import same_place
from bot.operations.model import OpState
from bot.operations.preflight.context import DISKS, SEVERAL_DISKS, OpenOperation, PreflightContext
from bot.operations.requests import (
    DiskAccess,
    DiskBroken,
    DiskOffline,
    DiskRequest,
    DisksOffline,
    NodeOffline,
    OpKind,
    Request,
)

_GONE = frozenset({DiskStatus.REPAIRED, DiskStatus.DROPPED})
_UNDER_WAY = frozenset({OpState.RUNNING, OpState.UNKNOWN})


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


def with_under_way(request: Request, facts: PreflightContext) -> PreflightContext:
    """Count the disks of other operations whose request may be under way as if its effect were there.

    The cluster does not show it yet. The disks of the request itself are left as read: such an operation is in the
    way of this one.
    """
    known = facts.disks
    if known is None or known.disks is None or not isinstance(request, DiskRequest):
        return facts
    normal = {disk.disk_id for disk in known.disks if disk.status == DiskStatus.NORMAL}
    normal.difference_update(targets_of(request, known.disks))
    broken, offline = _changed_by(OpKind.DISK_BROKEN, facts), _changed_by(OpKind.DISK_OFFLINE, facts)
    breaking = normal & broken.keys()
    leaving = (normal & offline.keys()) - (known.dropping or frozenset())
    found = replace(known, breaking=frozenset(breaking), leaving=frozenset(leaving), changed_by=offline | broken)
    return replace(facts, disks=found)


def _changed_by(kind: OpKind, facts: PreflightContext) -> dict[int, int]:
    """Numbers of the operations of that kind whose request may be under way, by the disk that they change."""
    running = (op for op in facts.operations if op.kind is kind and op.state in _UNDER_WAY)
    return {disk: op.id for op in running for disk in op.disks}


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
