"""Message shortcuts on an alert, over real sockets."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.cli.demo import Demo
from bot.playground.slack_sim.message import View
from bot.playground.slack_sim.workspace import Message
from tests.e2e.test_journey import ALICE, DAVE, STORAGE, alert

pytestmark = pytest.mark.fast_time

PATIENCE = 40.0


async def broken(world: Demo) -> Message:
    world.clusters["prod"].break_disk(3)
    return await world.slack.wait_for(STORAGE, alert("disk #3", "firing"), timeout=PATIENCE)


async def private(world: Demo, words: str, user: str = ALICE) -> Message:
    return await world.slack.wait_for(
        STORAGE, lambda m: m.only_for == user and words in m.full_text, user=user, timeout=PATIENCE
    )


def held(view: View, action_id: str) -> Mapping[str, Any]:
    found = next(b["element"] for b in view.blocks if b["type"] == "input" and b["element"]["action_id"] == action_id)
    assert isinstance(found, Mapping)
    return found


async def test_acknowledge_in_the_menu_of_an_alert_and_of_a_reply_to_it(world: Demo) -> None:
    """The alert's message is edited; a second try, from the thread, says who was first; a viewer is refused."""
    posted = await broken(world)
    await world.slack.as_user(DAVE).shortcut(STORAGE, posted.ts, "cm_acknowledge")
    await private(world, "operator", DAVE)
    await world.slack.as_user(ALICE).shortcut(STORAGE, posted.ts, "cm_acknowledge")
    await private(world, "cknowledged")
    await world.slack.wait_for(
        STORAGE, lambda m: m.ts == posted.ts and f"<@{ALICE}>" in m.full_text, user=ALICE, timeout=PATIENCE
    )
    reply = world.slack.as_user(ALICE).post(STORAGE, "on it", thread_ts=posted.ts)
    await world.slack.as_user(ALICE).shortcut(STORAGE, reply.ts, "cm_acknowledge")
    await private(world, "already")


async def test_shortcut_on_another_message_says_so(world: Demo) -> None:
    said = world.slack.as_user(ALICE).post(STORAGE, "good morning")
    for callback in ("cm_acknowledge", "cm_propose"):
        await world.slack.as_user(ALICE).shortcut(STORAGE, said.ts, callback)
    await private(world, "no alert of cmbot")


async def test_propose_opens_the_form_filled_from_the_alert(world: Demo) -> None:
    """One lost voter: its replacement, with the peer and the alert as the reason."""
    await world.clusters["prod"].kill(3)
    posted = await world.slack.wait_for(STORAGE, alert("voter 3", "firing"), timeout=PATIENCE)
    await world.slack.as_user(ALICE).shortcut(STORAGE, posted.ts, "cm_propose")
    view = await world.slack.wait_for_view(lambda v: "submit" in v.content, user=ALICE, timeout=PATIENCE)
    assert held(view, "form:cluster")["initial_option"]["value"] == "prod"
    assert held(view, "form:kind")["initial_option"]["value"] == "member replace"
    assert held(view, "field:dead")["initial_option"]["value"] == "3"
    assert held(view, "field:reason")["initial_value"].startswith("Alert #")


async def test_propose_keeps_the_reason_until_the_change_is_chosen(world: Demo) -> None:
    """A broken disk has no one change that helps: the person chooses it, and the alert is its reason."""
    posted = await broken(world)
    person = world.slack.as_user(ALICE)
    await person.shortcut(STORAGE, posted.ts, "cm_propose")
    await world.slack.wait_for_view(lambda v: "submit" in v.content, user=ALICE, timeout=PATIENCE)
    await person.click_view("form:kind", value="disk offline")
    view = await world.slack.wait_for_view(lambda v: "field:ids" in str(v.content), user=ALICE, timeout=PATIENCE)
    assert held(view, "field:reason")["initial_value"].startswith("Alert #")
