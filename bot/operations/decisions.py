"""Decisions on cards: approve, reject, cancel; judged anew on fresh state before anything runs."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.access import Access, lacking_source
from bot.commands.spec import Caller, ClusterPort, Reply
from bot.dispatch import Click
from bot.errors import Conflict, NotAllowed, UserError
from bot.operations.approvals import Act, Policy, enough, refuse_decision
from bot.operations.judge import Judged, judge
from bot.operations.leasing import LeaseClicks
from bot.operations.ledger import Ledger
from bot.operations.model import Operation, OpState
from bot.operations.requests import request_from_json
from bot.operations.runner import Runner
from bot.operations.successor import has_moved, succeed, what_moved
from bot.operations.wish import policy_key
from bot.rights import Holder, Rights

ACTS: Mapping[str, Act] = {"op_confirm": Act.APPROVE, "op_reject": Act.REJECT, "op_cancel": Act.CANCEL}
_TRIES = 10
"""How often an approval is tried again when another one of the same card came in between."""


@dataclass(slots=True)
class Decisions:
    """Implements the port dispatch.Decider."""

    ledger: Ledger
    runner: Runner
    access: Access
    clusters: Mapping[str, ClusterPort]
    policies: Callable[[str, str, bool], Policy]
    clock: Callable[[], float]
    leases: LeaseClicks

    async def known(self, op_id: int) -> Operation:
        """The operation of that number; raises UserError."""
        op = await self.ledger.get(op_id)
        if op is None:
            raise UserError(f"There is no operation {op_id}. /cm ops state=recent lists the last ones.")
        return op

    async def decide(self, click: Click) -> Reply | None:
        """Carry out a click on a card; only the one who clicked is told why it did nothing."""
        act = ACTS.get(click.action_id)
        if act is None and click.action_id not in self.leases.actions:
            raise UserError("cmbot does not know this button: it belongs to an older version. Type the command again.")
        op = await self._of(click)
        if act is None:
            await self.leases.clicked(op, click, await self._rights(op, click.user, Holder.OPERATOR))
        elif act is Act.APPROVE:
            await self._approve(op, click)
        elif act is Act.REJECT:
            await self._end(op, act, OpState.REJECTED, click.user, version=number(click.value, "v"), key=click.key)
        else:
            await self._end(op, act, OpState.CANCELLED, click.user, version=number(click.value, "v"), key=click.key)
        return None

    async def _of(self, click: Click) -> Operation:
        op_id = number(click.value, "op")
        op = await self.ledger.get(op_id) if op_id else None
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
        return self.policies(op.cluster, policy_key(op.kind, op.request), op.forced)

    async def _end(self, op: Operation, act: Act, to: OpState, user: str, *, version: int, key: str = "") -> Operation:
        policy = self._policy(op)
        # Who may cancel is the requester or an admin: the refusal names them, no role would do.
        looked = self.access.rights(user, op.cluster) if act is Act.CANCEL else self._rights(op, user, policy.source)
        rights = await looked
        refusal = refuse_decision(op, act, rights, policy, version=version, now=self.clock())
        if refusal:
            raise UserError(refusal)
        try:
            return await self.ledger.move(op, to, by=user, words=str(to), inbound_key=key)
        except Conflict as error:
            raise _too_late(op) from error

    async def cancel(self, op: Operation, user: str, *, key: str = "") -> Operation:
        """Cancel on behalf of somebody who typed the command."""
        return await self._end(op, Act.CANCEL, OpState.CANCELLED, user, version=op.version, key=key)

    async def settle(self, op: Operation, caller: Caller, *, done: bool, reason: str) -> Operation:
        """Note what an admin found out about an operation whose outcome is not known."""
        await self.access.require(caller.user, Holder.ADMIN, op.cluster)
        if op.state is not OpState.UNKNOWN:
            raise UserError(f"Operation {op.id} is {op.state}: only one whose outcome is unknown can be settled.")
        to, came = (OpState.VERIFIED, "done") if done else (OpState.FAILED, "not done")
        words = f"settled as {came} by an admin: {reason}"
        try:
            return await self.ledger.move(op, to, by=caller.user, words=words, inbound_key=caller.key)
        except Conflict as error:
            raise _too_late(op) from error

    async def _approve(self, op: Operation, click: Click) -> None:
        policy = self._policy(op)
        rights = await self._rights(op, click.user, policy.source)
        judged: Judged | None = None
        for _ in range(_TRIES):
            version = number(click.value, "v")
            refusal = refuse_decision(op, Act.APPROVE, rights, policy, version=version, now=self.clock())
            if refusal:
                raise UserError(refusal)
            cluster = self.clusters.get(op.cluster)
            if cluster is None:
                words = f"{op.cluster} is no longer in the settings; nothing was sent"
                await self.ledger.move(op, OpState.CLOSED, by=click.user, words=words, inbound_key=click.key)
                return
            judged = judged or await self._judge(op, cluster)
            try:
                await self._carry_on(op, click, cluster, policy, judged)
            except _Lost:
                op = await self.known(op.id)
            else:
                return
        raise _too_late(op)

    async def _judge(self, op: Operation, cluster: ClusterPort) -> Judged:
        others = await self.ledger.open_on(op.cluster, but=op.id)
        request = request_from_json(op.kind, op.request)
        return await judge(cluster, request, others, dialect=str(op.request.get("dialect", "")), forced=op.forced)

    async def _carry_on(
        self, op: Operation, click: Click, cluster: ClusterPort, policy: Policy, judged: Judged
    ) -> None:
        """Void the approval, count it, or run; raises _Lost when somebody else took a step meanwhile."""
        approvals = (*op.approvals, click.user)
        try:
            if has_moved(op, judged.verdict):
                await self._supersede(op, click, policy, judged)
                return
            if not enough(op, policy, click.user):
                words = f"approved ({len(approvals)} of {policy.approvals})"
                await self.ledger.note(op, by=click.user, words=words, approvals=approvals, inbound_key=click.key)
                return
            # The step to running compares versions: of many who click at once only one gets through.
            await self.runner.start(
                op,
                cluster,
                by=click.user,
                words="approved",
                seen=judged.seen,
                approvals=approvals,
                inbound_key=click.key,
            )
        except Conflict as error:
            if (await self.known(op.id)).version == op.version:
                raise
            raise _Lost from error

    async def _supersede(self, op: Operation, click: Click, policy: Policy, judged: Judged) -> None:
        changed = what_moved(op, judged.verdict)
        words = f"the cluster moved since the card was shown: {'; '.join(changed)}"
        if judged.verdict.already_so:
            words += "; so it is as asked already"
            await self.ledger.move(op, OpState.SUPERSEDED, by=click.user, words=words, inbound_key=click.key)
            return
        successor = succeed(op, judged.seen, judged.verdict, changed, policy, now=self.clock())
        await self.ledger.supersede(op, successor, by=click.user, words=words, inbound_key=click.key)


class _Lost(Exception):
    """Somebody else took a step in between."""


def _too_late(op: Operation) -> UserError:
    return UserError(f"Somebody decided on operation {op.id} a moment before you: see its card.")


def number(value: str, key: str) -> int:
    """A whole number that a button carries, 0 when it carries none: what a payload claims is not believed."""
    try:
        found = json.loads(value)[key]
    except (ValueError, TypeError, KeyError, RecursionError):
        return 0
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 1 << 53 else 0
