"""Drop progress: count the units that are left on disks that operations took offline, and show that on their cards."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import structlog

from bot.clustermgr.cluster import Cluster
from bot.clustermgr.models import Disk, DiskStatus
from bot.common.errors import ClusterError, Conflict, Fenced
from bot.common.frozen import frozen
from bot.leadership.ports import CheckOfCluster, holds_every_cluster
from bot.operations.disk_offline import counted, is_followed, is_over
from bot.operations.disk_step_facts import DropEnded
from bot.operations.model import DiskCount, Operation
from bot.operations.requests import DiskOffline
from bot.telemetry.trace import joined
from bot.workflow.repository import OperationRepository

log = structlog.get_logger(__name__)

COUNT_EVERY = 60.0
"""Seconds between two counts of the units on a disk, so that a card is edited at most once a minute."""
COUNT_SECONDS = 5.0
"""Time limit of one count."""
SAME_END_SECONDS = 3600.0
"""Seconds before a dropped disk that still has units is said again."""
MAX_FOLLOWED = 16
"""Limit of disks that are counted in one round; the others follow in the next one."""


@frozen
class UnitsOnDisk:
    """A disk, and the units (vuids) that are on it."""

    disk: Disk
    dropping: bool
    units: tuple[int, ...]


@dataclass(slots=True)
class DropFollower:
    """Counts at most once a minute, on this replica's clusters, and only while a leader is known."""

    repository: OperationRepository
    clusters: Mapping[str, Cluster]
    clock: Callable[[], float]
    every: float = COUNT_EVERY
    _tried: dict[int, float] = field(default_factory=dict)
    _ended: dict[int, int] = field(default_factory=dict)
    """Status of the disks whose drop looked over, without being dropped, at the last count; by operation."""

    async def follow(self, check_of_cluster: CheckOfCluster = holds_every_cluster) -> None:
        """Count the units of each disk that is due; raises StoreError."""
        now = self.clock()
        followed = [op for op in await self.repository.taken_offline() if is_followed(op, now)]
        self._tried = {op.id: self._tried[op.id] for op in followed if op.id in self._tried}
        self._ended = {op.id: self._ended[op.id] for op in followed if op.id in self._ended}
        due = [
            (op, check)
            for op in followed
            if op.cluster in self.clusters and now - self._tried.get(op.id, 0) >= self.every
            # The limit is for this replica's clusters: those of others would leave no place for them.
            if (check := check_of_cluster(op.cluster))
        ]
        for op, check in due[:MAX_FOLLOWED]:
            self._tried[op.id] = now
            with joined(op.trace):
                await self._count(op, self.clusters[op.cluster], self.repository.under(check))

    async def _count(self, op: Operation, cluster: Cluster, repository: OperationRepository) -> None:
        if not isinstance(op.request, DiskOffline):
            return
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                found = await _read(cluster, op.request.disk_id)
        except (ClusterError, TimeoutError) as error:
            log.info("drop.uncounted", op=op.id, error=str(error))
            return
        if found is None:
            return
        try:
            await self._show(op, found, repository)
        except (Conflict, Fenced):
            log.info("operation.moved_meanwhile", op=op.id)

    async def _show(self, op: Operation, found: UnitsOnDisk, repository: OperationRepository) -> None:
        found, ends = self._looked_twice(op, found)
        # The card of the whole first: once this part is over, it is not counted again.
        await self._show_whole(op, found, repository)
        drop = counted(op.seen.drop, self.clock(), len(found.units))
        if not ends:
            await repository.show(op, replace(op.seen, drop=drop))
            return
        # A dropped disk with units on it is followed until they are gone.
        over = found.disk.status != DiskStatus.DROPPED or not found.units
        ended = DropEnded(
            found.disk.disk_id, found.disk.status, len(found.units), len({vuid >> 32 for vuid in found.units})
        )
        seen = replace(op.seen, drop=replace(drop, over=over))
        if not over and _was_said(op, self.clock()):
            await repository.show(op, seen)
        else:
            await repository.note(op, fact=ended, seen=seen)

    def _looked_twice(self, op: Operation, found: UnitsOnDisk) -> tuple[UnitsOnDisk, bool]:
        """Return the disk as it counts, and True if its drop has ended.

        One list that lacks the disk, or one strange state, proves no end: it counts once two looks in a row agree.
        """
        status = found.disk.status
        if not is_over(status, dropping=found.dropping):
            self._ended.pop(op.id, None)
            return found, False
        if status == DiskStatus.DROPPED or self._ended.get(op.id) == status:
            return found, True
        self._ended[op.id] = status
        return replace(found, dropping=found.dropping or status == DiskStatus.NORMAL), False

    async def _show_whole(self, op: Operation, found: UnitsOnDisk, repository: OperationRepository) -> None:
        """Show the count on the card of several disks that the disk is one of."""
        whole = await repository.get(op.options.part_of.of) if op.options.part_of else None
        if whole is None:
            return
        disk = found.disk
        count = DiskCount(disk.disk_id, self.clock(), len(found.units), disk.status, found.dropping)
        others = tuple(each for each in whole.seen.counts if each.disk_id != disk.disk_id)
        await repository.show(whole, replace(whole.seen, counts=(*others, count)))


def _was_said(op: Operation, now: float) -> bool:
    """True if the history tells the units left on the dropped disk already, not too long ago: their number moves."""
    return any(
        isinstance(event.fact, DropEnded) and event.fact.status == DiskStatus.DROPPED and event.fact.units
        for event in op.history
        if now - event.at < SAME_END_SECONDS
    )


async def _read(cluster: Cluster, disk_id: int) -> UnitsOnDisk | None:
    """Read a disk and its units; None without a leader, because such reads hang then. Raises ClusterError."""
    _, now = await cluster.snapshot_pair(patient=False)
    if now.leader is None:
        return None
    host = now.leader[0]
    disk = await cluster.api.disk_info(disk_id, at=host)
    dropping = any(each.disk_id == disk_id for each in await cluster.api.disk_dropping(at=host))
    # The units last: a disk that was dropped before them is counted as it is now.
    return UnitsOnDisk(disk, dropping, await cluster.api.disk_units(disk_id, at=host))
