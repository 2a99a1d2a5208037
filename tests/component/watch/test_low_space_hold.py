"""Waiting to tell of little space: a change of leader neither restarts it nor shows its own wrong counters."""

from collections.abc import Callable

from bot.clustermgr.models import Snapshot
from tests.support.observed_store import ObservedStore
from tests.support.watch_builders import TIB, polled
from tests.support.watch_harness import World

LITTLE = "Warning in prod: 7 % of the space of prod is writable."


def led_by(leader: int, term: int, *, writable: float) -> Callable[[float], Snapshot]:
    return lambda at: polled(at, leader=leader, term=term, writable=int(writable * TIB))


async def over(world: World, see: Callable[[float], Snapshot], seconds: float) -> list[str]:
    """Messages about space while the snapshots are seen."""
    world.see = see
    return [text for text in await world.ticks(int(seconds / 15)) if "space" in text]


async def test_leader_changes_do_not_delay_low_space(store: ObservedStore) -> None:
    world = World(store)
    assert await over(world, led_by(1, 5, writable=0.75), 420) == []
    assert await over(world, led_by(2, 6, writable=0.75), 420) == []
    assert await over(world, led_by(3, 7, writable=0.75), 240) == [LITTLE]


async def test_new_leader_without_counters_worsens_nothing(store: ObservedStore) -> None:
    world = World(store)
    assert await over(world, led_by(1, 5, writable=0.75), 1200) == [LITTLE]
    assert await over(world, led_by(2, 6, writable=0), 345) == []
    assert await over(world, led_by(2, 6, writable=0.75), 600) == []


async def test_counters_of_an_earlier_leader_expire(store: ObservedStore) -> None:
    world = World(store)
    assert await over(world, led_by(1, 5, writable=0.75), 390) == []
    for turn in range(12):
        assert await over(world, led_by(2 + turn % 2, 6 + turn, writable=5), 90) == []
    assert await over(world, led_by(1, 40, writable=5), 1200) == []
