"""Disks of the simulated cluster: states, allowed steps, and counters."""

from collections.abc import Callable, Collection, Container, Iterable
from dataclasses import dataclass
from typing import Any

from bot.playground.clustermgr_sim.answer import ApiError
from bot.playground.clustermgr_sim.flavour import Flavour
from bot.playground.clustermgr_sim.volumes import CHUNK

NORMAL, BROKEN, REPAIRING, REPAIRED, DROPPED = 1, 2, 3, 4, 5
_NAMES = {BROKEN: "broken", REPAIRING: "repairing", REPAIRED: "repaired", DROPPED: "dropped"}


@dataclass(slots=True)
class Disk:
    """A disk; sizes in bytes, times in RFC 3339; `expired` means that its heartbeat is overdue."""

    disk_id: int
    host: str = "http://127.0.0.1:8899"
    path: str = ""
    idc: str = "z0"
    rack: str = "testrack"
    size: int = 108_944_293_887
    used: int = 0
    max_chunks: int = 6493
    free_chunks: int = 6493
    used_chunks: int = 0
    status: int = NORMAL
    readonly: bool = False
    dropping: bool = False
    expired: bool = False
    created: str = "2026-01-01T00:00:00Z"
    node_id: int = 1
    disk_set_id: int = 2

    @property
    def free(self) -> int:
        """Bytes left."""
        return self.size - self.used

    def fill(self, fraction: float) -> None:
        """Use `fraction` of the disk."""
        self.used = int(self.size * fraction)
        self.free_chunks = int(self.max_chunks * (1 - fraction))

    def set_status(self, status: int, flavour: Flavour) -> None:
        """Set the status, one step forward or unchanged; raises ApiError (912, 913)."""
        if not NORMAL <= status <= REPAIRED:
            raise ApiError(912, "invalid status")
        if status == self.status:
            return
        held_back = self.dropping and not flavour.dropping_may_break
        if held_back or status != self.status + 1:
            raise ApiError(913, "not allow to change status back")
        self.status = status

    def set_readonly(self, readonly: bool, flavour: Flavour) -> None:
        """Set the flag; raises ApiError (932) while the disk is dropping."""
        if self.dropping and not flavour.dropping_may_break:
            raise ApiError(932, "dropping disk not allow change state or set readonly")
        self.readonly = readonly

    def drop(self, flavour: Flavour) -> None:
        """Start dropping; raises ApiError (926)."""
        if self.dropping:
            return
        if flavour.drop_needs_readonly and (self.status != NORMAL or not self.readonly):
            raise ApiError(926, "disk is abnormal or not readonly, can't add into dropping list")
        if self.status != NORMAL:
            raise ApiError(926, "disk is abnormal, can't add into dropping list")
        self.dropping = True

    def finish_drop(self) -> None:
        """Finish the drop; raises ApiError (913) for a disk that is neither dropping nor dropped."""
        if not self.dropping and self.status != DROPPED:
            raise ApiError(913, "not allow to change status back")
        self.dropping = False
        self.status = DROPPED

    def to_wire(self, flavour: Flavour) -> dict[str, Any]:
        """The row of /disk/list and /disk/info, in the release's order and spelling."""
        row: dict[str, Any] = {
            "cluster_id": 1,
            "idc": self.idc,
            "rack": self.rack,
            "host": self.host,
            "path": self.path,
            "status": self.status,
            "readonly": self.readonly,
            "create_time": self.created,
            "last_update_time": self.created,
        }
        if flavour.has_disk_sets:
            row |= {"disk_set_id": self.disk_set_id, "node_id": self.node_id}
        row |= {
            "disk_id": self.disk_id,
            "used": self.used,
            "free": self.free,
            "size": self.size,
            "max_chunk_cnt": self.max_chunks,
            "free_chunk_cnt": self.free_chunks,
            "used_chunk_cnt": self.used_chunks,
        }
        return row | ({"oversold_free_chunk_cnt": 0} if flavour.has_oversold else {})


def select(disks: Iterable[Disk], args: dict[str, Any]) -> list[Disk]:
    """A page of /disk/list: ids after the marker, in order; status 0 and above 5 are no filter.

    A filtered list is ordered by the ids as text. A count of 0 means 10, and a negative one gives one disk.
    """
    by_status = NORMAL <= args["status"] <= DROPPED
    names = [name for name in ("idc", "rack", "host") if args[name]]
    place: Callable[[int], Any] = str if by_status or names else int
    found = [
        disk
        for disk in sorted(disks, key=lambda disk: place(disk.disk_id))
        if (not args["marker"] or place(disk.disk_id) > place(args["marker"]))
        and (not by_status or disk.status == args["status"])
        and all(getattr(disk, name) == args[name] for name in names)
    ]
    return found[: max(args["count"] or 10, 1)]


def count_zone(idc: str, disks: list[Disk], flavour: Flavour) -> dict[str, Any]:
    """A row of disk_stat_infos; counters overlap as on real servers."""
    row: dict[str, Any] = {
        "idc": idc,
        "total": len(disks),
        "total_chunk": sum(disk.max_chunks for disk in disks),
        "total_free_chunk": sum(disk.free_chunks for disk in disks),
    }
    if flavour.has_oversold:
        row["total_oversold_free_chunk"] = row["total_free_chunk"]
    row["available"] = sum(map(is_available, disks))
    row["readonly"] = sum(disk.readonly for disk in disks)
    row["expired"] = sum(disk.expired and is_available(disk) for disk in disks)
    for status in (BROKEN, REPAIRING, REPAIRED):
        row[_NAMES[status]] = sum(disk.status == status for disk in disks)
    row["dropping"] = sum(disk.dropping for disk in disks)
    row["dropped"] = sum(disk.status == DROPPED for disk in disks)
    return row


def is_available(disk: Disk) -> bool:
    """True if the disk is normal, writable and not dropping; an overdue heartbeat has no effect."""
    return disk.status == NORMAL and not disk.readonly and not disk.dropping


def is_writable(disk: Disk) -> bool:
    """True if units of the disk can be written: it is available and its heartbeat is in time."""
    return is_available(disk) and not disk.expired


def count_space(disks: Collection[Disk], flavour: Flavour, dropped_nodes: Container[int] = ()) -> dict[str, Any]:
    """The space_stat object: bytes, disks and zones as the release spells them."""
    registered = [disk for disk in disks if disk.node_id not in dropped_nodes]
    every = [disk for disk in disks if not flavour.leaves_counters or _is_counted(disk)]
    available = [disk for disk in every if is_available(disk)]
    kept = [disk for disk in every if disk.status == NORMAL and disk.readonly and flavour.has_readonly_space]
    live = [disk for disk in available if is_writable(disk)]
    total, free = sum(disk.size for disk in (*available, *kept)), sum(disk.free for disk in available)
    readonly = sum(disk.free for disk in kept)
    hosts = {disk.host for disk in (live if flavour.blob_nodes_need_heartbeat else registered)}
    values: dict[str, Any] = {
        "total_space": total,
        "free_space": free,
        "readonly_space": readonly,
        "used_space": total - free - readonly,
        "reserved_space": 0,
        # half of every chunk is parity in the code mode EC3P3
        "writable_space": sum(disk.free_chunks for disk in live) // 2 * CHUNK,
        "total_blob_node": len(hosts),
        "total_disk": len(every),
        "disk_stat_infos": _zones(every, flavour),
    }
    return {name: value for name, value in values.items() if _spelled(name, value, flavour)}


def _is_counted(disk: Disk) -> bool:
    """True if a release that forgets disks still counts this one."""
    return disk.status < REPAIRED and not disk.dropping


def _spelled(name: str, value: Any, flavour: Flavour) -> bool:
    if name == "readonly_space":
        return flavour.has_readonly_space
    if name == "reserved_space":
        return flavour.has_shard_nodes
    # the development line leaves the counter out when it is 0
    return name != "total_blob_node" or bool(value) or not flavour.has_shard_nodes


def _zones(disks: list[Disk], flavour: Flavour) -> list[dict[str, Any]] | None:
    if not disks:
        return [count_zone("z0", [], flavour)] if flavour.zero_row_without_disks else None
    return [
        count_zone(idc, [disk for disk in disks if disk.idc == idc], flavour)
        for idc in sorted({disk.idc for disk in disks})
    ]
