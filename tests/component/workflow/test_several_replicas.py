"""Operations while another replica holds their cluster, or takes a step first: left to it, without an error."""

from dataclasses import replace

from bot.operations.change_request import RequestOptions
from bot.operations.leases import until
from bot.operations.model import ObservedState, ObservedSwitch, OpState, Settlement
from bot.operations.requests import TaskSwitch
from bot.operations.step_facts import LegacyWords
from bot.views.step_text import event_text, step_text
from bot.workflow.executor import Executor
from bot.workflow.reversions import Reversions
from tests.component.workflow.test_executor import REMOVE, TRANSFER, Scenery, scenery
from tests.component.workflow.test_late_decisions import LEASED, SecondPlace

__all__ = ["scenery"]


def not_ours(_cluster: str) -> None:
    """Hold no cluster."""


async def test_operation_on_a_foreign_cluster_does_not_expire_here(scenery: Scenery) -> None:
    op = await scenery.opened(replace(REMOVE, expires_at=scenery.clock() + 60))
    scenery.clock.now += 60
    await scenery.executor.expire_undecided(not_ours)
    assert (await scenery.state_of(op))[0] is OpState.WAITING
    await scenery.executor.expire_undecided()
    assert (await scenery.state_of(op))[0] is OpState.EXPIRED


async def test_settlement_on_a_foreign_cluster_is_not_compared_here(scenery: Scenery) -> None:
    settled = replace(TRANSFER, seen=ObservedState(settlement=Settlement(done=False, at=scenery.clock())))
    op = await scenery.opened(settled, OpState.RUNNING, OpState.UNKNOWN, OpState.FAILED)
    await scenery.simulated.elect(2)
    await scenery.executor.compare_settled(not_ours)
    found = await scenery.repository.get(op.id)
    assert found is not None
    assert found.seen.contradiction is None
    await scenery.executor.compare_settled()
    found = await scenery.repository.get(op.id)
    assert found is not None
    assert "peer 2 leads" in step_text(found.seen.contradiction)


async def test_expiry_after_another_step_changes_nothing(scenery: Scenery) -> None:
    op = await scenery.opened(replace(REMOVE, expires_at=scenery.clock() + 60))
    scenery.clock.now += 60
    repository = SecondPlace(scenery.store, lambda: None, scenery.clock, "p1")
    await Executor(repository, {"prod": scenery.cluster}, scenery.clock, verify_within=0.0).expire_undecided()
    assert (await scenery.state_of(op))[0] is OpState.CLOSED


async def test_lease_on_a_foreign_cluster_is_not_ended_here(scenery: Scenery) -> None:
    scenery.simulated.set_switch("balance", "false")
    op = await scenery.opened(LEASED, OpState.RUNNING, OpState.VERIFIED)
    await scenery.repository.note(op, fact=LegacyWords("leased"), **until(scenery.clock() + 60, 60))
    scenery.clock.now += 61
    manager = Reversions(scenery.repository, scenery.executor, {"prod": scenery.cluster}, scenery.clock)
    await manager.end_due(not_ours)
    assert len(await scenery.repository.recent(None, 9)) == 1
    assert scenery.simulated.log.matching(method="POST") == []
    await manager.end_due()
    back = (await scenery.repository.recent(None, 9))[0]
    assert (back.state, back.options.reverts is not None) == (OpState.VERIFIED, True)
    assert len(scenery.simulated.log.matching(method="POST", path="/config/set")) == 1


async def test_lease_on_a_removed_cluster_ends_without_a_restore(scenery: Scenery) -> None:
    gone = replace(LEASED, cluster="gone")
    op = await scenery.opened(gone, OpState.RUNNING, OpState.VERIFIED)
    await scenery.repository.note(op, fact=LegacyWords("leased"), **until(scenery.clock() + 60, 60))
    await scenery.executor.close_gone()
    found = await scenery.repository.get(op.id)
    assert found is not None
    assert (found.lease_until, found.warn_at) == (0.0, 0.0)
    assert event_text(found.history[-1]) == "gone is no longer in the settings, so nothing goes back"


async def test_unread_switch_is_not_restored(scenery: Scenery) -> None:
    switch = ObservedSwitch("balance", "true", "on", "false", "v3")
    lease = RequestOptions(lease=60.0)
    op = replace(REMOVE, request=TaskSwitch("balance", on=False), options=lease, seen=ObservedState(switch=switch))
    opened = await scenery.opened(op, OpState.RUNNING, OpState.VERIFIED)
    await scenery.repository.note(opened, fact=LegacyWords("leased"), **until(scenery.clock() + 60, 60))
    for node in (1, 2, 3):
        await scenery.simulated.kill(node)
    scenery.clock.now += 61
    await Reversions(scenery.repository, scenery.executor, {"prod": scenery.cluster}, scenery.clock).end_due()
    back = (await scenery.repository.recent(None, 9))[0]
    assert back.state is OpState.BLOCKED
    assert scenery.simulated.log.matching(method="POST") == []
