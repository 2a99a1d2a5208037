"""Spread of chunks: how full the zones, racks, hosts and disks of a cluster are, and which stand out. No I/O.

Only disks that take new chunks count: normal, writable, not being dropped. Chunks of any other disk are no room.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from bot.clustermgr.disk_states import DiskListing, DiskState
from bot.clustermgr.models import Disk
from bot.common.frozen import frozen

MARGIN = 0.2
"""A place stands out if its used share differs by this much from that of the places beside it."""
NEARLY_FULL = 0.9
"""From this used share on, a disk is nearly full."""
SPREAD = 0.4
"""A nearly full disk stands out, too, if another disk of its zone has a used share that is smaller by this much."""
MIN_FREE, MAX_FREE = 20, 1024
"""Defaults of the scheduler: it moves chunks off a disk with fewer than MIN_FREE free chunks, in a zone where another
disk has at least MAX_FREE (CubeFS source: blobstore/scheduler, `min_disk_free_chunk_cnt`, `max_disk_free_chunk_cnt`).
"""


class Level(StrEnum):
    """What a place is, the largest first."""

    ZONE = "zone"
    RACK = "rack"
    HOST = "host"
    DISK = "disk"


@frozen
class Use:
    """The use of one place: `chunks` and `free` ones of its `room` disks (those that take new chunks) of all `disks`.

    `zone` is the zone that it is in, `disk_id` is 0 for a place that is no disk. Sizes are in bytes.
    """

    level: Level
    zone: str
    name: str
    disk_id: int = 0
    disks: int = 0
    room: int = 0
    free: int = 0
    chunks: int = 0
    used_bytes: int = 0
    size: int = 0

    @property
    def share(self) -> float | None:
        """Used share of the chunks, from 0 to 1; None without a disk that takes chunks."""
        return 1 - self.free / self.chunks if self.chunks > 0 else None


@frozen
class Outlier:
    """A place that is fuller or emptier than those beside it, which use `usual` of their chunks."""

    use: Use
    usual: float

    @property
    def fuller(self) -> bool:
        """True if it is fuller than the others."""
        return self.distance > 0

    @property
    def distance(self) -> float:
        """Its used share minus the usual one."""
        return (self.use.share or 0.0) - self.usual


@frozen
class ChunkSpread:
    """The use of every place, the fullest first, and the outliers, those that stand out most first.

    `uncounted` are the disks that would take chunks and give no number of them. `to_move` is the number of disks that
    the scheduler would move chunks off by its defaults.
    """

    uses: Mapping[Level, Sequence[Use]]
    outliers: Sequence[Outlier]
    uncounted: tuple[int, ...] = ()
    to_move: int = 0

    @property
    def all(self) -> Use:
        """The whole cluster."""
        return _sum(Level.ZONE, "", "", self.uses[Level.ZONE])

    def full_disks(self) -> tuple[Outlier, ...]:
        """The disks that are fuller than those beside them."""
        return tuple(each for each in self.outliers if each.use.level is Level.DISK and each.fuller)


def chunk_spread(listing: DiskListing) -> ChunkSpread:
    """Compute the spread of a listing; repaired and dropped disks are left out, because they are on their way out."""
    gone = (DiskState.REPAIRED, DiskState.DROPPED)
    present = [disk for disk in listing.disks if listing.state_of(disk) not in gone]
    uncounted = tuple(sorted(disk.disk_id for disk in present if listing.is_room(disk) and disk.max_chunk_cnt <= 0))
    disks = [_use(listing, disk) for disk in present]
    places = {
        Level.ZONE: _grouped(Level.ZONE, disks, {disk.disk_id: disk.idc for disk in present}),
        Level.RACK: _grouped(Level.RACK, disks, {disk.disk_id: disk.rack for disk in present if disk.rack}),
        Level.HOST: _grouped(Level.HOST, disks, {disk.disk_id: disk.host for disk in present}),
        Level.DISK: disks,
    }
    outliers = [each for uses in places.values() for each in _outliers(uses)]
    fullest = {level: tuple(sorted(uses, key=_fullest_first)) for level, uses in places.items()}
    return ChunkSpread(fullest, tuple(sorted(outliers, key=_most_first)), uncounted, _to_move(disks))


def _use(listing: DiskListing, disk: Disk) -> Use:
    if not listing.is_room(disk):
        return Use(Level.DISK, disk.idc, disk.host, disk.disk_id, 1)
    chunks = max(0, disk.max_chunk_cnt)
    # A server that counts more free chunks than there are, or fewer than none, is read as full or empty.
    free = min(chunks, max(0, disk.free_chunk_cnt))
    size = max(0, disk.size)
    used = min(size, max(0, disk.used))
    return Use(Level.DISK, disk.idc, disk.host, disk.disk_id, 1, 1, free, chunks, used, size)


def _grouped(level: Level, disks: Iterable[Use], names: Mapping[int, str]) -> list[Use]:
    """Sum the disks of each place; a place of another zone is another place, even with the same name."""
    found: dict[tuple[str, str], list[Use]] = defaultdict(list)
    for disk in disks:
        if disk.disk_id in names:
            found[disk.zone, names[disk.disk_id]].append(disk)
    return [_sum(level, zone, name, uses) for (zone, name), uses in found.items()]


def _sum(level: Level, zone: str, name: str, uses: Sequence[Use]) -> Use:
    return Use(
        level,
        zone,
        name,
        0,
        sum(each.disks for each in uses),
        sum(each.room for each in uses),
        sum(each.free for each in uses),
        sum(each.chunks for each in uses),
        sum(each.used_bytes for each in uses),
        sum(each.size for each in uses),
    )


def _outliers(uses: Iterable[Use]) -> list[Outlier]:
    """Compare each place with those beside it: a zone with the other zones, any other place with those of its zone."""
    beside: dict[str, list[Use]] = defaultdict(list)
    for use in uses:
        if use.chunks > 0:
            beside["" if use.level is Level.ZONE else use.zone].append(use)
    return [each for group in beside.values() if len(group) > 1 for each in _outliers_of(group)]


def _outliers_of(group: Sequence[Use]) -> list[Outlier]:
    usual = 1 - sum(use.free for use in group) / sum(use.chunks for use in group)
    shares = [use.share or 0.0 for use in group]
    low = min(shares)
    found = []
    for use, share in zip(group, shares, strict=True):
        full = share >= NEARLY_FULL and share - low >= SPREAD
        if full or abs(share - usual) >= MARGIN:
            found.append(Outlier(use, usual))
    return found


def _to_move(disks: Iterable[Use]) -> int:
    """Number of disks that the scheduler's defaults select."""
    zones: dict[str, list[Use]] = defaultdict(list)
    for disk in disks:
        if disk.chunks > 0:
            zones[disk.zone].append(disk)
    return sum(
        sum(disk.free < MIN_FREE for disk in zone)
        for zone in zones.values()
        if max(disk.free for disk in zone) >= MAX_FREE
    )


def _most_first(outlier: Outlier) -> tuple[bool, float, str, str, int]:
    """Full places before empty ones, because they run out of room; the most distant first."""
    use = outlier.use
    return (not outlier.fuller, -abs(outlier.distance), use.zone, use.name, use.disk_id)


def _fullest_first(use: Use) -> tuple[float, str, str, int]:
    return (1.0 if use.share is None else -use.share, use.zone, use.name, use.disk_id)
