"""The world of the chaos tests: clusters, workspace, database and processes, and the effect of each fault."""

import asyncio
import json
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncpg

from bot.playground.clustermgr_sim import SimulatedCluster, Timing
from bot.playground.slack_sim.faults import Faults
from bot.playground.slack_sim.message import Message
from bot.playground.slack_sim.server import LocalSlack
from bot.playground.slack_sim.team import DEMO_TEAM, Channel
from tests.chaos.fault_schedule import LOCK_SECONDS, UNLISTED_SECONDS, Blow, Kind
from tests.chaos.processes import Process
from tests.support.databases import Postgres, server_running

TIMING = Timing(wait=1.0, election=0.4, refresh=0.2, catch_up=0.2, transfer=0.05)
CHANNELS = ("C0STORAGE", "C0ARCHIVE", "C0OPERATIONS")
POLL, LEASE = 0.2, 1.0
MAX_LOGGED = 5000
"""Number of logged requests of a cluster beyond which its reads are dropped."""
SETTINGS = """
slack: {{api_url: "{api}"}}
http: {{port: {port}}}
replicas: {{lease: {lease}s}}
alerts: {{storm: {{cluster: 1000, channel: 1000}}}}
rules: {{disk_broken: {{hold: 0s, clear: 0s}}{rules}}}
clusters:
{clusters}
access: {{operators: {{users: [U0ALICE]}}, approvers: {{users: [U0ALICE]}}}}
policies: {{default: loose}}
operations: {{verify_within: 2s}}
"""
POSTING = ("chat.postMessage", "chat.update")
Work = Callable[[], Awaitable[None]]
CLUSTER = "  - {{name: {name}, hosts: {hosts}, alert_channel: {channel}, poll_interval: {poll}s}}"


def channels(number: int) -> tuple[str, ...]:
    """A channel for each of so many clusters."""
    return (*CHANNELS, *(f"C0C{each:03}" for each in range(number - len(CHANNELS))))[:number]


@dataclass
class World:
    """The processes of the program and all that they talk to; `counts` are the faults by kind."""

    folder: Path
    slack: LocalSlack
    clusters: dict[str, SimulatedCluster]
    url: str
    postgres: Postgres | None
    long: bool = False
    """True for a full run, in which each lasting fault takes its full time."""
    poll: float = POLL
    lease: float = LEASE
    port: int = 0
    """Port of the pages of every process, 0 for any."""
    rules: str = ""
    """More settings of rules, each after a comma."""
    processes: list[Process] = field(default_factory=list)
    counts: Counter[Kind] = field(default_factory=Counter)
    database_at: float = float("-inf")
    """Time of the last return of the database (monotonic clock)."""
    refused_until: float = float("-inf")
    """Time at which Slack last stopped refusing every message (monotonic clock)."""
    _later: set[asyncio.Task[None]] = field(default_factory=set)

    def channel_of(self, cluster: str) -> str:
        """The channel of its alerts and cards."""
        return channels(len(self.clusters))[list(self.clusters).index(cluster)]

    def write_settings(self) -> Path:
        """The settings of every process."""
        lines = [
            CLUSTER.format(name=name, hosts=json.dumps(list(own.hosts)), channel=self.channel_of(name), poll=self.poll)
            for name, own in self.clusters.items()
        ]
        config = self.folder / "config.yaml"
        settings = SETTINGS.format(
            api=self.slack.api_url, lease=self.lease, port=self.port, rules=self.rules, clusters="\n".join(lines)
        )
        config.write_text(settings)
        return config

    async def strike(self, blow: Blow) -> None:
        """Cause one fault."""
        process = self.processes[blow.target]
        if blow.kind is Kind.KILL:
            if not await process.kill():
                return
            self._after(blow.rest, process.start)
        elif blow.kind is Kind.PAUSE:
            process.stop()
            self._after(blow.rest, _as_async(process.wake))
        elif blow.kind is Kind.CLOCK:
            if not process.shift(blow.jump):
                return
        else:
            await self._strike_outside(blow)
        self.counts[blow.kind] += 1
        self._forget_polls()

    async def _strike_outside(self, blow: Blow) -> None:
        """Cause a fault of the database, Slack or a cluster."""
        if blow.kind is Kind.DATABASE:
            await self.restart_database(blow.rest / 2)
        elif blow.kind is Kind.LOCK:
            await self._write_lock()
        elif blow.kind is Kind.SECOND:
            await self._second_process()
        elif blow.kind is Kind.HOST:
            await self._slow_host(blow)
        elif blow.kind is Kind.HUGE:
            list(self.clusters.values())[blow.target % len(self.clusters)].swell(3)
        else:
            self._slack_fault(blow)

    def _slack_fault(self, blow: Blow) -> None:
        faults = self.slack.faults
        if blow.kind is Kind.LOST_ANSWER:
            faults.inject("lost_reply", method="chat.postMessage" if blow.rest < 2 else "chat.update")
        elif blow.kind is Kind.LOST_CALL:
            faults.inject("lost_request", method="chat.postMessage" if blow.rest < 2 else "chat.update")
        elif blow.kind is Kind.BUSY:
            faults.inject("ratelimited", method="chat.postMessage", seconds=1.0)
        elif blow.kind is Kind.TWICE:
            faults.inject("duplicate")
        elif blow.kind is Kind.EDIT:
            faults.inject("error", method="chat.update", code="edit_window_closed")
        elif blow.kind is Kind.THREAD:
            faults.inject("thread_error", method="chat.postMessage", code="restricted_action_non_threadable_channel")
        elif blow.kind is Kind.UNLISTED:
            self._unlisted()
        else:
            faults.inject("disconnect")

    def _unlisted(self) -> None:
        """Let every message call fail with an error that no table of the program has, for a minute at a time.

        After ten minutes of such an error the program tries every five minutes only, longer than people wait here.
        """
        seconds = UNLISTED_SECONDS if self.long else UNLISTED_SECONDS / 20
        if time.monotonic() < self.refused_until + seconds:
            return
        faults = self.slack.faults
        held = [faults.order("error", count=10**6, method=m, code="message_limit_exceeded") for m in POSTING]

        async def over() -> None:
            for fault in held:
                faults.withdraw(fault)

        self.refused_until = time.monotonic() + seconds
        self._after(seconds, over)

    async def wait_for(
        self, channel: str, wanted: Callable[[Message], bool], seconds: float, *, user: str = ""
    ) -> Message:
        """Wait for a message for so many seconds in which Slack takes messages; raises TimeoutError.

        With `user`, messages to that person alone count too.
        """
        while True:
            try:
                return await self.slack.wait_for(channel, wanted, user=user, timeout=seconds)
            except TimeoutError:
                if time.monotonic() - seconds > self.refused_until:
                    raise

    async def _second_process(self) -> None:
        """Start a second process on the same file; it takes over, and ends in order."""
        second = Process(len(self.processes), self.processes[0].config, self.processes[0].environment)
        await second.start()
        for _ in range(300):
            if "socket.opened" in second.log.read_text()[second.began :]:
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(LEASE)
        status = await second.end()
        if status not in {0, None}:
            self.processes[0].ended_by_itself.append(f"the second process ended with status {status}")

    async def _write_lock(self) -> None:
        seconds = LOCK_SECONDS if self.long else LOCK_SECONDS / 5
        if self.postgres is None:
            await asyncio.to_thread(_lock_file, self.url.removeprefix("sqlite:///"), seconds)
        else:
            await lock_tables(self.url, seconds)
        self.database_at = time.monotonic()

    async def restart_database(self, rest: float) -> None:
        """Stop the database as a crash does, and start it again."""
        assert self.postgres is not None
        await asyncio.to_thread(self.postgres.stop)
        await asyncio.sleep(rest)
        await asyncio.to_thread(self.postgres.start)
        self.database_at = time.monotonic()

    async def _slow_host(self, blow: Blow) -> None:
        cluster = list(self.clusters.values())[blow.target % len(self.clusters)]
        cluster.slow(1 + blow.target, min(blow.rest, 1.0))

        async def normal() -> None:
            cluster.slow(1 + blow.target, 0.0)

        self._after(blow.rest, normal)

    def _after(self, seconds: float, work: Work) -> None:
        async def later() -> None:
            await asyncio.sleep(seconds)
            await work()

        task = asyncio.create_task(later())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    def _forget_polls(self) -> None:
        for cluster in self.clusters.values():
            if len(cluster.log) > MAX_LOGGED:
                cluster.log.entries[:] = [seen for seen in cluster.log if seen.method != "GET"]

    async def calm(self) -> None:
        """End all faults and start every process."""
        await asyncio.gather(*self._later)
        self.slack.faults.clear()
        for process in self.processes:
            process.wake()
            await process.start()

    async def end(self) -> None:
        """End every process."""
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)
        for process in self.processes:
            await process.kill()


def _lock_file(path: str, seconds: float) -> None:
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as held:
        held.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        held.execute("ROLLBACK")


async def lock_tables(url: str, seconds: float) -> None:
    """Lock the tables of a PostgreSQL database for some seconds; retry if the server ends a deadlock."""
    held = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        while True:
            try:
                async with held.transaction():
                    await held.execute("LOCK TABLE posts, operations, inbound, replicas IN EXCLUSIVE MODE")
                    await asyncio.sleep(seconds)
            except asyncpg.DeadlockDetectedError:
                continue
            return
    finally:
        await held.close()


def _as_async(work: Callable[[], None]) -> Work:
    async def done() -> None:
        work()

    return done


@asynccontextmanager
async def world(
    replicas: int,
    folder: Path | None = None,
    *,
    long: bool = False,
    clusters: int = 0,
    poll: float = POLL,
    lease: float = LEASE,
    port: int = 0,
    rules: str = "",
    faults: Faults | None = None,
) -> AsyncIterator[World]:
    """Several replicas on PostgreSQL with a cluster each, or one process on SQLite; none is started yet.

    With a `folder` the logs stay there. `clusters` is their number, if it is not that of the replicas; `faults` are
    those of Slack.
    """
    number = clusters or replicas
    async with AsyncExitStack() as stack:
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="cmbot-chaos-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        more = tuple(Channel(each, each.lower(), "A cluster") for each in channels(number)[len(CHANNELS) :])
        team = replace(DEMO_TEAM, channels=(*DEMO_TEAM.channels, *more))
        slack = await stack.enter_async_context(LocalSlack(team=team, ack_seconds=3.0, faults=faults))
        simulated = {
            f"c{each}": await stack.enter_async_context(SimulatedCluster(timing=TIMING, seed=each))
            for each in range(1, number + 1)
        }
        for cluster in simulated.values():
            cluster.log.limit = 10 * MAX_LOGGED
        postgres = stack.enter_context(server_running()) if replicas > 1 else None
        url = postgres.url(await postgres.create()) if postgres else f"sqlite:///{folder}/cmbot.db"
        made = World(folder, slack, simulated, url, postgres, long, poll, lease, port, rules)
        config = made.write_settings()
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token, "CMBOT_STORE_URL": url}
        made.processes = [Process(number, config, tokens) for number in range(replicas)]
        stack.push_async_callback(made.end)
        yield made
