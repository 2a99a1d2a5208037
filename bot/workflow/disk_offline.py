"""Disk offline: make a disk read-only, then drop it; each request is recorded before it goes out, and sent once."""

import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from bot.clustermgr.cluster import Cluster
from bot.clustermgr.models import DiskStatus
from bot.common.errors import ClusterError, ClusterRefused, ClusterUnreachable, OutcomeUnknown, UserError
from bot.common.frozen import frozen
from bot.operations.disk_offline import OfflineStage, readonly_before, stage_of
from bot.operations.disk_step_facts import (
    ApprovalTooOld,
    DropNotBegun,
    OfflineResumed,
    OfflineStep,
    OfflineStepBegun,
    ReadonlyBefore,
    SeriesOver,
    WritableAgain,
)
from bot.operations.model import Operation, OpState
from bot.operations.preflight.verdict import CheckLevel
from bot.operations.requests import DiskOffline
from bot.operations.step_facts import (
    Adopted,
    ChecksRefuse,
    ClusterMoved,
    DatabaseLost,
    DiskNow,
    EffectUnseen,
    Failure,
    StepFact,
)
from bot.operations.supersede import difference_from, has_moved
from bot.operations.transience import error_is_transient
from bot.views.errors import error_text
from bot.workflow.actions import Observation, leader_now
from bot.workflow.evaluation import Evaluation, evaluate, lifted_as_shown
from bot.workflow.repository import OperationRepository

RECORD_SECONDS = 1.0
"""A record of a step that takes longer waited for the database: the checks run again before its request."""
LookFor = Callable[[Operation, Cluster, Callable[[Observation], bool]], Awaitable[Observation | None]]
"""Observes an operation until a condition holds or the time is over; the last observation that could be read."""


@frozen
class OfflineRun:
    """One operation that takes a disk offline, executed by this process. Raises StoreError, Conflict, Fenced.

    `look_for` waits for an effect. In its `turn` no other change of disks is being started. `alive` is False once this
    process lost the database.
    """

    repository: OperationRepository
    cluster: Cluster
    look_for: LookFor
    turn: AbstractAsyncContextManager[object]
    alive: Callable[[], bool]
    clock: Callable[[], float]
    verify_within: float
    monotonic: Callable[[], float] = time.monotonic

    async def run(self, op: Operation) -> Operation:
        """Take both steps of a running operation whose checks passed just now."""
        op = await self._make_readonly(op)
        return await self._drop(op) if op.state is OpState.RUNNING else op

    async def resume(self, op: Operation, *, own: bool, seen: DiskNow | None) -> Operation:
        """Go on with an operation whose process stopped, unless a request may be under way; `seen` is the disk now.

        A request that was recorded is never sent again: its effect is seen, or its outcome is unknown.
        """
        stage = stage_of(op)
        readonly = seen is not None and seen.readonly
        if stage is OfflineStage.DROP_ASKED or (stage is OfflineStage.READONLY_ASKED and not readonly):
            return await self.repository.move(op, OpState.UNKNOWN, fact=Adopted(own, None))
        op = await self.repository.take_over(op, OfflineResumed(own))
        if stage is OfflineStage.READONLY_SEEN and seen is not None and _is_writable(seen):
            return await self.repository.move(op, OpState.FAILED, fact=WritableAgain(seen.disk))
        if self.clock() > op.expires_at:
            return await self._end(op, ApprovalTooOld())
        if stage is not OfflineStage.NOTHING_SENT:
            return await self._drop(op)
        evaluation, voided = await self._checked(op)
        if evaluation is None or voided is not None:
            return await self._end(op, voided or ApprovalTooOld())
        # The requests go to the leader that was checked now, which may be another one than at the approval.
        return await self.run(replace(op, seen=evaluation.seen))

    async def _make_readonly(self, op: Operation) -> Operation:
        began = self.monotonic()
        try:
            # Another host may show an older state: what is read-only there would get its drop without the first step.
            disk = await self.cluster.api.disk_info(_disk_of(op), at=await leader_now(self.cluster))
        except ClusterError as error:
            return await self._end(op, _failure(error))
        if disk.readonly:
            return await self.repository.note(op, fact=ReadonlyBefore(disk.disk_id))
        recorded = await self.repository.note(op, fact=OfflineStepBegun(disk.disk_id, OfflineStep.READONLY))
        recorded, hindrance = await self._hindrance(recorded, began)
        if hindrance is not None:
            return await self.repository.move(recorded, OpState.BLOCKED, fact=hindrance)
        return await self._send_readonly(recorded, disk.disk_id)

    async def _send_readonly(self, op: Operation, disk: int) -> Operation:
        lost: Failure | None = None
        try:
            await self.cluster.api.disk_access(disk, readonly=True, at=op.seen.leader or None)
        except OutcomeUnknown as error:
            # The step was recorded before: the disk itself tells if the request arrived.
            lost = _failure(error)
        except (ClusterRefused, ClusterUnreachable) as error:
            return await self.repository.move(op, OpState.FAILED, fact=_failure(error))
        seen = await self.look_for(op, self.cluster, _is_readonly)
        if seen is not None and _is_readonly(seen):
            return await self.repository.note(op, fact=seen.sight)
        return await self.repository.move(op, OpState.UNKNOWN, fact=lost or self._unseen(seen))

    async def _drop(self, op: Operation) -> Operation:
        evaluation, voided = await self._checked(op)
        if evaluation is None or voided is not None:
            return await self._end(op, voided or ApprovalTooOld())
        began = self.monotonic()
        # Recorded before it is sent: after a stop of this process nothing is sent twice.
        begun = OfflineStepBegun(_disk_of(op), OfflineStep.DROP)
        recorded = await self.repository.note(op, fact=begun, seen=evaluation.seen)
        recorded, hindrance = await self._hindrance(recorded, began)
        return await self._end(recorded, hindrance) if hindrance is not None else await self._send_drop(recorded)

    async def _send_drop(self, op: Operation) -> Operation:
        try:
            await self.cluster.api.disk_drop(_disk_of(op), at=op.seen.leader or None)
        except OutcomeUnknown as error:
            # Stored at once: until the disk is seen in the dropping list the outcome is unknown.
            op = await self.repository.move(op, OpState.UNKNOWN, fact=_failure(error))
        except (ClusterRefused, ClusterUnreachable) as error:
            return await self._end(op, _failure(error))
        seen = await self.look_for(op, self.cluster, _is_done)
        if seen is not None and seen.done:
            return await self.repository.move(op, OpState.VERIFIED, fact=seen.sight)
        return op if op.state is OpState.UNKNOWN else await self._to_unknown(op, seen)

    async def _to_unknown(self, op: Operation, seen: Observation | None) -> Operation:
        return await self.repository.move(op, OpState.UNKNOWN, fact=self._unseen(seen))

    def _unseen(self, seen: Observation | None) -> EffectUnseen:
        return EffectUnseen(self.verify_within, None if seen is None else seen.sight)

    async def _end(self, op: Operation, why: StepFact) -> Operation:
        to = OpState.BLOCKED if stage_of(op) is OfflineStage.NOTHING_SENT else OpState.FAILED
        return await self.repository.move(op, to, fact=ending(op, why))

    async def _hindrance(self, recorded: Operation, began: float) -> tuple[Operation, StepFact | None]:
        """Reason not to send a recorded request; the checks run again if the record waited for the database.

        The operation has the state of these checks: its request goes to the leader that they saw.
        """
        if not self.alive():
            return recorded, DatabaseLost()
        if self.monotonic() - began <= RECORD_SECONDS:
            return recorded, None
        evaluation, voided = await self._checked(recorded)
        return (recorded if evaluation is None else replace(recorded, seen=evaluation.seen)), voided

    async def _checked(self, op: Operation) -> tuple[Evaluation | None, StepFact | None]:
        """Run the checks again, and find why the approval does not hold for the rest; None when it does."""
        whole = op.options.part_of
        if whole is not None and not await self._goes_on(whole.of):
            return None, SeriesOver(whole.of)
        try:
            async with self.turn:
                others = await self.repository.beside(op)
                unforced = replace(op.options, forced=False)
                found = await evaluate(self.cluster, op.request, others, unforced, patient=True)
                evaluation = lifted_as_shown(op, found)
        except UserError as error:
            return None, Failure(error_text(error))
        if not has_moved(op, evaluation.verdict):
            return evaluation, None
        if evaluation.verdict.blocked:
            return evaluation, ChecksRefuse(evaluation.verdict.of_level(CheckLevel.BLOCK))
        return evaluation, ClusterMoved(difference_from(op, evaluation.verdict))

    async def _goes_on(self, series: int) -> bool:
        whole = await self.repository.get(series)
        return whole is not None and whole.state is OpState.RUNNING


def ending(op: Operation, why: StepFact) -> StepFact:
    """Fact of an operation that ends before its drop: after the first step, that its disk stays read-only."""
    if stage_of(op) is OfflineStage.NOTHING_SENT:
        return why
    return DropNotBegun(_disk_of(op), readonly_before(op), why)


def _disk_of(op: Operation) -> int:
    if not isinstance(op.request, DiskOffline):
        raise TypeError(f"operation #{op.id} takes no disk offline")
    return op.request.disk_id


def _is_writable(disk: DiskNow) -> bool:
    return disk.status == DiskStatus.NORMAL and not disk.readonly


def _is_readonly(seen: Observation) -> bool:
    return seen.done or (isinstance(seen.sight, DiskNow) and seen.sight.readonly)


def _is_done(seen: Observation) -> bool:
    return seen.done


def _failure(error: ClusterError) -> Failure:
    return Failure(error.sentence, error.trace_id, error_is_transient(error))
