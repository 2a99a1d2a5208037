"""What can be done right at an alert's message: silence it, show the cluster, read the runbook, propose the fix."""

import pytest

from bot.cli.demo import Demo
from bot.playground.slack_sim.acting import ActError
from bot.playground.slack_sim.workspace import Message
from tests.e2e.test_attention import buttons
from tests.e2e.test_journey import ALICE, DAVE, OPERATIONS, STORAGE, alert, ask


async def told_in_private(world: Demo, user: str, *words: str) -> Message:
    """What only this user is told."""
    return await world.slack.wait_for(
        STORAGE, lambda m: m.only_for == user and all(word in m.full_text for word in words), user=user
    )


async def broken(world: Demo, disk: int = 3) -> Message:
    """A disk breaks; the alert about it."""
    world.clusters["prod"].break_disk(disk)
    return await world.slack.wait_for(STORAGE, alert(f"disk #{disk}", "firing"))


def choice(message: Message, words: str) -> str:
    """The value of the menu's option of these words."""
    menus = [each for block in message.blocks for each in block.get("elements", ()) if each["type"] == "static_select"]
    return next(str(option["value"]) for option in menus[0]["options"] if option["text"]["text"] == words)


async def test_anyone_sees_the_cluster_and_the_runbook_by_themselves(world: Demo) -> None:
    """Both answers are for the clicker alone, and the alert stays what it is."""
    told = await broken(world)
    dave = world.slack.as_user(DAVE)
    await dave.click(STORAGE, told.ts, "alert_show")
    await told_in_private(world, DAVE, "prod", "3 of 3 hosts answered")
    await dave.click(STORAGE, told.ts, "alert_runbook")
    await told_in_private(world, DAVE, "Runbook of `disk_broken`", "disk_repair")
    now = next(m for m in dave.sees(STORAGE) if m.ts == told.ts)
    assert "disk #3" in now.full_text
    assert "Runbook of `disk_broken`" in (await ask(world, "/cm runbook disk_broken")).full_text
    assert "no rule" in (await ask(world, "/cm runbook disk_brokn")).full_text


async def test_an_alert_is_silenced_from_its_menu_until_it_is_resolved(world: Demo) -> None:
    """Asked first, told in the thread, listed, and gone with the alert."""
    told = await broken(world)
    value = choice(told, "Silence until resolved")
    alice = world.slack.as_user(ALICE)
    with pytest.raises(ActError):
        await alice.click(STORAGE, told.ts, "alert_silence", value=value)
    await alice.click(STORAGE, told.ts, "alert_silence", value=value, confirmed=True)
    said = await world.slack.wait_for(STORAGE, lambda m: m.thread_ts == told.ts and "silenced" in m.full_text)
    assert "is resolved, at the latest" in said.full_text
    quiet = await world.slack.wait_for(STORAGE, lambda m: m.ts == told.ts and "silenced by" in m.full_text)
    assert f"<@{ALICE}>" in quiet.full_text
    assert "disk_broken" in (await ask(world, "/cm silences")).full_text
    world.clusters["prod"].repair_disk(3, "repaired")
    await world.slack.wait_for(STORAGE, lambda m: m.ts == told.ts and "Resolved" in m.full_text)
    assert "Nothing is silenced" in (await ask(world, "/cm silences")).full_text


async def test_only_operators_silence_and_an_old_card_says_so(world: Demo) -> None:
    """A viewer is refused; what is over cannot be silenced any more; a forged time is refused."""
    told = await broken(world)
    value = choice(told, "Silence for 4 hours")
    await world.slack.as_user(DAVE).click(STORAGE, told.ts, "alert_silence", value=value, confirmed=True)
    await told_in_private(world, DAVE, "not an operator")
    alice = world.slack.as_user(ALICE)
    forged = {"selected_option": {"text": {"type": "plain_text", "text": "x"}, "value": '{"alert":1,"for":"9y"}'}}
    await alice.force_click(told, "alert_silence", value=value, forged=forged)
    await told_in_private(world, ALICE, "no such time")
    assert "Nothing is silenced" in (await ask(world, "/cm silences")).full_text


async def test_the_fix_is_proposed_by_its_button_as_if_it_had_been_typed(world: Demo) -> None:
    """A switch that means nothing: the button opens the card; a viewer may not; once it is mended the button is old."""
    cluster = world.app.clusters["prod"]
    await cluster.api.config_set("balance", "Enable")
    cluster._rounds.made_at = 0.0
    told = await world.slack.wait_for(STORAGE, alert("balance", "firing"))
    assert "Enable balance" in buttons(told)
    await world.slack.as_user(DAVE).click(STORAGE, told.ts, "alert_fix", confirmed=True)
    await told_in_private(world, DAVE, "not an operator")
    alice = world.slack.as_user(ALICE)
    await alice.click(STORAGE, told.ts, "alert_fix", confirmed=True)
    card = await world.slack.wait_for(OPERATIONS, lambda m: "*Waiting*" in m.full_text)
    assert "balance" in card.full_text
    await told_in_private(world, ALICE, "balance")
    await alice.click(OPERATIONS, card.ts, "op_confirm", confirmed=True)
    await world.slack.wait_for(OPERATIONS, lambda m: m.ts == card.ts and "Done" in m.full_text)
    cluster._rounds.made_at = 0.0
    over = await world.slack.wait_for(STORAGE, lambda m: m.ts == told.ts and "Resolved" in m.full_text)
    assert buttons(over) == []
    await alice.force_click(told, "alert_fix")
    await told_in_private(world, ALICE, "is resolved already")
