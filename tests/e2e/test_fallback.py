"""Alerts reach people although their channel is closed or their message was deleted."""

import asyncio
from dataclasses import replace

import aiohttp
import pytest

from bot.cli.demo import Demo
from bot.common.message_key import MessageKey
from bot.delivery.fallback import RETRY_SECONDS
from tests.e2e.test_journey import ALICE, OPERATIONS, STORAGE, alert, ask, propose

pytestmark = pytest.mark.fast_time

NOTE = MessageKey.parse(f"unposted:{STORAGE}")
"""Key of the note that cmbot can post in the closed channel again."""


def change(world: Demo, channel: str, *, has_bot: bool = True, is_archived: bool = False) -> None:
    """Archive a channel, remove the bot from it, or undo either."""
    workspace = world.slack.workspace
    old = workspace.team.channels
    channels = tuple(replace(c, has_bot=has_bot, is_archived=is_archived) if c.id == channel else c for c in old)
    workspace.team = replace(workspace.team, channels=channels)


async def ready(world: Demo) -> tuple[int, str]:
    """Status of /readyz and its sentence about channels."""
    async with aiohttp.ClientSession() as web, web.get(f"http://127.0.0.1:{world.app.port}/readyz") as answer:
        return answer.status, (await answer.json())["checks"]["channels"]


async def retried(world: Demo) -> None:
    """Retry the closed channel now, and wait for Slack's answer.

    A note whose request is on its way is not retried: the answer to an earlier request comes first.
    """
    await world.app.outbox.settled(NOTE, within=10)
    later = replace(world.app.fallback, clock=lambda: world.app.clock() + RETRY_SECONDS)
    await later.retry_closed_channels()
    await world.app.outbox.settled(NOTE, within=10)


async def test_alerts_of_archived_channel_use_fallback_until_it_returns(world: Demo) -> None:
    """Alert and thread go to the fallback channel, readiness names the closed one, and later alerts return."""
    change(world, STORAGE, is_archived=True)
    world.clusters["prod"].break_disk(3)
    posted = await world.slack.wait_for(OPERATIONS, alert("disk #3", "firing"))
    assert f"For <#{STORAGE}>, where cmbot cannot post" in posted.full_text
    assert posted.text.startswith(f"For <#{STORAGE}>")
    status, words = await ready(world)
    assert (status, STORAGE in words, f"alerts go to {OPERATIONS} meanwhile" in words) == (503, True, True)
    world.clusters["prod"].break_disk(4)
    await world.slack.wait_for(OPERATIONS, lambda m: m.thread_ts == posted.ts and "worse than before" in m.full_text)
    await retried(world)
    assert (await ready(world))[0] == 503
    change(world, STORAGE, is_archived=False)
    await retried(world)
    back = await world.slack.wait_for(STORAGE, lambda m: "can post here again" in m.full_text)
    assert f"<#{OPERATIONS}>" in back.full_text
    await world.app.fallback.retry_closed_channels()
    assert (await ready(world))[1] == "ok"
    # On a busy machine a poll may be late, which readiness reports until the next one.
    async with asyncio.timeout(30):
        while await ready(world) != (200, "ok"):
            pass
    await world.clusters["prod"].kill(1)
    await world.slack.wait_for(STORAGE, alert("firing"))


async def test_open_alert_moves_to_fallback_when_channel_is_lost(world: Demo) -> None:
    """The bot is removed while an alert is open: the next change posts the whole alert in the fallback channel."""
    world.clusters["prod"].break_disk(3)
    await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    change(world, STORAGE, has_bot=False)
    world.clusters["prod"].break_disk(4)
    posted = await world.slack.wait_for(OPERATIONS, alert("disk #4", "firing"))
    await world.slack.as_user(ALICE).click(OPERATIONS, posted.ts, "alert_ack")
    await world.slack.wait_for(OPERATIONS, lambda m: m.ts == posted.ts and "acknowledged by" in m.full_text)


async def test_deleted_message_of_open_alert_is_posted_again(world: Demo) -> None:
    """A deleted message of an open alert is posted again; one of a resolved alert is not.

    The disks are of two zones: no volume comes near its limit, which would be another alert.
    """
    world.clusters["prod"].break_disk(3)
    first = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    world.slack.workspace.change(first, deleted=True)
    world.clusters["prod"].break_disk(12)
    again = await world.slack.wait_for(STORAGE, alert("disk #12", "firing"))
    assert again.ts != first.ts
    await world.slack.wait_for(STORAGE, lambda m: m.thread_ts == again.ts and "worse than before" in m.full_text)
    world.slack.workspace.change(again, deleted=True)
    for disk in (3, 12):
        world.clusters["prod"].repair_disk(disk, "repaired")
    async with asyncio.timeout(30):
        while "No alert" not in (await ask(world, "/cm alerts")).text:
            pass
    async with asyncio.timeout(30):
        while (await world.app.outbox.health()).depth:
            await ask(world, "/cm whoami")
    assert not [m for m in world.slack.as_user(ALICE).sees(STORAGE) if m.metadata and not m.thread_ts]


async def test_deleted_card_of_open_operation_is_posted_again(world: Demo) -> None:
    """A waiting operation needs a card for its decision."""
    card, _ = await propose(world, "/cm task disable balance")
    world.slack.workspace.change(card, deleted=True)
    await world.slack.as_user(ALICE).force_click(card, "op_confirm")
    done = await world.slack.wait_for(OPERATIONS, lambda m: bool(m.metadata) and "Verified" in m.full_text)
    assert done.ts != card.ts
