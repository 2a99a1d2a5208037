"""The database goes away and comes back: what reads answers, what changes is refused, and all resumes by itself."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.cli.demo import example, settled
from bot.config import Secrets, parse
from bot.playground.clustermgr_sim import SimulatedCluster
from bot.playground.slack_sim.server import LocalSlack
from bot.playground.slack_sim.workspace import Message
from bot.runtime.app import build
from bot.runtime.lifecycle import App, running, sweep
from tests.e2e.conftest import QUICK
from tests.support.databases import BACKENDS, Postgres, postgres

__all__ = ["postgres"]

ALICE, BOB = "U0ALICE", "U0BOB"
STORAGE, OPERATIONS = "C0STORAGE", "C0OPERATIONS"
STORE_DOWN = "cannot reach its own database"
READING = (
    "/cm",
    "/cm help stat",
    "/cm clusters",
    "/cm stat",
    "/cm members",
    "/cm disks",
    "/cm disk 1",
    "/cm tasks",
    "/cm whoami",
)


@dataclass
class World:
    """The program with one cluster and a database that can be taken away."""

    app: App
    slack: LocalSlack
    cluster: SimulatedCluster
    take: Callable[[], None]
    give: Callable[[], None]

    async def ask(self, line: str) -> Message:
        """Type a command and wait for what its sender sees."""
        person = self.slack.as_user(ALICE)
        before = {m.ts for m in person.sees(STORAGE)}
        assert not (await person.command(STORAGE, line)).error
        return await self.slack.wait_for(
            STORAGE, lambda m: m.ts not in before and not m.metadata, user=ALICE, timeout=20
        )

    async def confirm(self, card: Message) -> None:
        """Bob clicks, and it is acknowledged in time."""
        assert not (await self.slack.as_user(BOB).click(OPERATIONS, card.ts, "op_confirm", confirmed=True)).error

    async def card(self) -> Message:
        """The newest card that waits."""
        return await self.slack.wait_for(OPERATIONS, lambda m: "*Waiting*" in m.full_text, timeout=20)


class Lock:
    """Another program that writes to the file and does not end."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.held: sqlite3.Connection | None = None

    def take(self) -> None:
        self.held = sqlite3.connect(self.file, isolation_level=None, timeout=30)
        self.held.execute("BEGIN IMMEDIATE")

    def give(self) -> None:
        if self.held is not None:
            self.held.close()
            self.held = None


async def until(done: Callable[[], bool]) -> None:
    """Wait for something inside the program that nobody announces."""
    turn = asyncio.Event()
    async with asyncio.timeout(60):
        while not done():
            asyncio.get_running_loop().call_later(0.05, turn.set)
            await turn.wait()
            turn.clear()


@pytest.fixture(params=BACKENDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        if request.param == "sqlite":
            lock, url = Lock(tmp_path / "cmbot.db"), f"sqlite:///{tmp_path}/cmbot.db"
            take, give = lock.take, lock.give
        else:
            server: Postgres = request.getfixturevalue("postgres")
            url = server.url(await server.create())
            take, give = server.stop, server.start
        cluster = await stack.enter_async_context(SimulatedCluster(timing=QUICK))
        slack = await stack.enter_async_context(LocalSlack())
        template = parse(example(), secrets=Secrets(), environment={})
        template = template.model_copy(update={"clusters": template.clusters[:1], "summaries": ()})
        settings = settled(template, slack, {"prod": cluster}, str(tmp_path), 0.2)
        settings = settings.model_copy(update={"store": settings.store.model_copy(update={"url": url})})
        app = await stack.enter_async_context(build(settings))
        await stack.enter_async_context(running(app))
        await slack.wait_connected()
        yield World(app, slack, cluster, take, give)
        slack.assert_no_violations()


async def test_an_outage_of_the_database_is_told_survived_and_over_by_itself(world: World) -> None:
    """One story: a card waits; the database goes; people type and click; it comes back; everything goes on."""
    await world.ask("/cm task disable balance reason=maintenance")
    card = await world.card()
    try:
        with capture_logs() as logs:
            await asyncio.to_thread(world.take)
            for line in READING:
                assert STORE_DOWN not in (await world.ask(line)).full_text, line
            refused = await world.ask("/cm task disable disk_repair reason=maintenance")
            assert STORE_DOWN in refused.full_text
            await world.confirm(card)
            await world.slack.wait_for(OPERATIONS, lambda m: STORE_DOWN in m.full_text, user=BOB, timeout=20)
            world.cluster.break_disk(3)
            await until(lambda: world.app.watches["prod"].pulse.failures > 0)
        assert {each["event"] for each in logs if each["log_level"] == "error"} == {"store.down"}
        assert len([each for each in logs if each["event"] == "store.down"]) <= 2
    finally:
        await asyncio.to_thread(world.give)
    await world.slack.wait_for(STORAGE, lambda m: bool(m.metadata) and "disk #3" in m.full_text, timeout=40)
    await world.confirm(card)
    await world.slack.wait_for(
        OPERATIONS, lambda m: m.ts == card.ts and "*Done and read back*" in m.full_text, timeout=40
    )
    async with world.app.store.read() as uow:
        assert [op.request["task"] for op in await uow.operations.recent(10)] == ["balance"], (
            "what was refused is not done"
        )
    await sweep(world.app)
    measured = world.app.metrics.exposed().decode()
    assert 'cmbot_alerts_open{cluster="prod"} 1.0' in measured
    assert 'cmbot_cluster_call_seconds_count{call="/stat",cluster="prod",outcome="ok"}' in measured
