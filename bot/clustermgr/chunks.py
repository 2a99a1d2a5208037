"""The chunks of each zone on disks that take new ones, counted from the disk list. No I/O."""

from collections.abc import Container, Iterable

from bot.clustermgr.models import Disk, DiskStatus, ZoneChunks

_PRESENT = (DiskStatus.NORMAL, DiskStatus.BROKEN, DiskStatus.REPAIRING)


def count_zones(disks: Iterable[Disk], dropping: Container[int]) -> tuple[ZoneChunks, ...]:
    """The zones that have a disk still, by name.

    A disk takes new chunks if it is normal, writable and not being dropped: `/stat` counts the chunks of all others too
    (recorded of v1 and master: even those of dropped disks).
    """
    found: dict[str, tuple[int, int]] = {}
    for disk in disks:
        if disk.status not in _PRESENT:
            continue
        free, total = found.get(disk.idc, (0, 0))
        usable = disk.status == DiskStatus.NORMAL and not disk.readonly and disk.disk_id not in dropping
        more = (max(0, disk.free_chunk_cnt), max(0, disk.max_chunk_cnt)) if usable else (0, 0)
        found[disk.idc] = (free + more[0], total + more[1])
    return tuple(ZoneChunks(idc, *found[idc]) for idc in sorted(found))
