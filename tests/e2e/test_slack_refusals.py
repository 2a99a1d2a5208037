"""The channel stays correct when Slack refuses edits, replies or messages."""

import asyncio

import aiohttp
import pytest

from bot.cli.demo import Demo
from bot.common.message_key import MessageKey
from bot.playground.slack_sim.message import Message
from tests.e2e.test_fallback import change
from tests.e2e.test_journey import ALICE, OPERATIONS, STORAGE, alert, propose
from tests.e2e.test_operations import BOB, CAROL

pytestmark = pytest.mark.fast_time

MANY = 100_000


def frozen(world: Demo) -> None:
    """Let Slack refuse every edit from now on."""
    world.slack.faults.inject("error", method="chat.update", count=MANY, code="edit_window_closed")


def links_to(message: Message, former: Message) -> bool:
    """True if the message links to the one that it replaces."""
    return "no longer lets cmbot edit" in message.full_text and former.ts in str(message.blocks)


async def test_refused_edit_of_a_card_lets_the_operation_go_on(world: Demo) -> None:
    card, _ = await propose(world, "/cm task disable balance")
    frozen(world)
    await world.slack.as_user(ALICE).force_click(card, "op_confirm")
    done = await world.slack.wait_for(OPERATIONS, lambda m: not m.thread_ts and "Verified" in m.full_text)
    assert done.ts != card.ts
    assert "no longer lets cmbot edit" in done.full_text
    await world.slack.as_user(ALICE).force_click(card, "op_confirm")
    await world.slack.wait_for(OPERATIONS, lambda m: "has no effect" in m.full_text, user=ALICE)


async def test_refused_edit_of_a_resolved_alert_is_a_new_message(world: Demo) -> None:
    world.clusters["prod"].break_disk(3)
    posted = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    frozen(world)
    world.clusters["prod"].repair_disk(3, "repaired")
    over = await world.slack.wait_for(STORAGE, lambda m: m.ts != posted.ts and alert("was repaired")(m), timeout=30)
    assert links_to(over, posted)


async def test_refused_thread_reply_is_posted_in_the_channel(world: Demo) -> None:
    code = "restricted_action_non_threadable_channel"
    world.slack.faults.inject("thread_error", method="chat.postMessage", count=MANY, code=code)
    world.clusters["prod"].break_disk(3)
    posted = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    world.clusters["prod"].break_disk(4)
    worse = await world.slack.wait_for(STORAGE, lambda m: "worse than before" in m.full_text)
    assert not worse.thread_ts
    assert posted.ts in str(worse.blocks)


async def test_unlisted_error_is_in_readyz_until_it_ends(world: Demo) -> None:
    world.slack.faults.inject("error", method="chat.postMessage", count=4, code="message_limit_exceeded")
    world.clusters["prod"].break_disk(3)
    async with asyncio.timeout(30), aiohttp.ClientSession() as web:
        words = ""
        while "message_limit_exceeded" not in words:
            async with web.get(f"http://127.0.0.1:{world.app.port}/readyz") as answer:
                words = (await answer.json())["checks"]["outbox"]
                assert (answer.status == 200) is (words == "ok")
    await world.slack.wait_for(STORAGE, alert("disk #3", "firing"), timeout=30)
    await world.app.outbox.settled(MessageKey.parse("alert:1"), within=10)
    assert await world.app.outbox.refused() == ""


async def test_refused_edit_of_a_half_approved_card_keeps_both_valid(world: Demo) -> None:
    """The new state is a new message, and the buttons of both messages work."""
    await world.clusters["prod"].kill(3)
    card, _ = await propose(world, "/cm leader transfer 3 force=yes reason=drill")
    frozen(world)
    await world.slack.as_user(BOB).force_click(card, "op_confirm")
    half = await world.slack.wait_for(OPERATIONS, lambda m: not m.thread_ts and "(1 of 2 so far)" in m.full_text)
    assert links_to(half, card)
    assert "cancelled" not in half.full_text
    await world.slack.as_user(CAROL).force_click(card, "op_confirm")
    await world.slack.wait_for(
        OPERATIONS, lambda m: not m.thread_ts and "Approved by <@U0BOB> and <@U0CAROL>, " in m.full_text, timeout=30
    )


async def test_alert_resolved_in_archived_channel_is_reported_in_fallback(world: Demo) -> None:
    """Its message cannot be edited, so the fallback channel reports the end with a link."""
    world.clusters["prod"].break_disk(3)
    posted = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    change(world, STORAGE, is_archived=True)
    world.clusters["prod"].repair_disk(3, "repaired")
    over = await world.slack.wait_for(OPERATIONS, alert("was repaired"), timeout=30)
    assert links_to(over, posted)
