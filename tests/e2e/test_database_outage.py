"""Outage of the database: reading commands answer, changes are refused, and everything resumes by itself."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.cli.demo import EXAMPLE, settings_for, with_policies
from bot.config import Secrets, parse
from bot.operations.policy import PolicyMode
from bot.playground.clustermgr_sim import SimulatedCluster
from bot.playground.slack_sim.server import LocalSlack
from bot.playground.slack_sim.workspace import Message
from bot.runtime.app import build
from bot.runtime.jobs import sweep
from bot.runtime.lifecycle import running
from bot.runtime.parts import App
from tests.e2e.conftest import QUICK
from tests.support.databases import BACKENDS, Postgres

pytestmark = pytest.mark.fast_time

ALICE, BOB = "U0ALICE", "U0BOB"
STORAGE, OPERATIONS = "C0STORAGE", "C0OPERATIONS"
STORE_DOWN = "cannot reach its database"
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
    """The program with one cluster and a database that the test can block."""

    app: App
    slack: LocalSlack
    cluster: SimulatedCluster
    take: Callable[[], None]
    give: Callable[[], None]

    async def ask(self, line: str) -> Message:
        """Type a command and wait for its answer."""
        person = self.slack.as_user(ALICE)
        before = {m.ts for m in person.sees(STORAGE)}
        assert not (await person.command(STORAGE, line)).error
        return await self.slack.wait_for(
            STORAGE, lambda m: m.ts not in before and not m.metadata, user=ALICE, timeout=20
        )

    async def confirm(self, card: Message) -> None:
        """Approve as Bob; the click must be acknowledged in time."""
        assert not (await self.slack.as_user(BOB).click(OPERATIONS, card.ts, "op_confirm", confirmed=True)).error

    async def card(self) -> Message:
        """Wait for a card that waits for approval."""
        return await self.slack.wait_for(OPERATIONS, lambda m: "*Waiting*" in m.full_text, timeout=20)


class Lock:
    """Another program that keeps the file locked for writing."""

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
    """Wait until a condition inside the program is true."""
    turn = asyncio.Event()
    async with asyncio.timeout(60):
        while not done():
            asyncio.get_running_loop().call_later(0.05, turn.set)
            await turn.wait()
            turn.clear()


async def form_without_database(world: World) -> None:
    """A form opens: a locked file can still be read, else its alert is typed; to send it stores nothing."""
    person = world.slack.as_user(ALICE)
    assert not (await person.command(STORAGE, "/cm ack")).error
    view = await world.slack.wait_for_view(
        lambda view: view.content["title"]["text"] == "Acknowledge an alert", user=ALICE, timeout=40
    )
    if "No alert is open." in view.full_text:
        assert "submit" not in view.content
        return
    assert "Type the number of the alert" in view.full_text
    ack = await person.submit({"field:id": "1"})
    assert STORE_DOWN in str(ack.errors)


@pytest.fixture(params=BACKENDS)
async def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    # A statement waits in a thread for a lock: on the machine's time, so that the program's patience is cut short.
    monkeypatch.setattr("bot.store.database._BUSY_MS", 300)
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
        template = parse(EXAMPLE.read_text(encoding="utf-8"), secrets=Secrets(), environment={})
        template = template.model_copy(update={"clusters": template.clusters[:1], "summaries": ()})
        settings = with_policies(settings_for(template, slack, {"prod": cluster}, str(tmp_path), 0.2), PolicyMode.LOOSE)
        settings = settings.model_copy(update={"store": settings.store.model_copy(update={"url": url})})
        app = await stack.enter_async_context(build(settings, clock=time.time))
        await stack.enter_async_context(running(app))
        await slack.wait_connected()
        yield World(app, slack, cluster, take, give)
        slack.assert_no_violations()


async def test_database_outage_is_reported_and_ends_by_itself(world: World) -> None:
    """A card waits; the database goes down; people type and click; it returns; everything resumes."""
    await world.ask("/cm task disable balance reason=maintenance")
    card = await world.card()
    try:
        with capture_logs() as logs:
            await asyncio.to_thread(world.take)
            for line in READING:
                assert STORE_DOWN not in (await world.ask(line)).full_text, line
            short = await world.ask("/cm stat")
            assert not (await world.slack.as_user(ALICE).click(STORAGE, short.ts, "details")).error
            await world.slack.wait_for_view(lambda view: "*Peers*" in view.full_text, user=ALICE, timeout=20)
            refused = await world.ask("/cm task disable disk_repair reason=maintenance")
            assert STORE_DOWN in refused.full_text
            await world.confirm(card)
            await world.slack.wait_for(OPERATIONS, lambda m: STORE_DOWN in m.full_text, user=BOB, timeout=20)
            await form_without_database(world)
            world.cluster.break_disk(3)
            await until(lambda: world.app.watches["prod"].health.failures > 0)
        assert {each["event"] for each in logs if each["log_level"] == "error"} == {"store.down"}
        assert len([each for each in logs if each["event"] == "store.down"]) <= 2
    finally:
        await asyncio.to_thread(world.give)
    await world.slack.wait_for(STORAGE, lambda m: bool(m.metadata) and "disk #3" in m.full_text, timeout=40)
    await world.confirm(card)
    await world.slack.wait_for(OPERATIONS, lambda m: m.ts == card.ts and "*Verified*" in m.full_text, timeout=40)
    async with world.app.store.read() as uow:
        assert [op.task for op in await uow.operations.recent(10)] == ["balance"], "the refused change was not made"
    await sweep(world.app)
    measured = world.app.metrics.exposed().decode()
    assert 'cmbot_cluster_alerts{cluster="prod",state="firing",severity="warning"} 1.0' in measured
    assert 'cmbot_cluster_calls_total{cluster="prod",call="/stat",outcome="ok"}' in measured
    assert 'cmbot_store_transactions_total{access="write",outcome="failed"} 0.0' not in measured
