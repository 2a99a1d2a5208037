"""Disk offline: how far an operation that takes a disk offline came, by its recorded steps. No I/O."""

from dataclasses import replace
from enum import StrEnum

from bot.alerting.progress import LeftCount, total_after, with_count
from bot.clustermgr.models import DiskStatus
from bot.operations.disk_step_facts import DropNotBegun, OfflineStep, OfflineStepBegun, ReadonlyBefore
from bot.operations.model import DropProgress, Operation, OpState
from bot.operations.requests import DiskOffline
from bot.operations.step_facts import DiskNow

FOLLOWED_SECONDS = 30 * 86400.0
"""Age of an operation up to which its drop is followed."""


class OfflineStage(StrEnum):
    """Stage of an operation that takes a disk offline; one that is `asked` may have been sent."""

    NOTHING_SENT = "nothing_sent"
    READONLY_ASKED = "readonly_asked"
    READONLY_SEEN = "readonly_seen"
    DROP_ASKED = "drop_asked"


def stage_of(op: Operation) -> OfflineStage:
    """Find the stage by the facts that were recorded before and after each request."""
    stage = OfflineStage.NOTHING_SENT
    for event in op.history:
        match event.fact:
            case OfflineStepBegun(step=OfflineStep.READONLY):
                stage = OfflineStage.READONLY_ASKED
            case OfflineStepBegun(step=OfflineStep.DROP):
                stage = OfflineStage.DROP_ASKED
            case ReadonlyBefore():
                stage = OfflineStage.READONLY_SEEN
            case DiskNow(readonly=True) if stage is OfflineStage.READONLY_ASKED and event.state is OpState.RUNNING:
                stage = OfflineStage.READONLY_SEEN
    return stage


def readonly_before(op: Operation) -> bool:
    """True if the disk was read-only before the operation, which sent no request for that."""
    return any(isinstance(event.fact, ReadonlyBefore) for event in op.history)


def offers_writable(op: Operation) -> bool:
    """True if the operation made its disk read-only and then did not drop it: the card offers the way back."""
    last = op.history[-1].fact if op.history else None
    return op.state is OpState.FAILED and isinstance(last, DropNotBegun) and not last.before


def is_followed(op: Operation, now: float) -> bool:
    """True while the progress of the drop that an operation began is shown on its card."""
    over = op.seen.drop is not None and op.seen.drop.over
    began = isinstance(op.request, DiskOffline) and op.state is OpState.VERIFIED
    return began and not over and now - op.created_at < FOLLOWED_SECONDS


def counted(known: DropProgress | None, at: float, left: int) -> DropProgress:
    """Add a count of the units that are left."""
    before = known or DropProgress()
    counts: tuple[LeftCount, ...] = with_count(before.counts, at, left)
    return replace(before, counts=counts, total=total_after(before.total, left))


def is_over(status: int, *, dropping: bool) -> bool:
    """True if a drop has ended: the disk is dropped, or in a state in which it is not being dropped any more."""
    return status != DiskStatus.NORMAL or not dropping
