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
from bot.runtime.jobs import SWEEP_SECONDS
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


async def test_overload_is_said_on_every_page_and_ends(world: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """One poll that does not end takes the only place: the others are due again before their turn."""
    monkeypatch.setattr("bot.watch.admission.MOST", 1)
    # Fast time is the time of the loop alone.
    monkeypatch.setattr(world.app.admission, "clock", asyncio.get_running_loop().time)
    status_reporter = replace(world.app.status_reporter, channels=[ARCHIVE])
    said = "2 clusters are more than this process can poll every "
    async with world.app.admission.turn("prod"):
        assert "; the interval is now " in await until_watch_says(world, said)
        await status_reporter.update(ARCHIVE)
        await world.slack.wait_for(ARCHIVE, lambda m: said in m.full_text)
        await asyncio.sleep(2 * SWEEP_SECONDS)
        shown = await metrics(world)
        assert shown["cmbot_polls_skipped_total"] >= 1
        assert shown["cmbot_poll_interval_stretch_ratio"] > 1
        assert shown["cmbot_polls_waiting"] >= 1
    await until_watch_says(world, "ok")
    await status_reporter.update(ARCHIVE)
    await world.slack.wait_for(ARCHIVE, lambda m: "cmbot is watching" in m.full_text)


async def test_commands_go_before_polls(world: Demo) -> None:
    """The admission of the polls asks the queue of the commands, which is seldom empty just after a start."""
    gate = asyncio.Event()

    async def command() -> None:
        await gate.wait()

    assert await world.app.task_queue.idle(30)
    assert not world.app.admission.busy()
    world.app.task_queue.start(command())
    assert world.app.admission.busy()
    gate.set()
    assert await world.app.task_queue.idle(30)
    assert not world.app.admission.busy()


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


async def until_watch_says(world: Demo, words: str) -> str:
    """Wait until `/readyz` says so of the watch; its whole remark."""
    while True:
        _, checks = await ready(world)
        if words in checks["watch"]:
            return checks["watch"]
        await asyncio.sleep(0.2)


async def metrics(world: Demo) -> dict[str, float]:
    """The metrics without labels."""
    url = f"http://127.0.0.1:{world.app.port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        lines_ = (await answer.text()).splitlines()
    shown = (line.split() for line in lines_ if not line.startswith("#") and "{" not in line)
    return {name: float(value) for name, value in shown}
