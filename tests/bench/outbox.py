"""Rows: time of a message through the outbox, on each database, against the same posts in a loop over Slack's SDK."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
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
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database(folder, kind))
        slack = await stack.enter_async_context(workspace())
        arguments = (("outbox", slack.api_url, url), ("documented", slack.api_url), ("kept", slack.api_url))
        senders = [await stack.enter_async_context(_sender(*each)) for each in arguments]
        took = [[await send(messages, CHANNELS) for send in senders] for _ in range(1 + rounds)][1:]
        alone = [await senders[0](messages, 1) for _ in range(1 + rounds)][1:]
    ours, other, kept = (median(column) * 1000 / messages for column in zip(*took, strict=True))
    one = median(alone) * 1000 / messages
    note = (
        f"{1000 / ours:,.0f} messages a second, {other / ours:.2f} times those of a loop over the SDK's client as its "
        f"documentation shows it, which opens a connection for each call; a loop with a kept session takes {kept:.2f} "
        f"ms a message. In one channel the outbox takes {one:.2f} ms: each message there is claimed alone and "
        "before its call, and Slack takes about one a second"
    )
    name = f"outbox on {kind}: a message, {CHANNELS} channels, p50"
    return (Figure(name, ours, other, "ms", TARGET, messages * rounds, note=note),)


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
