"""A real lock on the database between the evaluation and the request: the cluster is read again, or nothing is sent."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.common.frozen import frozen
from bot.config import AccessSettings, Members
from bot.interactions.events import Click
from bot.operations.change_request import RequestOptions, Reversion
from bot.operations.model import Operation, OpState
from bot.operations.policy import POLICIES, Policy
from bot.operations.requests import MemberRemove, TaskSwitch
from bot.permissions.access import Access
from bot.playground.clustermgr_sim.cluster import Seen
from bot.views.step_text import event_text
from bot.workflow.approvals import ApprovalService
from bot.workflow.evaluation import FRESH_SECONDS, evaluate
from bot.workflow.repository import OperationRepository
from bot.workflow.reversions import Reversions, TimeLimitClicks
from tests.component.workflow.test_executor import REMOVE, Scenery, scenery
from tests.support.databases import write_locked

pytestmark = pytest.mark.fast_time

__all__ = ["scenery"]
TOO_LONG = FRESH_SECONDS + 1
"""Seconds for which the lock is held on the clock by which an evaluation ages."""
ACCESS = AccessSettings(operators=Members(users=(REMOVE.requester,)), approvers=Members(users=("U0BEN",)))
Work = Callable[[], Awaitable[None]]


async def nothing() -> None:
    """Leave the cluster as it is."""


async def no_members(_group: str) -> frozenset[str]:
    """Say that a user group is empty."""
    return frozenset()


@frozen
class LockedLedger(OperationRepository):
    """A ledger whose step to running meets a lock; `meanwhile` runs while another connection holds it."""

    url: str = ""
    meanwhile: Work = nothing

    async def move(self, op: Operation, to: OpState, **step: Any) -> Operation:
        """Take the step; one to running is begun under the lock and waits for its end."""
        if to is not OpState.RUNNING:
            return await OperationRepository.move(self, op, to, **step)
        async with write_locked(self.url):
            moving = asyncio.create_task(OperationRepository.move(self, op, to, **step))
            await asyncio.wait((moving,), timeout=0.1)
            await self.meanwhile()
            assert not moving.done(), "the lock holds nothing up"
        return await moving


@dataclass
class Locked:
    """The scenery, a database that is locked at the step to running, and what the cluster saw since."""

    scenery: Scenery
    url: str
    ahead: float = 0.0
    seen_before: int = 0
    parts: dict[str, Any] = field(default_factory=dict)

    def monotonic(self) -> float:
        """The clock by which an evaluation ages."""
        return time.monotonic() + self.ahead

    def lock(self, seconds: float, meanwhile: Work) -> None:
        """Prepare the lock: it lasts so long, and the cluster changes under it."""

        async def under_lock() -> None:
            await meanwhile()
            self.ahead += seconds
            self.scenery.clock.now += seconds
            self.seen_before = len(self.scenery.simulated.log)

        repository = LockedLedger(
            self.scenery.store, lambda: None, self.scenery.clock, "p1", url=self.url, meanwhile=under_lock
        )
        executor = replace(self.scenery.executor, repository=repository)
        clusters = {"prod": self.scenery.cluster}
        self.parts = {
            "repository": self.scenery.repository,
            "executor": executor,
            "clusters": clusters,
            "clock": self.scenery.clock,
        }

    async def waiting(self) -> Operation:
        """A removal whose card shows what is so now; the looks before prove the voters healthy."""
        await self.scenery.cluster.snapshot(5.0)
        self.scenery.clock.now += 4
        evaluation = await evaluate(self.scenery.cluster, MemberRemove(3), ())
        return await self.scenery.opened(replace(REMOVE, seen=evaluation.seen))

    async def approve(self, op: Operation) -> None:
        """An approver clicks on Approve."""

        def policy(*_of: object) -> Policy:
            return POLICIES["member_remove"]

        decisions = ApprovalService(
            access=Access(ACCESS, no_members),
            policies=policy,
            time_limits=TimeLimitClicks(self.scenery.repository),
            members_now=no_members,
            monotonic=self.monotonic,
            **self.parts,
        )
        value = json.dumps({"op": op.id, "v": op.version})
        await decisions.decide(Click("T1", "U0BEN", op.channel, "op_confirm", value, "1.0", ""))

    async def put_back(self, op: Operation) -> None:
        """The clock's job carries out what the end of a lease led to."""
        await self.scenery.repository.open(op)
        await Reversions(monotonic=self.monotonic, **self.parts).end_due()

    def sent(self) -> list[Seen]:
        return self.scenery.simulated.log.matching(method="POST")

    def looked_before_sending(self) -> set[int]:
        """The nodes that were asked how they are after the lock was released and before the request was sent."""
        since = list(self.scenery.simulated.log)[self.seen_before :]
        [first] = [at for at, seen in enumerate(since) if seen.method == "POST"]
        return {seen.node for seen in since[:first] if seen.path == "/stat"}

    async def states(self) -> list[tuple[OpState, str]]:
        """Where the operations stand, and why; the newest first."""
        return [(op.state, event_text(op.history[-1])) for op in await self.scenery.repository.recent(None, 9)]


@pytest.fixture
async def locked(scenery: Scenery, database_url: str) -> Locked:
    return Locked(scenery, database_url)


async def test_lock_beyond_the_age_limit_reads_the_cluster_again(locked: Locked) -> None:
    locked.lock(TOO_LONG, nothing)
    await locked.approve(await locked.waiting())
    assert [seen.path for seen in locked.sent()] == ["/member/remove"]
    assert locked.looked_before_sending() == {1, 2, 3}
    [(state, _)] = await locked.states()
    assert state is OpState.VERIFIED


async def test_lock_within_the_age_limit_sends_on_the_evaluation(locked: Locked) -> None:
    locked.lock(0.0, nothing)
    await locked.approve(await locked.waiting())
    assert [seen.path for seen in locked.sent()] == ["/member/remove"]
    assert locked.looked_before_sending() == set()


async def test_voter_killed_under_the_lock_leaves_nothing_sent(locked: Locked) -> None:
    """With it gone the removal would leave two voters, one of them dead: no quorum."""
    locked.lock(TOO_LONG, lambda: locked.scenery.simulated.kill(2))
    await locked.approve(await locked.waiting())
    assert locked.sent() == []
    (state, text), (old, _) = await locked.states()
    assert (state, old) == (OpState.BLOCKED, OpState.SUPERSEDED)
    assert text.startswith("the cluster changed since: ")


async def test_leader_gone_under_the_lock_leaves_nothing_sent(locked: Locked) -> None:
    async def another_leads() -> None:
        await locked.scenery.simulated.kill(1)
        await locked.scenery.simulated.elect(2)

    locked.lock(TOO_LONG, another_leads)
    await locked.approve(await locked.waiting())
    assert locked.sent() == []
    assert (await locked.states())[1][0] is OpState.SUPERSEDED


@pytest.mark.parametrize("moved", [False, True])
async def test_lease_that_ends_under_the_lock_is_evaluated_again(locked: Locked, moved: bool) -> None:
    """What was set past cmbot while the database was locked is not overwritten."""
    simulated, task = locked.scenery.simulated, "balance"
    simulated.set_switch(task, "false")

    async def set_past_us() -> None:
        simulated.set_switch(task, "true" if moved else "false")

    locked.lock(TOO_LONG, set_past_us)
    options = RequestOptions(reverts=Reversion(of=99, thread=99, left="false"))
    await locked.put_back(replace(REMOVE, request=TaskSwitch(task, on=True), options=options))
    assert len(locked.sent()) == (0 if moved else 1)
    [(state, text)] = await locked.states()
    assert (state is OpState.CANCELLED) is moved
    assert text.startswith("skipped: ") is moved
