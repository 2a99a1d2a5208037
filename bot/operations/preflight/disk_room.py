"""Checks of the room for units that must move, and of the disks that are out of service already. No I/O.

A unit stays in its zone, on a good disk that has no other unit of its volume. Good is a disk that is normal, writable
and not being dropped; `free_chunk_cnt` counts the free chunks of all others too, so they are left out.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from bot.clustermgr.disk_facts import DiskFacts
from bot.clustermgr.models import Disk, DiskStatus
from bot.common.addresses import place
from bot.operations.preflight.disk_margins import MAX_NAMED
from bot.operations.preflight.facts import disks as f
from bot.operations.preflight.facts.disks import DiskChange, OutOfService, ZoneRoom
from bot.operations.preflight.verdict import Check, block, passed, warn

MAX_ZONES = 8
"""Limit of zones that one check names."""
_MOVING = frozenset({DiskStatus.BROKEN, DiskStatus.REPAIRING})


def room_checks(
    change: DiskChange, targets: Sequence[int], known: DiskFacts, silent: frozenset[int]
) -> tuple[Check, ...]:
    """Check that the units of these disks find room in their zones, on disks that are not `silent`.

    Break-glass may declare a disk broken without room: its units are lost already, and their repair goes on once
    room is made.
    """
    good = good_disks(targets, known, silent)
    place_check = _places(targets, known, good)
    return (_zones(change, targets, known, good, silent), *((place_check,) if place_check is not None else ()))


def good_disks(targets: Sequence[int], known: DiskFacts, silent: frozenset[int]) -> tuple[Disk, ...]:
    """Disks that take units of these ones; those that have probably lost their heartbeat are left out."""
    out = {*targets, *known.moving, *known.breaking, *silent}
    return tuple(
        disk
        for disk in known.disks or ()
        if disk.status == DiskStatus.NORMAL and not disk.readonly and disk.disk_id not in out
    )


def _zones(
    change: DiskChange, targets: Sequence[int], known: DiskFacts, good: Sequence[Disk], silent: frozenset[int]
) -> Check:
    own = [disk for disk in known.disks or () if disk.disk_id in targets]
    zones = sorted({disk.idc for disk in own})
    rooms = [_room(zone, own, good, silent, known) for zone in zones]
    rooms.sort(key=lambda room: (room.sure - room.chunks, room.zone))
    reserve = known.limits.reserve_percent
    fact = f.RoomInZones(tuple(rooms[:MAX_ZONES]), reserve)
    bound = str([room.zone for room in rooms if not is_roomy(room, reserve)])
    if any(room.free < room.chunks or room.free_bytes < room.used_bytes for room in rooms):
        return block("room", fact, forceable=change is DiskChange.BROKEN, bound=bound)
    if any(not is_roomy(room, reserve) for room in rooms):
        return block("room", fact, forceable=True, bound=bound)
    return passed("room", fact)


def wanted(room: ZoneRoom, reserve_percent: int) -> int:
    """Free chunks that a zone must have: those that move, those of its other disks that move, and the margin."""
    return room.chunks + room.others + -(-room.chunks * reserve_percent // 100)


def is_roomy(room: ZoneRoom, reserve_percent: int) -> bool:
    """True if the free chunks and bytes of a zone are enough, with the margin."""
    wanted_bytes = room.used_bytes * (100 + reserve_percent) // 100
    return room.sure >= wanted(room, reserve_percent) and room.free_bytes >= wanted_bytes


def _room(zone: str, own: Sequence[Disk], good: Sequence[Disk], silent: frozenset[int], known: DiskFacts) -> ZoneRoom:
    here = [disk for disk in good if disk.idc == zone]
    leaving = [disk for disk in own if disk.idc == zone]
    free = sorted((max(0, disk.free_chunk_cnt) for disk in here), reverse=True)
    named = sum(disk.idc == zone for disk in known.disks or () if disk.disk_id in silent)
    unnamed = max(0, (known.expired or {}).get(zone, 0) - named)
    others = [disk for disk in known.disks or () if disk.idc == zone and disk not in leaving and _moves(disk, known)]
    return ZoneRoom(
        zone=zone,
        disks=len(here),
        chunks=sum(_chunks(disk, known) for disk in leaving),
        free=sum(free),
        sure=sum(free[unnamed:]),
        others=sum(max(0, disk.used_chunk_cnt) for disk in others),
        silent=unnamed,
        used_bytes=sum(max(0, disk.used) for disk in leaving),
        free_bytes=sum(max(0, disk.free) for disk in here),
    )


def _chunks(disk: Disk, known: DiskFacts) -> int:
    """Chunks to move: the units that were read, else the disk's own counter."""
    units = known.units.get(disk.disk_id)
    return len(units) if units is not None else max(0, disk.used_chunk_cnt)


def _moves(disk: Disk, known: DiskFacts) -> bool:
    return disk.status in _MOVING or disk.disk_id in known.moving or disk.disk_id in known.breaking


def _places(targets: Sequence[int], known: DiskFacts, good: Sequence[Disk]) -> Check | None:
    """Refuse volumes with more units to move in a zone of the change than disks to go to: the work would not end.

    Their units on other disks that move need a disk too. A volume that is judged at the turn of its disk is left out:
    its units are not known yet.
    """
    zone_of = {disk.disk_id: disk.idc for disk in known.disks or ()}
    by_zone: dict[str, set[int]] = defaultdict(set)
    for disk in good:
        if disk.free_chunk_cnt > 0:
            by_zone[disk.idc].add(disk.disk_id)
    leaving = set(targets)
    moving = leaving | {disk.disk_id for disk in known.disks or () if _moves(disk, known)}
    stuck = set()
    for volume in known.volumes.values():
        zones = {zone_of[disk] for disk in leaving.intersection(volume.disks) if disk in zone_of}
        units = Counter(zone_of[disk] for disk in volume.disks if disk in moving and disk in zone_of)
        if any(units[zone] > len(by_zone[zone].difference(volume.disks)) for zone in zones):
            stuck.add(volume.vid)
    if not stuck:
        return None
    some = tuple(sorted(stuck)[:MAX_NAMED])
    return block("place", f.UnitsWithoutPlace(len(stuck), some), forceable=True)


def limit_check(change: DiskChange, targets: Sequence[int], known: DiskFacts) -> Check:
    """Check the disks that are out of service in the same hosts and zones; repairs and drops slow each other.

    A declared break only warns: a broken disk that is not declared is not repaired either.
    """
    own = [disk for disk in known.disks or () if disk.disk_id in targets]
    others = [disk for disk in known.disks or () if disk.disk_id not in targets and _moves(disk, known)]
    limits = known.limits
    hosts = [
        _out(host, [disk for disk in others if place(disk.host) == host], limits.per_host, known)
        for host in sorted({place(disk.host) for disk in own})
    ]
    zones = [
        _out(zone, [disk for disk in others if disk.idc == zone], limits.per_zone, known)
        for zone in sorted({disk.idc for disk in own})
    ]
    full_hosts = tuple(each for each in hosts if len(each.disks) >= each.limit)[:MAX_ZONES]
    full_zones = tuple(each for each in zones if len(each.disks) >= each.limit)[:MAX_ZONES]
    if not full_hosts and not full_zones:
        return passed("limits", f.WithinLimits(tuple(hosts[:MAX_ZONES]), tuple(zones[:MAX_ZONES])))
    fact = f.LimitReached(full_hosts, full_zones)
    bound = str([each.disks for each in (*full_hosts, *full_zones)])
    if change is DiskChange.BROKEN:
        return warn("limits", fact, bound=bound)
    return block("limits", fact, forceable=True, bound=bound)


def _out(where: str, disks: Sequence[Disk], limit: int, known: DiskFacts) -> OutOfService:
    broken = tuple(disk.disk_id for disk in disks if disk.status == DiskStatus.BROKEN)
    repairing = tuple(disk.disk_id for disk in disks if disk.status == DiskStatus.REPAIRING)
    dropping = tuple(
        disk.disk_id for disk in disks if disk.status not in _MOVING and disk.disk_id in (known.dropping or ())
    )
    under_way = tuple(disk.disk_id for disk in disks if disk.disk_id in known.breaking | known.leaving)
    numbers = tuple(sorted({known.changed_by[disk] for disk in under_way if disk in known.changed_by}))
    return OutOfService(where, limit, dropping, broken, repairing, under_way, numbers)
