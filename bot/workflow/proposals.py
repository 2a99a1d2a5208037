"""The desk: takes proposals, judges them, shows their cards, answers what is asked about operations."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.audit.chain import AuditEntry
from bot.common.errors import Conflict, NotAllowed, UserError
from bot.interactions.command import Caller, ClusterPort, Replacement, Reply
from bot.interactions.message import Undelivered
from bot.operations.change_request import ChangeRequest
from bot.operations.model import Operation, OpState, advance
from bot.operations.policy import Policy, PolicyOf, Terms, refuse_proposal
from bot.operations.preflight.check import CheckLevel
from bot.operations.settlement import CANNOT_SEE
from bot.permissions.access import Access
from bot.permissions.roles import Role
from bot.views import operations as views
from bot.views import ops_list
from bot.workflow.approvals import ApprovalService
from bot.workflow.evaluation import Evaluation, evaluate
from bot.workflow.permalinks import Permalink, link_to
from bot.workflow.replacement import next_wish, was_caught_up
from bot.workflow.repository import OperationRepository, card_slot

CARD_SECONDS = 8.0
"""How long the requester waits to be told where the card is; the card is delivered even if that takes longer."""
MOST_LISTED = 50


@dataclass(slots=True)
class ProposalService:
    """Implements the port commands.spec.Proposer."""

    repository: OperationRepository
    access: Access
    clusters: Mapping[str, ClusterPort]
    decisions: ApprovalService
    policies: PolicyOf
    permalink: Permalink
    clock: Callable[[], float]
    posted: Callable[[str, float], Awaitable[str]]
    """Waits until the outbox posted a slot, for so many seconds: the channel's refusal in words, or "" when posted."""

    async def propose(self, caller: Caller, cluster: ClusterPort, change_request: ChangeRequest) -> Reply:
        """Judge a wish and propose it; the reply tells where the card is, or what speaks against it."""
        policy, lacking = await self._allowed(caller, cluster, change_request)
        for last in (False, True):
            evaluation = await self._judge(cluster, change_request)
            op = self._operation(caller, cluster, change_request, policy)
            op = replace(op, seen=evaluation.seen)
            if evaluation.verdict.already_so:
                return Reply(views.already(op))
            if change_request.options.forced and not evaluation.forces and not evaluation.verdict.blocked:
                raise UserError("There is nothing to force: the checks refuse nothing. Leave force=yes out.")
            if lacking:
                raise UserError(lacking)
            if change_request.dry_run:
                return Reply(views.evaluation(op, evaluation.verdict, dry_run=True))
            try:
                return await self._open(op, evaluation, caller)
            except Conflict:
                # Somebody proposed the like meanwhile: judged anew, that stands in the way.
                if last:
                    raise
        raise AssertionError("the loop returns or raises")

    async def _allowed(self, caller: Caller, cluster: ClusterPort, change_request: ChangeRequest) -> tuple[Policy, str]:
        """The policy, and what a forced wish lacks besides rights: asked for once there is something to force."""
        policy = self.policies(cluster.name, change_request.policy_keys, change_request.options.forced)
        rights = await self.access.rights(caller.user, cluster.name)
        sentence, of_rights = refuse_proposal(
            policy, rights, channel=caller.channel, reason=change_request.reason, forced=change_request.options.forced
        )
        if sentence and (of_rights or not change_request.options.forced):
            raise (NotAllowed if of_rights else UserError)(sentence)
        return policy, sentence

    async def _judge(self, cluster: ClusterPort, change_request: ChangeRequest) -> Evaluation:
        others = await self.repository.open_on(cluster.name)
        return await evaluate(
            cluster,
            change_request.request,
            others,
            change_request.options,
        )

    def _operation(
        self, caller: Caller, cluster: ClusterPort, change_request: ChangeRequest, policy: Policy
    ) -> Operation:
        now = self.clock()
        return Operation(
            cluster=cluster.name,
            request=change_request.request,
            options=change_request.options,
            requester=caller.user,
            created_at=now,
            expires_at=now + policy.expires_after,
            channel=cluster.operations_channel,
            reason=change_request.reason,
            terms=Terms(policy),
        )

    async def _open(self, op: Operation, evaluation: Evaluation, caller: Caller) -> Reply:
        if evaluation.verdict.blocked:
            why = " ".join(check.sentence for check in evaluation.verdict.of_level(CheckLevel.BLOCK))
            blocked = advance(op, OpState.BLOCKED, at=op.created_at, text=why)
            noted = await self.repository.open(blocked, inbound_key=caller.key)
            return Reply(views.evaluation(noted, evaluation.verdict, dry_run=False))
        waiting = advance(op, OpState.WAITING, at=op.created_at, by=caller.user, text="proposed")
        return await self._show(await self.repository.open(waiting, inbound_key=caller.key))

    async def _show(self, op: Operation) -> Reply:
        trouble = await self.posted(card_slot(op.card_id), CARD_SECONDS)
        if trouble:
            await self.repository.withdraw(op.card_id, trouble)
            raise UserError(
                f"Nothing was proposed: the card cannot be posted in <#{op.channel}> ({trouble}). "
                "Invite cmbot there, or change the cluster's operations_channel."
            )
        ts = await self.repository.posted_at(op)
        return Reply(views.proposed(op, await link_to(self.permalink, op.channel, ts)))

    async def replace(
        self, caller: Caller, cluster: ClusterPort, wanted: Replacement, change_request: ChangeRequest
    ) -> Reply:
        """Show the plan of a replacement and propose its next step."""
        before, now = await cluster.snapshot_pair()
        caught_up = was_caught_up(await self.repository.recent(cluster.name, MOST_LISTED), wanted.dead, wanted.new)
        steps, step = next_wish(wanted, change_request, before, now, caught_up=caught_up)
        plan = ops_list.plan(cluster.name, wanted.dead, wanted.new, steps)
        if step is None:
            return Reply(plan)
        return Reply(ops_list.joined(plan, (await self.propose(caller, cluster, step)).message))

    async def listed(self, cluster: str | None, *, open_only: bool) -> Sequence[Operation]:
        """Operations, the newest first."""
        if open_only:
            return list(reversed(await self.repository.open_on(cluster)))
        return await self.repository.recent(cluster, MOST_LISTED)

    async def shown(self, op_id: int) -> Operation:
        """One operation."""
        return await self.decisions.known(op_id)

    async def cancel(self, caller: Caller, op_id: int) -> Reply:
        """Cancel what waits for approval: its requester may, and an admin."""
        op = await self.decisions.known(op_id)
        return Reply(views.line(await self.decisions.cancel(op, caller.user, key=caller.key)))

    async def settle(self, caller: Caller, op_id: int, *, done: bool, reason: str) -> Reply:
        """Say what became of an operation whose outcome is not known."""
        op = await self.decisions.known(op_id)
        return Reply(views.settled(await self.decisions.settle(op, caller, done=done, reason=reason), CANNOT_SEE))

    async def undelivered(self) -> Sequence[Undelivered]:
        """The messages that Slack refused for good, the newest first."""
        async with self.repository.store.read() as uow:
            dead = await uow.outbox.dead(MOST_LISTED)
        return [Undelivered(post.channel, post.text, post.last_error, post.updated_at) for post in dead]

    async def redeliver(self, caller: Caller) -> Reply:
        """Try all of them once more; an admin's of all clusters, noted in the audit log."""
        await self.access.require(caller.user, Role.ADMIN)
        async with self.repository.store.begin() as uow:
            tried = [post.slot for post in await uow.outbox.dead(MOST_LISTED) if await uow.outbox.requeue(post.slot)]
            if caller.key:
                await uow.inbound.done(caller.key)
            detail = {"messages": tried}
            await uow.audit.append(AuditEntry(self.clock(), caller.user, "messages.retried", detail=detail))
        self.repository.wake()
        return Reply(ops_list.redelivered(len(tried)))
