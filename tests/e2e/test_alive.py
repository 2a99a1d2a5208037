"""The bot proves that it is alive: its status line, edited in place, and its heartbeat."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace

import aiohttp
from aiohttp import web

from bot.cli.demo import Demo
from bot.playground.slack_sim.workspace import Message
from bot.telemetry.health import served
from bot.telemetry.heartbeat import Heartbeat
from tests.e2e.test_journey import ALICE, ARCHIVE, STORAGE, alert


def lines(world: Demo) -> list[Message]:
    """The bot's own messages that are seen in the channel of the status line."""
    return [m for m in world.slack.as_user(ALICE).sees(ARCHIVE) if m.metadata]


async def test_the_status_line_is_one_message_that_says_when_cmbot_stops(world: Demo) -> None:
    """What is known, as of when; deleted it comes back; at an orderly end it says so."""
    status_reporter = replace(world.app.status_reporter, channels=[ARCHIVE])
    world.clusters["prod"].break_disk(3)
    await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    await status_reporter.show(ARCHIVE)
    line = await world.slack.wait_for(ARCHIVE, lambda m: "cmbot is watching" in m.full_text)
    for words in ("of 2 clusters", "As of", "*prod*", "*archive*", "Oldest look:", "to be sent"):
        assert words in line.full_text, line.full_text
    world.slack.workspace.change(line, deleted=True)
    await status_reporter.announce_shutdown()
    ended = await world.slack.wait_for(ARCHIVE, lambda m: "was stopped" in m.full_text)
    assert ended.ts != line.ts
    await status_reporter.show(ARCHIVE)
    await world.slack.wait_for(ARCHIVE, lambda m: m.ts == ended.ts and "As of" in m.full_text)
    assert len(lines(world)) == 1


async def test_trouble_is_told_in_the_status_line(world: Demo) -> None:
    """Clusters at which nobody looked for long are named."""
    blind = replace(world.app.status_reporter, noted={}, began=0.0)
    assert await blind.trouble() == "no look lately at prod, archive."
    later = world.app.clock() + 3600
    ahead = replace(blind, noted={name: {"at": later} for name in world.clusters})
    assert await ahead.trouble() == "no look lately at prod, archive.", "a clock that was ahead noted it"
    await blind.show(ARCHIVE)
    told = await world.slack.wait_for(ARCHIVE, lambda m: "cmbot has trouble" in m.full_text)
    assert "no look lately at prod, archive" in told.full_text
    world.clusters["prod"].break_disk(3)
    world.clusters["archive"].break_disk(3)
    await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    await world.slack.wait_for(ARCHIVE, alert("disk #3", "firing"))
    assert await world.app.status_reporter.trouble() == ""


async def test_the_heartbeat_is_called_by_the_watch(world: Demo) -> None:
    """A dead man's switch hears of it with one of the next ticks."""
    called = asyncio.Event()

    async def ping(_: web.Request) -> web.Response:
        called.set()
        return web.Response()

    server = web.Application()
    server.router.add_get("/ping", ping)
    async with served(server, "127.0.0.1", 0) as port:
        world.app.heartbeat = Heartbeat(f"http://127.0.0.1:{port}/ping", every=0.1)
        async with asyncio.timeout(30):
            await called.wait()
        world.app.heartbeat = Heartbeat("")


async def test_readiness_notices_a_locked_database_that_still_reads(world: Demo) -> None:
    file = world.app.settings.store_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        status, checks = await ready(world)
        while status == 200:
            await asyncio.sleep(0.2)
            status, checks = await ready(world)
        assert "no write comes through" in checks["store"]
        other.execute("ROLLBACK")
    while checks["store"] != "ok":
        await asyncio.sleep(0.2)
        _, checks = await ready(world)


async def ready(world: Demo) -> tuple[int, dict[str, str]]:
    """What /readyz answers."""
    url = f"http://127.0.0.1:{world.app.port}/readyz"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, (await answer.json())["checks"]
