"""A request goes to the leader that was evaluated, on a fresh evaluation, or it is not sent; over real sockets."""

from typing import Any

import pytest

from bot.clustermgr.tasks import Dialect
from bot.common.errors import UserError
from bot.operations.model import ObservedState, OpState
from bot.operations.policy import POLICIES, Policy
from bot.operations.preflight.verdict import CheckLevel
from bot.operations.requests import MemberRemove, TaskSwitch
from bot.workflow.approvals import ApprovalService
from bot.workflow.evaluation import FRESH_SECONDS, NOT_READ, Evaluation, Reevaluation, evaluate
from tests.component.workflow.test_executor import REMOVE, TRANSFER, Scenery, fresh, never, scenery

__all__ = ["scenery"]


class Later:
    """A monotonic clock on which an evaluation was made long ago."""

    def __call__(self) -> float:
        return 1e9


async def evaluated_now(scenery: Scenery, request: Any) -> Evaluation:
    """Evaluate now; the looks of a watch before count, so that voters are proven."""
    await scenery.cluster.snapshot(5.0)
    scenery.clock.now += 4
    return await evaluate(scenery.cluster, request, ())


async def no_members(_group: str) -> frozenset[str]:
    return frozenset()


def decisions(scenery: Scenery) -> ApprovalService:
    def policies(*_of: object) -> Policy:
        return POLICIES["member_remove"]

    parts: Any = {"access": None, "time_limits": None, "members_now": no_members}
    return ApprovalService(
        repository=scenery.repository,
        executor=scenery.executor,
        clusters={"prod": scenery.cluster},
        policies=policies,
        clock=scenery.clock,
        **parts,
    )


async def test_stale_evaluation_that_now_blocks_is_not_sent(scenery: Scenery) -> None:
    """The database was locked between the click and the step to running, and a voter died meanwhile."""
    first = await evaluated_now(scenery, MemberRemove(3))
    op = await scenery.opened(REMOVE)
    own = decisions(scenery)
    await scenery.simulated.kill(2)

    async def again() -> Evaluation:
        scenery.clock.now += 15
        return await evaluated_now(scenery, MemberRemove(3))

    async def end(running: Any, found: Evaluation | str) -> Any:
        return await own._end_unsent(running, POLICIES["member_remove"], found)

    ended = await scenery.executor.start(
        op, scenery.cluster, Reevaluation(first, again, end, Later()), by="U0BEN", seen=first.seen
    )
    assert not scenery.simulated.log.matching(method="POST")
    assert (await scenery.state_of(op))[0] is OpState.SUPERSEDED
    assert ended.state is OpState.BLOCKED
    assert ended.card_id == op.id


async def test_stale_evaluation_that_still_holds_is_sent_once(scenery: Scenery) -> None:
    first = await evaluated_now(scenery, MemberRemove(3))
    op = await scenery.opened(REMOVE)

    async def again() -> Evaluation:
        return await evaluated_now(scenery, MemberRemove(3))

    async def end(_running: Any, found: Evaluation | str) -> None:
        assert isinstance(found, Evaluation)
        assert found.verdict.level is not CheckLevel.BLOCK

    await scenery.executor.start(op, scenery.cluster, Reevaluation(first, again, end, Later()), seen=first.seen)
    assert len(scenery.simulated.log.matching(method="POST", path="/member/remove")) == 1


async def test_evaluation_that_can_no_longer_be_made_sends_nothing(scenery: Scenery) -> None:
    first = await evaluated_now(scenery, TaskSwitch("balance", on=False))
    op = await scenery.opened(REMOVE)
    own = decisions(scenery)

    async def again() -> Evaluation:
        raise UserError("prod has no background task balance.")

    async def end(running: Any, found: Evaluation | str) -> Any:
        return await own._end_unsent(running, POLICIES["task_disable"], found)

    await scenery.executor.start(op, scenery.cluster, Reevaluation(first, again, end, Later()), seen=first.seen)
    assert await scenery.state_of(op) == (OpState.BLOCKED, "prod has no background task balance.")
    assert not scenery.simulated.log.matching(method="POST")


async def test_leader_gone_after_the_evaluation_leaves_nothing_sent(scenery: Scenery) -> None:
    """No other host gets the request: a follower would forward it to a leader that was not judged."""
    await scenery.simulated.elect(1)
    op = await scenery.opened(TRANSFER)
    await scenery.simulated.kill(1)
    await scenery.executor.start(op, scenery.cluster, fresh(), seen=ObservedState(leader=scenery.simulated.host(1)))
    state, text = await scenery.state_of(op)
    assert state is OpState.FAILED
    assert text.startswith("Nothing was sent: ")
    assert not scenery.simulated.log.matching(method="POST")


@pytest.mark.parametrize(("age", "stale"), [(0.0, False), (FRESH_SECONDS, False), (FRESH_SECONDS + 0.1, True)])
def test_evaluation_is_stale_after_a_few_seconds(age: float, stale: bool) -> None:
    made = Reevaluation(fresh().evaluation, never, never)
    assert Reevaluation(made.evaluation, never, never, lambda: made.evaluation.at + age).stale is stale


async def test_switch_is_judged_by_the_value_that_the_leader_stores(scenery: Scenery) -> None:
    """Another host may be of another group by now; the two that could answer first do not count."""
    await scenery.simulated.elect(3)
    scenery.cluster.pinned = Dialect.V3
    scenery.simulated.log.clear()
    made = await evaluate(scenery.cluster, TaskSwitch("balance", on=False), ())
    assert made.seen.leader == scenery.simulated.host(3)
    assert made.seen.switch is not None
    assert made.seen.switch.meaning != NOT_READ
    assert {seen.node for seen in scenery.simulated.log.matching(path="/config/get")} == {3}


async def test_switch_without_a_leader_is_not_read(scenery: Scenery) -> None:
    await scenery.simulated.elect(1)
    for node in (1, 2):
        await scenery.simulated.kill(node)
    scenery.cluster.pinned = Dialect.V3
    scenery.simulated.log.clear()
    made = await evaluate(scenery.cluster, TaskSwitch("balance", on=False), ())
    assert made.verdict.blocked
    assert made.seen.switch is not None
    assert made.seen.switch.meaning == NOT_READ
    assert scenery.simulated.log.matching(path="/config/get") == []
