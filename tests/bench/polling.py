"""Row: the processor time of one poll of a three-host cluster, against the same requests with bare httpx."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import httpx
from pydantic import SecretStr

from bot.config import Secrets, Settings
from bot.runtime.app import build
from bot.runtime.parts import App
from bot.watch.state_saver import StateSaver
from bot.watch.watcher import Watcher
from tests.bench.figures import Figure, milliseconds
from tests.bench.hosts import LISTS, NODES
from tests.bench.world import hosts, plain_settings

INTERVAL = 15.0
"""Seconds between two polls in the settings; the clock moves by this much, so no poll waits."""
WARM_UP = 4
REACH = 1.25
Poll = Callable[[], Awaitable[Any]]
Further = Sequence[tuple[int, str]]
"""Further requests: the node and the target of each."""
Bare = Callable[..., Awaitable[None]]
"""Poll with bare httpx; takes the further requests."""


async def polling(folder: Path, *, polls: int = 400) -> tuple[Figure, Figure]:
    """Measure one poll at a time, by the watch and by bare httpx in turn, which sends the same requests."""
    took: list[tuple[float, float, bool]] = []
    apps: list[App] = []
    async with (
        hosts(1) as held,
        watch(folder, held.clusters, apps.append) as ours,
        bare(held.clusters[0]) as other,
    ):
        for _ in range(WARM_UP + polls):
            await held.send("log 0")
            commits = apps[0].store.commits
            mine = await processor_time(ours)
            further = [(node, target) for node, target in await held.send("log 0") if target not in {"/stat", *LISTS}]
            more = bool(further) or apps[0].store.commits > commits
            took.append((mine, await processor_time(partial(other, further)), more))
    del took[:WARM_UP]
    plain = [(mine, other_) for mine, other_, more in took if not more] or [pair[:2] for pair in took]
    medians = [milliseconds(column) for column in zip(*plain, strict=True)]
    means = [fmean(column) * 1e3 for column in list(zip(*took, strict=True))[:2]]
    name = "processor time of a poll of three hosts"
    return (
        Figure(f"{name} without what is done once a minute, p50", medians[0], medians[1], "ms", REACH, len(plain)),
        Figure(f"{name} with it, mean", means[0], means[1], "ms", REACH, polls),
    )


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
        # There is no other cluster to share a transaction with.
        watched._saver = StateSaver(app.store, pause=_at_once)
        yield lambda: _tick(watched, at, now)


async def _at_once(_: float) -> None:
    """Wait for nothing."""


async def _tick(watched: Watcher, at: list[float], now: "itertools.count[float]") -> None:
    at[0] = next(now)
    await watched.tick(at[0])
    assert not watched.health.failures


@asynccontextmanager
async def bare(names: Sequence[str]) -> AsyncIterator[Bare]:
    """Send the requests of a poll with one client a host, and parse each answer; `further` ones follow in turn."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(httpx.AsyncClient(base_url=f"http://{name}")) for name in names]

        async def ask(client: httpx.AsyncClient, target: str) -> Any:
            content = (await client.get(target)).content
            return json.loads(content) if content.startswith((b"{", b'"')) else content

        async def poll(further: Further = ()) -> None:
            await asyncio.gather(*(ask(client, "/stat") for client in clients))
            await asyncio.gather(*(ask(clients[0], target) for target in LISTS))
            for node, target in further:
                await ask(clients[NODES.index(node)], target)

        yield poll
