"""Messages about ending silences and escalated alerts."""

from dataclasses import replace

import pytest

from bot.alerting.escalation import Escalation
from bot.alerting.holding import hold
from bot.alerting.model import Silence
from bot.alerting.transition import Transition
from bot.views.alert_text.table import alert_text
from tests.support.alert_words import sentence
from tests.support.observed_store import ObservedStore
from tests.support.watch_builders import disk, polled
from tests.support.watch_harness import World, with_disks

BROKEN = "Warning in prod: 1 disk of prod is broken."


@pytest.fixture
async def world(store: ObservedStore) -> World:
    made = World(store)
    assert await made.ticks(3) == []
    return made


async def silence(world: World, lasts: float = 60, rule: str = "disk_broken") -> None:
    held = Silence("prod", rule, "", world.now + lasts, "U1", created_at=world.now)
    await world.store.silence(held)


async def test_alert_after_its_silence_mentions_the_silence(world: World) -> None:
    await silence(world)
    world.see = with_disks(disk(7))
    assert await world.ticks(3) == []
    assert await world.ticks(3) == [
        BROKEN,
        "Silence #1 by <@U1> muted this alert for 45 s and ended. In prod: 1 disk of prod is broken.",
    ]
    assert world.store.state.outbox["alert:1:line:1"][2:] == ("alert:1", False)
    assert world.store.state.silences == []


async def test_alert_outlasting_its_silence_gets_a_thread_reply(world: World) -> None:
    world.see = with_disks(disk(7))
    assert await world.ticks() == [BROKEN]
    await silence(world)
    assert await world.ticks(3) == []
    said = await world.ticks(3)
    assert said == [BROKEN, "Silence #1 by <@U1> ended. Still firing in prod: 1 disk of prod is broken."]


async def test_unused_silence_ends_with_one_line(world: World) -> None:
    await silence(world, rule="*")
    assert await world.ticks(10) == ["Silence #1 of all alerts of prod ended. It muted no alert."]
    assert world.store.state.silences == []


async def test_silence_end_lists_resolved_alerts(world: World) -> None:
    await silence(world)
    world.see = with_disks(disk(7))
    await world.ticks(2)
    world.see = polled
    assert await world.ticks(10) == ["Silence #1 of `disk_broken` of prod ended. It muted 1 alert; it is resolved."]


async def test_silence_of_acknowledged_alert_ends_in_the_channel(world: World) -> None:
    world.see = with_disks(disk(7))
    await world.ticks()
    [alert] = world.store.firing()
    transition = hold(alert, "U2", world.now)
    assert isinstance(transition, Transition)
    async with world.store.begin() as uow:
        await uow.alerts.save(transition.new, alert_text(transition.new))
    await silence(world)
    assert (await world.ticks(10))[-1] == (
        "Silence #1 of `disk_broken` of prod ended. It muted 1 alert, of which 1 acknowledged one is still "
        "open: `/cm alerts`"
    )


async def test_worse_alert_says_that_its_silence_ended(world: World) -> None:
    world.see = with_disks(disk(7))
    await world.ticks()
    await silence(world, 6000)
    await world.ticks()
    world.see = with_disks(disk(7), disk(9))
    assert (await world.ticks())[-1] == (
        "Warning in prod: 2 disks of prod are broken. Silence #1 by <@U1> ended early, because the alert got worse."
    )


async def test_worse_unposted_alert_says_that_its_silence_ended(world: World) -> None:
    await silence(world, 6000)
    world.see = with_disks(disk(7))
    await world.ticks(2)
    world.see = with_disks(disk(7), disk(9))
    assert await world.ticks() == [
        "Warning in prod: 2 disks of prod are broken.",
        (
            "Silence #1 by <@U1> muted this alert for 30 s and ended early, because it got worse. In prod: 2 disks of "
            "prod are broken."
        ),
    ]


async def test_silence_end_is_announced_once_after_a_lost_transaction(world: World) -> None:
    await silence(world, rule="*")
    await world.ticks(3)
    world.store.fail_commit = True
    assert await world.ticks() == []
    world.start()
    assert len(await world.ticks(20)) == 1


async def test_escalation_notifies_the_group_with_its_delay(world: World) -> None:
    world.watched = replace(world.watched, escalation=Escalation("S0ONCALL", 300))
    world.start()
    await world.ticks()
    world.see = lambda at: polled(at, leader=0)
    said = await world.ticks(21)
    said_first = sentence(world.store.firing()[0])
    assert said == [
        f"Critical in prod: {said_first}",
        f"Critical in prod: {said_first}",
        f"<!subteam^S0ONCALL> No acknowledgement for 5 min in prod: {said_first}",
    ]
    assert world.store.state.outbox["alert:1:line:2"][2:] == ("alert:1", True)


async def test_disk_broken_while_down_fires_with_the_first_poll(world: World) -> None:
    world.now += 7200
    world.see = with_disks(disk(7))
    world.start()
    assert await world.ticks() == [BROKEN]
    world.now += 3600
    world.start()
    assert await world.ticks(3) == []


async def test_first_poll_of_a_cluster_settles(store: ObservedStore) -> None:
    world = World(store, see=with_disks(disk(7)))
    assert await world.ticks() == []
    assert await world.ticks() == [BROKEN]
