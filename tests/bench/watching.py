"""The program while it watches many clusters: its processor time, memory, pages and log."""

import asyncio
import math
import re
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import psutil  # type: ignore[import-untyped] # it has no types
import yaml

from tests.bench.workspace import Workspace, workspace
from tests.bench.world import Hosts, plain_settings, program

MB = 1e6
_GLANCE = 0.1
_SHOWN = 4000
"""Characters of the log that are printed when a row fails."""
_STEERED = "tests.bench.steered"
_PIPES: Mapping[str, Any] = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
_BUCKET = re.compile(rb'^cmbot_loop_lag_seconds_bucket\{le="([^"]+)"\} (\S+)$', re.MULTILINE)
Lags = Mapping[float, float]
"""Number of delays of the event loop up to each bound, in seconds."""


@dataclass(frozen=True, slots=True)
class Watching:
    """A running program; it watches the first `clusters` clusters of `hosts`. `began` is the start of its process."""

    process: asyncio.subprocess.Process
    slack: Workspace
    hosts: Hosts
    clusters: int
    began: float
    log: Path
    web: aiohttp.ClientSession

    async def polled(self, times: int, *, within: float) -> None:
        """Wait until every cluster was polled `times` times; raises TimeoutError after `within` seconds."""
        async with asyncio.timeout(within):
            while await self.hosts.send(f"least {self.clusters}") < times:  # noqa: ASYNC110 - another process
                await asyncio.sleep(_GLANCE)

    async def polls(self) -> int:
        """Polls so far, of all clusters."""
        return sum(await self.hosts.send("polls"))

    async def order(self, command: str) -> Any:
        """Give a command to the steered program."""
        return await Hosts(self.process, ()).send(command)

    def processor_time(self) -> float:
        """Processor seconds that all threads of the program took since its start."""
        used = psutil.Process(self.process.pid).cpu_times()
        return float(used.user + used.system)

    def memory(self) -> float:
        """Resident memory in MB."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / MB

    async def page(self, path: str) -> bytes:
        """The body of one of the program's pages."""
        async with self.web.get(path) as answer:
            return await answer.read()

    async def lags(self) -> Lags:
        """The delays of the event loop since the start."""
        return lags_of(await self.page("/metrics"))

    def logged(self, words: str) -> int:
        """Number of lines of the log that contain `words`."""
        return sum(words in line for line in self.log.read_text(encoding="utf-8").splitlines())


def lags_of(metrics: bytes) -> Lags:
    """Read the delays of the event loop from the text of `/metrics`."""
    return {float(bound): float(number) for bound, number in _BUCKET.findall(metrics)}


def lag_within(before: Lags, after: Lags, percent: float) -> float:
    """The bound (seconds) within which `percent` percent of the delays between two scrapes were; infinite if none."""
    counts = {bound: after[bound] - before.get(bound, 0.0) for bound in after}
    wanted = max(counts.values(), default=0.0) * percent / 100
    return min((bound for bound, number in counts.items() if number >= wanted), default=math.inf)


@asynccontextmanager
async def watching(
    folder: Path, held: Hosts, clusters: int, poll: float, *, steered: bool = False
) -> AsyncIterator[Watching]:
    """Start the program for the first `clusters` clusters with a new database; the hosts count polls from 0."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - nothing else runs here
    await held.send("clear")
    log = folder / "log"
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(workspace())
        port = _free_port()
        path = _settings(folder, slack, held.clusters[:clusters], poll, port)
        stack.push(partial(_show, log))
        errors = stack.enter_context(log.open("wb"))
        options = {"stderr": errors, **(_PIPES if steered else {})}
        module = _STEERED if steered else "bot"
        began = time.monotonic()
        process = await stack.enter_async_context(program(slack, path, module=module, **options))
        limit = aiohttp.ClientTimeout(total=60)
        web = await stack.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{port}", timeout=limit))
        yield Watching(process, slack, held, clusters, began, log, web)


def _show(log: Path, failure: type[BaseException] | None, *_: object) -> None:
    """Print the end of the log when the row fails: its folder is temporary."""
    if failure is not None:
        sys.stderr.write(log.read_text(encoding="utf-8")[-_SHOWN:])


def _settings(folder: Path, slack: Workspace, clusters: Sequence[Sequence[str]], poll: float, port: int) -> Path:
    path = folder / "config.yaml"
    plain = plain_settings(folder, slack.api_url, clusters, poll) | {"http": {"port": port}}
    path.write_text(yaml.safe_dump(plain), encoding="utf-8")
    return path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
