"""Executor: send one request, check for its effect, and settle what stopped processes left."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Unpack

import structlog

from bot.clustermgr.cluster import Cluster
from bot.clustermgr.health import healthy_count, quorum, voter_health, voters
from bot.clustermgr.models import Snapshot
from bot.common.errors import ClusterError, ClusterRefused, ClusterUnreachable, Conflict, Fenced, OutcomeUnknown
from bot.leadership.ports import CheckOfCluster, holds_every_cluster
from bot.operations.disk_offline import OfflineStage, stage_of
from bot.operations.disk_series import SERIES
from bot.operations.disk_step_facts import ApprovalTooOld, NodeAccepted
from bot.operations.model import Operation, OpState, StepChanges, StepKind
from bot.operations.requests import DiskOffline, DiskRequest, NodeDrop
from bot.operations.settlement import MAX_COMPARED, changed_later, closed, contradicts, is_open
from bot.operations.step_facts import (
    Adopted,
    AfterRemoval,
    ClusterRemoved,
    Compared,
    ComparisonOver,
    DatabaseLost,
    DiskNow,
    EffectUnseen,
    Failure,
    NoDecision,
    NoLeaderSeen,
    NotApplied,
    SeenLater,
    Sight,
    StepFact,
)
from bot.operations.transience import error_is_transient
from bot.telemetry.trace import joined
from bot.telemetry.tracer import NO_TRACER, Tracer, TraceSpan
from bot.workflow.actions import Observation, observe, send
from bot.workflow.disk_offline import OfflineRun, ending
from bot.workflow.evaluation import Reevaluation
from bot.workflow.repository import OperationRepository

log = structlog.get_logger(__name__)

CHECK_EVERY = 0.5
"""Seconds between two checks for an effect."""
LAST_CHECK_SECONDS = 30.0
"""Extra seconds for the last check before another process settles the operation."""
STILL_SECONDS = 60.0
"""Seconds that one leader must hold a quorum, with all applied, before an unseen effect counts as not applied."""

NODE_STILL_SECONDS = 900.0
"""The same for the drop of a node: servers show it at a later refresh, by default every 300 s (source of master)."""


def always() -> bool:
    """Return True."""
    return True


class StartStep(StepChanges, total=False):
    """Step that starts an execution: its fields, who took it, its fact and kind, and the inbound work that it ends."""

    by: str
    fact: StepFact
    kind: StepKind
    inbound_key: str


@dataclass(slots=True)
class Executor:
    """Executes approved operations, and settles those whose outcome is unknown.

    `alive` is False once this process lost its lease: other replicas then settle what it runs.
    """

    repository: OperationRepository
    clusters: Mapping[str, Cluster]
    clock: Callable[[], float]
    verify_within: float
    alive: Callable[[], bool] = always
    tracer: Tracer = NO_TRACER
    under_way: Counter[int] = field(default_factory=Counter)
    _still: dict[int, Snapshot] = field(default_factory=dict)
    """Where the calm began in which the effect of an operation that has not ended is not seen."""
    _turns: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    """One change of disks at a time is started on a cluster: of two together the first one goes on."""

    async def start(
        self, op: Operation, cluster: Cluster, reevaluation: Reevaluation, **step: Unpack[StartStep]
    ) -> Operation:
        """Move an operation to RUNNING and execute it; raises Conflict when another step came first, or Fenced.

        The request needs a fresh evaluation: the step itself may have waited for the database.
        """
        if not self.alive():
            raise Fenced("This cmbot process had lost the database, so nothing was sent.")
        # Registered before it is stored, so that `settle_unfinished` never adopts it; counted, because of several tries
        # at once all but one fail.
        self.under_way[op.id] += 1
        try:
            with joined(op.trace), self._span("operation.execute", op):
                async with self._turn(op):
                    running = await self.repository.move(op, OpState.RUNNING, **step)
                    running, sendable = await self._confirmed(running, reevaluation)
                return await self._carry_out(running, cluster) if sendable else running
        finally:
            self.under_way[op.id] -= 1
            if not self.under_way[op.id]:
                del self.under_way[op.id]

    def _span(self, name: str, op: Operation) -> AbstractContextManager[TraceSpan]:
        return self.tracer.span(name, operation=op.id, kind_of=op.kind.value, cluster=op.cluster)

    def _turn(self, op: Operation) -> AbstractAsyncContextManager[object]:
        return self._turns[op.cluster] if isinstance(op.request, DiskRequest) else nullcontext()

    async def _confirmed(self, op: Operation, reevaluation: Reevaluation) -> tuple[Operation, bool]:
        try:
            return await reevaluation.confirm(op)
        except Conflict:
            return await self._taken_over(op), False

    async def _carry_out(self, op: Operation, cluster: Cluster) -> Operation:
        try:
            return await self._run(op, cluster) if op.kind not in SERIES else op
        except Conflict:
            return await self._taken_over(op)

    async def _taken_over(self, op: Operation) -> Operation:
        """Another process took over meanwhile: its result stands."""
        log.warning("operation.taken_over", op=op.id)
        return await self.repository.get(op.id) or op

    async def _run(self, op: Operation, cluster: Cluster) -> Operation:
        if not self.alive():
            return await self.repository.move(op, OpState.FAILED, fact=DatabaseLost())
        if isinstance(op.request, DiskOffline):
            return await self._offline(cluster, self.repository).run(op)
        try:
            await send(cluster.api, op)
        except OutcomeUnknown as error:
            # Stored at once: until the effect is seen the outcome is unknown, and it blocks other operations.
            op = await self.repository.move(op, OpState.UNKNOWN, fact=failure_of(error))
        except (ClusterRefused, ClusterUnreachable) as error:
            return await self.repository.move(op, OpState.FAILED, fact=failure_of(error))
        return await self._verify(op, cluster)

    async def _verify(self, op: Operation, cluster: Cluster) -> Operation:
        """Look for the effect of a request that was accepted, or whose reply was lost (then the state is unknown)."""
        with self._span("operation.verify", op) as span:
            seen = await self._watch(op, cluster, _is_done)
            span.note(seen=seen is not None and seen.done)
        if seen is not None and seen.done:
            return await self.repository.move(op, OpState.VERIFIED, fact=seen.sight)
        if op.state is OpState.UNKNOWN:
            return op
        if seen is not None and not seen.proves and isinstance(op.request, NodeDrop):
            # The answer is all there is: the card says that it is no proof.
            return await self.repository.move(op, OpState.VERIFIED, fact=NodeAccepted(op.request.node_id))
        unseen = EffectUnseen(self.verify_within, None if seen is None else seen.sight)
        return await self.repository.move(op, OpState.UNKNOWN, fact=unseen)

    def _offline(self, cluster: Cluster, repository: OperationRepository) -> OfflineRun:
        turn = self._turns[cluster.name]
        return OfflineRun(repository, cluster, self._watch, turn, self.alive, self.clock, self.verify_within)

    async def _watch(
        self, op: Operation, cluster: Cluster, seen_all: Callable[[Observation], bool]
    ) -> Observation | None:
        """Check until all is seen or the time is over; return the last check that could read the cluster."""
        seen: Observation | None = None
        until = self.clock() + self.verify_within
        while True:
            seen = await self.observation(op, cluster) or seen
            if (seen is not None and seen_all(seen)) or self.clock() >= until:
                return seen
            await asyncio.sleep(CHECK_EVERY)

    async def observation(self, op: Operation, cluster: Cluster) -> Observation | None:
        """Check for an effect once; None when the cluster cannot be read."""
        try:
            return await observe(cluster, op)
        except ClusterError as error:
            log.info("operation.unread", op=op.id, error=str(error))
            return None

    async def expire_undecided(self, check_of_cluster: CheckOfCluster = holds_every_cluster) -> None:
        """Expire the operations on this replica's clusters that were not decided in time."""
        for op in await self.repository.due():
            if check := check_of_cluster(op.cluster):
                with joined(op.trace):
                    await _quietly(self.repository.under(check), op, OpState.EXPIRED, NoDecision())

    async def settle_unfinished(self, check_of_cluster: CheckOfCluster = holds_every_cluster) -> None:
        """Settle operations of stopped processes, and unknown outcomes, on this replica's clusters."""
        for op in await self.repository.in_state(OpState.RUNNING):
            if repository := await self._ours(op, check_of_cluster):
                with joined(op.trace), self._span("operation.adopt", op):
                    await self._adopt(op, self.clusters[op.cluster], repository)
        for op in await self.repository.in_state(OpState.UNKNOWN):
            if repository := await self._ours(op, check_of_cluster):
                with joined(op.trace), self._span("operation.settle", op):
                    await self._settle(op, self.clusters[op.cluster], repository)

    async def compare_settled(self, check_of_cluster: CheckOfCluster = holds_every_cluster) -> None:
        """Compare what admins settled by hand with this replica's clusters."""
        recent = await self.repository.recent(None, MAX_COMPARED)
        await self._forget_ended(recent)
        for op in filter(is_open, recent):
            if op.cluster in self.clusters and (check := check_of_cluster(op.cluster)):
                with joined(op.trace):
                    await self._compare(
                        op, self.clusters[op.cluster], self.repository.under(check), changed_later(op, recent)
                    )

    async def _forget_ended(self, recent: Collection[Operation]) -> None:
        """Drop what was remembered for operations that need no more looks, however they ended."""
        if self._still:
            unknown = await self.repository.in_state(OpState.UNKNOWN)
            open_ids = {op.id for op in (*unknown, *filter(is_open, recent))}
            self._still = {number: start for number, start in self._still.items() if number in open_ids}

    async def _ours(self, op: Operation, check_of_cluster: CheckOfCluster) -> OperationRepository | None:
        """Get the repository for settling; None while a process executes it, or if another replica has the cluster."""
        if op.id in self.under_way or op.cluster not in self.clusters or op.kind in SERIES:
            return None
        if op.state is OpState.RUNNING and op.runner == self.repository.owner:
            return self.repository
        check = check_of_cluster(op.cluster)
        if check is None or await self._still_runs(op):
            return None
        return self.repository.under(check)

    async def _still_runs(self, op: Operation) -> bool:
        until = op.history[-1].at + self.verify_within + LAST_CHECK_SECONDS
        still_checked = op.state is OpState.RUNNING or self.clock() < until
        return still_checked and op.runner != self.repository.owner and op.runner in await self.repository.living()

    async def close_gone(self, known: Collection[str] = ()) -> None:
        """Close the operations on clusters that neither our settings nor others' (`known`) have; runs at startup."""
        for op in await self.repository.open_on(None):
            if op.cluster not in {*self.clusters, *known}:
                asked = op.state in {OpState.RUNNING, OpState.UNKNOWN}
                then = AfterRemoval.UNKNOWN if asked else AfterRemoval.NOT_SENT
                await _quietly(self.repository, op, OpState.CLOSED, ClusterRemoved(op.cluster, then))
        for op in await self.repository.time_limited():
            if op.cluster not in {*self.clusters, *known}:
                removed = ClusterRemoved(op.cluster, AfterRemoval.NOT_RESTORED)
                await self.repository.note(op, fact=removed, lease_until=0.0, warn_at=0.0)

    async def _adopt(self, op: Operation, cluster: Cluster, repository: OperationRepository) -> None:
        """Settle an operation whose process stopped while it ran; its request is never sent again."""
        ours = op.runner == self.repository.owner
        seen = await self.observation(op, cluster)
        if seen is not None and seen.done:
            await _quietly(repository, op, OpState.VERIFIED, Adopted(ours, seen.sight))
        elif isinstance(op.request, DiskOffline):
            await self._resume(op, cluster, repository, None if seen is None else seen.sight)
        else:
            await _quietly(repository, op, OpState.UNKNOWN, Adopted(ours, None))

    async def _resume(
        self, op: Operation, cluster: Cluster, repository: OperationRepository, sight: Sight | None
    ) -> None:
        """Go on with a disk that another process was taking offline.

        Until the disk can be read it waits, but not longer than the approval counts.
        """
        disk = sight if isinstance(sight, DiskNow) else None
        waits = stage_of(op) is not OfflineStage.DROP_ASKED and self.clock() <= op.expires_at
        if disk is None and waits:
            return
        self.under_way[op.id] += 1
        try:
            await self._offline(cluster, repository).resume(op, own=op.runner == self.repository.owner, seen=disk)
        except (Conflict, Fenced):
            log.info("operation.moved_meanwhile", op=op.id)
        finally:
            del self.under_way[op.id]

    async def _settle(self, op: Operation, cluster: Cluster, repository: OperationRepository) -> None:
        seen = await self.observation(op, cluster)
        if seen is not None and seen.done:
            await _quietly(repository, op, OpState.VERIFIED, SeenLater(seen.sight))
            return
        readonly = seen is not None and isinstance(seen.sight, DiskNow) and seen.sight.readonly
        if isinstance(op.request, DiskOffline) and stage_of(op) is OfflineStage.READONLY_ASKED and readonly:
            # The first request came late. The second one needs an approval of what is true now.
            await _quietly(repository, op, OpState.FAILED, ending(op, ApprovalTooOld()))
        elif seen is not None and seen.proves and shows_state(seen) and await self._held_still(op, cluster):
            missed = NotApplied(still_seconds(op))
            known = isinstance(op.request, DiskOffline) and readonly
            await _quietly(repository, op, OpState.FAILED, ending(op, missed) if known else missed)

    async def _compare(self, op: Operation, cluster: Cluster, repository: OperationRepository, over: bool) -> None:
        """Compare an admin's settlement with the cluster, and show a contradiction on the card."""
        fact: Compared | ComparisonOver = ComparisonOver()
        if not over:
            seen = await self.observation(op, cluster)
            if seen is None:
                return
            proves = seen.proves and shows_state(seen)
            calm = not seen.done and proves and await self._held_still(op, cluster)
            found = contradicts(op, there=seen.done, calm=calm)
            if found is None:
                return
            fact = Compared(found, seen.sight)
        try:
            await repository.note(op, fact=fact, seen=closed(op, fact, at=self.clock()))
        except (Conflict, Fenced):
            log.info("operation.moved_meanwhile", op=op.id)

    async def _held_still(self, op: Operation, cluster: Cluster) -> bool:
        before, now = await cluster.snapshot_pair(patient=False)
        if not settled(before, now):
            self._still.pop(op.id, None)
            return False
        start = self._still.setdefault(op.id, now)
        if leader_and_term(start) != leader_and_term(now):
            self._still[op.id] = now
            return False
        return now.at - start.at >= still_seconds(op)


async def _quietly(repository: OperationRepository, op: Operation, to: OpState, fact: StepFact) -> None:
    try:
        await repository.move(op, to, fact=fact)
    except (Conflict, Fenced):
        log.info("operation.moved_meanwhile", op=op.id)


def _is_done(seen: Observation) -> bool:
    return seen.done or not seen.proves


def still_seconds(op: Operation) -> float:
    """Seconds for which the cluster must be calm without the effect before the request counts as not applied."""
    return NODE_STILL_SECONDS if isinstance(op.request, NodeDrop) else STILL_SECONDS


def shows_state(seen: Observation) -> bool:
    """True if a check could read what the operation changes: without a leader, a missing effect proves nothing."""
    return not isinstance(seen.sight, NoLeaderSeen)


def settled(before: Snapshot | None, now: Snapshot) -> bool:
    """True if one leader with a quorum of healthy voters has applied all entries and no transfer is pending."""
    if now.leader is None:
        return False
    status = now.leader[1].raft_status
    enough = healthy_count(voter_health(before, now)) >= quorum(len(voters(now.leader[1])))
    return enough and status.applied >= status.commit and status.transferee == 0


def leader_and_term(snapshot: Snapshot) -> tuple[int, int]:
    """Leader and its term; (0, 0) without a leader."""
    status = snapshot.leader[1].raft_status if snapshot.leader else None
    return (status.leader, status.term) if status else (0, 0)


def failure_of(error: ClusterError) -> Failure:
    """Fact of a cluster's error, with the trace id for its operators."""
    return Failure(error.sentence, error.trace_id, error_is_transient(error))
