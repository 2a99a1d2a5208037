"""The handles of SimulatedCluster that touch disks, space and the read-only flag; /stat follows with its usual lag."""

from bot.playground.clustermgr_sim import disks as d
from bot.playground.clustermgr_sim.data import Data
from bot.playground.clustermgr_sim.engine import Engine
from bot.playground.clustermgr_sim.raft import NotPossible

_STEPS = {"repairing": d.REPAIRING, "repaired": d.REPAIRED, "dropped": d.DROPPED, "normal": d.NORMAL}


class DiskControls:
    """Changes that blobnodes, repair services or administrators would make; no request is seen for them."""

    data: Data
    engine: Engine

    def break_disk(self, disk_id: int) -> None:
        """The disk is broken (status 2)."""
        self._disk(disk_id).status = d.BROKEN

    def repair_disk(self, disk_id: int, step: str = "repairing") -> None:
        """Move the disk on: `repairing`, `repaired`, `dropped`; or to `normal`, as a replaced disk."""
        if step not in _STEPS:
            raise NotPossible(f"a disk can go to {', '.join(_STEPS)}; not to {step}")
        disk = self._disk(disk_id)
        disk.status = _STEPS[step]
        if disk.status in {d.NORMAL, d.DROPPED}:
            disk.dropping = False
        if disk.status in {d.REPAIRED, d.DROPPED}:
            disk.units = 0

    def drop_disk(self, disk_id: int) -> None:
        """The disk is read-only and being emptied."""
        disk = self._disk(disk_id)
        disk.readonly = disk.dropping = True

    def set_disk_readonly(self, disk_id: int, value: bool = True) -> None:
        """Set or clear the disk's read-only flag."""
        self._disk(disk_id).readonly = value

    def expire_disk(self, disk_id: int, expired: bool = True) -> None:
        """The disk's heartbeat is overdue, or back."""
        self._disk(disk_id).expired = expired

    def move_chunks(self, disk_id: int, left: int) -> None:
        """A repair or a drop has come so far that volumes have only so many chunks on the disk."""
        self._disk(disk_id).units = left

    def rename_disk(self, disk_id: int, *, host: str | None = None, path: str | None = None) -> None:
        """Give the disk another host or path, hostile ones included."""
        disk = self._disk(disk_id)
        disk.host = disk.host if host is None else host
        disk.path = disk.path if path is None else path

    def fill_space(self, fraction: float) -> None:
        """Every disk is used to this fraction (0 to 1)."""
        if not 0 <= fraction <= 1:
            raise NotPossible(f"a disk can be filled from 0 to 1; not to {fraction}")
        self.engine.tick()
        for disk in self.data.disks.values():
            disk.fill(fraction)

    def set_allocatable(self, volumes: int) -> None:
        """So many volumes can be allocated."""
        self.engine.tick()
        self.data.volumes.can_alloc_volume = volumes

    def set_switch(self, key: str, value: str | None) -> None:
        """Store any value under a key as somebody else would, or nothing."""
        self.engine.tick()
        if value is None:
            self.data.kv.pop(key, None)
        else:
            self.data.kv[key] = value

    def set_read_only(self, value: bool) -> None:
        """The cluster's own read-only flag; the oldest release does not show it."""
        self.engine.tick()
        self.data.read_only = value

    def recount(self) -> None:
        """Count the disks now: /stat lags no more."""
        self.engine.tick()
        self.engine.recount()

    def _disk(self, disk_id: int) -> d.Disk:
        self.engine.tick()
        if disk_id not in self.data.disks:
            raise NotPossible(f"there is no disk {disk_id}")
        return self.data.disks[disk_id]
