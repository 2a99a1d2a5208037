"""Rows: a thousand clusters lose 20 disks each at once: memory, answers, commits and messages until all is known."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.asking import answered
from tests.bench.figures import Figure, milliseconds
from tests.bench.running import Running, hosts_of, polled, running
from tests.bench.workspace import Workspace, workspace
from tests.bench.world import Hosts, channel, plain_settings

DISKS, VOLUMES, BROKEN = 48, 12, 20
CHANNELS = 10
"""Alert channels that the clusters share."""
POLL = 15.0
PATIENCE = 900.0
MEMORY_MB, ANSWER_MS, COMMITS = 100, 1000, 999
FIRST_POSTS = 11
"""The ten alerts of a channel that are posted singly (the default of alerts.storm.channel), and the group's message."""
_ACCOUNTED = "SELECT coalesce(sum(weight), 0) FROM alerts WHERE rule = 'disk_broken' AND state != 'resolved'"

COMMITTED = 'cmbot_store_transactions_total{access="write",outcome="committed"}'


@dataclass(slots=True)
class Watch:
    """What is measured during the storm: the seconds of each answer, and the greatest memory in MB."""

    slack: Workspace
    bot: Running
    clusters: int
    answers: list[float] = field(default_factory=list)
    peak: float = 0.0

    async def run(self) -> None:
        """Ask about one cluster after the other until cancelled."""
        while True:
            self.answers.append(await answered(self.slack, f"stat c{len(self.answers) % self.clusters}"))
            self.peak = max(self.peak, self.bot.memory)
            await asyncio.sleep(0.25)


async def storm(
    folder: Path, *, clusters: int = 1000, channels: int = CHANNELS, poll: float = POLL, calm: int = 2
) -> tuple[Figure, ...]:
    """Poll every cluster `calm` times, break disks in all of them, and go on for as many polls after all is known."""
    async with _storm_hosts(clusters) as held, workspace() as slack:
        async with running(folder, slack, _settings(folder, slack, held, channels, poll)) as bot:
            await polled(held, calm, PATIENCE)
            watch, before, commits = Watch(slack, bot, clusters), bot.memory, await bot.metric(COMMITTED)
            asking = asyncio.create_task(watch.run())
            took = await _strike(held, folder / "cmbot.db", clusters)
            written = await bot.metric(COMMITTED) - commits
            await polled(held, max(await held.send("polls")) + calm, PATIENCE)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            posts, down = _first_posts(slack), bot.logged("store.down")
    assert not down, f"store.down was logged {down} times"
    name = f"{clusters:,} clusters lose {BROKEN} disks each"
    known = f"all {clusters * BROKEN:,} disks are in the database after {took:.1f} s; store.down was never logged"
    asked = f"p50 {milliseconds(watch.answers):.0f} ms, p99 {milliseconds(watch.answers, 99):.0f} ms"
    most, grow, slow = max(posts.values()), watch.peak - before, max(watch.answers) * 1000
    return (
        Figure(f"{name}: memory above that before", grow, 0, "MB", MEMORY_MB, 1, absolute=True, note=known),
        Figure(f"{name}: /cm stat, slowest", slow, 0, "ms", ANSWER_MS, len(watch.answers), absolute=True, note=asked),
        Figure(f"{name}: commits until all are known", written, 0, "", COMMITS, 1, absolute=True),
        Figure(f"{name}: first posts in one channel, most", most, 0, "", FIRST_POSTS, len(posts), absolute=True),
    )


def _settings(folder: Path, slack: Workspace, held: Hosts, channels: int, poll: float) -> Mapping[str, Any]:
    plain = plain_settings(folder, slack.api_url, held.clusters, poll)
    for number, own in enumerate(plain["clusters"]):
        own["alert_channel"] = channel(number % channels)
    return plain


async def _strike(held: Hosts, file: Path, clusters: int) -> float:
    """Break the disks; return the seconds until the alerts in the database count them all."""
    loop = asyncio.get_running_loop()
    await held.send("storm")
    began = loop.time()
    async with asyncio.timeout(PATIENCE):
        while await asyncio.to_thread(_accounted, file) < clusters * BROKEN:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.25)
    return loop.time() - began


def _accounted(file: Path) -> int:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return int(connection.execute(_ACCOUNTED).fetchone()[0])


def _first_posts(slack: Workspace) -> Counter[str]:
    """Messages by channel, without the replies in threads."""
    found: Counter[str] = Counter()
    while not slack.posted.empty():
        _, where, thread = slack.posted.get_nowait()
        found[where] += not thread
    return found


@asynccontextmanager
async def _storm_hosts(clusters: int) -> AsyncIterator[Hosts]:
    arguments = [str(number) for number in (clusters, DISKS, VOLUMES, BROKEN)]
    async with hosts_of("tests.bench.storm_hosts", *arguments) as held:
        yield held
