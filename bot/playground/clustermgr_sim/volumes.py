"""Volumes of the simulated cluster: code modes, units on disks, and the index of units by disk."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from bot.playground.clustermgr_sim.answer import ApiError
from bot.playground.clustermgr_sim.flavour import Flavour

IDLE, ACTIVE, LOCKED, UNLOCKING = 1, 2, 3, 4
CHUNK = 16 * 1024 * 1024
_VID_SHIFT, _INDEX_SHIFT, _INDEX_MASK = 32, 24, 0xFF


@dataclass(frozen=True, slots=True)
class CodeMode:
    """A code mode: `data` + `parity` units, and `local` ones for repairs inside one zone; copies have no parity."""

    name: str
    data: int
    parity: int
    local: int
    zones: int

    @property
    def units(self) -> int:
        """Units of each volume."""
        return self.data + self.parity + self.local


EC6P6, EC3P3, EC6P3 = 2, 11, 13
CODE_MODES: Mapping[int, CodeMode] = MappingProxyType(
    {
        1: CodeMode("EC15P12", 15, 12, 0, 3),
        EC6P6: CodeMode("EC6P6", 6, 6, 0, 3),
        3: CodeMode("EC16P20L2", 16, 20, 2, 2),
        4: CodeMode("EC6P10L2", 6, 10, 2, 2),
        5: CodeMode("EC6P3L3", 6, 3, 3, 3),
        6: CodeMode("EC6P6Align0", 6, 6, 0, 3),
        7: CodeMode("EC6P6Align512", 6, 6, 0, 3),
        8: CodeMode("EC4P4L2", 4, 4, 2, 2),
        9: CodeMode("EC12P4", 12, 4, 0, 1),
        10: CodeMode("EC16P4", 16, 4, 0, 1),
        EC3P3: CodeMode("EC3P3", 3, 3, 0, 1),
        12: CodeMode("EC10P4", 10, 4, 0, 1),
        EC6P3: CodeMode("EC6P3", 6, 3, 0, 1),
        14: CodeMode("EC12P9", 12, 9, 0, 3),
        15: CodeMode("EC24P8", 24, 8, 0, 1),
        100: CodeMode("Replica3", 3, 0, 0, 3),
        101: CodeMode("Replica3OneAZ", 3, 0, 0, 1),
        200: CodeMode("EC6P6L9", 6, 6, 9, 3),
        201: CodeMode("EC6P8L10", 6, 8, 10, 2),
        202: CodeMode("Replica4TwoAZ", 4, 0, 0, 2),
    }
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a volume on one disk; its vuid holds the volume, the index and an epoch that rises with each move."""

    vuid: int
    disk_id: int
    compacting: bool = False

    @property
    def vid(self) -> int:
        """The volume."""
        return self.vuid >> _VID_SHIFT

    @property
    def index(self) -> int:
        """The place among the units of the volume."""
        return self.vuid >> _INDEX_SHIFT & _INDEX_MASK


def make_units(vid: int, disks: Iterable[int], epoch: int = 1) -> tuple[Unit, ...]:
    """The units of a volume, one on each of `disks`."""
    return tuple(
        Unit(vid << _VID_SHIFT | index << _INDEX_SHIFT | epoch, disk_id) for index, disk_id in enumerate(disks)
    )


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume; `epoch` counts its locks and unlocks, `used` is in bytes of data."""

    vid: int
    code_mode: int
    status: int = IDLE
    units: tuple[Unit, ...] = ()
    epoch: int = 0
    used: int = 0
    created_by: int = 1

    @property
    def total(self) -> int:
        """Bytes of data that it can hold."""
        mode = CODE_MODES.get(self.code_mode)
        return (mode.data if mode and mode.parity else 1) * CHUNK

    @property
    def unit_used(self) -> int:
        """Bytes used in each unit."""
        return self.used * CHUNK // self.total

    def health(self, writable: Callable[[int], bool]) -> int:
        """Minus the number of units that are compacting or on a disk that is not writable."""
        return -sum(unit.compacting or not writable(unit.disk_id) for unit in self.units)

    def disks(self) -> frozenset[int]:
        """The disks of its units."""
        return frozenset(unit.disk_id for unit in self.units)


@dataclass(slots=True)
class Volumes:
    """All volumes by id, with an index of units by disk; `can_alloc` is what the allocator last counted."""

    can_alloc: int = 0
    by_vid: dict[int, Volume] = field(default_factory=dict)
    on_disk: dict[int, dict[int, Unit]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Volume]:
        """The volumes by id."""
        return (self.by_vid[vid] for vid in sorted(self.by_vid))

    def __len__(self) -> int:
        return len(self.by_vid)

    def put(self, volume: Volume) -> None:
        """Add a volume, or replace the one of this id."""
        known = self.by_vid.get(volume.vid)
        for unit in known.units if known is not None else ():
            del self.on_disk[unit.disk_id][unit.vuid]
        for unit in volume.units:
            self.on_disk.setdefault(unit.disk_id, {})[unit.vuid] = unit
        self.by_vid[volume.vid] = volume

    def get(self, vid: int) -> Volume:
        """Return the volume; raises ApiError (904) for an unknown id."""
        try:
            return self.by_vid[vid]
        except KeyError:
            raise ApiError(904, "volume not exist") from None

    def units_of(self, disk_id: int) -> list[Unit]:
        """The units on a disk, ordered by their numbers as text."""
        return sorted(self.on_disk.get(disk_id, {}).values(), key=lambda unit: str(unit.vuid))

    def count_on(self, disk_id: int) -> int:
        """The number of units on a disk."""
        return len(self.on_disk.get(disk_id, ()))

    def unit(self, vuid: int) -> Unit:
        """Return the unit; raises ApiError (904, 918) if the volume or this epoch of its unit does not exist."""
        for unit in self.get(vuid >> _VID_SHIFT).units:
            if unit.vuid == vuid:
                return unit
        raise ApiError(918, "update volume unit, old vuid not match")

    def replace_unit(self, old: Unit, new: Unit) -> None:
        """Put `new` in the place of `old`."""
        volume = self.by_vid[old.vid]
        units = tuple(new if unit.vuid == old.vuid else unit for unit in volume.units)
        self.put(replace(volume, units=units))

    def move(self, unit: Unit, disk_id: int) -> None:
        """Move a unit to a disk; its epoch rises."""
        self.replace_unit(unit, Unit(unit.vuid + 1, disk_id))

    def copy(self) -> "Volumes":
        """A copy that later changes do not touch."""
        return Volumes(self.can_alloc, dict(self.by_vid), {disk: dict(units) for disk, units in self.on_disk.items()})

    def counters(self) -> dict[str, int]:
        """The volume_stat object of /stat."""
        counted = dict.fromkeys((IDLE, ACTIVE, LOCKED, UNLOCKING), 0)
        for volume in self.by_vid.values():
            counted[volume.status] += 1
        return {
            "total_volume": len(self.by_vid),
            "idle_volume": counted[IDLE],
            "can_alloc_volume": self.can_alloc,
            "active_volume": counted[ACTIVE],
            "lock_volume": counted[LOCKED],
            "unlocking_volume": counted[UNLOCKING],
        }


def unit_row(unit: Unit, used: int) -> dict[str, Any]:
    """A row of /volume/unit/list; its host is always empty."""
    sizes = {"total": CHUNK, "free": CHUNK - used, "used": used}
    return {"vuid": unit.vuid, "disk_id": unit.disk_id, **sizes, "compact": unit.compacting, "host": ""}


def volume_row(volume: Volume, hosts: Mapping[int, str], health: int, flavour: Flavour) -> dict[str, Any]:
    """The volume as /volume/get and the lists answer it, in the release's order."""
    row: dict[str, Any] = {
        "units": [
            {"vuid": unit.vuid, "disk_id": unit.disk_id, "host": hosts.get(unit.disk_id, "")} for unit in volume.units
        ],
        "vid": volume.vid,
        "code_mode": volume.code_mode,
        "status": volume.status,
        "health_score": health,
        "total": volume.total,
        "free": volume.total - volume.used,
        "used": volume.used,
        "create_by_node_id": volume.created_by,
    }
    return row | ({"epoch": volume.epoch} if flavour.has_volume_epoch else {})
