"""The status line, edited in place, and the heartbeat."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from bot.alerting.cluster_state.state import ClusterNote
from bot.cli.demo import Demo
from bot.playground.slack_sim.workspace import Message
from bot.telemetry.health import served
from tests.e2e.test_journey import ALICE, ARCHIVE, STORAGE, alert

pytestmark = pytest.mark.fast_time


def lines(world: Demo) -> list[Message]:
    """Messages of cmbot in the channel of the status line."""
    return [m for m in world.slack.as_user(ALICE).sees(ARCHIVE) if m.metadata]


async def test_status_line_is_one_message_and_shows_a_stop(world: Demo) -> None:
    """It shows the clusters with a time, returns after it was deleted, and says that cmbot was stopped."""
    status_reporter = replace(world.app.status_reporter, channels=[ARCHIVE])
    world.clusters["prod"].break_disk(3)
    await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    await status_reporter.update(ARCHIVE)
    line = await world.slack.wait_for(ARCHIVE, lambda m: "cmbot is watching" in m.full_text)
    for words in ("of 2 clusters", "As of", "*prod*", "*archive*", "Oldest poll:", "to be sent"):
        assert words in line.full_text, line.full_text
    world.slack.workspace.change(line, deleted=True)
    await status_reporter.announce_shutdown()
    ended = await world.slack.wait_for(ARCHIVE, lambda m: "was stopped" in m.full_text)
    assert ended.ts != line.ts
    await status_reporter.update(ARCHIVE)
    await world.slack.wait_for(ARCHIVE, lambda m: m.ts == ended.ts and "As of" in m.full_text)
    assert len(lines(world)) == 1


async def test_status_line_names_clusters_that_are_not_polled(world: Demo) -> None:
    unpolled = replace(world.app.status_reporter, cluster_notes={}, began=0.0)
    assert await unpolled.problem() == "prod, archive: not polled lately."
    later = world.app.clock() + 3600
    ahead = replace(unpolled, cluster_notes={name: ClusterNote(at=later) for name in world.clusters})
    assert await ahead.problem() == "prod, archive: not polled lately.", "a clock that was ahead saved the time"
    await unpolled.update(ARCHIVE)
    line = await world.slack.wait_for(ARCHIVE, lambda m: "cmbot has a problem" in m.full_text)
    assert "prod, archive: not polled lately" in line.full_text
    world.clusters["prod"].break_disk(3)
    world.clusters["archive"].break_disk(3)
    await world.slack.wait_for(STORAGE, alert("disk #3", "firing"))
    await world.slack.wait_for(ARCHIVE, alert("disk #3", "firing"))
    assert await world.app.status_reporter.problem() == ""


async def test_polls_call_the_heartbeat(world: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A monitoring service is called after one of the next polls."""
    called = asyncio.Event()

    async def ping(_: web.Request) -> web.Response:
        called.set()
        return web.Response()

    server = web.Application()
    server.router.add_get("/ping", ping)
    async with served(server, "127.0.0.1", 0) as port:
        monkeypatch.setattr("bot.telemetry.heartbeat.EVERY_SECONDS", 0.1)
        monkeypatch.setattr(world.app.heartbeat, "_url", f"http://127.0.0.1:{port}/ping")
        async with asyncio.timeout(30):
            await called.wait()
        monkeypatch.undo()


async def test_readyz_fails_when_the_database_is_locked_for_writes(world: Demo) -> None:
    file = world.app.settings.store_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        status, checks = await ready(world)
        while status == 200:
            await asyncio.sleep(0.2)
            status, checks = await ready(world)
        assert "no write succeeds" in checks["store"]
        other.execute("ROLLBACK")
    while checks["store"] != "ok":
        await asyncio.sleep(0.2)
        _, checks = await ready(world)


async def ready(world: Demo) -> tuple[int, dict[str, str]]:
    """Answer of `/readyz`."""
    url = f"http://127.0.0.1:{world.app.port}/readyz"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, (await answer.json())["checks"]
