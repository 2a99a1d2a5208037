"""/cm stat at once after a failure, over a simulated cluster and real sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from bot.alerting.cluster_state.state import ClusterNote, ClusterState, update
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.playground.clustermgr_sim import SimulatedCluster
from tests.support.in_memory_ports import typed
from tests.support.view_samples import seen

pytestmark = pytest.mark.fast_time


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for late hosts for a second only."""
    monkeypatch.setattr("bot.clustermgr.cluster.LATE_ANSWER_SECONDS", 1.0)


@dataclass
class Scenery:
    """A simulated cluster, the handle of it, and what the watch noted of it."""

    simulated: SimulatedCluster
    cluster: Cluster
    state: ClusterState = field(default_factory=ClusterState)

    async def watch(self, times: int = 1) -> None:
        """Look as the watch does."""
        for _ in range(times):
            self.state = update(self.state, await self.cluster.poll(2.0))

    async def shown(self, command: str = "stat") -> list[str]:
        """Every answer to a command."""
        note = ClusterNote(state=self.state)
        return [seen(reply.message) for reply in await typed(command, self.cluster, remembered={"prod": note})]


@asynccontextmanager
async def scenery() -> AsyncIterator[Scenery]:
    async with SimulatedCluster() as simulated, ClustermgrClient(simulated.hosts) as api:
        made = Scenery(simulated, Cluster("prod", "C1", api, lambda: simulated.raft.now, 1.0))
        await made.watch()
        yield made


@pytest.mark.parametrize("command", ["stat", "members"])
async def test_lost_quorum_is_red_in_the_first_answer(command: str) -> None:
    async with scenery() as world:
        await world.simulated.lose_quorum()
        first = (await world.shown(command))[0]
    assert first.startswith("🔴")


async def test_dead_follower_is_degraded_in_the_first_answer() -> None:
    async with scenery() as world:
        await world.simulated.kill(3)
        first = (await world.shown())[0]
    assert first.startswith("🟡 *prod is one failure from losing writes: voter 3 is not proven healthy (")


async def test_paused_majority_is_red_after_the_second_poll() -> None:
    async with scenery() as world:
        await world.simulated.pause(2)
        await world.simulated.pause(3)
        answers = await world.shown()
    assert "the next poll decides" in answers[0]
    assert answers[-1].startswith("🔴")


async def test_removed_voter_leaves_a_degraded_group_of_two() -> None:
    async with scenery() as world:
        await world.cluster.api.member_remove(3)
        await world.simulated.kill(3)
        first = (await world.shown())[0]
    assert first.startswith("🟡 *prod is one failure from losing writes: all of its 2 voters must agree.")
    assert "add another voter" in first


async def test_new_leader_is_not_evaluated_by_counters_of_a_follower() -> None:
    async with scenery() as world:
        for disk in world.simulated.data.disks:
            world.simulated.expire_disk(disk)
        world.simulated.recount()
        await world.simulated.kill(1)
        await world.simulated.elect(2)
        before = (await world.shown())[0]
        await world.watch()
        after = (await world.shown())[0]
    for text in (before, after):
        assert "of the space is writable" not in text
        assert "has not counted disks and space yet" in text
