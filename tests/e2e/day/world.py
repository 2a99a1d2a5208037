"""A day of two clusters: the whole program except its clock, over real sockets, advanced minute by minute."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from bot.config import Secrets, Settings, parse
from bot.delivery.worker import RateLimit
from bot.playground.clustermgr_sim import SimulatedCluster, Timing
from bot.playground.clustermgr_sim.clock import VirtualClock
from bot.playground.clustermgr_sim.data import Data
from bot.playground.clustermgr_sim.demo import IDLE_SCHEDULER, host_name, switches
from bot.playground.clustermgr_sim.disks import Disk
from bot.playground.clustermgr_sim.flavour import FLAVOURS
from bot.playground.clustermgr_sim.volumes import CHUNK
from bot.playground.slack_sim.message import Message
from bot.playground.slack_sim.server import LocalSlack
from bot.runtime import jobs, polling
from bot.runtime.app import build
from bot.runtime.parts import App
from bot.runtime.removed_clusters import close_removed_clusters
from tests.e2e.day.channel import Channel
from tests.support.inline_sqlite import inline_sqlite
from tests.support.simulated_volumes import counted_volumes

MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC).timestamp()
STEP = 120.0
"""Seconds between two polls of a cluster."""
SWEEPS = 5
"""Number of polls between two settlements of operations, time limits and unfinished work."""
CALM = Timing(wait=1.0, election=10.0, transfer=0.2, refresh=60.0)
STORAGE, ARCHIVE = "C0STORAGE", "C0ARCHIVE"
DISKS = 240

SETTINGS = """
slack: {{api_url: "{api}"}}
http: {{port: 0}}
store: {{url: "sqlite:///{folder}/cmbot.db"}}
clusters: {clusters}
access:
  operators: {{users: [U0ALICE, U0BOB]}}
  approvers: {{users: [U0ALICE, U0BOB]}}
policies: {{default: loose}}
alerts: {{escalate_to: S0ONCALL, escalate_after: 15m}}
summaries:
  - {{channel: C0STORAGE, cron: "0 9 * * *", timezone: UTC}}
"""


def many_disks(flavour: str, number: int = DISKS) -> Data:
    """A cluster of three zones with eight disks in each host."""
    release = FLAVOURS[flavour]
    data = Data(kv=switches(release), file_config=dict(release.file_config))
    for index in range(number):
        zone, slot = index % 3, index // 3
        disk = Disk(
            index + 1, host_name(zone, slot // 8), f"/data/disk{slot % 8 + 1}", f"z{zone}", f"z{zone}-r{slot // 40 + 1}"
        )
        disk.size = 12_000_138_625_024
        disk.max_chunks = disk.size // CHUNK
        disk.fill(0.55)
        disk.used_chunks = disk.max_chunks - disk.free_chunks
        data.disks[disk.disk_id] = disk
    data.services.append(IDLE_SCHEDULER)
    data.volumes = counted_volumes(idle=412, active=1421, locked=7, can_alloc=396)
    return data


@dataclass
class Day:
    """The clock, the clusters, the workspace, the program (None while it is down) and what each channel saw."""

    clock: VirtualClock
    slack: LocalSlack
    prod: SimulatedCluster
    archive: SimulatedCluster
    folder: Path
    channels: dict[str, Channel] = field(default_factory=dict)
    watched: list[str] = field(default_factory=lambda: ["prod", "archive"])
    app: App | None = None
    answers: int = 0
    events: int = 0
    _life: AsyncExitStack = field(default_factory=AsyncExitStack)
    _edits: set[str] = field(default_factory=set)

    @property
    def now(self) -> float:
        """Unix seconds."""
        return self.clock.now()

    @property
    def the_app(self) -> App:
        """The running program."""
        assert self.app is not None
        return self.app

    def settings(self) -> Settings:
        """The settings at this time of the day."""
        homes = {"prod": (self.prod, STORAGE), "archive": (self.archive, ARCHIVE)}
        clusters = [
            {
                "name": name,
                "hosts": list(homes[name][0].hosts),
                "alert_channel": homes[name][1],
                "channels": [homes[name][1]],
                "poll_interval": STEP,
                "answer_deadline": "2s",
            }
            for name in self.watched
        ]
        secrets = Secrets(
            slack_bot_token=SecretStr(self.slack.bot_token),
            slack_app_token=SecretStr(self.slack.app_token),
            slack_signing_secret=SecretStr(self.slack.signing_secret),
            cmbot_store_url=SecretStr(""),
        )
        text = SETTINGS.format(api=self.slack.api_url, folder=self.folder, clusters=json.dumps(clusters))
        return parse(text, secrets=secrets, environment={})

    async def start(self) -> None:
        """Start the program on its database."""
        pace = RateLimit(interval=0.0)
        self.app = await self._life.enter_async_context(build(self.settings(), clock=self.clock.now, pace=pace))
        await self.app.membership.beat()
        await close_removed_clusters(self.app)
        await jobs.catch_up(self.app)

    async def stop(self) -> None:
        """Stop the program: no polls, no messages."""
        if self.app is not None:
            await self.app.membership.leave()
        self.app = None
        await self._life.aclose()
        self._life = AsyncExitStack()

    async def until(self, moment: float) -> None:
        """Advance the clock step by step."""
        while (due := self._next_step()) <= moment:
            before = self.now
            self.clock.advance(due - self.now)
            await self._step(before)

    def _next_step(self) -> float:
        # The actions of people and nodes take some seconds: the steps still keep their times.
        return MIDNIGHT + STEP * ((self.now - MIDNIGHT) // STEP + 1)

    async def _step(self, before: float) -> None:
        for cluster in (self.prod, self.archive):
            await cluster.tick()
        app = self.app
        if app is None:
            return
        self.answers += len(self.watched)
        for name in self.watched:
            await polling.poll(app, name)
        for entry in app.report_jobs:
            due = entry.latest(self.now)
            if due is not None and before < due <= self.now:
                await jobs.post_report(app, due, entry)
        await jobs.check_watchdog(app)
        if int(self.now / STEP) % SWEEPS == 0:
            await jobs.sweep(app)
        await app.outbox.drain()
        self.look_at_channels()

    def look_at_channels(self) -> None:
        """Record what is new in the channels."""
        public = [message for message in self.slack.workspace.messages if not message.only_for]
        for name, channel in self.channels.items():
            channel.see([message for message in public if message.channel == name], self.now)

    def happens(self, words: str, *channels: str, at: float) -> None:
        """Record an event in the channels that it concerns."""
        for name in channels or (STORAGE,):
            self.channels[name].happens(words, at)

    @asynccontextmanager
    async def at_the_keyboard(self) -> AsyncIterator[None]:
        """Keep the program connected while a person types or clicks."""
        app = self.the_app
        socket = app.socket
        assert socket is not None
        for name in self.watched:
            await polling.poll(app, name)
        self.clock.advance(5.0)
        work = (socket.run(), app.outbox.run(), self._seconds_pass())
        tasks = [asyncio.create_task(each) for each in work]
        try:
            await self.slack.wait_connected()
            yield
            await app.task_queue.drain(20.0)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.slack.wait_connected(connected=False)
        await app.outbox.drain()
        self.look_at_channels()

    async def _seconds_pass(self) -> None:
        """Let the seconds pass that a person's action takes."""
        for _ in range(400):
            await asyncio.sleep(0.02)
            self.clock.advance(0.1)

    async def types(self, user: str, channel: str, line: str, words: str) -> None:
        """Type a command; its answer must contain `words`."""
        person = self.slack.as_user(user)
        seen = {message.ts for message in person.sees(channel)}
        await person.command(channel, line)
        posted = await self.slack.wait_for(
            channel, lambda m: m.ts not in seen and not m.metadata, user=user, timeout=20
        )
        assert words in posted.text, posted.full_text

    def message(self, channel: str, words: str) -> Message:
        """The newest top-level message of the channel with these words."""
        held = [m for m in self.slack.workspace.messages if m.channel == channel and not m.thread_ts]
        found = next((message for message in reversed(held) if words in message.full_text), None)
        if found is None:
            posted = [m.text for m in self.slack.workspace.messages if m.channel == channel][-5:]
            raise AssertionError(f"no message with {words!r}; the last ones: {posted}")
        return found

    @contextmanager
    def slack_is_down(self) -> Iterator[None]:
        """Every call to Slack fails."""
        self.slack.faults.inject("server_error", count=1_000_000)
        try:
            yield
        finally:
            self.slack.faults.clear()


@asynccontextmanager
async def new_day(folder: Path) -> AsyncIterator[Day]:
    """A day that begins at midnight; the program does not run yet."""
    clock = VirtualClock(MIDNIGHT)
    async with AsyncExitStack() as stack:
        stack.enter_context(inline_sqlite())
        prod, archive = [
            await stack.enter_async_context(
                SimulatedCluster(nodes=nodes, flavour=flavour, clock=clock, timing=CALM, data=many_disks(flavour))
            )
            for nodes, flavour in ((5, "master"), (3, "v1"))
        ]
        slack = await stack.enter_async_context(LocalSlack(clock=clock.now))
        day = Day(clock, slack, prod, archive, folder)
        addresses = {
            host.removeprefix("http://"): f"{name}-{number}:9998"
            for name, cluster in (("prod", prod), ("archive", archive))
            for number, host in enumerate(cluster.hosts, 1)
        }
        day.channels = {name: Channel(addresses) for name in (STORAGE, ARCHIVE)}
        stack.push_async_callback(day.stop)
        yield day
        slack.assert_no_violations()


def dealt(first: int, last: int, steps: int) -> Iterator[range]:
    """Distribute the numbers from first to last over the steps."""
    size = -(-(last - first + 1) // steps)
    return (range(start, min(start + size, last + 1)) for start in range(first, last + 1, size))
