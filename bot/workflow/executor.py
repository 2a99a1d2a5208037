"""Execution: one request, then looking until the effect is seen; and the truth about what a dead process left."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from bot.clustermgr.health import healthy_count, quorum, voter_health, voters
from bot.clustermgr.models import Snapshot
from bot.common.errors import ClusterError, ClusterRefused, ClusterUnreachable, Conflict, Fenced, OutcomeUnknown
from bot.interactions.command import ClusterPort
from bot.leadership.ports import Duty, all_of_it
from bot.operations.model import Operation, OpState
from bot.operations.settlement import MAX_COMPARED, changed_later, closed, compare, is_open
from bot.workflow.actions import Observation, observe, send
from bot.workflow.reevaluation import Judgement
from bot.workflow.repository import OperationRepository

log = structlog.get_logger(__name__)

LOOK_EVERY = 0.5
"""Seconds between two looks for the effect."""
LAST_LOOK_SECONDS = 30.0
"""How much longer than its time the last look for an effect may take before another process settles it."""
STILL_SECONDS = 60.0
"""How long one leader with a quorum must have held, all applied, before an unseen effect counts as not applied."""


def always() -> bool:
    """Say yes."""
    return True


@dataclass(slots=True)
class Executor:
    """Carries out operations that were approved, and settles those whose outcome is not known.

    `alive` tells whether this process may act: others settle what a process runs that they count as dead.
    """

    repository: OperationRepository
    clusters: Mapping[str, ClusterPort]
    clock: Callable[[], float]
    verify_within: float
    alive: Callable[[], bool] = always
    under_way: Counter[int] = field(default_factory=Counter)
    _still: dict[int, Snapshot] = field(default_factory=dict)

    async def start(self, op: Operation, cluster: ClusterPort, judgement: Judgement, **step: Any) -> Operation:
        """Take the step to RUNNING and carry it out; raises Conflict when somebody else did before, else Fenced.

        The request is sent only on a fresh judgement: the step itself may have waited for the database.
        """
        if not self.alive():
            raise Fenced("This process was out of touch with the database, so nothing was sent.")
        # Noted before it is stored, so that the sweep never takes it for what a dead process left; counted, because
        # of several that try at once all but one fail.
        self.under_way[op.id] += 1
        try:
            running = await self.repository.move(op, OpState.RUNNING, **step)
            return await self._carry_out(running, cluster, judgement)
        finally:
            self.under_way[op.id] -= 1
            if not self.under_way[op.id]:
                del self.under_way[op.id]

    async def _carry_out(self, op: Operation, cluster: ClusterPort, judgement: Judgement) -> Operation:
        try:
            op, sendable = await judgement.confirm(op)
            return await self._run(op, cluster) if sendable else op
        except Conflict:
            # Counted as dead meanwhile: what another process found out stands.
            log.warning("operation.taken_over", op=op.id)
            return await self.repository.get(op.id) or op

    async def _run(self, op: Operation, cluster: ClusterPort) -> Operation:
        if not self.alive():
            text = "nothing was sent: this process was out of touch with the database"
            return await self.repository.move(op, OpState.FAILED, text=text)
        try:
            await send(cluster.api, op)
        except OutcomeUnknown as error:
            # Told at once: until the effect is seen nobody knows, and nothing of its kind may follow meanwhile.
            op = await self.repository.move(op, OpState.UNKNOWN, text=told(error))
        except (ClusterRefused, ClusterUnreachable) as error:
            return await self.repository.move(op, OpState.FAILED, text=told(error))
        seen = await self._watch(op, cluster)
        if seen is not None and seen.done:
            return await self.repository.move(op, OpState.VERIFIED, text=seen.text)
        if op.state is OpState.UNKNOWN:
            return op
        found = seen.text if seen is not None else "what is so now could not be read back"
        text = f"the cluster answered 200, but the effect was not seen in {self.verify_within:g} s; {found}"
        return await self.repository.move(op, OpState.UNKNOWN, text=text)

    async def _watch(self, op: Operation, cluster: ClusterPort) -> Observation | None:
        """Look until the effect is seen or the time is over: the last look that could be had."""
        seen: Observation | None = None
        until = self.clock() + self.verify_within
        while True:
            seen = await self.observation(op, cluster) or seen
            if (seen is not None and seen.done) or self.clock() >= until:
                return seen
            await asyncio.sleep(LOOK_EVERY)

    async def observation(self, op: Operation, cluster: ClusterPort) -> Observation | None:
        """Look for the effect once; None when the cluster cannot be read."""
        try:
            return await observe(cluster, op)
        except ClusterError as error:
            log.info("operation.unread", op=op.id, error=str(error))
            return None

    async def sweep(self, fence_for: Duty = all_of_it) -> None:
        """Expire what waited too long and settle what is not known, where it is ours to do; called by the clock."""
        for op in await self.repository.due():
            if fence := fence_for(op.cluster):
                await _quietly(self.repository.fenced(fence), op, OpState.EXPIRED, "nobody decided on it in time")
        for op in await self.repository.in_state(OpState.RUNNING):
            if repository := await self._ours(op, fence_for):
                await self._adopt(op, self.clusters[op.cluster], repository)
        for op in await self.repository.in_state(OpState.UNKNOWN):
            if repository := await self._ours(op, fence_for):
                await self._settle(op, self.clusters[op.cluster], repository)
        recent = await self.repository.recent(None, MAX_COMPARED)
        for op in filter(is_open, recent):
            if op.cluster in self.clusters and (fence := fence_for(op.cluster)):
                await self._compare(
                    op, self.clusters[op.cluster], self.repository.fenced(fence), changed_later(op, recent)
                )

    async def _ours(self, op: Operation, fence_for: Duty) -> OperationRepository | None:
        """The book to settle it with; None while somebody carries it out, be it here, and where it is not ours."""
        if op.id in self.under_way or op.cluster not in self.clusters:
            return None
        if op.state is OpState.RUNNING and op.runner == self.repository.owner:
            return self.repository
        fence = fence_for(op.cluster)
        if fence is None or await self._still_runs(op):
            return None
        return self.repository.fenced(fence)

    async def _still_runs(self, op: Operation) -> bool:
        until = op.history[-1].at + self.verify_within + LAST_LOOK_SECONDS
        looked_for = op.state is OpState.RUNNING or self.clock() < until
        return looked_for and op.runner != self.repository.owner and op.runner in await self.repository.living()

    async def close_gone(self, known: Collection[str] = ()) -> None:
        """Close the operations on clusters that no settings name, ours or (`known`) others'; called at the start."""
        for op in await self.repository.open_on(None):
            if op.cluster not in {*self.clusters, *known}:
                asked = op.state in {OpState.RUNNING, OpState.UNKNOWN}
                came = "whether it was done is not known" if asked else "nothing was sent"
                await _quietly(
                    self.repository, op, OpState.CLOSED, f"{op.cluster} is no longer in the settings; {came}"
                )
        for op in await self.repository.leased():
            if op.cluster not in {*self.clusters, *known}:
                text = f"{op.cluster} is no longer in the settings, so nothing is put back"
                await self.repository.note(op, text=text, lease_until=0.0, warn_at=0.0)

    async def _adopt(self, op: Operation, cluster: ClusterPort, repository: OperationRepository) -> None:
        """Tell the truth about an operation whose process stopped while it ran: it is never sent again."""
        ours = op.runner == self.repository.owner
        what = "what came of it could not be noted" if ours else "the cmbot process that ran this stopped"
        seen = await self.observation(op, cluster)
        if seen is not None and seen.done:
            await _quietly(repository, op, OpState.VERIFIED, f"{what}; {seen.text}")
        else:
            await _quietly(repository, op, OpState.UNKNOWN, f"{what}; whether it was sent is not known")

    async def _settle(self, op: Operation, cluster: ClusterPort, repository: OperationRepository) -> None:
        seen = await self.observation(op, cluster)
        if seen is not None and seen.done:
            await _quietly(repository, op, OpState.VERIFIED, f"the effect was seen; {seen.text}")
        elif await self._held_still(op, cluster):
            held = f"one leader with a quorum held for {STILL_SECONDS:g} s without it"
            await _quietly(repository, op, OpState.FAILED, f"not applied: {held}")

    async def _compare(self, op: Operation, cluster: ClusterPort, repository: OperationRepository, over: bool) -> None:
        """Compare what an admin said of an unknown outcome with the cluster, and show a contradiction on the card."""
        if over:
            found: tuple[str, bool] | None = "a later operation changed it since: not compared any more", False
        else:
            seen = await self.observation(op, cluster)
            if seen is None:
                return
            calm = not seen.done and await self._held_still(op, cluster)
            found = compare(op, seen.text, there=seen.done, calm=calm)
        if found is None:
            return
        text, contradicts = found
        try:
            await repository.note(op, text=text, seen=closed(op, text, contradicts=contradicts, at=self.clock()))
        except (Conflict, Fenced):
            log.info("operation.moved_meanwhile", op=op.id)

    async def _held_still(self, op: Operation, cluster: ClusterPort) -> bool:
        before, now = await cluster.snapshot_pair(patient=False)
        if not settled(before, now):
            self._still.pop(op.id, None)
            return False
        start = self._still.setdefault(op.id, now)
        if reign(start) != reign(now):
            self._still[op.id] = now
            return False
        return now.at - start.at >= STILL_SECONDS


async def _quietly(repository: OperationRepository, op: Operation, to: OpState, text: str) -> None:
    try:
        await repository.move(op, to, text=text)
    except (Conflict, Fenced):
        log.info("operation.moved_meanwhile", op=op.id)


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
