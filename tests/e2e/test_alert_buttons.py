"""Buttons of an alert: silence, show cluster, runbook, propose the fix."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.cli.demo import Demo
from bot.interactions.events import Click
from bot.playground.slack_sim.acting import ActError
from bot.playground.slack_sim.workspace import Message
from tests.e2e.test_alert_commands import buttons
from tests.e2e.test_journey import ALICE, DAVE, OPERATIONS, STORAGE, alert, ask
from tests.support.slow_polls import switches_read

pytestmark = pytest.mark.fast_time


async def private_reply(world: Demo, user: str, *words: str) -> Message:
    """The ephemeral message for this user."""
    return await world.slack.wait_for(
        STORAGE, lambda m: m.only_for == user and all(word in m.full_text for word in words), user=user
    )


async def broken(world: Demo, disk: int = 3) -> Message:
    """Break a disk; return its alert."""
    world.clusters["prod"].break_disk(disk)
    return await world.slack.wait_for(STORAGE, alert(f"disk #{disk}", "firing"))


def _elements(message: Message) -> list[Mapping[str, Any]]:
    """The buttons and menus of a message."""
    return [each for block in message.blocks for each in block.get("elements", ())]


def choice(message: Message, words: str) -> str:
    """Value of the menu option with these words."""
    menus = [each for block in message.blocks for each in block.get("elements", ()) if each["type"] == "static_select"]
    return next(str(option["value"]) for option in menus[0]["options"] if option["text"]["text"] == words)


async def test_viewer_sees_cluster_and_runbook_in_private(world: Demo) -> None:
    """The status is ephemeral, the runbook a modal without a link to a manual, and the alert is unchanged."""
    posted = await broken(world)
    dave = world.slack.as_user(DAVE)
    await dave.click(STORAGE, posted.ts, "alert_show")
    await private_reply(world, DAVE, "prod", "3 of 3 hosts answered")
    await dave.click(STORAGE, posted.ts, "alert_runbook")
    shown = await world.slack.wait_for_view(lambda view: "Runbook of `disk_broken`" in view.full_text, user=DAVE)
    assert "What to do" in shown.full_text
    assert "docs/" not in shown.full_text
    now = next(m for m in dave.sees(STORAGE) if m.ts == posted.ts)
    assert "disk #3" in now.full_text
    assert "Runbook of `disk_broken`" in (await ask(world, "/cm runbook disk_broken")).full_text
    assert "no rule" in (await ask(world, "/cm runbook disk_brokn")).full_text


async def test_runbook_is_a_private_message_where_slack_opens_no_modal(world: Demo) -> None:
    """Stored work that a later process runs has a trigger too old for a modal."""
    posted = await broken(world)
    dave = world.slack.as_user(DAVE)
    value = next(str(each["value"]) for each in _elements(posted) if each["action_id"] == "alert_runbook")

    def click(key: str) -> Click:
        return Click(key, DAVE, STORAGE, "alert_runbook", value, posted.ts, dave._response_url(STORAGE))

    assert await world.app.dispatcher.accept(click("1.2.old"))
    await world.app.dispatcher.resume()
    first = await private_reply(world, DAVE, "Runbook of `disk_broken`", "disk_repair")
    assert world.slack.workspace.violations == []
    await world.app.dispatcher.execute(click("1.2.late"))
    await world.slack.wait_for(
        STORAGE, lambda m: m.only_for == DAVE and m.ts != first.ts and "Runbook of" in m.full_text, user=DAVE
    )
    assert [wrong.rule for wrong in world.slack.workspace.violations] == ["invalid_trigger_id"]
    world.slack.workspace.violations.clear()
    assert world.slack.workspace.modal(DAVE) is None


async def test_menu_silences_an_alert_until_it_is_resolved(world: Demo) -> None:
    """It asks for confirmation, posts in the thread, is listed, and ends with the alert."""
    posted = await broken(world)
    value = choice(posted, "Silence until resolved")
    alice = world.slack.as_user(ALICE)
    with pytest.raises(ActError):
        await alice.click(STORAGE, posted.ts, "alert_silence", value=value)
    await alice.click(STORAGE, posted.ts, "alert_silence", value=value, confirmed=True)
    said = await world.slack.wait_for(STORAGE, lambda m: m.thread_ts == posted.ts and "silenced" in m.full_text)
    assert "is resolved, at the latest" in said.full_text
    quiet = await world.slack.wait_for(STORAGE, lambda m: m.ts == posted.ts and "silenced by" in m.full_text)
    assert f"<@{ALICE}>" in quiet.full_text
    assert "disk_broken" in (await ask(world, "/cm silences")).full_text
    world.clusters["prod"].repair_disk(3, "repaired")
    await world.slack.wait_for(STORAGE, lambda m: m.ts == posted.ts and "Resolved" in m.full_text)
    assert "Nothing is silenced" in (await ask(world, "/cm silences")).full_text


async def test_silence_by_viewer_or_on_resolved_alert_is_refused(world: Demo) -> None:
    """A viewer, a resolved alert and a forged duration are refused."""
    posted = await broken(world)
    value = choice(posted, "Silence for 4 hours")
    await world.slack.as_user(DAVE).click(STORAGE, posted.ts, "alert_silence", value=value, confirmed=True)
    await private_reply(world, DAVE, "not an operator")
    alice = world.slack.as_user(ALICE)
    forged = {"selected_option": {"text": {"type": "plain_text", "text": "x"}, "value": '{"alert":1,"for":"9y"}'}}
    await alice.force_click(posted, "alert_silence", value=value, forged=forged)
    await private_reply(world, ALICE, "no such time")
    assert "Nothing is silenced" in (await ask(world, "/cm silences")).full_text


async def test_fix_button_proposes_like_the_typed_command(world: Demo) -> None:
    """Only an operator's click opens the card; after the fix the button is stale."""
    cluster = world.app.clusters["prod"]
    await cluster.api.config_set("balance", "Enable")
    await switches_read(cluster, world.app.clock)
    posted = await world.slack.wait_for(STORAGE, alert("balance", "firing"))
    assert "Enable balance" in buttons(posted)
    await world.slack.as_user(DAVE).click(STORAGE, posted.ts, "alert_fix", confirmed=True)
    await private_reply(world, DAVE, "not an operator")
    alice = world.slack.as_user(ALICE)
    await alice.click(STORAGE, posted.ts, "alert_fix", confirmed=True)
    card = await world.slack.wait_for(OPERATIONS, lambda m: "*Waiting*" in m.full_text)
    assert "balance" in card.full_text
    await private_reply(world, ALICE, "balance")
    await alice.click(OPERATIONS, card.ts, "op_confirm", confirmed=True)
    await world.slack.wait_for(OPERATIONS, lambda m: m.ts == card.ts and "Verified" in m.full_text)
    await switches_read(cluster, world.app.clock)
    over = await world.slack.wait_for(STORAGE, lambda m: m.ts == posted.ts and "Resolved" in m.full_text)
    assert buttons(over) == []
    await alice.force_click(posted, "alert_fix")
    await private_reply(world, ALICE, "is resolved already")


async def test_button_of_a_help_group_lists_its_commands(world: Demo) -> None:
    shown = await ask(world, "/cm")
    await world.slack.as_user(ALICE).click(shown.channel, shown.ts, "help_group_alerting")
    listed = await private_reply(world, ALICE, "Answer alerts: ", "/cm unsilence")
    assert "/cm stat" not in listed.full_text
