"""Proposals: evaluate a change request, post its card, answer commands about operations."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.audit.chain import AuditEntry
from bot.clustermgr.cluster import Cluster
from bot.common.errors import Conflict, NotAllowed, Refused, SlackError
from bot.common.message_key import MessageKey
from bot.interactions.command import Caller, Reply
from bot.interactions.facts import ProposalFacts, ProposalResult
from bot.interactions.message import Undelivered
from bot.operations.change_request import ChangeRequest, policy_on
from bot.operations.decisions import is_proposed_again, needs_more_people
from bot.operations.model import Operation, OpState, StepKind, advance
from bot.operations.operation_problems import (
    AgentMayNotForce,
    CardNotPosted,
    CodeNeeded,
    NothingToForce,
    OlderReplicas,
)
from bot.operations.policy import PolicyOf, ReasonMissing, Terms, lacks_all, refuse_proposal
from bot.operations.preflight.verdict import CheckLevel
from bot.operations.replacement_plan import Replacement, next_change, was_caught_up
from bot.operations.requests import AGENT_FIRST_READ_BY, FIRST_READ_BY
from bot.operations.step_facts import ChecksRefuse
from bot.permissions.access import Access
from bot.permissions.roles import Role
from bot.telemetry.trace import current, joined
from bot.views import operations as views
from bot.views import ops_list
from bot.workflow.approvals import ApprovalService
from bot.workflow.channel_sharing import refuse_shared
from bot.workflow.evaluation import Evaluation, evaluate
from bot.workflow.repository import OperationRepository

CARD_SECONDS = 8.0
"""Seconds until the requester gets a reply without the card's address; the card is posted even if that takes longer."""
MAX_LISTED = 50


Permalink = Callable[[str, str], Awaitable[str]]
"""Address of a message (channel, ts); raises SlackError."""


CodeWanted = Callable[[str, str], Awaitable[bool]]
"""True if a person (id) must type a code to use break-glass on a cluster."""


async def _no_code(_user: str, _cluster: str) -> bool:
    return False


@dataclass(slots=True)
class ProposalService:
    """Proposes changes; implements the ports Proposer and OperationBook of interactions.command."""

    repository: OperationRepository
    access: Access
    clusters: Mapping[str, Cluster]
    decisions: ApprovalService
    policies: PolicyOf
    permalink: Permalink
    clock: Callable[[], float]
    posted: Callable[[MessageKey, float], Awaitable[str]]
    """Waits for the outbox to post a message, for so many seconds; returns Slack's error code, "" when posted."""
    code_wanted: CodeWanted = _no_code
    older: Callable[[str], Sequence[str]] = lambda _revision: ()
    """Names of the active replicas whose release is older than a schema revision."""

    async def propose(self, caller: Caller, cluster: Cluster, change_request: ChangeRequest) -> Reply:
        """Evaluate a change request and propose it; the reply has the card's address, or the checks that refuse it."""
        change_request = _as_asked(caller, change_request)
        terms, lacking = await self._allowed(caller, cluster, change_request)
        if older := self.older(_first_read_by(change_request)):
            raise Refused(OlderReplicas(older))
        for last in (False, True):
            evaluation = await self._evaluate(cluster, change_request)
            op = self._operation(caller, cluster, change_request, terms)
            op = replace(op, seen=evaluation.seen)
            if evaluation.verdict.already_so and (reply := await self._already(op)) is not None:
                return reply
            if change_request.options.forced and not evaluation.forces and not evaluation.verdict.blocked:
                raise Refused(NothingToForce())
            if lacking is not None:
                raise Refused(lacking)
            if change_request.dry_run:
                facts = ProposalFacts(ProposalResult.DRY_RUN, op)
                return Reply(views.evaluation(op, evaluation.verdict, dry_run=True), facts=facts, keeps_form=True)
            if op.forced and not caller.proven and await self.code_wanted(caller.user, cluster.name):
                raise Refused(CodeNeeded())
            try:
                return await self._open(op, evaluation, caller)
            except Conflict:
                # Another operation locked the same thing meanwhile: the next evaluation names it.
                if last:
                    raise
        raise AssertionError("the loop returns or raises")

    async def _already(self, op: Operation) -> Reply | None:
        """Return the answer to a request for what is so; None if it changes a lease that no button changes."""
        leased = await self.repository.leased(op)
        if leased is not None:
            policy = policy_on(self.policies, leased.cluster, leased.request, leased.options)
            # Its card has no buttons if the policy of its proposal was stricter.
            then = leased.terms.policy if leased.terms is not None else policy
            if is_proposed_again(leased, policy) or needs_more_people(leased, then):
                return None
        return Reply(views.already(op, leased), facts=ProposalFacts(ProposalResult.ALREADY_SO, op))

    async def _allowed(
        self, caller: Caller, cluster: Cluster, change_request: ChangeRequest
    ) -> tuple[Terms, ReasonMissing | None]:
        """Find the terms, and what a forced request lacks besides rights; needed once there is a check to force."""
        policy = policy_on(self.policies, cluster.name, change_request.request, change_request.options)
        rights = await self.access.rights(caller.user, cluster.name)
        forced = change_request.options.forced
        await refuse_shared(self.decisions.shared, caller.channel, cluster.operations_channel)
        refusal = refuse_proposal(policy, rights, channel=caller.channel, reason=change_request.reason, forced=forced)
        if refusal is not None and not isinstance(refusal, ReasonMissing):
            raise NotAllowed(refusal)
        if refusal is not None and not forced:
            raise Refused(refusal)
        return Terms(policy, requester_counts=not lacks_all(rights, policy)), refusal

    async def _evaluate(self, cluster: Cluster, change_request: ChangeRequest) -> Evaluation:
        others = await self.repository.open_on(cluster.name)
        return await evaluate(
            cluster,
            change_request.request,
            others,
            change_request.options,
        )

    def _operation(self, caller: Caller, cluster: Cluster, change_request: ChangeRequest, terms: Terms) -> Operation:
        now = self.clock()
        return Operation(
            cluster=cluster.name,
            request=change_request.request,
            options=change_request.options,
            requester=caller.user,
            created_at=now,
            expires_at=now + terms.policy.expires_after,
            channel=cluster.operations_channel,
            reason=change_request.reason,
            terms=terms,
            trace=str(current()),
        )

    async def _open(self, op: Operation, evaluation: Evaluation, caller: Caller) -> Reply:
        if evaluation.verdict.blocked:
            refusals = ChecksRefuse(evaluation.verdict.of_level(CheckLevel.BLOCK))
            blocked = advance(op, OpState.BLOCKED, at=op.created_at, fact=refusals)
            noted = await self.repository.open(blocked, inbound_key=caller.key)
            facts = ProposalFacts(ProposalResult.BLOCKED, noted)
            return Reply(views.evaluation(noted, evaluation.verdict, dry_run=False), facts=facts, keeps_form=True)
        waiting = advance(op, OpState.WAITING, at=op.created_at, by=caller.user, kind=StepKind.PROPOSED)
        return await self._show(await self.repository.open(waiting, inbound_key=caller.key))

    async def _show(self, op: Operation) -> Reply:
        refusal = await self.posted(MessageKey.card(op.card_id), CARD_SECONDS)
        if refusal:
            await self.repository.withdraw(op.card_id, refusal)
            raise Refused(CardNotPosted(op.channel, refusal))
        ts = await self.repository.posted_at(op)
        link = await link_to(self.permalink, op.channel, ts)
        return Reply(views.proposed(op, link), facts=ProposalFacts(ProposalResult.PROPOSED, op, link))

    async def replace(
        self, caller: Caller, cluster: Cluster, wanted: Replacement, change_request: ChangeRequest
    ) -> Reply:
        """Show the plan of a replacement and propose its next step."""
        before, now = await cluster.snapshot_pair()
        caught_up = was_caught_up(await self.repository.recent(cluster.name, MAX_LISTED), wanted.dead, wanted.new)
        steps, step = next_change(wanted, change_request, before, now, caught_up=caught_up)
        plan = ops_list.plan(cluster.name, wanted.dead, wanted.new, steps)
        if step is None:
            return Reply(plan)
        reply = await self.propose(caller, cluster, step)
        return replace(reply, message=ops_list.joined(plan, reply.message))

    async def listed(self, cluster: str | None, *, open_only: bool) -> Sequence[Operation]:
        """List operations, the newest first; a switch that goes back later counts as open."""
        if open_only:
            leased = [op for op in await self.repository.time_limited() if cluster in {None, op.cluster}]
            found = {op.id: op for op in (*await self.repository.open_on(cluster), *leased)}
            return sorted(found.values(), key=lambda op: op.id, reverse=True)
        return await self.repository.recent(cluster, MAX_LISTED)

    async def of_disks(self, cluster: str) -> Sequence[Operation]:
        """List the operations that drop one disk or declare it broken, unless they did not take place."""
        return await self.repository.of_disks(cluster)

    async def shown(self, op_id: int) -> Operation:
        """Get one operation; raises Refused."""
        return await self.decisions.known(op_id)

    async def cancel(self, caller: Caller, op_id: int) -> Reply:
        """Cancel a waiting operation; its requester and admins may."""
        op = await self.decisions.known(op_id)
        with joined(op.trace):
            return Reply(views.line(await self.decisions.cancel(op, caller.user, key=caller.key)))

    async def reject(self, caller: Caller, op_id: int, *, reason: str) -> Reply:
        """Reject a waiting operation; those who may approve it may."""
        op = await self.decisions.known(op_id)
        with joined(op.trace):
            return Reply(views.line(await self.decisions.reject(op, caller.user, reason=reason, key=caller.key)))

    async def settle(self, caller: Caller, op_id: int, *, done: bool, reason: str) -> Reply:
        """Settle an operation whose outcome is unknown."""
        op = await self.decisions.known(op_id)
        with joined(op.trace):
            return Reply(views.settled(await self.decisions.settle(op, caller, done=done, reason=reason)))

    async def undelivered(self) -> Sequence[Undelivered]:
        """List the messages that Slack refused for good, the newest first."""
        async with self.repository.store.read() as uow:
            dead = await uow.outbox.dead(MAX_LISTED)
        return [Undelivered(post.channel, post.text, post.last_error, post.updated_at) for post in dead]

    async def redeliver(self, caller: Caller) -> Reply:
        """Post all of them once more; only a global admin may. The audit log records it."""
        await self.access.require(caller.user, Role.ADMIN)
        async with self.repository.store.begin() as uow:
            dead = await uow.outbox.dead(MAX_LISTED)
            tried = [str(post.message_key) for post in dead if await uow.outbox.requeue(post.message_key)]
            if caller.key:
                await uow.inbox.done(caller.key)
            detail = {"messages": tried}
            await uow.audit.append(AuditEntry(self.clock(), caller.user, "messages.retried", detail=detail))
        self.repository.wake()
        return Reply(ops_list.redelivered(len(tried)))


def _as_asked(caller: Caller, change_request: ChangeRequest) -> ChangeRequest:
    """Mark the change request of an agent; raises Refused for break-glass by one."""
    if not caller.agent:
        return change_request
    if change_request.options.forced:
        raise Refused(AgentMayNotForce())
    return replace(change_request, options=replace(change_request.options, agent=True))


def _first_read_by(change_request: ChangeRequest) -> str:
    """Schema revision of the first release that can read the operation, "" for all."""
    of_agent = AGENT_FIRST_READ_BY if change_request.options.agent else ""
    return max(of_agent, FIRST_READ_BY.get(change_request.request.kind, ""))


async def link_to(permalink: Permalink, channel: str, ts: str) -> str:
    """Get the address of a message, "" when it is not posted yet or Slack gives none."""
    if not ts:
        return ""
    try:
        return await permalink(channel, ts)
    except SlackError:
        return ""
