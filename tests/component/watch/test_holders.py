"""Messages and audit rows about who holds an alert, over the watch and its store."""

import asyncio
from dataclasses import replace

import pytest

from bot.alerting.escalation import Escalation
from bot.alerting.holding import HoldRefusal
from bot.alerting.model import Alert, AlertState, Severity, Silence
from bot.alerting.problems import HoldRefused
from bot.common.errors import Refused
from bot.watch.alert_actions import AlertActions
from tests.component.watch.test_grouping import Storm
from tests.support.observed_store import ObservedStore
from tests.support.watch_builders import disk
from tests.support.watch_harness import World, with_disks

HOUR = 3600.0


def actions(world: World) -> AlertActions:
    return AlertActions(world.store, lambda: None, lambda: world.now, {"prod": "C1"})


def why(refused: Refused) -> HoldRefusal:
    assert isinstance(refused.problem, HoldRefused)
    return refused.problem.why


async def rows(world: World) -> list[tuple[str, str]]:
    async with world.store.read() as uow:
        return [(row.action, row.actor) for row in (await uow.audit.range()) if row.action.startswith("alert.")]


@pytest.fixture
async def world(store: ObservedStore) -> World:
    made = World(store)
    made.watched = replace(made.watched, escalation=Escalation("S0ONCALL", 300, Severity.WARNING), remind_holder=HOUR)
    made.start()
    assert await made.ticks(3) == []
    made.see = with_disks(disk(7))
    await made.ticks()
    return made


async def only(world: World) -> Alert:
    return await actions(world).alert(1)


async def test_of_two_who_take_over_at_once_one_holds_it(world: World) -> None:
    await actions(world).acknowledge(1, "U1")
    done = await asyncio.gather(
        *(actions(world).acknowledge(1, user, take=True, seen="U1") for user in ("U2", "U3")), return_exceptions=True
    )
    refused = [each for each in done if isinstance(each, Refused)]
    held = [each for each in done if isinstance(each, Alert)]
    assert [why(each) for each in refused] == [HoldRefusal.CHANGED_HANDS]
    assert (await only(world)).acked_by == held[0].acked_by


async def test_double_click_gives_back_once(world: World) -> None:
    await actions(world).acknowledge(1, "U1")
    done = await asyncio.gather(
        *(actions(world).give_back(1, "U1", seen="U1") for _ in range(2)), return_exceptions=True
    )
    assert [why(each) for each in done if isinstance(each, Refused)] == [HoldRefusal.NOT_HELD]
    assert (await only(world)).state is AlertState.FIRING
    assert (
        world.store.posted.count(
            "<@U1> gave back alert #1: no one holds it now. Still firing in prod: 1 disk of prod is broken."
        )
        == 1
    )


async def test_each_change_of_hands_is_said_and_recorded(world: World) -> None:
    await actions(world).acknowledge(1, "U1")
    await actions(world).acknowledge(1, "U2", take=True, seconds=HOUR)
    assert world.store.posted[-1].startswith("<@U2> took over alert #1 from <@U1> until <!date^")
    world.now += HOUR
    [_, said] = await world.ticks()
    assert said.startswith("The acknowledgement by <@U2> ended after 1 h: no one holds this alert now.")
    assert (await world.ticks(20))[-1].startswith("<!subteam^S0ONCALL> No acknowledgement for 5 min")
    await actions(world).acknowledge(1, "U2")
    await actions(world).give_back(1, "U2")
    assert await rows(world) == [
        ("alert.acknowledged", "U1"),
        ("alert.taken_over", "U2"),
        ("alert.hold_expired", ""),
        ("alert.acknowledged", "U2"),
        ("alert.given_back", "U2"),
    ]


async def test_holder_is_reminded_until_the_alert_ends(world: World) -> None:
    await actions(world).acknowledge(1, "U1")
    assert await world.ticks(239) == []
    [_, said] = await world.ticks()
    assert said.startswith("<@U1>, you have held alert #1 for 1 h. Still firing in prod: 1 disk of prod is broken.")
    assert await world.ticks(239) == []
    await world.store.silence(Silence("prod", "disk_broken", "", world.now + HOUR, "U1", created_at=world.now))
    assert [text for text in await world.ticks(3) if "you have held" in text] == []
    assert ("alert.holder_reminded", "") in await rows(world)


async def test_restart_and_lost_transaction_remind_once(world: World) -> None:
    await actions(world).acknowledge(1, "U1")
    await world.ticks(239)
    world.store.fail_commit = True
    assert await world.ticks() == []
    world.start()
    said = await world.ticks(3)
    assert len([text for text in said if "you have held" in text]) == 1


async def test_alert_listed_in_a_group_reminds_and_expires_in_its_thread(store: ObservedStore) -> None:
    storm = Storm(store)
    storm.watched = replace(storm.watched, remind_holder=HOUR)
    storm.start()
    await storm.ticks(3)
    storm.fall(1, 2, 3)
    await storm.ticks()
    storm.fall(4, 5)
    await storm.ticks()
    await actions(storm).acknowledge(5, "U1", seconds=2 * HOUR)
    assert "(1 acknowledged)" in storm.shown()
    said = await storm.ticks(240)
    [reminder] = [text for text in said if "Still held by you" in text]
    assert reminder.startswith("<@U1> Still held by you: 1 alert\n• ⚠️ #5: Peer 5 is down, acknowledged by <@U1> until")
    said = await storm.ticks(241)
    assert any(text.startswith("<@U1> The acknowledgement ended, no one holds it: 1 alert") for text in said)


async def test_alert_silenced_before_it_was_announced_is_listed(world: World) -> None:
    world.see = with_disks()
    await world.ticks(3)
    await world.store.silence(Silence("prod", "disk_broken", "", world.now + HOUR, "U1", created_at=world.now))
    world.see = with_disks(disk(8))
    await world.ticks(3)
    assert await actions(world).open() == ()
    [alert] = await actions(world).listed()
    assert alert.state is AlertState.PENDING
    assert alert.notes.muted is not None
    with pytest.raises(Refused) as refused:
        await actions(world).acknowledge(alert.id, "U1")
    assert why(refused.value) is HoldRefusal.NOT_ANNOUNCED


@pytest.mark.parametrize("seconds", [0, -1, 8 * 86400.0])
async def test_acknowledgement_of_another_length_is_refused(world: World, seconds: float) -> None:
    with pytest.raises(Refused):
        await actions(world).acknowledge(1, "U1", seconds=seconds)
    assert (await only(world)).state is AlertState.FIRING
