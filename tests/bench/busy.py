"""Rows of a program that watches 1,000 clusters: its start, its answers to commands, its alerts."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.bench.answering import answer
from tests.bench.figures import Figure, milliseconds
from tests.bench.watching import Watching, watching
from tests.bench.workspace import Workspace, workspace
from tests.bench.world import Hosts, channel, hosts, simple

CLUSTERS = 1000
INTERVAL = 15
PATIENCE = 20
"""Intervals to wait for polls before the bench fails."""
BETWEEN_COMMANDS = 0.15
"""Seconds between two commands: a person does not send them without a pause."""


STEADY = 6
"""Polls of every cluster after which its first minute is over: in that, a start adds to the work."""


@asynccontextmanager
async def _watched(
    folder: Path, clusters: int, interval: float, polls: int = 2
) -> AsyncIterator[tuple[Hosts, Watching]]:
    """The program after so many polls of every cluster."""
    async with hosts(clusters) as held, watching(folder / "run", held, clusters, interval) as program:
        await program.polled(polls, within=PATIENCE * interval)
        yield held, program


async def start(folder: Path, *, clusters: int = CLUSTERS, interval: int = INTERVAL) -> tuple[Figure, ...]:
    """Measure the time until every cluster was polled twice, and the transactions by then."""
    async with hosts(clusters) as held, watching(folder / "run", held, clusters, interval, steered=True) as program:
        await program.polled(2, within=PATIENCE * interval)
        took = time.monotonic() - program.began
        written = await program.order("written")
    name = f"process start → each of {clusters:,} clusters polled twice"
    return (
        Figure(f"{name}; two intervals", took, 2 * interval, "s", 1.2, clusters),
        Figure(f"{name}: writing transactions", written, 0, "", clusters, 1, absolute=True),
    )


async def answering(
    folder: Path, *, rounds: int = 300, clusters: int = CLUSTERS, interval: int = INTERVAL
) -> tuple[Figure, ...]:
    """Send one command at a time to the busy bot and to the script on an idle process, in turn."""
    took_ours: list[float] = []
    took_other: list[float] = []
    async with AsyncExitStack() as stack:
        held, program = await stack.enter_async_context(_watched(folder, clusters, interval, STEADY))
        other = await stack.enter_async_context(workspace())
        await stack.enter_async_context(simple("tests.bench.script", other, *held.clusters[0]))
        # The first answer of each does not count: nothing is warmed up.
        for column, slack in ((took_ours, program.slack), (took_other, other)) * (1 + rounds):
            column.append(await answer(slack))
            await asyncio.sleep(BETWEEN_COMMANDS / 2)
    name = f"/cm stat answered while {clusters:,} clusters are watched; a script that does nothing else"
    return tuple(
        Figure(
            f"{name}, p{percent}",
            milliseconds(took_ours[1:], percent),
            milliseconds(took_other[1:], percent),
            "ms",
            target,
            rounds,
        )
        for percent, target in ((50, 1.5), (99, 3.0))
    )


async def alerting(
    folder: Path, *, rounds: int = 200, clusters: int = CLUSTERS, interval: int = INTERVAL
) -> tuple[Figure, ...]:
    """Break one disk in each of `rounds` clusters, spread over two intervals, and wait for all alerts."""
    async with _watched(folder, clusters, interval) as (held, program):
        numbers = [number * clusters // rounds for number in range(rounds)]
        posts = asyncio.create_task(_posts(program.slack, {channel(number) for number in numbers}))
        for number in numbers:
            await held.send(f"break {number}")
            await asyncio.sleep(2 * interval / rounds)
        async with asyncio.timeout(PATIENCE * interval):
            posted = await posts
        took = [posted[channel(number)] - await _began(held, number, posted) for number in numbers]
    name = f"broken disk → message, beyond the wait for the poll, {clusters:,} clusters watched"
    return tuple(
        Figure(f"{name}, p{percent}", milliseconds(took, percent), 0, "ms", target, rounds, absolute=True)
        for percent, target in ((50, 300.0), (99, 1500.0))
    )


async def _began(held: Hosts, number: int, posted: dict[str, float]) -> float:
    """Begin of the poll that found the disk; the break, if that poll was running then."""
    broke: float
    asked: float
    broke, asked = await held.send(f"changed {number}")
    return asked if broke < asked < posted[channel(number)] else broke


async def _posts(slack: Workspace, channels: set[str]) -> dict[str, float]:
    """The time of the first message of each channel, once all have one."""
    first: dict[str, float] = {}
    while channels - first.keys():
        at, where, thread = await slack.posted.get()
        if not thread:
            first.setdefault(where, at)
    return first
