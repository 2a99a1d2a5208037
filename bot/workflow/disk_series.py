"""Disk series: begin the parts of an approved operation one after another, each with its own checks right before it."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from bot.clustermgr.cluster import Cluster
from bot.clustermgr.models import Disk
from bot.clustermgr.tasks import Dialect
from bot.common.addresses import same_place
from bot.common.errors import ClusterError, Conflict, Fenced, UserError
from bot.leadership.ports import CheckOfCluster, holds_every_cluster
from bot.operations.disk_series import (
    SERIES,
    SeriesParts,
    again,
    bad_end,
    is_out_of_use,
    is_too_old,
    must_wait,
    new_warnings,
    part,
    parts_of,
    stopped,
)
from bot.operations.disk_step_facts import (
    ApprovalTooOld,
    NodePartBegun,
    PartAgain,
    PartBegun,
    PartFailed,
    PartSkipped,
    PartWaits,
    SeriesBegun,
    SeriesEnded,
    SeriesOver,
)
from bot.operations.model import Operation, OpState
from bot.operations.preflight.facts.disks import DiskListUnread
from bot.operations.preflight.verdict import CheckLevel, PreflightResult, block
from bot.operations.requests import DiskOffline, NodeDrop, NodeOffline
from bot.operations.step_facts import ChecksRefuse, Failure, StepFact
from bot.telemetry.trace import joined
from bot.views.errors import error_text
from bot.workflow.actions import leader_now
from bot.workflow.evaluation import Evaluation, Reevaluation, evaluate, lifted_as_shown
from bot.workflow.executor import Executor
from bot.workflow.repository import OperationRepository

SAME_REASON_SECONDS = 3600.0
"""Seconds before a reason to wait that went away and came back is said again."""
WAIT_SECONDS = 60.0
"""Seconds between two looks at the limits for which a part waits: a look reads the disks and their volumes."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class DiskSeries:
    """Advances the running series on this replica's clusters; a compare-and-set claims each part, so it begins once."""

    repository: OperationRepository
    executor: Executor
    clusters: Mapping[str, Cluster]
    clock: Callable[[], float]
    monotonic: Callable[[], float] = time.monotonic
    """Clock for the age of an evaluation until its request is sent."""
    every: float = WAIT_SECONDS
    _tried: dict[int, float] = field(default_factory=dict)

    async def advance(self, check_of_cluster: CheckOfCluster = holds_every_cluster) -> None:
        """Begin what may begin, and end what is over; raises StoreError."""
        running = [op for op in await self.repository.in_state(OpState.RUNNING) if op.kind in SERIES]
        self._tried = {op.id: self._tried[op.id] for op in running if op.id in self._tried}
        for op in running:
            waits = isinstance(op.history[-1].fact, PartWaits | PartAgain)
            if waits and self.clock() - self._tried.get(op.id, 0.0) < self.every:
                continue
            if op.cluster in self.clusters and (check := check_of_cluster(op.cluster)):
                self._tried[op.id] = self.clock()
                with joined(op.trace):
                    await self._quietly(op, self.repository.under(check))

        await self._cancel_orphans({op.id for op in running}, check_of_cluster)

    async def _cancel_orphans(self, running: set[int], check_of_cluster: CheckOfCluster) -> None:
        """Cancel a part that was not begun when its series ended."""
        for op in await self.repository.in_state(OpState.PROPOSED):
            whole = op.options.part_of
            if whole is None or whole.of in running or op.cluster not in self.clusters:
                continue
            if check := check_of_cluster(op.cluster):
                with suppress(Conflict, Fenced):
                    await self.repository.under(check).move(op, OpState.CANCELLED, fact=SeriesOver(whole.of))

    async def _quietly(self, op: Operation, repository: OperationRepository) -> None:
        try:
            await self._advance(op, self.clusters[op.cluster], repository)
        except UserError as error:
            await repository.move(op, OpState.FAILED, fact=stopped(op, Failure(error_text(error))))
        except ClusterError as error:
            log.info("series.unread", op=op.id, error=str(error))
        except (Conflict, Fenced):
            log.info("operation.moved_meanwhile", op=op.id)

    async def _advance(self, op: Operation, cluster: Cluster, repository: OperationRepository) -> None:
        parts = parts_of(op)
        numbers = [*parts.begun.values(), *([parts.node_op] if parts.node_op else [])]
        children = [child for number in numbers if (child := await repository.get(number)) is not None]
        for child in children:
            if child.state is OpState.PROPOSED:
                # Its process stopped between the record and the first step.
                await self._begin_recorded(child, op, cluster, repository)
                return
        if open_ones := [child for child in children if not child.final]:
            if is_too_old(op, self.clock()) and all(child.state is OpState.UNKNOWN for child in open_ones):
                await repository.move(op, OpState.FAILED, fact=stopped(op, ApprovalTooOld()))
            return
        failed = next((child for child in children if child.state is not OpState.VERIFIED), None)
        if failed is not None:
            await self._after_failure(op, failed, repository)
        elif parts.left and (bad := next((end for child in children if (end := bad_end(child))), None)):
            await repository.move(op, OpState.FAILED, fact=stopped(op, bad))
        elif parts.left:
            await self._next(op, parts.left[0], cluster, repository)
        else:
            await self._finish(op, parts, children, cluster, repository)

    async def _after_failure(self, op: Operation, failed: Operation, repository: OperationRepository) -> None:
        """Try the disk of a part again where what ended it may pass; else end the series."""
        retried = None if is_too_old(op, self.clock()) else again(op, failed)
        if retried is not None:
            await repository.note(op, fact=retried)
        else:
            await repository.move(op, OpState.FAILED, fact=stopped(op, PartFailed(failed.id, failed.state)))

    async def _begin_recorded(
        self, child: Operation, op: Operation, cluster: Cluster, repository: OperationRepository
    ) -> None:
        evaluation = await self._evaluate(op, child.request, cluster)
        disk = child.request.disk_id if isinstance(child.request, DiskOffline) else None
        if disk is None or not await self._hindered(op, disk, evaluation.verdict, repository):
            await self._start(child, op, cluster, evaluation, repository)
        elif evaluation.verdict.already_so or is_out_of_use(op, evaluation.verdict):
            await repository.move(child, OpState.CANCELLED, fact=PartSkipped(disk))

    async def _hindered(
        self, op: Operation, disk: int, verdict: PreflightResult, repository: OperationRepository
    ) -> bool:
        """Skip a disk, wait for it or end the series, as the checks say; False where its part may begin."""
        new = new_warnings(op, verdict)
        if verdict.already_so or is_out_of_use(op, verdict):
            await repository.note(op, fact=PartSkipped(disk))
        elif is_too_old(op, self.clock()):
            await repository.move(op, OpState.FAILED, fact=stopped(op, ApprovalTooOld()))
        elif waits := must_wait(verdict, new):
            await self._wait(op, PartWaits(disk, waits), repository)
        elif verdict.blocked or new:
            refused = ChecksRefuse((*verdict.of_level(CheckLevel.BLOCK), *new))
            await repository.move(op, OpState.FAILED, fact=stopped(op, refused))
        else:
            return False
        return True

    async def _next(self, op: Operation, disk: int, cluster: Cluster, repository: OperationRepository) -> None:
        request = DiskOffline(disk)
        evaluation = await self._evaluate(op, request, cluster)
        if not await self._hindered(op, disk, evaluation.verdict, repository):
            child = part(op, request, evaluation.seen, self.clock())
            op, child = await repository.begin_part(op, child, partial(_begun, disk))
            await self._start(child, op, cluster, evaluation, repository)

    async def _wait(self, op: Operation, fact: PartWaits, repository: OperationRepository) -> None:
        """Say why a part waits; again only when a reason came up, so that the history stays short.

        Reasons that alternate are said once an hour.
        """
        since = self.clock() - SAME_REASON_SECONDS
        said = {
            check.key
            for event in op.history
            if isinstance(event.fact, PartWaits) and event.fact.disk == fact.disk
            if event is op.history[-1] or event.at > since
            for check in event.fact.checks
        }
        if not {check.key for check in fact.checks} <= said:
            await repository.note(op, fact=fact)

    async def _finish(
        self,
        op: Operation,
        parts: SeriesParts,
        children: list[Operation],
        cluster: Cluster,
        repository: OperationRepository,
    ) -> None:
        """End a series whose disks all began; a node is dropped once none of its disks is in use."""
        if not isinstance(op.request, NodeOffline) or parts.node_op or op.seen.dialect == Dialect.V1:
            await repository.move(op, OpState.VERIFIED, fact=SeriesEnded(tuple(parts.begun), (), None))
            return
        # First of all: a drop that stands still is not followed without a limit, and the node would wait for it.
        if is_too_old(op, self.clock()):
            await repository.move(op, OpState.FAILED, fact=stopped(op, ApprovalTooOld()))
            return
        if any(isinstance(c.request, DiskOffline) and not (c.seen.drop and c.seen.drop.over) for c in children):
            return
        try:
            disks = await cluster.api.disk_list(at=await leader_now(cluster))
        except ClusterError as error:
            unread = block("disks", DiskListUnread((error.sentence,)))
            await self._wait(op, PartWaits(0, (unread,)), repository)
            return
        request = NodeDrop(_node_of(op.request.host, disks))
        evaluation = await self._evaluate(op, request, cluster)
        if evaluation.verdict.blocked:
            await self._wait(op, PartWaits(0, evaluation.verdict.of_level(CheckLevel.BLOCK)), repository)
            return
        child = part(op, request, evaluation.seen, self.clock())
        op, child = await repository.begin_part(op, child, partial(_node_begun, request.node_id))
        await self._start(child, op, cluster, evaluation, repository)

    async def _start(
        self,
        child: Operation,
        parent: Operation,
        cluster: Cluster,
        evaluation: Evaluation,
        repository: OperationRepository,
    ) -> None:
        async def end(running: Operation, found: Evaluation | str) -> Operation | None:
            if isinstance(found, str):
                return await repository.move(running, OpState.BLOCKED, fact=Failure(found))
            new = new_warnings(parent, found.verdict) if isinstance(child.request, DiskOffline) else ()
            if not found.verdict.blocked and not found.verdict.already_so and not new:
                return None
            refused = ChecksRefuse((*found.verdict.of_level(CheckLevel.BLOCK), *new))
            return await repository.move(running, OpState.BLOCKED, fact=refused, seen=found.seen)

        if evaluation.verdict.blocked:
            refused = ChecksRefuse(evaluation.verdict.of_level(CheckLevel.BLOCK))
            await repository.move(child, OpState.BLOCKED, fact=refused, seen=evaluation.seen)
            return
        repeat = partial(self._evaluate, parent, child.request, cluster, child.id)
        reevaluation = Reevaluation(evaluation, repeat, end, self.monotonic)
        await self.executor.start(child, cluster, reevaluation, fact=SeriesBegun(parent.id), seen=evaluation.seen)

    async def _evaluate(self, parent: Operation, request: object, cluster: Cluster, start: int = 0) -> Evaluation:
        """Judge a part as the card of the whole allows; `start` is its operation once that has begun."""
        others = await self.repository.beside(parent, start=start)
        wanted = request if isinstance(request, DiskOffline | NodeDrop) else parent.request
        unforced = replace(parent.options, part_of=None, forced=False)
        return lifted_as_shown(parent, await evaluate(cluster, wanted, others, unforced, patient=True))


def _begun(disk: int, op: int) -> StepFact:
    return PartBegun(disk, op)


def _node_begun(node: int, op: int) -> StepFact:
    return NodePartBegun(node, op)


def _node_of(host: str, disks: tuple[Disk, ...]) -> int:
    """Id of the node that has disks at this address; 0 is refused as a node's id."""
    return next((disk.node_id or 0 for disk in disks if same_place(disk.host, host)), 0)
