"""Channels that take no alerts, and messages that somebody deleted: what matters is told nevertheless."""

import asyncio
from dataclasses import replace

import aiohttp

from bot.cli.demo import Demo
from bot.delivery.fallback import RETRY_SECONDS
from tests.e2e.test_journey import ALICE, OPERATIONS, STORAGE, alert, ask, propose


def change(world: Demo, channel: str, *, has_bot: bool = True, is_archived: bool = False) -> None:
    """Archive a channel, throw the bot out of it, or undo that."""
    workspace = world.slack.workspace
    old = workspace.team.channels
    channels = tuple(replace(c, has_bot=has_bot, is_archived=is_archived) if c.id == channel else c for c in old)
    workspace.team = replace(workspace.team, channels=channels)


async def ready(world: Demo) -> tuple[int, str]:
    """The status of /readyz and what it says of channels."""
    async with aiohttp.ClientSession() as web, web.get(f"http://127.0.0.1:{world.app.port}/readyz") as answer:
        return answer.status, (await answer.json())["checks"]["channels"]


async def retried(world: Demo) -> None:
    """As if the time to try closed channels again had come, however slow the machine."""
    later = replace(world.app.fallback, clock=lambda: world.app.clock() + RETRY_SECONDS)
    await later.sweep()


async def test_alerts_of_an_archived_channel_go_to_the_fallback_and_back_once_it_takes_them(world: Demo) -> None:
    """Told elsewhere with its thread, readiness says which channel; what comes after it is mended is told at home."""
    change(world, STORAGE, is_archived=True)
    world.clusters["prod"].break_disk(3)
    told = await world.slack.wait_for(OPERATIONS, alert("disk #3", "firing"))
    assert f"For <#{STORAGE}>, where cmbot cannot post" in told.full_text
    assert told.text.startswith(f"For <#{STORAGE}>")
    status, words = await ready(world)
    assert (status, STORAGE in words, f"alerts go to {OPERATIONS} meanwhile" in words) == (503, True, True)
    world.clusters["prod"].break_disk(4)
    await world.slack.wait_for(OPERATIONS, lambda m: m.thread_ts == told.ts and "worse than before" in m.full_text)
    await retried(world)
    assert (await ready(world))[0] == 503
    change(world, STORAGE, is_archived=False)
    await retried(world)
    back = await world.slack.wait_for(STORAGE, lambda m: "can post here again" in m.full_text)
    assert f"<#{OPERATIONS}>" in back.full_text
    await world.app.outbox.settled(f"unposted:{STORAGE}", within=10)
    await world.app.fallback.sweep()
    assert await ready(world) == (200, "ok")
    await world.clusters["prod"].kill(1)
    await world.slack.wait_for(STORAGE, alert("firing"))


async def test_an_alert_that_was_told_is_told_anew_elsewhere_when_its_channel_is_lost(world: Demo) -> None:
    """The bot is thrown out while an alert is open: its next word is in the fallback channel, with its whole card."""
    world.clusters["prod"].break_disk(3)
    await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    change(world, STORAGE, has_bot=False)
    world.clusters["prod"].break_disk(4)
    told = await world.slack.wait_for(OPERATIONS, alert("disk #4", "firing"))
    await world.slack.as_user(ALICE).click(OPERATIONS, told.ts, "alert_ack")
    await world.slack.wait_for(OPERATIONS, lambda m: m.ts == told.ts and "acknowledged by" in m.full_text)


async def test_an_open_alert_that_somebody_deleted_is_posted_anew_and_its_thread_follows(world: Demo) -> None:
    """Whoever deletes an alert does not mend it; once it is over a deleted message is left alone."""
    world.clusters["prod"].break_disk(3)
    first = await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    world.slack.workspace.change(first, deleted=True)
    world.clusters["prod"].break_disk(4)
    again = await world.slack.wait_for(STORAGE, alert("disk #4", "firing"))
    assert again.ts != first.ts
    await world.slack.wait_for(STORAGE, lambda m: m.thread_ts == again.ts and "worse than before" in m.full_text)
    world.slack.workspace.change(again, deleted=True)
    for disk in (3, 4):
        world.clusters["prod"].repair_disk(disk, "repaired")
    async with asyncio.timeout(30):
        while "No alert" not in (await ask(world, "/cm alerts")).text:
            pass
    async with asyncio.timeout(30):
        while (await world.app.outbox.health()).depth:
            await ask(world, "/cm whoami")
    assert not [m for m in world.slack.as_user(ALICE).sees(STORAGE) if m.metadata and not m.thread_ts]


async def test_the_card_of_an_open_operation_that_somebody_deleted_is_posted_anew(world: Demo) -> None:
    """It waits for a decision, so there must be something to decide on."""
    card, _ = await propose(world, "/cm task disable balance")
    world.slack.workspace.change(card, deleted=True)
    await world.slack.as_user(ALICE).force_click(card, "op_confirm")
    done = await world.slack.wait_for(OPERATIONS, lambda m: bool(m.metadata) and "Done and read back" in m.full_text)
    assert done.ts != card.ts
