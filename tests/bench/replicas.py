"""Rows: the clusters that one process carries at half a core over PostgreSQL, watched by one process and by three.

Three processes on this machine show what sharing costs, not what three machines carry: that figure is extrapolated.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from bot.leadership.model import cluster_of
from tests.bench.databases import POSTGRES, database
from tests.bench.figures import Figure
from tests.bench.running import Running, running
from tests.bench.workspace import Workspace, workspace
from tests.bench.world import Hosts, hosts, plain_settings

POLL = 15.0
PROBE = 150
"""Clusters with which the cost of one is measured first."""
MOST = 1500
HALF_A_CORE = 0.5
LEASE = 15.0
REPLICAS = 3
SHARE, COST = 10, 1.15
PATIENCE = 900.0
_GLANCE = 0.5
_COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
_WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'cmbot' AND wait_event_type IN ('Lock', 'LWLock', 'IO')
"""
_HOLDERS = "SELECT task, holder FROM holds WHERE holder != ''"
_ACTIVE = "SELECT name FROM replicas WHERE until > 0 ORDER BY since"


@dataclass(frozen=True, slots=True)
class Cost:
    """What watching costs in a second: processor seconds, commits and seconds of waiting in the database."""

    processor: float
    commits: float
    waits: float


@dataclass(frozen=True, slots=True)
class Bench:
    """The hosts and the database that all processes use."""

    folder: Path
    held: Hosts
    url: str
    poll: float
    lease: float
    database: asyncpg.Connection

    def settings(self, slack: Workspace, clusters: int) -> dict[str, Any]:
        """The settings of one process."""
        plain = plain_settings(self.folder, slack.api_url, self.held.clusters[:clusters], self.poll)
        return {**plain, "store": {}, "replicas": {"lease": self.lease}}

    @asynccontextmanager
    async def processes(self, number: int, clusters: int) -> AsyncIterator[Sequence[Running]]:
        """Run so many processes; each has its own connection to Slack."""
        found: list[Running] = []
        async with AsyncExitStack() as stack:
            for place in range(number):
                slack = await stack.enter_async_context(workspace())
                folder, plain = self.folder / f"{number}-{clusters}-{place}", self.settings(slack, clusters)
                found = [*found, await stack.enter_async_context(running(folder, slack, plain, self.url))]
            yield found

    async def cost(self, processes: Sequence[Running], seconds: float) -> Cost:
        """Measure for so long."""
        used, commits, waits, glances = self._used(processes), await self._commits(), 0, 0
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() - began < seconds:
            waits, glances = waits + await self.database.fetchval(_WAITING), glances + 1
            await asyncio.sleep(_GLANCE)
        took = loop.time() - began
        written = await self._commits() - commits - glances
        return Cost((self._used(processes) - used) / took, written / took, waits / glances)

    def _used(self, processes: Sequence[Running]) -> float:
        return sum(process.processor_time for process in processes)

    async def _commits(self) -> int:
        return int(await self.database.fetchval(_COMMITS))

    async def holders(self) -> dict[str, list[str]]:
        """The clusters of each process."""
        found: dict[str, list[str]] = {}
        for row in await self.database.fetch(_HOLDERS):
            if cluster := cluster_of(row["task"]):
                found.setdefault(row["holder"], []).append(cluster)
        return found


async def replicas(
    folder: Path,
    *,
    probe: int = PROBE,
    most: int = MOST,
    poll: float = POLL,
    lease: float = LEASE,
    settle: int = 6,
    measured: int = 4,
) -> tuple[Figure, ...]:
    """Find the clusters for half a core; measure one process and three for `measured` intervals; kill one of three.

    Each cluster is polled `settle` times before: the first minute after a start is another load.
    """
    async with hosts(most) as held, database(folder, POSTGRES) as url:
        connection = await asyncpg.connect(url)
        try:
            bench = Bench(folder, held, url, poll, lease, connection)
            first = await _one(bench, probe, settle, measured)
            clusters = max(REPLICAS, min(most, round(probe * HALF_A_CORE / first.processor)))
            alone = await _one(bench, clusters, settle, measured)
            async with bench.processes(REPLICAS, clusters) as processes:
                shares = await _settled(bench, clusters)
                await _polled(bench, clusters, settle)
                together = await bench.cost(processes, measured * poll)
                again = await _after_a_kill(bench, processes[0])
        finally:
            await connection.close()
    return _figures(clusters, alone, together, shares, again / lease)


async def _one(bench: Bench, clusters: int, settle: int, measured: int) -> Cost:
    async with bench.processes(1, clusters) as processes:
        await _polled(bench, clusters, settle)
        return await bench.cost(processes, measured * bench.poll)


async def _polled(bench: Bench, clusters: int, times: int) -> None:
    """Wait until each cluster was polled so many times more."""
    before = await bench.held.send("polls")
    async with asyncio.timeout(PATIENCE):
        while min(await _since(bench, before, range(clusters))) < times:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(_GLANCE)


async def _since(bench: Bench, before: Sequence[int], clusters: Iterable[int]) -> list[int]:
    now = await bench.held.send("polls")
    return [now[number] - before[number] for number in clusters]


async def _settled(bench: Bench, clusters: int) -> list[int]:
    """Wait until the shares are even; return them."""
    async with asyncio.timeout(PATIENCE):
        while True:
            shares = sorted(len(names) for names in (await bench.holders()).values())
            # The housekeeping counts as a task too.
            if len(shares) == REPLICAS and sum(shares) == clusters and shares[-1] - shares[0] <= 2:
                return shares
            await asyncio.sleep(_GLANCE)


async def _after_a_kill(bench: Bench, process: Running) -> float:
    """Kill a process without warning; return the seconds until each of its clusters was polled again."""
    names = await bench.database.fetch(_ACTIVE)
    lost = (await bench.holders())[names[0]["name"]]
    process.process.send_signal(signal.SIGKILL)
    await process.process.wait()
    loop = asyncio.get_running_loop()
    began, before = loop.time(), await bench.held.send("polls")
    numbers = [int(name.removeprefix("c")) for name in lost]
    async with asyncio.timeout(PATIENCE):
        while min(await _since(bench, before, numbers)) < 1:  # noqa: ASYNC110 - as above
            await asyncio.sleep(_GLANCE / 5)
    return loop.time() - began


def _figures(clusters: int, alone: Cost, together: Cost, shares: Sequence[int], leases: float) -> tuple[Figure, ...]:
    even = clusters / REPLICAS
    uneven = max(abs(share - even) for share in shares) / even * 100
    named = f"{REPLICAS} replicas, {clusters:,} clusters over PostgreSQL"
    carried = clusters * alone.processor / together.processor * REPLICAS * HALF_A_CORE / alone.processor
    capacity = f"extrapolated, not measured: at half a core each, {REPLICAS} processes carry {carried:,.0f} clusters"
    per = 1000 / clusters
    database = "; ".join(
        f"{who}: {cost.commits / clusters * 60:.2f} commits a minute and {cost.waits * per:.2f} ms of waiting a second "
        "for each cluster"
        for who, cost in (("one process", alone), (f"{REPLICAS} processes", together))
    )
    ours, other = together.processor * per, alone.processor * per
    return (
        Figure(f"{named}: processor time a cluster and second; one process", ours, other, "ms", COST, 1, note=capacity),
        Figure(f"{named}: share of one from a third", uneven, 0, "%", SHARE, REPLICAS, absolute=True, note=database),
        Figure(f"{named}: one killed, polled again", leases, 0, "leases", 2, 1, absolute=True),
    )
