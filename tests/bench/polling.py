"""Row: the processor time of one poll of a three-host cluster, against the same requests with bare httpx."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import fmean
from typing import Any

import httpx
from pydantic import SecretStr

from bot.config import Secrets, Settings
from bot.runtime.app import build
from bot.runtime.parts import App
from bot.watch.watcher import Watcher
from tests.bench.figures import Figure, milliseconds
from tests.bench.hosts import LISTS
from tests.bench.world import hosts, plain_settings

INTERVAL = 15.0
"""Seconds between two polls in the settings; the clock moves by this much, so no poll waits."""
WARM_UP = 4
Poll = Callable[[], Awaitable[Any]]


async def polling(folder: Path, *, polls: int = 400) -> Figure:
    """Measure one poll at a time, by the watch and by bare httpx in turn."""
    async with hosts(1) as held, watch(folder, held.clusters) as ours, bare(held.clusters[0]) as other:
        took = [(await processor_time(ours), await processor_time(other)) for _ in range(WARM_UP + polls)][WARM_UP:]
    column_ours, column_other = zip(*took, strict=True)
    ms_ours, ms_other = milliseconds(column_ours), milliseconds(column_other)
    note = f"by the means, with the note of every fourth poll: {fmean(column_ours) / fmean(column_other):.2f} x"
    return Figure("processor time of a poll of three hosts, p50", ms_ours, ms_other, "ms", 1.4, polls, note=note)


async def processor_time(poll: Poll) -> float:
    """Processor seconds that this process (all its threads) took for one poll."""
    before = time.process_time()
    await poll()
    return time.process_time() - before


@asynccontextmanager
async def watch(
    folder: Path, clusters: Sequence[Sequence[str]], adjust: Callable[[App], None] = lambda _: None
) -> AsyncIterator[Poll]:
    """Build the watch as the program does; `adjust` changes it before the first poll."""
    secrets = Secrets(slack_bot_token=SecretStr("xoxb-bench"), cmbot_store_url=SecretStr(""))
    plain = plain_settings(folder, "http://127.0.0.1:9/api/", clusters, INTERVAL)
    settings = Settings.model_validate({**plain, "secrets": secrets})
    now = itertools.count(time.time(), INTERVAL)
    at = [next(now)]
    async with build(settings, clock=lambda: at[0]) as app:
        adjust(app)
        [watched] = app.watches.values()
        yield lambda: _tick(watched, at, now)


async def _tick(watched: Watcher, at: list[float], now: "itertools.count[float]") -> None:
    at[0] = next(now)
    await watched.tick(at[0])
    assert not watched.health.failures


@asynccontextmanager
async def bare(names: Sequence[str]) -> AsyncIterator[Poll]:
    """Send the same requests with one client a host, and parse each answer as JSON."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://{name}")) for name in names]

        async def ask(client: httpx.AsyncClient, target: str) -> Any:
            return json.loads((await client.get(target)).content)

        async def poll() -> None:
            await asyncio.gather(*(ask(client, "/stat") for client in clients))
            await asyncio.gather(*(ask(clients[0], target) for target in LISTS))

        yield poll
