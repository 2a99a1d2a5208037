"""Effects of operations as the watch sees them, with a real store and sockets, in each state of the operation."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import pytest

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.rules.thresholds import configure
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.operations.model import ObservedState, ObservedSwitch, Operation, OpState, advance
from bot.operations.requests import MemberRemove, TaskSwitch
from bot.operations.settlement import mark
from bot.playground.clustermgr_sim import SimulatedCluster
from bot.store.database import Store
from bot.watch.planning import Watched
from bot.watch.watcher import Watcher
from bot.workflow.repository import OperationRepository
from tests.support.databases import Clock

SWITCH = Operation(
    "prod",
    TaskSwitch("balance", on=False),
    "U0ANNA",
    0.0,
    2e9,
    channel="C0OPS",
    seen=ObservedState(switch=ObservedSwitch("balance", "true", "on", "false", "v3")),
)
REMOVE = Operation("prod", MemberRemove(3), "U0ANNA", 0.0, 2e9, channel="C0OPS")


@dataclass
class Scenery:
    """A cluster that is watched, with the ledger of operations that explains what the watch sees."""

    api: ClustermgrClient
    store: Store
    clock: Clock

    def __post_init__(self) -> None:
        handle = Cluster("prod", "C0OPS", self.api, self.clock, 5.0)
        self.repository = OperationRepository(self.store, lambda: None, self.clock)
        self.watch = Watcher(
            Watched("prod", "C0ALERTS", 15, configure()),
            partial(handle.poll, 5.0),
            self.store,
            wake=lambda: None,
            explain=partial(self.repository.explain, "prod"),
        )

    async def ticks(self, count: int = 1) -> None:
        for _ in range(count):
            self.clock.now += 15
            await self.watch.tick(self.clock())
            assert not self.watch.health.failures

    async def runs(self, op: Operation) -> Operation:
        """The operation approved by U0BEN, and sent."""
        op = await self.repository.open(advance(op, OpState.WAITING, at=self.clock()))
        return await self.repository.move(op, OpState.RUNNING, by="U0BEN", approvals=("U0BEN",))

    async def alerted(self) -> list[str]:
        """Rules whose alerts were posted."""
        async with self.store.read() as uow:
            return [alert.rule for alert in await uow.alerts.open("prod") if alert.fired_at]

    async def state(self) -> ClusterState:
        async with self.store.read() as uow:
            return await uow.cluster_states.get("prod")


@pytest.fixture
async def scenery(store: Store, clock: Clock) -> AsyncIterator[Scenery]:
    async with SimulatedCluster() as simulated, ClustermgrClient(simulated.hosts) as api:
        made = Scenery(api, store, clock)
        await made.ticks(2)
        yield made


@pytest.mark.parametrize("state", [OpState.RUNNING, OpState.UNKNOWN, OpState.VERIFIED])
async def test_a_member_that_an_operation_removed_is_no_alert(scenery: Scenery, state: OpState) -> None:
    op = await scenery.runs(REMOVE)
    await scenery.api.member_remove(3)
    if state is not OpState.RUNNING:
        await scenery.repository.move(op, state)
    await scenery.ticks(2)
    [change] = (await scenery.state()).member_changes
    assert (change.peer, change.was, change.now, change.op, change.approved) == (3, "voter", "", op.id, "U0BEN")
    assert "membership_changed" not in await scenery.alerted()


async def test_change_after_a_failed_operation_is_attributed_elsewhere(scenery: Scenery) -> None:
    op = await scenery.runs(REMOVE)
    await scenery.repository.move(op, OpState.FAILED)
    await scenery.api.member_remove(3)
    await scenery.ticks(2)
    assert (await scenery.state()).member_changes[0].op == 0
    assert "membership_changed" in await scenery.alerted()


@pytest.mark.parametrize("kind", ["member", "switch"])
async def test_effect_of_an_operation_settled_as_not_done_is_attributed(scenery: Scenery, kind: str) -> None:
    """The admin was wrong: it is the operation's effect, and no change outside cmbot."""
    op = await scenery.runs(REMOVE if kind == "member" else SWITCH)
    op = await scenery.repository.move(op, OpState.UNKNOWN)
    scenery.clock.now += 600
    await scenery.repository.move(op, OpState.FAILED, by="U0ADMIN", seen=mark(op, done=False, at=scenery.clock()))
    await scenery.ticks(3)
    if kind == "member":
        await scenery.api.member_remove(3)
    else:
        await scenery.api.config_set("balance", "false")
    scenery.clock.now += 60
    await scenery.ticks(6)
    state = await scenery.state()
    assert [change.op for change in (state.member_changes or state.switch_changes)] == [op.id]
    assert not {"membership_changed", "switch_changed"} & set(await scenery.alerted())


async def test_another_peer_than_the_one_asked_for_was_removed_elsewhere(scenery: Scenery) -> None:
    await scenery.runs(REMOVE)
    await scenery.api.member_remove(2)
    await scenery.ticks(2)
    assert "membership_changed" in await scenery.alerted()
