"""What a channel sees of silences that end and of alerts that call for somebody."""

from dataclasses import replace

import pytest

from bot.alerting.escalation import Escalation
from bot.alerting.model import AlertState, Silence
from tests.support.alert_words import sentence
from tests.support.watch_builders import disk, look
from tests.support.watch_harness import World, with_disks

BROKEN = "Warning in prod: 1 disk of prod is broken."


@pytest.fixture
async def world() -> World:
    made = World()
    assert await made.ticks(3) == []
    return made


def silence(world: World, lasts: float = 60, rule: str = "disk_broken") -> None:
    held = Silence("prod", rule, "", world.now + lasts, "U1", created_at=world.now, id=4)
    world.store.state.silences.append(held)


async def test_what_a_silence_kept_quiet_is_told_at_its_end_with_a_word_about_it(world: World) -> None:
    silence(world)
    world.see = with_disks(disk(7))
    assert await world.ticks(3) == []
    assert await world.ticks(3) == [
        BROKEN,
        "Silence #4 by <@U1> kept this quiet for 45 s and is over. In prod: 1 disk of prod is broken.",
    ]
    assert world.store.state.outbox["alert:1:line:1"][2:] == ("alert:1", False)
    assert world.store.state.silences == []


async def test_an_alert_that_outlasts_its_silence_is_told_in_its_thread_and_nowhere_else(world: World) -> None:
    world.see = with_disks(disk(7))
    assert await world.ticks() == [BROKEN]
    silence(world)
    assert await world.ticks(3) == []
    said = await world.ticks(3)
    assert said == [BROKEN, "Silence #4 by <@U1> is over, and it is still so in prod: 1 disk of prod is broken."]


async def test_a_silence_that_muted_nothing_ends_with_one_short_line(world: World) -> None:
    silence(world, rule="*")
    assert await world.ticks(10) == ["Silence #4 of all alerts of prod is over. Nothing came up under it."]
    assert world.store.state.silences == []


async def test_a_silence_says_at_its_end_what_came_and_went_under_it(world: World) -> None:
    silence(world)
    world.see = with_disks(disk(7))
    await world.ticks(2)
    world.see = look
    assert await world.ticks(10) == [
        "Silence #4 of `disk_broken` of prod is over. It kept 1 alert quiet; it is over too."
    ]


async def test_a_silence_of_an_acknowledged_alert_ends_in_the_channel(world: World) -> None:
    world.see = with_disks(disk(7))
    await world.ticks()
    [alert] = world.store.firing()
    world.store.state.alerts[1] = replace(alert, state=AlertState.ACKNOWLEDGED, acked_by="U2")
    silence(world)
    assert (await world.ticks(10))[-1] == (
        "Silence #4 of `disk_broken` of prod is over. It kept 1 alert quiet, of which 1 acknowledged one is still "
        "open: /cm alerts"
    )


async def test_what_gets_worse_says_that_its_silence_ended(world: World) -> None:
    world.see = with_disks(disk(7))
    await world.ticks()
    silence(world, 6000)
    await world.ticks()
    world.see = with_disks(disk(7), disk(9))
    assert (await world.ticks())[-1] == (
        "Warning in prod: 2 disks of prod are broken. Silence #4 by <@U1> ended for this alert, as it got worse."
    )


async def test_what_got_worse_before_it_was_ever_told_says_so_too(world: World) -> None:
    silence(world, 6000)
    world.see = with_disks(disk(7))
    await world.ticks(2)
    world.see = with_disks(disk(7), disk(9))
    assert await world.ticks() == [
        "Warning in prod: 2 disks of prod are broken.",
        (
            "Silence #4 by <@U1> kept this quiet for 30 s and ended for it, as it got worse. In prod: 2 disks of prod "
            "are broken."
        ),
    ]


async def test_the_end_of_a_silence_is_told_once_though_a_transaction_is_lost(world: World) -> None:
    silence(world, rule="*")
    await world.ticks(3)
    world.store.fail_commit = True
    assert await world.ticks() == []
    world.start()
    assert len(await world.ticks(20)) == 1


async def test_a_grave_alert_calls_the_group_and_says_for_how_long_nobody_answered(world: World) -> None:
    world.watched = replace(world.watched, escalation=Escalation("S0ONCALL", 300))
    world.start()
    await world.ticks()
    world.see = lambda at: look(at, leader=0)
    said = await world.ticks(21)
    said_first = sentence(world.store.firing()[0])
    assert said == [
        f"Critical in prod: {said_first}",
        f"Critical in prod: {said_first}",
        f"<!subteam^S0ONCALL> Not acknowledged for 5 min in prod: {said_first}",
    ]
    assert world.store.state.outbox["alert:1:line:2"][2:] == ("alert:1", True)


async def test_a_disk_that_broke_while_the_bot_was_away_is_told_with_the_first_look(world: World) -> None:
    world.now += 7200
    world.see = with_disks(disk(7))
    world.start()
    assert await world.ticks() == [BROKEN]
    world.now += 3600
    world.start()
    assert await world.ticks(3) == []


async def test_the_very_first_look_at_a_cluster_settles() -> None:
    world = World(see=with_disks(disk(7)))
    assert await world.ticks() == []
    assert await world.ticks() == [BROKEN]
