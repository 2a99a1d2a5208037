"""Execution: one request, then looking until the effect is seen; and the truth about what a dead process left."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.cluster.health import healthy_count, quorum, voter_health, voters
from bot.cluster.models import Snapshot
from bot.commands.spec import ClusterPort
from bot.errors import ClusterError, ClusterRefused, ClusterUnreachable, Conflict, OutcomeUnknown
from bot.operations.deeds import DEEDS, Sight
from bot.operations.ledger import Ledger
from bot.operations.model import Operation, OpState

log = structlog.get_logger(__name__)

LOOK_EVERY = 0.5
"""Seconds between two looks for the effect."""
STILL_SECONDS = 60.0
"""How long one leader with a quorum must have held, all applied, before an unseen effect counts as not applied."""


@dataclass(slots=True)
class Runner:
    """Carries out operations that were approved, and settles those whose outcome is not known."""

    ledger: Ledger
    clusters: Mapping[str, ClusterPort]
    clock: Callable[[], float]
    verify_within: float
    under_way: Counter[int] = field(default_factory=Counter)
    _still: dict[int, Snapshot] = field(default_factory=dict)

    async def start(self, op: Operation, cluster: ClusterPort, **step: Any) -> Operation:
        """Take the step to RUNNING and carry it out; raises Conflict when somebody else did before."""
        # Noted before it is stored, so that the sweep never takes it for what a dead process left; counted, because
        # of several that try at once all but one fail.
        self.under_way[op.id] += 1
        try:
            return await self._run(await self.ledger.move(op, OpState.RUNNING, **step), cluster)
        finally:
            self.under_way[op.id] -= 1
            if not self.under_way[op.id]:
                del self.under_way[op.id]

    async def _run(self, op: Operation, cluster: ClusterPort) -> Operation:
        try:
            await DEEDS[op.kind].send(cluster.api, op)
        except OutcomeUnknown as error:
            # Told at once: until the effect is seen nobody knows, and nothing of its kind may follow meanwhile.
            op = await self.ledger.move(op, OpState.UNKNOWN, words=told(error))
        except (ClusterRefused, ClusterUnreachable) as error:
            return await self.ledger.move(op, OpState.FAILED, words=told(error))
        seen = await self._watch(op, cluster)
        if seen is not None and seen.done:
            return await self.ledger.move(op, OpState.VERIFIED, words=seen.words)
        if op.state is OpState.UNKNOWN:
            return op
        found = seen.words if seen is not None else "what is so now could not be read back"
        words = f"the cluster answered 200, but the effect was not seen in {self.verify_within:g} s; {found}"
        return await self.ledger.move(op, OpState.UNKNOWN, words=words)

    async def _watch(self, op: Operation, cluster: ClusterPort) -> Sight | None:
        """Look until the effect is seen or the time is over: the last look that could be had."""
        seen: Sight | None = None
        until = self.clock() + self.verify_within
        while True:
            seen = await self._sight(op, cluster) or seen
            if (seen is not None and seen.done) or self.clock() >= until:
                return seen
            await asyncio.sleep(LOOK_EVERY)

    async def _sight(self, op: Operation, cluster: ClusterPort) -> Sight | None:
        try:
            return await DEEDS[op.kind].look(cluster, op)
        except ClusterError as error:
            log.info("operation.unread", op=op.id, error=str(error))
            return None

    async def sweep(self) -> None:
        """Expire what waited too long and settle what is not known; called by the clock."""
        for op in await self.ledger.due():
            await self._quietly(op, OpState.EXPIRED, "nobody decided on it in time")
        for op in await self.ledger.in_state(OpState.RUNNING):
            if op.id not in self.under_way and op.cluster in self.clusters:
                await self._adopt(op, self.clusters[op.cluster])
        for op in await self.ledger.in_state(OpState.UNKNOWN):
            if op.id not in self.under_way and op.cluster in self.clusters:
                await self._settle(op, self.clusters[op.cluster])

    async def close_gone(self) -> None:
        """Close the operations on clusters that the settings no longer name; called at the start."""
        for op in await self.ledger.open_on(None):
            if op.cluster not in self.clusters:
                asked = op.state in {OpState.RUNNING, OpState.UNKNOWN}
                came = "whether it was done is not known" if asked else "nothing was sent"
                await self._quietly(op, OpState.CLOSED, f"{op.cluster} is no longer in the settings; {came}")
        for op in await self.ledger.leased():
            if op.cluster not in self.clusters:
                words = f"{op.cluster} is no longer in the settings, so nothing is put back"
                await self.ledger.note(op, words=words, lease_until=0.0, warn_at=0.0)

    async def _quietly(self, op: Operation, to: OpState, words: str) -> None:
        try:
            await self.ledger.move(op, to, words=words)
        except Conflict:
            log.info("operation.moved_meanwhile", op=op.id)

    async def _adopt(self, op: Operation, cluster: ClusterPort) -> None:
        """Tell the truth about an operation whose process died while it ran: it is never sent again."""
        seen = await self._sight(op, cluster)
        if seen is not None and seen.done:
            await self._quietly(op, OpState.VERIFIED, f"cmbot was restarted meanwhile; {seen.words}")
        else:
            words = "cmbot was restarted while this ran; whether it was sent is not known"
            await self._quietly(op, OpState.UNKNOWN, words)

    async def _settle(self, op: Operation, cluster: ClusterPort) -> None:
        seen = await self._sight(op, cluster)
        if seen is not None and seen.done:
            await self._quietly(op, OpState.VERIFIED, f"the effect was seen; {seen.words}")
        elif await self._held_still(op, cluster):
            held = f"one leader with a quorum held for {STILL_SECONDS:g} s without it"
            await self._quietly(op, OpState.FAILED, f"not applied: {held}")

    async def _held_still(self, op: Operation, cluster: ClusterPort) -> bool:
        before, now = await cluster.two_looks(patient=False)
        if not settled(before, now):
            self._still.pop(op.id, None)
            return False
        start = self._still.setdefault(op.id, now)
        if reign(start) != reign(now):
            self._still[op.id] = now
            return False
        return now.at - start.at >= STILL_SECONDS


def settled(before: Snapshot | None, now: Snapshot) -> bool:
    """Whether one leader with a quorum of healthy voters has applied all that is committed, and transfers nothing."""
    if now.leader is None:
        return False
    status = now.leader[1].raft_status
    enough = healthy_count(voter_health(before, now)) >= quorum(len(voters(now.leader[1])))
    return enough and status.applied >= status.commit and status.transferee == 0


def reign(snapshot: Snapshot) -> tuple[int, int]:
    """Who leads in which term; (0, 0) when nobody does."""
    status = snapshot.leader[1].raft_status if snapshot.leader else None
    return (status.leader, status.term) if status else (0, 0)


def told(error: ClusterError) -> str:
    """What a cluster said, with what to quote to those who look after it."""
    return f"{error.sentence} (trace id {error.trace_id})" if error.trace_id else error.sentence
