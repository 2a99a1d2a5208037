"""A poll that one host delays, over real sockets: the leader that the others name is announced meanwhile."""

import asyncio

import pytest

from bot.clustermgr.collector import poll_deadline
from bot.playground.clustermgr_sim import Timing
from tests.support.cluster_world import World, watched

pytestmark = pytest.mark.fast_time

HELD = 4.0
"""Seconds for which a host holds its answers: less than a look lasts."""
LONG = 600.0
"""Seconds that no test lasts."""
MOVED = "Warning in prod: The leader of prod changed from peer 1 to peer 2 in term 2"


async def posted_during_poll(world: World) -> list[str]:
    """Messages posted before the current poll ended."""
    before = len(world.store.posted)
    world.now += 5
    world.woken.clear()
    looking = asyncio.create_task(world.watch.tick(world.now))
    telling = asyncio.create_task(world.woken.wait())
    await asyncio.wait((looking, telling), return_when=asyncio.FIRST_COMPLETED)
    telling.cancel()
    early = [] if looking.done() else world.store.posted[before:]
    await looking
    assert not world.watch.health.failures
    return early


async def test_silent_new_leader_is_announced() -> None:
    async with watched() as world:
        await world.cluster.kill(1)
        await world.cluster.elect(2)
        world.cluster.slow(2, HELD)
        assert await posted_during_poll(world) == [f"{MOVED}, reported by peer 3; not confirmed yet."]
        # The same look, once its leader has answered, confirms it.
        assert world.store.posted[-1] == f"{MOVED}."
        assert [alert.rule for alert in world.store.firing()] == ["leader_changed"]


async def test_paused_leader_does_not_delay_the_next_one() -> None:
    async with watched() as world:
        await world.cluster.elect(2)
        world.cluster.slow(1, HELD)
        assert await posted_during_poll(world) == [f"{MOVED}."]


async def test_slow_host_alone_is_no_change() -> None:
    async with watched() as world:
        world.cluster.slow(3, HELD)
        posted = len(world.store.posted)
        assert await posted_during_poll(world) == []
        assert world.store.posted[posted:] == []
        assert world.store.firing() == []


async def test_early_leader_sighting_is_not_announced_twice() -> None:
    async with watched() as world:
        await world.cluster.elect(2)
        world.cluster.slow(3, HELD)
        await posted_during_poll(world)
        assert [text for text in world.store.posted if text.startswith(MOVED)] == [f"{MOVED}."]
        assert await world.ticks(3) == []


async def test_follower_that_another_follower_contradicts_announces_nothing() -> None:
    """Of five, peer 4 is cut off and still names peer 1; peers 3 and 5 name peer 2, which does not answer yet."""
    async with watched(nodes=5, timing=Timing(hold=LONG, election=LONG)) as world:
        await world.cluster.kill(1)
        await world.cluster.isolate(4)
        await world.cluster.elect(2)
        assert [text for text in await world.ticks() if "leadership" in text] == []
        await world.cluster.rejoin(4)
        assert f"{MOVED}, reported by peer 3; not confirmed yet." in await world.ticks()


@pytest.mark.parametrize(
    ("answer", "interval", "lasts"), [(5, 15, 5), (5, 5, 4), (5, 1, 3), (2, 1, 2), (30, 3600, 30), (20, 15, 12)]
)
def test_poll_ends_before_the_next_is_due(answer: float, interval: float, lasts: float) -> None:
    assert poll_deadline(answer, interval) == lasts
