"""Space of a cluster while a host is stopped: what its disks take from it. No I/O."""

from collections import Counter
from collections.abc import Collection, Iterable

from bot.alerting.text import one_line
from bot.clustermgr.models import Disk, DiskStatus, SpaceStat
from bot.common.frozen import frozen

MAX_ZONE = 60
"""Characters of a zone's name, as in alerts."""


def zone_name(idc: str) -> str:
    """The name of a zone, as alerts show it."""
    return one_line(idc, MAX_ZONE) or "a zone without a name"


@frozen
class SpaceWithout:
    """Expected percent (whole, rounded down) without the host: of the space that is writable, of free chunks by zone.

    `writable` is None where the counters do not tell it.
    """

    writable: int | None = None
    chunks: tuple[tuple[str, int], ...] = ()


def space_without(
    disks: Iterable[Disk], own: Collection[int], away: Collection[int], space: SpaceStat | None, moving: Collection[int]
) -> SpaceWithout:
    """The space without the disks `own`; those that are `away` are not counted before either.

    Writable space falls with the free chunks of the zone that loses the greatest share of them: a volume needs chunks
    in each of its zones. `moving` disks take no chunks. `space` is None where the leader's counters tell nothing.
    """
    out = {*away, *moving}
    free: Counter[str] = Counter()
    total: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for disk in disks:
        if disk.status == DiskStatus.NORMAL and not disk.readonly and disk.disk_id not in out:
            free[disk.idc] += max(0, disk.free_chunk_cnt)
            total[disk.idc] += max(0, disk.max_chunk_cnt)
            lost[disk.idc] += max(0, disk.free_chunk_cnt) if disk.disk_id in own else 0
    left = [1 - lost[idc] / free[idc] for idc in lost if free[idc]]
    chunks = tuple(
        (zone_name(idc), 100 * (free[idc] - lost[idc]) // total[idc])
        for idc in sorted(lost)
        if lost[idc] and total[idc]
    )
    if space is None or space.total_space <= 0 or not left:
        return SpaceWithout(chunks=chunks)
    return SpaceWithout(int(100 * max(0, space.writable_space) * min(left) / space.total_space), chunks)
