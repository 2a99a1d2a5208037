"""Two replicas over PostgreSQL that are reloaded one after the other, while people type: nothing is lost or doubled."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from bot.config import Settings, load
from bot.leadership.model import watch_of
from bot.playground.clustermgr_sim import SimulatedCluster
from bot.playground.slack_sim.message import Message
from bot.playground.slack_sim.server import LocalSlack
from bot.runtime import removed_clusters
from bot.runtime.program import Program
from bot.runtime.signals import Signals
from bot.store.database import Store
from tests.support.databases import Postgres
from tests.support.reloadable import QUICK

PATIENCE = 40.0
BASE = """
slack: {{api_url: "{api}"}}
http: {{port: 0}}
replicas: {{lease: 1s}}
rules: {{disk_broken: {{hold: 0s, clear: 0s}}, own_network: {{enabled: false}}}}
access: {{operators: {{users: [U0ALICE]}}, approvers: {{users: [U0ALICE, U0BOB]}}, admins: {{users: [U0ALICE]}}}}
clusters:
"""


@dataclass
class Replica:
    """A program with its own file of settings; it is sent signals as its process would be."""

    config: Path
    signals: Signals = field(default_factory=lambda: Signals(hangup_ends=False))
    used: list[Settings] = field(default_factory=list)

    def hang_up(self) -> None:
        """As SIGHUP does."""
        self.signals._hangup()

    def end(self) -> None:
        """As SIGTERM does."""
        self.signals._end.set()

    async def run(self) -> None:
        await Program(lambda: load(self.config), self.used.append, 10.0).run(load(self.config), self.signals)


@dataclass
class World:
    """Two replicas and what they watch."""

    slack: LocalSlack
    clusters: dict[str, SimulatedCluster]
    store: Store
    replicas: tuple[Replica, Replica]
    logs: Sequence[EventDict] = ()

    def write(self, replica: Replica, *names: str) -> None:
        """Write the settings of a replica with these clusters."""
        lines = [
            f"  - {{name: {name}, hosts: {json.dumps(self.clusters[name].hosts)}, "
            f"alert_channel: C0STORAGE, poll_interval: 300ms}}\n"
            for name in names
        ]
        replica.config.write_text(BASE.format(api=self.slack.api_url) + "".join(lines))

    async def until_logged(self, event: str, times: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while sum(line["event"] == event for line in self.logs) < times:  # noqa: ASYNC110 - logs wake no one
                await asyncio.sleep(0.05)

    async def reloaded(self, replica: Replica, times: int) -> None:
        """Reload a replica; `times` reloads are done then."""
        replica.hang_up()
        await self.until_logged("reload.done", times)

    async def holder(self, cluster: str) -> str:
        """Wait until an active replica watches a cluster; its name."""
        async with asyncio.timeout(PATIENCE):
            while True:
                async with self.store.read() as uow:
                    seen = await uow.replicas.assignments()
                hold = seen.holds.get(watch_of(cluster))
                if hold is not None and hold.holder in {each.name for each in seen.active}:
                    return hold.holder
                await asyncio.sleep(0.05)

    async def alert(self, cluster: str, disk: int) -> Message:
        """Break a disk and wait for its alert."""
        self.clusters[cluster].break_disk(disk)
        return await self.slack.wait_for(
            "C0STORAGE", lambda m: f"disk #{disk}" in m.full_text and cluster in m.full_text, timeout=PATIENCE
        )

    def shown(self, *words: str) -> list[Message]:
        return [m for m in self.slack.workspace.messages if all(word in m.full_text for word in words)]


@pytest.fixture
async def world(tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    url = postgres.url(await postgres.create_migrated())
    monkeypatch.setenv("CMBOT_STORE_URL", url)
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(LocalSlack())
        names = ("prod", "archive")
        clusters = {name: await stack.enter_async_context(SimulatedCluster(timing=QUICK)) for name in names}
        monkeypatch.setenv("SLACK_BOT_TOKEN", slack.bot_token)
        monkeypatch.setenv("SLACK_APP_TOKEN", slack.app_token)
        store = await stack.enter_async_context(Store.open(url))
        replicas = Replica(tmp_path / "one.yaml"), Replica(tmp_path / "two.yaml")
        made = World(slack, clusters, store, replicas)
        for replica in replicas:
            made.write(replica, "prod")
        with capture_logs() as made.logs:
            async with _running(made):
                yield made
        slack.assert_no_violations(allow=("error",))
        marks = Counter(m.metadata["event_payload"]["slot"] for m in slack.workspace.messages if m.metadata)
        assert [mark for mark, number in marks.items() if number > 1] == []


@asynccontextmanager
async def _running(world: World) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(each.run()) for each in world.replicas]
    try:
        async with asyncio.timeout(PATIENCE):
            while len(world.slack.delivery.sockets) < len(tasks):  # noqa: ASYNC110 - a socket wakes no one
                await asyncio.sleep(0.05)
        yield
        assert not any(task.done() for task in tasks), "a program ended"
    finally:
        for each in world.replicas:
            each.end()
        await asyncio.gather(*tasks)


@asynccontextmanager
async def typing(world: World) -> AsyncIterator[None]:
    """Type a command again and again; each must have been answered exactly once afterwards."""
    ended, typed = asyncio.Event(), 0
    bob = world.slack.as_user("U0BOB")

    async def type_on() -> None:
        nonlocal typed
        while not ended.is_set() and typed < 300:
            ack = await bob.command("C0STORAGE", "/cm whoami")
            assert not ack.error
            typed += 1
            await asyncio.sleep(0.1)

    task = asyncio.create_task(type_on())
    try:
        yield
    finally:
        ended.set()
        await task

    def answers() -> int:
        return sum(m.only_for == "U0BOB" for m in world.slack.workspace.messages)

    await world.slack.workspace.wait_until(lambda: answers() >= typed or None, PATIENCE)
    await asyncio.sleep(0.2)
    assert answers() == typed > 0


async def test_replicas_reloaded_one_after_the_other_lose_and_double_nothing(world: World) -> None:
    one, two = world.replicas
    first = await world.alert("prod", 3)
    async with typing(world):
        for number, replica in enumerate(world.replicas, 1):
            world.write(replica, "prod", "archive")
            await world.reloaded(replica, number)
        await world.holder("archive")
        await world.alert("archive", 5)
        world.clusters["prod"].break_disk(4)
        await world.slack.wait_for(
            "C0STORAGE", lambda m: m.ts == first.ts and "disk #4" in m.full_text, timeout=PATIENCE
        )
    assert {own.name for each in (one, two) for own in each.used[-1].clusters} == {"prod", "archive"}
    assert len([m for m in world.shown("disk #5") if not m.thread_ts]) == 1
    async with world.store.read() as uow:
        holds = (await uow.replicas.assignments()).holds
    assert {"watch:prod", "watch:archive"} <= holds.keys()


@pytest.mark.long
async def test_one_replica_with_the_new_file_makes_no_alert_come_and_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster that one of them has alone is watched by it; one that it has no more goes on at the other."""
    monkeypatch.setattr(removed_clusters, "SETTLED_SECONDS", 6.0)
    one, two = world.replicas
    prod = await world.alert("prod", 3)
    world.write(one, "archive")
    await world.reloaded(one, 1)
    archive = await world.alert("archive", 5)
    # Both are away at the same time, for a moment.
    for replica, names in ((one, ("archive",)), (two, ("prod",))):
        text = replica.config.read_text()
        world.write(replica, *names)
        replica.config.write_text(f"timezone: Asia/Tokyo\n{text}")
        replica.hang_up()
    await world.until_logged("reload.done", 3)
    world.clusters["prod"].break_disk(4)
    await world.slack.wait_for("C0STORAGE", lambda m: m.ts == prod.ts and "disk #4" in m.full_text, timeout=PATIENCE)
    world.clusters["archive"].break_disk(6)
    await world.slack.wait_for("C0STORAGE", lambda m: m.ts == archive.ts and "disk #6" in m.full_text, timeout=PATIENCE)
    assert world.shown("was removed from the settings") == []
    world.write(two, "archive")
    await world.reloaded(two, 4)
    await world.slack.wait_for("C0STORAGE", lambda m: "prod was removed from the settings" in m.text, timeout=PATIENCE)
    assert len(world.shown("was removed from the settings")) == 1
