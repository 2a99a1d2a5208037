"""Silences that begin by themselves: planned ones and maintenance windows, over polls and restarts."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.alerting.model import Severity, Silence
from bot.alerting.windows import Window
from tests.support.observed_store import ObservedStore
from tests.support.watch_builders import disk
from tests.support.watch_harness import World, with_disks

BROKEN = "Warning in prod: 1 disk of prod is broken."


@pytest.fixture
async def world(store: ObservedStore) -> World:
    made = World(store)
    assert await made.ticks(3) == []
    return made


def window(world: World, *, ahead: float, length: float = 600.0) -> Window:
    """A daily window in UTC that begins so many seconds after now, to the minute."""
    begins = datetime.fromtimestamp(world.now + ahead, UTC).time().replace(second=0, microsecond=0)
    return Window("prod", "restarts", tuple(range(7)), begins, length, "UTC", reason="weekly")


async def test_planned_silence_begins_and_ends_by_itself(world: World) -> None:
    held = Silence("prod", "disk_broken", "", world.now + 120, "U1", "", world.now, begins=world.now + 60)
    await world.store.silence(replace(held, announced=False))
    world.see = with_disks(disk(7))
    assert await world.ticks(3) == [BROKEN]
    [started] = await world.ticks(1)
    assert started.startswith("Silence #1 by <@U1> began: `disk_broken` of prod is muted until <!date^")
    assert started.endswith("It mutes 1 open alert now.")
    assert await world.ticks(3) == []
    [ended] = [text for text in await world.ticks(2) if text != BROKEN]
    assert ended == "Silence #1 by <@U1> ended. Still firing in prod: 1 disk of prod is broken."
    assert world.store.state.silences == []


async def test_planned_silence_that_is_not_begun_mutes_nothing(world: World) -> None:
    held = Silence("prod", "*", "", world.now + 7200, "U1", "", world.now, begins=world.now + 3600)
    await world.store.silence(replace(held, announced=False))
    world.see = with_disks(disk(7))
    assert await world.ticks(3) == [BROKEN]


async def test_window_mutes_during_its_time_and_is_begun_once(world: World) -> None:
    own = window(world, ahead=120, length=300)
    world.watched = replace(world.watched, windows=(own,))
    world.start()
    assert await world.ticks(3) == []
    said = await world.ticks(8)
    [started] = said
    assert started.startswith("Maintenance window `restarts` of prod began: infos and warnings of all rules that need")
    assert "(weekly). It mutes no open alert now." in started
    world.see = with_disks(disk(7))
    world.start()
    assert await world.ticks(3) == []
    [held] = world.store.state.silences
    assert (held.by, held.rule, held.subject) == ("", "window", "restarts")
    said = await world.ticks(22)
    assert said[0] == BROKEN
    assert "Silence #1 of a maintenance window muted this alert for" in said[1]
    assert world.store.state.silences == []


async def test_window_is_not_begun_again_after_it_was_lifted(world: World) -> None:
    own = window(world, ahead=-60)
    world.watched = replace(world.watched, windows=(own,))
    world.start()
    assert len(await world.ticks(1)) == 1
    async with world.store.begin() as uow:
        await uow.silences.remove(1)
    world.see = with_disks(disk(7))
    world.start()
    assert await world.ticks(3) == [BROKEN]
    assert world.store.state.silences == []


async def test_window_that_left_the_settings_ends(world: World) -> None:
    world.watched = replace(world.watched, windows=(window(world, ahead=-60),))
    world.start()
    assert len(await world.ticks(1)) == 1
    world.watched = replace(world.watched, windows=())
    world.start()
    assert await world.ticks(1) == ["Silence #1 of maintenance window `restarts` of prod ended. It muted no alert."]


async def test_alert_that_gets_worse_ends_the_window_for_it(world: World) -> None:
    world.watched = replace(world.watched, windows=(window(world, ahead=-60, length=3600),))
    world.start()
    await world.ticks(1)
    world.see = with_disks(disk(7))
    assert await world.ticks(2) == []
    world.see = with_disks(disk(7), disk(9))
    said = await world.ticks(1)
    assert said[0] == "Warning in prod: 2 disks of prod are broken."
    assert (
        "Silence #1 of a maintenance window muted this alert for 30 s and ended early, because it got worse." in said[1]
    )


async def test_critical_alert_pierces_a_window_that_does_not_name_it(world: World) -> None:
    rules = tuple(
        replace(rule, severity=Severity.CRITICAL) for rule in world.watched.rules if rule.key == "disk_broken"
    )
    world.watched = replace(world.watched, rules=rules, windows=(window(world, ahead=-60, length=3600),))
    world.start()
    await world.ticks(1)
    world.see = with_disks(disk(7))
    assert await world.ticks(1) == ["Critical in prod: 1 disk of prod is broken."]
