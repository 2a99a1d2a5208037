"""Decisions on cards: approve, reject, cancel; judged anew on fresh state before anything runs."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from bot.common.errors import Conflict, NotAllowed, UserError
from bot.interactions.command import Caller, ClusterPort, Reply
from bot.interactions.events import Click
from bot.operations.change_request import policy_keys
from bot.operations.decisions import Act, refuse_decision
from bot.operations.model import Operation, OpState
from bot.operations.policy import Need, Policy, PolicyOf, Terms, missing, phrase, progress
from bot.operations.settlement import mark
from bot.operations.supersede import has_moved, replacement_of, what_moved
from bot.permissions.access import Access, GroupMembers, lacking_source
from bot.permissions.roles import Rights, Role
from bot.workflow.evaluation import Evaluation, evaluate
from bot.workflow.executor import Executor
from bot.workflow.lease_manager import LeaseClicks
from bot.workflow.permission_recheck import DecisionRights, dropped, people_of, requester_lacks, unsure
from bot.workflow.reevaluation import Judgement
from bot.workflow.repository import OperationRepository

ACTS: Mapping[str, Act] = {"op_confirm": Act.APPROVE, "op_reject": Act.REJECT, "op_cancel": Act.CANCEL}
_TRIES = 10
"""How often an approval is tried again when another one of the same card came in between."""


@dataclass(slots=True)
class ApprovalService:
    """Implements the port dispatch.Decider."""

    repository: OperationRepository
    runner: Executor
    access: Access
    clusters: Mapping[str, ClusterPort]
    policies: PolicyOf
    clock: Callable[[], float]
    leases: LeaseClicks
    members_now: GroupMembers
    """Looks a user group up past the cache, for the click that decides."""
    monotonic: Callable[[], float] = time.monotonic
    """The clock by which a judgement ages until its request is sent."""

    async def known(self, op_id: int) -> Operation:
        """The operation of that number; raises UserError."""
        op = await self.repository.get(op_id)
        if op is None:
            raise UserError(f"There is no operation #{op_id}. /cm ops state=recent lists the last ones.")
        return op

    async def decide(self, click: Click) -> Reply | None:
        """Carry out a click on a card; only the one who clicked is told why it did nothing."""
        act = ACTS.get(click.action_id)
        if act is None and click.action_id not in self.leases.actions:
            raise UserError("cmbot does not know this button: it belongs to an older version. Type the command again.")
        op = await self._of(click)
        if act is None:
            policy = self._policy(op)
            await self.leases.clicked(op, click, await self._rights(op, click.user, policy.source), policy)
        elif act is Act.APPROVE:
            await self._approve(op, click)
        elif act is Act.REJECT:
            await self._end(op, act, OpState.REJECTED, click.user, version=number(click.value, "v"), key=click.key)
        else:
            await self._end(op, act, OpState.CANCELLED, click.user, version=number(click.value, "v"), key=click.key)
        return None

    async def _of(self, click: Click) -> Operation:
        op_id = number(click.value, "op")
        op = await self.repository.get(op_id) if op_id else None
        if op is None or op.channel != click.channel:
            raise UserError("This button belongs to no operation that cmbot knows. Type the command again.")
        return op

    async def _rights(self, op: Operation, user: str, source: str) -> Rights:
        """What somebody holds; raises NotAllowed that names what the button wants when they hold nothing at all."""
        rights = await self.access.rights(user, op.cluster)
        if not rights.held and user != op.requester:
            raise NotAllowed(lacking_source(rights, source))
        return rights

    def _policy(self, op: Operation) -> Policy:
        return self.policies(op.cluster, policy_keys(op.request, op.options), op.forced)

    async def _end(self, op: Operation, act: Act, to: OpState, user: str, *, version: int, key: str = "") -> Operation:
        policy = self._policy(op)
        # Who may cancel is the requester or an admin: the refusal names them, no role would do.
        looked = self.access.rights(user, op.cluster) if act is Act.CANCEL else self._rights(op, user, policy.source)
        rights = await looked
        refusal = refuse_decision(op, act, rights, policy, version=version, now=self.clock())
        if refusal:
            raise UserError(refusal)
        try:
            return await self.repository.move(op, to, by=user, text=str(to), inbound_key=key)
        except Conflict as error:
            raise _too_late(op) from error

    async def cancel(self, op: Operation, user: str, *, key: str = "") -> Operation:
        """Cancel on behalf of somebody who typed the command."""
        return await self._end(op, Act.CANCEL, OpState.CANCELLED, user, version=op.version, key=key)

    async def settle(self, op: Operation, caller: Caller, *, done: bool, reason: str) -> Operation:
        """Note what an admin found out about an operation whose outcome is not known, and what cmbot sees of it."""
        await self.access.require(caller.user, Role.ADMIN, op.cluster)
        if op.state is not OpState.UNKNOWN:
            raise UserError(f"Operation #{op.id} is {op.state}: only one whose outcome is unknown can be settled.")
        to, came = (OpState.VERIFIED, "done") if done else (OpState.FAILED, "not done")
        text = f"settled as {came} by an admin: {reason}; {await self._seen_now(op)}"
        seen = mark(op, done=done, at=self.clock())
        try:
            return await self.repository.move(op, to, by=caller.user, text=text, seen=seen, inbound_key=caller.key)
        except Conflict as error:
            raise _too_late(op) from error

    async def _seen_now(self, op: Operation) -> str:
        cluster = self.clusters.get(op.cluster)
        observation = await self.runner.observation(op, cluster) if cluster is not None else None
        return (
            f"cmbot sees: {observation.text}" if observation is not None else "cmbot cannot read the cluster just now"
        )

    async def _approve(self, op: Operation, click: Click) -> None:
        policy = self._policy(op)
        rights = await self._rights(op, click.user, policy.source)
        case = _Case(click, policy)
        for _ in range(_TRIES):
            version = number(click.value, "v")
            refusal = refuse_decision(op, Act.APPROVE, rights, policy, version=version, now=self.clock())
            if refusal:
                raise UserError(refusal)
            cluster = self.clusters.get(op.cluster)
            if cluster is None:
                text = f"{op.cluster} is no longer in the settings; nothing was sent"
                await self.repository.move(op, OpState.CLOSED, by=click.user, text=text, inbound_key=click.key)
                return
            try:
                await self._weigh(op, case, cluster)
            except _Lost:
                op = await self.known(op.id)
            else:
                return
        raise _too_late(op)

    async def _weigh(self, op: Operation, case: "_Case", cluster: ClusterPort) -> None:
        """Count an approval, void it, or run; raises _Lost when somebody else took a step meanwhile."""
        click, policy = case.click, case.policy
        try:
            people = await people_of(self.access, op, click.user)
            short = missing(policy, op.requester, people.given)
            if short and short == missing(policy, op.requester, people.earlier):
                raise UserError(f"Operation #{op.id} has your kind of approval already: it waits for {phrase(short)}.")
            if not short:
                again = await self._recounted(op, click, policy)
                if again is None:
                    return
                op, people = again
                short = missing(policy, op.requester, people.given)
            case.evaluation = case.evaluation or await self._judge(op, cluster)
            await self._carry_on(op, case, cluster, case.evaluation, short)
        except Conflict as error:
            if (await self.known(op.id)).version == op.version:
                raise
            raise _Lost from error

    async def _recounted(self, op: Operation, click: Click, policy: Policy) -> tuple[Operation, DecisionRights] | None:
        """The operation with the approvals that hold now, looked up again; None when its requester lost their role."""
        people = await people_of(self.access, op, click.user, now=self.members_now)
        if group := unsure(op, policy, people):
            raise UserError(
                f"Slack could not tell who is in the user group {group}, so nothing was sent. Click again in a moment."
            )
        if lost := requester_lacks(op, people):
            text = f"its requester no longer holds {lost}"
            await self.repository.move(op, OpState.CANCELLED, text=text, inbound_key=click.key)
            return None
        refusal = refuse_decision(op, Act.APPROVE, people.clicker, policy, version=op.version, now=self.clock())
        if refusal:
            raise UserError(refusal)
        gone = dropped(policy, op, people)
        if not gone:
            return op, people
        kept = tuple(user for user in op.approvals if user not in gone)
        told = "; ".join(f"{user} no longer holds {source}" for user, source in gone.items())
        op = await self.repository.note(op, text=f"an approval counts no more: {told}", approvals=kept)
        return op, replace(people, earlier=tuple(each for each in people.earlier if each.user not in gone))

    async def _judge(self, op: Operation, cluster: ClusterPort) -> Evaluation:
        others = await self.repository.open_on(op.cluster, but=op.id)
        return await evaluate(cluster, op.request, others, op.options)

    async def _carry_on(
        self, op: Operation, case: "_Case", cluster: ClusterPort, evaluation: Evaluation, short: Mapping[str, int]
    ) -> None:
        click, policy = case.click, case.policy
        if has_moved(op, evaluation.verdict):
            await self._supersede(op, policy, evaluation, by=click.user, key=click.key)
            return
        approvals = (*op.approvals, click.user)
        if short:
            terms = Terms(op.terms.policy if op.terms else policy, tuple(Need(*each) for each in short.items()))
            text = f"approved ({progress(policy, short)})"
            await self.repository.note(
                op, by=click.user, text=text, approvals=approvals, terms=terms, inbound_key=click.key
            )
            return

        async def end(running: Operation, found: Evaluation | str) -> Operation | None:
            return await self._end_unsent(running, policy, found)

        # The step to running compares versions: of many who click at once only one gets through.
        await self.runner.start(
            op,
            cluster,
            Judgement(evaluation, partial(self._judge, op, cluster), end, self.monotonic),
            by=click.user,
            text="approved",
            seen=evaluation.seen,
            approvals=approvals,
            inbound_key=click.key,
        )

    async def _end_unsent(self, running: Operation, policy: Policy, found: Evaluation | str) -> Operation | None:
        """End what was judged again right before sending, where the new judgement voids the approval."""
        if isinstance(found, str):
            return await self.repository.move(running, OpState.BLOCKED, text=found)
        if not has_moved(running, found.verdict):
            return None
        return await self._supersede(running, policy, found)

    async def _supersede(
        self, op: Operation, policy: Policy, evaluation: Evaluation, *, by: str = "", key: str = ""
    ) -> Operation:
        changed = what_moved(op, evaluation.verdict)
        text = f"the cluster moved since the card was shown: {'; '.join(changed)}"
        so_already = "; so it is as asked already" if evaluation.verdict.already_so else ""
        pointless = (
            "; nothing is left to force: type the command again without force=yes" if _unforced(op, evaluation) else ""
        )
        if so_already or pointless:
            text += so_already or pointless
            return await self.repository.move(op, OpState.SUPERSEDED, by=by, text=text, inbound_key=key)
        replacement = replacement_of(op, evaluation.seen, evaluation.verdict, changed, policy, now=self.clock())
        return await self.repository.supersede(op, replacement, by=by, text=text, inbound_key=key)


def _unforced(op: Operation, evaluation: Evaluation) -> bool:
    """Whether break-glass was asked for where the checks refuse nothing any more."""
    return op.forced and not evaluation.forces and not evaluation.verdict.blocked


@dataclass(slots=True)
class _Case:
    """One approving click, the policy that it counts for, and the judgement made for it."""

    click: Click
    policy: Policy
    evaluation: Evaluation | None = None


class _Lost(Exception):
    """Somebody else took a step in between."""


def _too_late(op: Operation) -> UserError:
    return UserError(f"Somebody decided on operation #{op.id} a moment before you: see its card.")


def number(value: str, key: str) -> int:
    """A whole number that a button carries, 0 when it carries none: what a payload claims is not believed."""
    try:
        found = json.loads(value)[key]
    except (ValueError, TypeError, KeyError, RecursionError):
        return 0
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 1 << 53 else 0
