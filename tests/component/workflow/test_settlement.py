"""What an admin said of an unknown outcome is compared with the cluster afterwards; over real sockets."""

import asyncio
import json
from typing import Any

import pytest

from bot.interactions.command import Caller
from bot.operations.model import Operation, OpState
from bot.operations.step_facts import LegacyWords
from bot.views import operations as views
from bot.views.step_text import event_text
from bot.workflow.approvals import ApprovalService
from bot.workflow.executor import STILL_SECONDS
from tests.component.workflow.test_attribution import SWITCH
from tests.component.workflow.test_executor import REMOVE, TRANSFER, Scenery, scenery

__all__ = ["scenery"]
ADMIN = Caller("U0ADMIN", "C0OPS")


class Everybody:
    """An access list that refuses nothing."""

    async def require(self, user: str, role: str, cluster: str) -> None:
        """Let them."""


async def settle(scenery: Scenery, op: Operation, *, done: bool) -> Operation:
    parts: Any = {"access": Everybody(), "time_limits": None, "members_now": None, "policies": None}
    own = ApprovalService(
        repository=scenery.repository,
        executor=scenery.executor,
        clusters={"prod": scenery.cluster},
        clock=scenery.clock,
        **parts,
    )
    return await own.settle(op, ADMIN, done=done, reason="seen in the log")


async def calm(scenery: Scenery) -> None:
    """A minute in which one leader with a quorum held, and a look more."""
    for _ in range(int(STILL_SECONDS / 5) + 2):
        scenery.clock.now += 5
        await scenery.executor.compare_settled()


async def card(scenery: Scenery, op: Operation) -> str:
    """What its card shows by now."""
    found = await scenery.repository.get(op.id)
    assert found is not None
    return json.dumps(views.card(found).blocks, ensure_ascii=False)


async def test_settled_as_not_done_is_contradicted_when_the_effect_shows(scenery: Scenery) -> None:
    """The cluster could not be read when the admin decided; the effect was there all along."""
    op = await scenery.opened(TRANSFER, OpState.RUNNING, OpState.UNKNOWN)
    for node in (1, 2, 3):
        await scenery.simulated.kill(node)
    settled = await settle(scenery, op, done=False)
    assert event_text(settled.history[-1]) == (
        "settled as not done by an admin: seen in the log; cmbot sees: no leader is seen just now"
    )
    await scenery.executor.compare_settled()
    assert (await scenery.state_of(op))[0] is OpState.FAILED
    for node in (1, 2, 3):
        await scenery.simulated.start(node)
    await scenery.simulated.until(lambda: scenery.simulated.leader != 0)
    await scenery.simulated.elect(2)
    await scenery.simulated.until(lambda: scenery.simulated.leader == 2)
    async with asyncio.timeout(30):
        while "opposite" not in (await scenery.state_of(op))[1]:
            await scenery.executor.compare_settled()
            await asyncio.sleep(0.1)
    assert await scenery.state_of(op) == (OpState.FAILED, "the cluster shows the opposite: peer 2 leads")
    assert "The cluster shows the opposite: peer 2 leads.* An admin settled it otherwise." in await card(scenery, op)


async def test_missing_effect_contradicts_settled_as_done_after_a_minute(scenery: Scenery) -> None:
    op = await scenery.opened(REMOVE, OpState.RUNNING, OpState.UNKNOWN)
    settled = await settle(scenery, op, done=True)
    assert event_text(settled.history[-1]).endswith("cmbot sees: peer 3 is still a member")
    await calm(scenery)
    assert await scenery.state_of(op) == (
        OpState.VERIFIED,
        "the cluster shows the opposite: peer 3 is still a member",
    )


async def test_settled_as_it_was_is_confirmed_once(scenery: Scenery) -> None:
    op = await scenery.opened(REMOVE, OpState.RUNNING, OpState.UNKNOWN)
    await settle(scenery, op, done=False)
    await calm(scenery)
    assert await scenery.state_of(op) == (OpState.FAILED, "looked again: peer 3 is still a member")
    found = await scenery.repository.get(op.id)
    assert found is not None
    await calm(scenery)
    assert await scenery.repository.get(op.id) == found
    assert "opposite" not in await card(scenery, op)


async def test_snapshots_of_ended_operations_are_dropped(scenery: Scenery) -> None:
    """Of one whose comparison is over, of one that failed in the end, and of one that another process ended."""
    compared = await scenery.opened(REMOVE, OpState.RUNNING, OpState.UNKNOWN)
    await settle(scenery, compared, done=True)
    unknown = await scenery.opened(SWITCH, OpState.RUNNING, OpState.UNKNOWN)
    other = await scenery.opened(TRANSFER, OpState.RUNNING, OpState.UNKNOWN)

    async def look(times: int) -> None:
        for _ in range(times):
            scenery.clock.now += 5
            await scenery.executor.settle_unfinished()
            await scenery.executor.compare_settled()

    await look(3)
    assert set(scenery.executor._still) == {compared.id, unknown.id, other.id}
    await scenery.repository.move(other, OpState.FAILED, fact=LegacyWords("settled elsewhere"))
    await look(1)
    assert set(scenery.executor._still) == {compared.id, unknown.id}
    await look(int(STILL_SECONDS / 5) + 1)
    assert (await scenery.state_of(unknown))[0] is OpState.FAILED
    assert "opposite" in (await scenery.state_of(compared))[1]
    assert scenery.executor._still == {}


async def test_later_operation_on_the_same_thing_ends_the_comparison(scenery: Scenery) -> None:
    op = await scenery.opened(SWITCH, OpState.RUNNING, OpState.UNKNOWN)
    await settle(scenery, op, done=False)
    await scenery.opened(SWITCH, OpState.RUNNING, OpState.VERIFIED)
    scenery.simulated.data.kv["balance"] = "false"
    await scenery.executor.compare_settled()
    assert (await scenery.state_of(op))[1] == "a later operation changed the same thing: no further comparison"


@pytest.mark.parametrize("state", [OpState.FAILED, OpState.VERIFIED])
async def test_only_operations_settled_by_an_admin_are_compared(scenery: Scenery, state: OpState) -> None:
    op = await scenery.opened(TRANSFER, OpState.RUNNING, state)
    await scenery.simulated.elect(2)
    before = await scenery.repository.get(op.id)
    await calm(scenery)
    assert await scenery.repository.get(op.id) == before
