"""Rows: time of a message through the outbox, on each database, against the same posts in a loop over Slack's SDK."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

from tests.bench.databases import POSTGRES, SQLITE, database
from tests.bench.figures import Figure
from tests.bench.workspace import workspace
from tests.bench.world import started

CHANNELS = 20
TARGET = round(1 / 0.7, 2)
"""Times the loop's time for a message: 0.7 times its throughput."""
PATIENCE = 300.0
Round = Callable[[int, int], Awaitable[float]]


async def on_sqlite(folder: Path, *, messages: int = 400, rounds: int = 7) -> tuple[Figure, ...]:
    """Measure with a SQLite file."""
    return await _measure(folder, SQLITE, messages, rounds)


async def on_postgres(folder: Path, *, messages: int = 400, rounds: int = 7) -> tuple[Figure, ...]:
    """Measure with a PostgreSQL server."""
    return await _measure(folder, POSTGRES, messages, rounds)


async def _measure(folder: Path, kind: str, messages: int, rounds: int) -> tuple[Figure, ...]:
    """Post by each sender in turn; the first round of each does not count."""
    async with database(folder, kind) as url, workspace() as slack:
        async with _sender("outbox", slack.api_url, url) as ours, _sender("bare", slack.api_url) as other:
            many = [(await ours(messages, CHANNELS), await other(messages, CHANNELS)) for _ in range(1 + rounds)][1:]
            one = [(await ours(messages, 1), await other(messages, 1)) for _ in range(1 + rounds)][1:]
    note = "in one channel the outbox sends one message after the other; Slack takes about one a second there"
    return (
        _figure(f"outbox on {kind}: a message, {CHANNELS} channels", many, messages, TARGET),
        _figure(f"outbox on {kind}: a message, one channel", one, messages, TARGET, note),
    )


def _figure(name: str, took: list[tuple[float, float]], messages: int, target: float, note: str = "") -> Figure:
    ours, other = (median(column) / messages for column in zip(*took, strict=True))
    speed = f"{1 / ours:,.0f} messages a second, {other / ours:.2f} times those of the loop"
    said = "; ".join(filter(None, (speed, note)))
    return Figure(f"{name}, p50", ours * 1000, other * 1000, "ms", target, messages * len(took), note=said)


@asynccontextmanager
async def _sender(*arguments: str) -> AsyncIterator[Round]:
    pipe = asyncio.subprocess.PIPE
    async with started("tests.bench.senders", *arguments, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        await process.stdout.readline()

        async def send(messages: int, channels: int) -> float:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{messages} {channels}\n".encode())
            async with asyncio.timeout(PATIENCE):
                return float(await process.stdout.readline())

        yield send
