"""Leases of switches: announce their end, restore the old value once, extend or keep by button."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog

from bot.clustermgr.cluster import Cluster
from bot.common.errors import Conflict, Fenced, Refused, UserError
from bot.common.frozen import frozen
from bot.interactions.events import Click
from bot.leadership.ports import CheckOfCluster, holds_every_cluster
from bot.operations.change_request import MAX_LEASE
from bot.operations.decisions import refuse_keeping
from bot.operations.leases import NO_LEASE, extended, reverting
from bot.operations.model import Operation, OpState, StepKind
from bot.operations.operation_problems import LeaseChanged, LeaseTooLong
from bot.operations.policy import Policy
from bot.operations.preflight.verdict import CheckLevel
from bot.operations.requests import TaskSwitch
from bot.operations.step_facts import (
    Failure,
    KeptForGood,
    RestoreRefused,
    RestoreSkipped,
    RestoresOldValue,
    RestoreUnread,
)
from bot.permissions.roles import Rights
from bot.telemetry.trace import joined
from bot.views.errors import error_text
from bot.views.operations import reversion_reason
from bot.workflow.evaluation import NOT_READ, Evaluation, Reevaluation, evaluate
from bot.workflow.executor import Executor
from bot.workflow.repository import OperationRepository

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class TimeLimitClicks:
    """Handles the buttons of a switch with a lease; both need the right to approve it alone."""

    repository: OperationRepository
    actions: frozenset[str] = frozenset({"op_extend", "op_keep"})

    async def clicked(self, op: Operation, click: Click, rights: Rights, policy: Policy) -> None:
        """Extend a lease by its length, or keep the value for good; `rights` are of now. Raises Refused."""
        refused = refuse_keeping(op, rights, policy)
        if refused is not None:
            raise Refused(refused)
        try:
            if click.action_id == "op_keep":
                kind, fact, changes = StepKind.KEPT, KeptForGood(), NO_LEASE
            elif (longer := extended(op)) is not None:
                kind, fact, changes = StepKind.EXTENDED, None, longer
            else:
                raise Refused(LeaseTooLong(op.id, MAX_LEASE))
            await self.repository.note(op, by=click.user, fact=fact, kind=kind, inbound_key=click.key, **changes)
        except Conflict as error:
            raise Refused(LeaseChanged(op.id)) from error


@dataclass(slots=True)
class Reversions:
    """Ends leases: restores old values. A compare-and-set claims each end, so it happens once."""

    repository: OperationRepository
    executor: Executor
    clusters: Mapping[str, Cluster]
    clock: Callable[[], float]
    monotonic: Callable[[], float] = time.monotonic
    """Clock for the age of an evaluation until its request is sent."""

    async def end_due(self, check_of_cluster: CheckOfCluster = holds_every_cluster) -> None:
        """Announce and end due leases on this replica's clusters, then execute their reverting operations."""
        now = self.clock()
        for op in await self.repository.time_limited():
            if op.cluster in self.clusters and (check := check_of_cluster(op.cluster)):
                with joined(op.trace):
                    await self._end(op, now, self.repository.under(check))
        for op in await self.repository.in_state(OpState.PROPOSED):
            if op.options.reverts and op.cluster in self.clusters and (check := check_of_cluster(op.cluster)):
                with joined(op.trace):
                    await self._revert(op, self.clusters[op.cluster], self.repository.under(check))

    async def _end(self, op: Operation, now: float, repository: OperationRepository) -> None:
        try:
            if now >= op.lease_until:
                await repository.put_back(op, reverting(op, now, reversion_reason(op)))
            elif op.warn_at and now >= op.warn_at:
                await repository.warn(op)
        except (Conflict, Fenced):
            log.info("lease.moved_meanwhile", op=op.id)

    async def _revert(self, op: Operation, cluster: Cluster, repository: OperationRepository) -> None:
        try:
            evaluation = await self._evaluate(op, cluster)
            found = hindrance(op, evaluation)
            if found is not None:
                await repository.move(op, found.state, fact=found.fact, seen=evaluation.seen)
            else:
                again, end = partial(self._evaluate, op, cluster), partial(self._end_unsent, repository)
                reevaluation = Reevaluation(evaluation, again, end, self.monotonic)
                fact = RestoresOldValue()
                await self.executor.start(op, cluster, reevaluation, fact=fact, seen=evaluation.seen)
        except UserError as error:
            await repository.move(op, OpState.BLOCKED, fact=Failure(error_text(error)))
        except (Conflict, Fenced):
            log.info("lease.moved_meanwhile", op=op.id)

    async def _end_unsent(
        self, repository: OperationRepository, running: Operation, found: Evaluation | str
    ) -> Operation | None:
        """End a running operation whose request must not be sent any more; None when it may."""
        if isinstance(found, str):
            return await repository.move(running, OpState.BLOCKED, fact=Failure(found))
        skip = hindrance(running, found)
        return None if skip is None else await repository.move(running, skip.state, fact=skip.fact, seen=found.seen)

    async def _evaluate(self, op: Operation, cluster: Cluster) -> Evaluation:
        others = await self.repository.beside(op)
        return await evaluate(cluster, op.request, others, op.options)


@frozen
class Hindrance:
    """Reason not to restore the old value, and the state in which it ends the operation."""

    state: OpState
    fact: RestoreRefused | RestoreUnread | RestoreSkipped


def hindrance(op: Operation, evaluation: Evaluation) -> Hindrance | None:
    """Find why the old value is not restored; None when it may be."""
    reversion, switch = op.options.reverts, evaluation.seen.switch
    on = isinstance(op.request, TaskSwitch) and op.request.on
    if evaluation.verdict.blocked:
        checks = evaluation.verdict.of_level(CheckLevel.BLOCK)
        return Hindrance(OpState.BLOCKED, RestoreRefused(checks, op.task, on, op.cluster))
    if switch is None or switch.meaning == NOT_READ:
        return Hindrance(OpState.BLOCKED, RestoreUnread(op.task, on, op.cluster))
    if reversion is not None and switch.value != reversion.left:
        return Hindrance(OpState.CANCELLED, RestoreSkipped(op.task, switch.meaning, reversion.of))
    return None
