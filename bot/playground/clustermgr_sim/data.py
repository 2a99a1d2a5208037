"""Replicated state: switches, disks, volumes, nodes, services; and where units of volumes may go."""

from dataclasses import dataclass, field, replace
from typing import Any

from bot.playground.clustermgr_sim.answer import ILLEGAL, ApiError
from bot.playground.clustermgr_sim.disks import DROPPED, REPAIRED, Disk, is_writable
from bot.playground.clustermgr_sim.flavour import Flavour
from bot.playground.clustermgr_sim.volumes import Unit, Volume, Volumes

_SETTABLE_SYSTEM_KEYS = frozenset({"volume_reserve_size", "volume_chunk_size"})


@dataclass(slots=True)
class Service:
    """A registered service."""

    name: str
    host: str
    idc: str = "z0"

    def to_wire(self) -> dict[str, Any]:
        """The row of /service/list."""
        return {"cluster_id": 1, "name": self.name, "host": self.host, "idc": self.idc}


@dataclass(slots=True)
class Data:
    """The replicated state; `kv` has the stored keys, `file_config` the keys from each node's file.

    `leaving` and `dropped` are the nodes that are being dropped and those that are.
    """

    kv: dict[str, str] = field(default_factory=dict)
    file_config: dict[str, str] = field(default_factory=dict)
    disks: dict[int, Disk] = field(default_factory=dict)
    volumes: Volumes = field(default_factory=Volumes)
    services: list[Service] = field(default_factory=list)
    leaving: set[int] = field(default_factory=set)
    dropped: set[int] = field(default_factory=set)
    read_only: bool = False

    def copy(self) -> "Data":
        """A copy that later changes do not touch."""
        return Data(
            dict(self.kv),
            dict(self.file_config),
            {number: replace(disk) for number, disk in self.disks.items()},
            self.volumes.copy(),
            [replace(service) for service in self.services],
            set(self.leaving),
            set(self.dropped),
            self.read_only,
        )

    def disk(self, disk_id: int) -> Disk:
        """Return the disk; raises ApiError (911) for an unknown id."""
        try:
            return self.disks[disk_id]
        except KeyError:
            raise ApiError(911, "disk not found") from None

    def read_key(self, key: str, flavour: Flavour) -> str:
        """The stored value of a key, else the one from the file; raises ApiError (404)."""
        stored = self.kv.get(key)
        if stored or (stored is not None and not flavour.empty_value_is_unset):
            return stored
        if key in self.file_config:
            return self.file_config[key]
        raise ApiError(404, "Not Found")

    def is_on(self, switch: str, flavour: Flavour) -> bool:
        """True if this background task is switched on."""
        try:
            return self.read_key(switch, flavour) in {"true", "Enable"}
        except ApiError:
            return False

    def every_key(self) -> dict[str, str]:
        """All keys, sorted; stored values replace those from the file."""
        return dict(sorted({**self.file_config, **self.kv}.items()))

    # --- nodes ----------------------------------------------------------------------------------------------------

    def disks_of(self, node_id: int) -> list[Disk]:
        """The disks of a node; raises ApiError (934) for an unknown one."""
        found = [disk for disk in self.disks.values() if disk.node_id == node_id]
        if not found:
            raise ApiError(934, "node not found")
        return found

    def to_drop(self, node_id: int, flavour: Flavour) -> list[Disk]:
        """The disks that begin to drop with their node; raises ApiError (926, 934, 935) if it may not be dropped."""
        used = [disk for disk in self.disks_of(node_id) if disk.status < REPAIRED]
        if not flavour.node_drop_begins:
            if used:
                raise ApiError(935, "some disks are in use")
            return []
        staying = [disk for disk in used if not disk.dropping]
        for disk in staying:
            replace(disk).drop(flavour)
        return staying

    def drop_node(self, node_id: int, flavour: Flavour) -> None:
        """Drop a node: its disks first, then the node once they are dropped."""
        for disk in self.to_drop(node_id, flavour):
            disk.dropping = True
        self.leaving.add(node_id)
        if not flavour.node_drop_begins:
            self.drop_empty_nodes()

    def check_dropped(self, disk_id: int) -> Disk:
        """Return the disk; raises ApiError (911, 913, 930) unless its drop can end, or has ended."""
        disk = self.disk(disk_id)
        replace(disk).finish_drop()
        if disk.status != DROPPED and self.volumes.count_on(disk_id):
            raise ApiError(930, "dropped disk still has volume unit remain, migrate them firstly")
        return disk

    def drop_empty_nodes(self) -> None:
        """End the drop of the nodes without a disk in use; servers that begin such drops do it at each refresh."""
        for node_id in sorted(self.leaving):
            if all(disk.status >= REPAIRED for disk in self.disks_of(node_id)):
                self.leaving.discard(node_id)
                self.dropped.add(node_id)

    # --- units of volumes -----------------------------------------------------------------------------------------

    def is_writable(self, disk_id: int) -> bool:
        """True if units on the disk can be written."""
        return disk_id in self.disks and is_writable(self.disks[disk_id])

    def health(self, volume: Volume) -> int:
        """The health score of a volume."""
        return volume.health(self.is_writable)

    def place_for(self, unit: Unit, *, any_zone: bool = False) -> Disk | None:
        """The disk that a unit can move to: of its zone, writable, with a free chunk, no unit of the same volume.

        Of several the one with the fewest units; None if there is none. `any_zone` allows other zones as well.
        """
        taken, zone = self.volumes.get(unit.vid).disks(), self.disk(unit.disk_id).idc
        found = [
            disk
            for disk in self.disks.values()
            if disk.disk_id not in taken
            and is_writable(disk)
            and disk.free_chunks > 0
            and (any_zone or disk.idc == zone)
        ]
        return min(found, key=self._fewest, default=None)

    def _fewest(self, disk: Disk) -> tuple[int, int]:
        return (self.volumes.count_on(disk.disk_id), disk.disk_id)

    def move_unit(self, unit: Unit, target: Disk) -> None:
        """Move a unit to another disk; the chunk counters of both follow, the free ones while the target has any."""
        source, room = self.disks[unit.disk_id], target.free_chunks > 0
        self.volumes.move(unit, target.disk_id)
        for disk, chunks in ((source, 1), (target, -1)):
            disk.used_chunks -= chunks
            disk.free_chunks += chunks if room else 0

    def thin_out(self, disk_id: int, left: int) -> None:
        """Move units away until `left` are on the disk, to its zone if possible; units without any place stay."""
        for unit in self.volumes.units_of(disk_id)[: max(0, self.volumes.count_on(disk_id) - left)]:
            target = self.place_for(unit) or self.place_for(unit, any_zone=True)
            if target is not None:
                self.move_unit(unit, target)

    def land_units(self, disk_id: int, number: int) -> int:
        """Move up to `number` units of its zone to the disk, in any state of the disk; return how many were found."""
        target, landed = self.disk(disk_id), 0
        while landed < number:
            unit = self._guest_for(target)
            if unit is None:
                break
            self.move_unit(unit, target)
            landed += 1
        return landed

    def _guest_for(self, target: Disk) -> Unit | None:
        """A unit that may move to the disk: from the disk of its zone that has the most units."""
        own = {unit.vid for unit in self.volumes.units_of(target.disk_id)}
        zone = [disk for disk in self.disks.values() if disk.idc == target.idc and disk is not target]
        for source in sorted(zone, key=self._fewest, reverse=True):
            for unit in self.volumes.units_of(source.disk_id):
                if unit.vid not in own:
                    return unit
        return None


def check_set(key: str, flavour: Flavour) -> None:
    """Raise ApiError (400) for a system key."""
    if key in flavour.system_keys and key not in _SETTABLE_SYSTEM_KEYS:
        raise ApiError(*ILLEGAL)


def check_delete(key: str, flavour: Flavour) -> None:
    """Raise ApiError (933) for a system key, if the release protects it."""
    if key in flavour.system_keys and not flavour.system_key_deletable:
        raise ApiError(933, "reject delete system config")
