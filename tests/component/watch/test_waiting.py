"""Waiting to tell of little space: a change of leader neither restarts it nor shows its own wrong counters."""

from collections.abc import Callable

from bot.clustermgr.models import Snapshot
from tests.support.watch_builders import TIB, look
from tests.support.watch_harness import World

LITTLE = "Warning in prod: 7 % of the space of prod is writable."


def led_by(leader: int, term: int, *, writable: float) -> Callable[[float], Snapshot]:
    return lambda at: look(at, leader=leader, term=term, writable=int(writable * TIB))


async def over(world: World, see: Callable[[float], Snapshot], seconds: float) -> list[str]:
    """What is told of space while this is seen for so long."""
    world.see = see
    return [text for text in await world.ticks(int(seconds / 15)) if "space" in text]


async def test_changes_of_leader_do_not_put_off_that_space_is_short() -> None:
    world = World()
    assert await over(world, led_by(1, 5, writable=0.75), 420) == []
    assert await over(world, led_by(2, 6, writable=0.75), 420) == []
    assert await over(world, led_by(3, 7, writable=0.75), 240) == [LITTLE]


async def test_a_fresh_leader_that_has_not_counted_makes_nothing_worse() -> None:
    world = World()
    assert await over(world, led_by(1, 5, writable=0.75), 1200) == [LITTLE]
    assert await over(world, led_by(2, 6, writable=0), 345) == []
    assert await over(world, led_by(2, 6, writable=0.75), 600) == []


async def test_what_an_earlier_leader_counted_is_not_known_for_ever() -> None:
    world = World()
    assert await over(world, led_by(1, 5, writable=0.75), 390) == []
    for turn in range(12):
        assert await over(world, led_by(2 + turn % 2, 6 + turn, writable=5), 90) == []
    assert await over(world, led_by(1, 40, writable=5), 1200) == []
