"""Own work: the repairs and drops of disks that operations began, beside those that the watch has seen. No I/O.

The watch lists the disks being dropped once a minute, so a drop that has just begun would be missing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bot.alerting.cluster_state.background import FRESH
from bot.alerting.cluster_state.observations import Progress
from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.task_activity import WorkOnDisk, in_order, work_on_disks
from bot.clustermgr.models import DiskStatus
from bot.operations.disk_offline import is_followed
from bot.operations.disk_step_facts import DropEnded
from bot.operations.model import Operation, OpState
from bot.operations.requests import DiskBroken, DiskOffline


def all_work(state: ClusterState, operations: Iterable[Operation], now: float) -> tuple[WorkOnDisk, ...]:
    """All repairs and drops of a cluster: those of the watch, and those that its `operations` began; newest counts."""
    work = {each.progress.id: each for each in work_on_disks(state)}
    for op in sorted(operations, key=lambda op: op.id):
        for own in _own(op, state, now):
            known = work.get(own.progress.id)
            if known is None:
                work[own.progress.id] = own
            elif known.drop and own.drop and _counted_at(own) > _counted_at(known):
                newer = replace(known.progress, counts=own.progress.counts, total=own.progress.total)
                work[own.progress.id] = replace(known, progress=newer)
    return in_order(work.values())


def _own(op: Operation, state: ClusterState, now: float) -> Iterator[WorkOnDisk]:
    """What an operation has begun and the watch may not have listed yet; nothing for another one."""
    if op.state is not OpState.VERIFIED:
        return
    bad = {note.id for note in state.disks}
    match op.request:
        case DiskOffline(disk_id=disk) if is_followed(op, now) and not _has_ended(op) and disk not in bad:
            drop = op.seen.drop
            counts, total = (drop.counts, drop.total or None) if drop is not None else ((), None)
            yield _work(op, Progress(disk, DiskStatus.NORMAL, op.sent_at, op.sent_at, None, total, counts), drop=True)
        case DiskBroken(disk_id=disk) if op.sent_at >= max(state.disks_at, now - FRESH):
            yield _work(op, Progress(disk, DiskStatus.BROKEN, op.sent_at, op.sent_at), drop=False)


def _has_ended(op: Operation) -> bool:
    """True if the disk is not being dropped any more; units may be left on it."""
    return any(isinstance(event.fact, DropEnded) for event in op.history)


def _work(op: Operation, progress: Progress, *, drop: bool) -> WorkOnDisk:
    place = next((each for each in op.seen.disks if each.disk_id == progress.id), None)
    return WorkOnDisk(progress, drop, place.host if place else "", place.zone if place else "")


def _counted_at(work: WorkOnDisk) -> float:
    counts: Sequence[tuple[float, int]] = work.progress.counts
    return counts[-1][0] if counts else 0.0
