"""Approvals: approve, reject, cancel, settle; the cluster is evaluated again before a request is sent."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from bot.clustermgr.cluster import Cluster
from bot.common.errors import Conflict, NotAllowed, Refused
from bot.interactions.command import Caller, Reply
from bot.interactions.events import Click
from bot.operations.change_request import policy_on
from bot.operations.decisions import (
    Act,
    DecisionRights,
    dropped,
    refuse_decision,
    refuse_keeping,
    refuse_stopping,
    requester_lacks,
    unsure,
)
from bot.operations.disk_series import may_stop, stopped
from bot.operations.model import Operation, OpState, StepKind
from bot.operations.operation_problems import (
    ApprovalNotNeeded,
    ApproversUnproven,
    ButtonOutdated,
    ButtonWithoutOperation,
    NoSuchOperation,
    OtherDecisionFirst,
    OutcomeIsKnown,
)
from bot.operations.policy import Need, Policy, PolicyOf, Terms, missing
from bot.operations.settlement import mark
from bot.operations.step_facts import (
    AfterMove,
    AfterRemoval,
    ApprovalProgress,
    ApprovalsDropped,
    ClusterMoved,
    ClusterRemoved,
    Failure,
    LostSources,
    RejectedBecause,
    RequesterLost,
    SettledByAdmin,
    StepFact,
)
from bot.operations.supersede import difference_from, has_moved, replacement_of
from bot.permissions.access import Access, GroupMembers, lacking_source
from bot.permissions.roles import Rights, Role
from bot.telemetry.trace import joined
from bot.telemetry.tracer import NO_TRACER, Tracer
from bot.workflow.channel_sharing import Shared, never_shared, refuse_shared
from bot.workflow.evaluation import Evaluation, Reevaluation, evaluate
from bot.workflow.executor import Executor
from bot.workflow.repository import OperationRepository
from bot.workflow.reversions import TimeLimitClicks

ACTS: Mapping[str, Act] = {"op_confirm": Act.APPROVE, "op_reject": Act.REJECT, "op_cancel": Act.CANCEL}
STOP = "op_stop"
"""Button that cancels the rest of a series."""
_TRIES = 10
"""Number of tries for an approval while other approvals of the same card come in between."""


@dataclass(slots=True)
class ApprovalService:
    """Handles the buttons of cards."""

    repository: OperationRepository
    executor: Executor
    access: Access
    clusters: Mapping[str, Cluster]
    policies: PolicyOf
    clock: Callable[[], float]
    time_limits: TimeLimitClicks
    members_now: GroupMembers
    """Lists a user group without the cache, for the click that decides."""
    monotonic: Callable[[], float] = time.monotonic
    """Clock for the age of an evaluation until its request is sent."""
    tracer: Tracer = NO_TRACER
    shared: Shared = never_shared

    async def known(self, op_id: int) -> Operation:
        """Get an operation; raises Refused."""
        op = await self.repository.get(op_id)
        if op is None:
            raise Refused(NoSuchOperation(op_id))
        return op

    async def decide(self, click: Click) -> Reply | None:
        """Execute a click on a card; raises Refused for the person who clicked."""
        act = ACTS.get(click.action_id)
        if act is None and click.action_id not in {*self.time_limits.actions, STOP}:
            raise Refused(ButtonOutdated())
        op = await self._of(click)
        # From here on one id: that of the proposal.
        with joined(op.trace), self.tracer.span("operation.decide", operation=op.id, act=click.action_id):
            await self._decide(op, act, click)
        return None

    async def _decide(self, op: Operation, act: Act | None, click: Click) -> None:
        if click.action_id == STOP:
            await self._stop_rest(op, click.user, click.key)
        elif act is None:
            await self._change_lease(op, click)
        elif act is Act.APPROVE:
            await self._approve(op, click)
        elif act is Act.REJECT:
            await self._end(op, act, OpState.REJECTED, click.user, version=click.number("v"), key=click.key)
        else:
            await self._end(op, act, OpState.CANCELLED, click.user, version=click.number("v"), key=click.key)

    async def _change_lease(self, op: Operation, click: Click) -> None:
        await refuse_shared(self.shared, op.channel)
        policy = self._policy(op)
        refusal = refuse_keeping(op, await self._rights(op, click.user, policy.source), policy)
        if refusal is not None:
            raise Refused(refusal)
        people = await people_of(self.access, op, click.user, now=self.members_now)
        await self.time_limits.clicked(op, click, people.clicker, policy)

    async def _of(self, click: Click) -> Operation:
        op_id = click.number("op")
        op = await self.repository.get(op_id) if op_id else None
        if op is None or op.channel != click.channel:
            raise Refused(ButtonWithoutOperation())
        return op

    async def on_card(self, click: Click) -> Operation:
        """Get the operation whose card was clicked; raises Refused."""
        return await self._of(click)

    async def _rights(self, op: Operation, user: str, source: str) -> Rights:
        """Look up the rights of a user; raises NotAllowed with the needed role when they have none at all."""
        rights = await self.access.rights(user, op.cluster)
        if not rights.held and user != op.requester and (lack := lacking_source(rights, source)):
            raise NotAllowed(lack)
        return rights

    def _policy(self, op: Operation) -> Policy:
        return policy_on(self.policies, op.cluster, op.request, op.options)

    async def refuse_early(self, op: Operation, click: Click) -> None:
        """Refuse a click that opens a form which the person may not send; raises Refused or NotAllowed."""
        if ACTS.get(click.action_id) is not Act.REJECT:
            await self.access.require(click.user, Role.ADMIN, op.cluster)
            if op.state is not OpState.UNKNOWN:
                raise Refused(OutcomeIsKnown(op.id, op.state))
            return
        policy = self._policy(op)
        rights = await self._rights(op, click.user, policy.source)
        refusal = refuse_decision(op, Act.REJECT, rights, policy, version=click.number("v"), now=self.clock())
        if refusal is not None:
            raise Refused(refusal)

    async def reject(self, op: Operation, user: str, *, reason: str, key: str = "") -> Operation:
        """Reject an operation; `reason` may be empty."""
        fact = RejectedBecause(reason) if reason else None
        return await self._end(op, Act.REJECT, OpState.REJECTED, user, version=op.version, key=key, fact=fact)

    async def _end(
        self,
        op: Operation,
        act: Act,
        to: OpState,
        user: str,
        *,
        version: int,
        key: str = "",
        fact: StepFact | None = None,
    ) -> Operation:
        policy = self._policy(op)
        # Only the requester and admins may cancel, independent of the policy: the refusal names them.
        lookup = self.access.rights(user, op.cluster) if act is Act.CANCEL else self._rights(op, user, policy.source)
        rights = await lookup
        refusal = refuse_decision(op, act, rights, policy, version=version, now=self.clock())
        if refusal is not None:
            raise Refused(refusal)
        try:
            return await self.repository.move(op, to, by=user, fact=fact, kind=StepKind(to), inbound_key=key)
        except Conflict as error:
            raise _too_late(op) from error

    async def _stop_rest(self, op: Operation, user: str, key: str) -> Operation:
        """Cancel the disks of a series that were not begun; its requester and admins may."""
        rights = await self.access.rights(user, op.cluster)
        refusal = refuse_stopping(op, rights)
        if refusal is not None:
            raise Refused(refusal)
        try:
            fact = stopped(op, None)
            return await self.repository.move(op, OpState.CANCELLED, by=user, fact=fact, inbound_key=key)
        except Conflict as error:
            raise _too_late(op) from error

    async def cancel(self, op: Operation, user: str, *, key: str = "") -> Operation:
        """Cancel an operation, or the rest of a series that has begun, for a typed command."""
        if may_stop(op):
            return await self._stop_rest(op, user, key)
        return await self._end(op, Act.CANCEL, OpState.CANCELLED, user, version=op.version, key=key)

    async def settle(self, op: Operation, caller: Caller, *, done: bool, reason: str) -> Operation:
        """Record an admin's statement on an unknown outcome, and what cmbot sees of it."""
        await self.access.require(caller.user, Role.ADMIN, op.cluster)
        if op.state is not OpState.UNKNOWN:
            raise Refused(OutcomeIsKnown(op.id, op.state))
        to = OpState.VERIFIED if done else OpState.FAILED
        cluster = self.clusters.get(op.cluster)
        observation = await self.executor.observation(op, cluster) if cluster is not None else None
        fact = SettledByAdmin(done, reason, None if observation is None else observation.sight)
        seen = mark(op, done=done, at=self.clock())
        try:
            return await self.repository.move(
                op, to, by=caller.user, fact=fact, kind=StepKind.SETTLED, seen=seen, inbound_key=caller.key
            )
        except Conflict as error:
            raise _too_late(op) from error

    async def _approve(self, op: Operation, click: Click) -> None:
        await refuse_shared(self.shared, op.channel)
        policy = self._policy(op)
        rights = await self._rights(op, click.user, policy.source)
        case = _Case(click, policy)
        for _ in range(_TRIES):
            version = click.number("v")
            refusal = refuse_decision(op, Act.APPROVE, rights, policy, version=version, now=self.clock())
            if refusal is not None:
                raise Refused(refusal)
            cluster = self.clusters.get(op.cluster)
            if cluster is None:
                removed = ClusterRemoved(op.cluster, AfterRemoval.NOT_SENT)
                await self.repository.move(op, OpState.CLOSED, by=click.user, fact=removed, inbound_key=click.key)
                return
            try:
                await self._count(op, case, cluster)
            except _Lost:
                op = await self.known(op.id)
            else:
                return
        raise _too_late(op)

    async def _count(self, op: Operation, case: "_Case", cluster: Cluster) -> None:
        """Count an approval, then wait, supersede or run; raises _Lost when another step came in between."""
        click, policy = case.click, case.policy
        try:
            people = await people_of(self.access, op, click.user)
            short = missing(policy, op.requester, people.given)
            if short and short == missing(policy, op.requester, people.earlier):
                raise Refused(ApprovalNotNeeded(op.id, tuple(Need(*each) for each in short.items())))
            if not short:
                again = await self._recounted(op, click, policy)
                if again is None:
                    return
                op, people = again
                short = missing(policy, op.requester, people.given)
            case.evaluation = case.evaluation or await self._evaluate(op, cluster)
            await self._carry_on(op, case, cluster, case.evaluation, short)
        except Conflict as error:
            if (await self.known(op.id)).version == op.version:
                raise
            raise _Lost from error

    async def _recounted(self, op: Operation, click: Click, policy: Policy) -> tuple[Operation, DecisionRights] | None:
        """Look up the approvers again and drop approvals that no longer count; None if the requester lost the role."""
        people = await people_of(self.access, op, click.user, now=self.members_now)
        if group := unsure(op, policy, people):
            raise Refused(ApproversUnproven(group))
        if lost := requester_lacks(op, people):
            await self.repository.move(op, OpState.CANCELLED, fact=RequesterLost(lost), inbound_key=click.key)
            return None
        refusal = refuse_decision(op, Act.APPROVE, people.clicker, policy, version=op.version, now=self.clock())
        if refusal is not None:
            raise Refused(refusal)
        gone = dropped(policy, op, people)
        if not gone:
            return op, people
        kept = tuple(user for user in op.approvals if user not in gone)
        losses = ApprovalsDropped(tuple(LostSources(user, sources) for user, sources in gone.items()))
        op = await self.repository.note(op, fact=losses, approvals=kept)
        return op, replace(people, earlier=tuple(each for each in people.earlier if each.user not in gone))

    async def _evaluate(self, op: Operation, cluster: Cluster) -> Evaluation:
        others = await self.repository.beside(op)
        return await evaluate(cluster, op.request, others, op.options, decided=True)

    async def _carry_on(
        self, op: Operation, case: "_Case", cluster: Cluster, evaluation: Evaluation, short: Mapping[str, int]
    ) -> None:
        click, policy = case.click, case.policy
        if has_moved(op, evaluation.verdict):
            await self._supersede(op, policy, evaluation, by=click.user, key=click.key)
            return
        approvals = (*op.approvals, click.user)
        if short:
            terms = replace(op.terms or Terms(policy), missing=tuple(Need(*each) for each in short.items()))
            await self.repository.note(
                op,
                by=click.user,
                fact=_progress(policy, short),
                kind=StepKind.APPROVED,
                approvals=approvals,
                terms=terms,
                inbound_key=click.key,
            )
            return

        async def end(running: Operation, found: Evaluation | str) -> Operation | None:
            return await self._end_unsent(running, policy, found)

        # The step to running compares versions: of many clicks at once only one succeeds.
        await self.executor.start(
            op,
            cluster,
            Reevaluation(evaluation, partial(self._evaluate, op, cluster), end, self.monotonic),
            by=click.user,
            kind=StepKind.APPROVED,
            seen=evaluation.seen,
            approvals=approvals,
            inbound_key=click.key,
        )

    async def _end_unsent(self, running: Operation, policy: Policy, found: Evaluation | str) -> Operation | None:
        """End a running operation whose new evaluation voids the approval; None when its request may be sent."""
        if isinstance(found, str):
            return await self.repository.move(running, OpState.BLOCKED, fact=Failure(found))
        if not has_moved(running, found.verdict):
            return None
        return await self._supersede(running, policy, found)

    async def _supersede(
        self, op: Operation, policy: Policy, evaluation: Evaluation, *, by: str = "", key: str = ""
    ) -> Operation:
        moved = ClusterMoved(difference_from(op, evaluation.verdict), _after_move(op, evaluation))
        if moved.then is not AfterMove.NONE:
            return await self.repository.move(op, OpState.SUPERSEDED, by=by, fact=moved, inbound_key=key)
        replacement = replacement_of(
            op, evaluation.seen, evaluation.verdict, moved.difference, policy, now=self.clock()
        )
        return await self.repository.supersede(op, replacement, by=by, fact=moved, inbound_key=key)


def _after_move(op: Operation, evaluation: Evaluation) -> AfterMove:
    if evaluation.verdict.already_so:
        return AfterMove.ALREADY_SO
    forceless = op.forced and not evaluation.forces and not evaluation.verdict.blocked
    return AfterMove.NOTHING_TO_FORCE if forceless else AfterMove.NONE


def _progress(policy: Policy, short: Mapping[str, int]) -> ApprovalProgress:
    """Count the approvals so far; with several sources, those that are missing."""
    missing_needs = tuple(Need(*each) for each in short.items()) if policy.also else ()
    return ApprovalProgress(policy.approvals - short.get(policy.source, 0), policy.approvals, missing_needs)


@dataclass(slots=True)
class _Case:
    """One approving click, the policy it counts for, and the evaluation made for it."""

    click: Click
    policy: Policy
    evaluation: Evaluation | None = None


class _Lost(Exception):
    """Another step came in between."""


def _too_late(op: Operation) -> Refused:
    return Refused(OtherDecisionFirst(op.id))


@dataclass(slots=True)
class LookupOnce:
    """Lists each user group once, for all the people of one decision."""

    members: GroupMembers
    _known: dict[str, frozenset[str]] = field(default_factory=dict)

    async def __call__(self, group: str) -> frozenset[str]:
        """List the members of a group; raises SlackError, and the next call tries again."""
        if group not in self._known:
            self._known[group] = await self.members(group)
        return self._known[group]


async def people_of(access: Access, op: Operation, user: str, *, now: GroupMembers | None = None) -> DecisionRights:
    """Look up the rights that count for this click; `now` lists user groups without the cache."""
    fresh = replace(access, group_members=LookupOnce(now)) if now is not None else access
    rights = {who: await fresh.rights(who, op.cluster) for who in dict.fromkeys((op.requester, *op.approvals, user))}
    return DecisionRights(rights[op.requester], tuple(rights[who] for who in op.approvals), rights[user])
