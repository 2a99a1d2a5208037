"""The work of the schedulers: repairs of broken disks and drops of disks, unit by unit, on the cluster's clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from bot.playground.clustermgr_sim.disks import BROKEN, NORMAL, REPAIRED, REPAIRING, Disk
from bot.playground.clustermgr_sim.flavour import Flavour
from bot.playground.clustermgr_sim.raft import Raft

REPAIR, DROP = "disk_repair", "disk_drop"
SCHEDULER = "SCHEDULER"
_CREATED_AHEAD = 12
"""Tasks of a drop that are created before their units move; the migrating count includes them."""
_RETRY = 1.0
_SHORTEST = 0.001


@dataclass(slots=True)
class DiskTask:
    """The repair or drop of one disk; `next_at` is the time of its next step, `total` the units at its beginning."""

    kind: str
    disk_id: int
    next_at: float
    total: int = 0
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """A unit that was moved: by which kind of task, when, and its bytes of data."""

    kind: str
    at: float
    size: int


@dataclass(slots=True)
class Background:
    """Moves the units of broken and dropping disks while a scheduler is registered and the switch is on.

    `stopped` is set while every scheduler that was registered is down.
    """

    raft: Raft
    flavour: Flavour
    stopped: bool = False
    tasks: list[DiskTask] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    drops: dict[int, int] = field(default_factory=dict)
    _advanced: float = 0.0

    def __post_init__(self) -> None:
        self._advanced = self.raft.now

    def is_on(self, switch: str) -> bool:
        """True if this background task is switched on."""
        return self.raft.data.is_on(switch, self.flavour)

    def task_of(self, kind: str, disk_id: int) -> DiskTask | None:
        """The begun task of a disk."""
        return next((t for t in self.begun(kind) if t.disk_id == disk_id), None)

    def begun(self, kind: str) -> list[DiskTask]:
        """The begun tasks of a kind."""
        return [task for task in self.tasks if task.kind == kind and task.begun]

    def left_of(self, task: DiskTask) -> int:
        """Units that the task has yet to move."""
        return self.raft.data.volumes.count_on(task.disk_id)

    def migrating(self, kind: str, disk_id: int) -> tuple[int, int] | None:
        """Tasks in all and tasks done, as the scheduler counts them; None if the disk has no task.

        The count of a drop misleads: created tasks count as done, and the counts stay after its end.
        """
        task = self.task_of(kind, disk_id)
        if task is None:
            total = self.drops.get(disk_id) if kind == DROP else None
            return None if total is None else (total, total)
        done = task.total - self.left_of(task)
        return (task.total, min(task.total, done + (_CREATED_AHEAD if kind == DROP else 0)))

    def advance(self, now: float) -> None:
        """Make all steps that are due by `now`."""
        since, self._advanced = self._advanced, now
        if not self.tasks and not self._runs():
            return
        for kind in (REPAIR, DROP):
            self._collect(kind, since, now)
        while True:
            due = min(self.tasks, key=lambda task: task.next_at, default=None)
            if due is None or due.next_at > now:
                return
            self._step(due, now)

    def _runs(self) -> bool:
        leader = self.raft.leader()
        able = leader is not None and self.raft.has_quorum() and not leader.transferee
        return able and not self.stopped and any(each.name == SCHEDULER for each in self.raft.data.services)

    def _collect(self, kind: str, since: float, now: float) -> None:
        """Find the disks to work on, in their state since `since`.

        A task whose switch is off waits, and one whose disk needs no work ends.
        """
        timing = self.raft.timing
        needed = [disk.disk_id for disk in self.raft.data.disks.values() if _needs(kind, disk)]
        self.tasks = [task for task in self.tasks if task.kind != kind or task.disk_id in needed]
        if not (self._runs() and self.is_on(kind)):
            for task in self.tasks:
                if task.kind == kind:
                    pause = timing.unit_move if task.begun else timing.collect
                    task.next_at = max(task.next_at, now + max(pause, _SHORTEST))
            return
        known = {task.disk_id for task in self.tasks if task.kind == kind}
        self.tasks += [DiskTask(kind, number, since + timing.collect) for number in needed if number not in known]

    def _step(self, task: DiskTask, now: float) -> None:
        data, disk = self.raft.data, self.raft.data.disks[task.disk_id]
        at, task.next_at = task.next_at, task.next_at + max(self.raft.timing.unit_move, _SHORTEST)
        if not task.begun:
            task.begun, task.total = True, data.volumes.count_on(task.disk_id)
            if task.kind == REPAIR:
                self._change(partial(setattr, disk, "status", REPAIRING))
        elif not self._move_one(task, at):
            task.next_at = max(task.next_at, now + _RETRY)
        if not data.volumes.count_on(task.disk_id):
            self._end(task, disk)

    def _move_one(self, task: DiskTask, at: float) -> bool:
        """Move the first unit that has a place; False if none has."""
        data = self.raft.data
        for unit in data.volumes.units_of(task.disk_id):
            target = data.place_for(unit)
            if target is not None:
                self._change(partial(data.move_unit, unit, target))
                self.moved.append(Moved(task.kind, at, data.volumes.get(unit.vid).unit_used))
                return True
        return False

    def _end(self, task: DiskTask, disk: Disk) -> None:
        self.tasks.remove(task)
        if task.kind == REPAIR:
            self._change(partial(setattr, disk, "status", REPAIRED))
        else:
            self.drops[task.disk_id] = task.total
            self._change(disk.finish_drop)

    def _change(self, apply: Callable[[], None]) -> None:
        leader = self.raft.leader()
        assert leader is not None  # noqa: S101 (_runs has found it)
        self.raft.propose(leader, apply)


def _needs(kind: str, disk: Disk) -> bool:
    return disk.status in {BROKEN, REPAIRING} if kind == REPAIR else disk.dropping and disk.status == NORMAL
