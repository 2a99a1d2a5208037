"""The desk: takes proposals, shows their cards, takes the decisions made on them."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.access import Access
from bot.commands.spec import Caller, ClusterPort, Reply, SwitchRequest
from bot.dispatch import Click
from bot.errors import Conflict, SlackError, UserError
from bot.operations.approvals import refuse_decision
from bot.operations.ledger import Ledger
from bot.operations.model import Operation, OpKind, OpState, advance
from bot.operations.runner import Runner
from bot.operations.switch import SwitchLook, look_at_switch
from bot.views import operations as views

CARD_SECONDS = 8.0
"""How long the requester waits to be told where the card is; the card is delivered even if that takes longer."""

Permalink = Callable[[str, str], Awaitable[str]]
"""The address of a message (channel, ts); raises SlackError."""


@dataclass(slots=True)
class Desk:
    """Implements the ports commands.spec.Proposer and dispatch.Decider."""

    ledger: Ledger
    runner: Runner
    access: Access
    clusters: Mapping[str, ClusterPort]
    permalink: Permalink
    clock: Callable[[], float]
    expires_after: float
    posted: Callable[[str, float], Awaitable[str]]
    """Waits until the outbox posted a slot, for so many seconds: the channel's refusal in words, or "" when posted."""

    async def propose_switch(self, caller: Caller, cluster: ClusterPort, request: SwitchRequest) -> Reply:
        """Propose to turn a task on or off; the reply tells where the card is."""
        look = await look_at_switch(cluster, request.task, on=request.on)
        if look.already:
            return Reply(views.already(cluster.name, request.task, look.to_json()))
        now = self.clock()
        op = Operation(
            cluster=cluster.name,
            kind=OpKind.TASK_SWITCH,
            request={"task": request.task, "on": request.on, "reason": request.reason},
            requester=caller.user,
            created_at=now,
            expires_at=now + self.expires_after,
            channel=cluster.operations_channel,
            reason=request.reason,
        )
        waiting = advance(op, OpState.WAITING, at=now, by=caller.user, words="proposed", seen=look.to_json())
        return await self._show(await self.ledger.open(waiting, inbound_key=caller.key))

    async def _show(self, op: Operation) -> Reply:
        trouble = await self.posted(f"op:{op.id}", CARD_SECONDS)
        if trouble:
            await self.ledger.withdraw(op.id, trouble)
            raise UserError(
                f"Nothing was proposed: the card cannot be posted in <#{op.channel}> ({trouble}). "
                "Invite cmbot there, or change the cluster's operations_channel."
            )
        ts = await self.ledger.posted_at(op)
        return Reply(views.proposed(op, await self._link(op, ts)))

    async def _link(self, op: Operation, ts: str) -> str:
        if not ts:
            return ""
        try:
            return await self.permalink(op.channel, ts)
        except SlackError:
            return ""

    async def decide(self, click: Click) -> Reply | None:
        """Carry out a click on a card; only the one who clicked is told why it did nothing."""
        op = await self._operation(click)
        cancelling = click.action_id == "op_cancel"
        await self.access.require_operator(click.user)
        refusal = refuse_decision(
            op, user=click.user, version=_version(click.value), now=self.clock(), cancelling=cancelling
        )
        if refusal is not None:
            raise UserError(refusal.sentence)
        try:
            if cancelling:
                await self.ledger.move(op, OpState.CANCELLED, by=click.user, words="cancelled", inbound_key=click.key)
            else:
                await self._confirm(op, click)
        except Conflict as error:
            raise UserError(f"Somebody decided on operation {op.id} a moment before you: see its card.") from error
        return None

    async def _operation(self, click: Click) -> Operation:
        if click.action_id not in {"op_confirm", "op_cancel"}:
            raise UserError("cmbot does not know this button: it belongs to an older version. Type the command again.")
        op_id = _number(click.value, "op")
        op = await self.ledger.get(op_id) if op_id else None
        if op is None or op.channel != click.channel:
            raise UserError("This button belongs to no operation that cmbot knows. Type the command again.")
        return op

    async def _confirm(self, op: Operation, click: Click) -> None:
        cluster = self.clusters.get(op.cluster)
        if cluster is None:
            await self.ledger.move(
                op, OpState.BLOCKED, by=click.user, words=f"{op.cluster} is no longer configured", inbound_key=click.key
            )
            return
        fresh = await look_at_switch(cluster, op.request["task"], on=op.request["on"])
        if moved := _difference(op, fresh):
            await self.ledger.move(op, OpState.SUPERSEDED, by=click.user, words=moved, inbound_key=click.key)
            return
        running = await self.ledger.move(
            op, OpState.RUNNING, by=click.user, words="confirmed", seen=fresh.to_json(), inbound_key=click.key
        )
        await self.runner.run(running, cluster)


def _difference(op: Operation, fresh: SwitchLook) -> str:
    before = op.seen
    if (before["value"], before["will_send"]) == (fresh.value, fresh.will_send):
        return ""
    return (
        f"the cluster moved since the card was shown: {fresh.key} was {_shown(before['value'])}, "
        f"now it is {_shown(fresh.value)}; nothing was sent"
    )


def _shown(value: str | None) -> str:
    return "unset" if value is None else json.dumps(value, ensure_ascii=False)


def _number(value: str, key: str) -> int:
    try:
        number = json.loads(value)[key]
    except (ValueError, TypeError, KeyError, RecursionError):
        return 0
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 1 << 53 else 0


def _version(value: str) -> int:
    return _number(value, "v")
