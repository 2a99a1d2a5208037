"""A running program with its port and its log: what it costs, and what it says of itself."""

import asyncio
import json
import os
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil  # type: ignore[import-untyped] # it has no types
import yaml

from tests.bench.workspace import Workspace
from tests.bench.world import PATIENCE, Hosts, started

PIPE = asyncio.subprocess.PIPE
MB = 1e6


@dataclass(frozen=True, slots=True)
class Running:
    """A process of the program."""

    process: asyncio.subprocess.Process
    log: Path
    port: int

    @property
    def memory(self) -> float:
        """Resident memory in MB."""
        return float(psutil.Process(self.process.pid).memory_info().rss) / MB

    @property
    def processor_time(self) -> float:
        """Processor seconds of all its threads since its start."""
        used = psutil.Process(self.process.pid).cpu_times()
        return float(used.user + used.system)

    async def metric(self, name: str) -> float:
        """The value of a series by its name with its labels."""
        async with aiohttp.ClientSession() as web, web.get(f"http://127.0.0.1:{self.port}/metrics") as answer:
            found = re.search(rf"^{re.escape(name)} (\S+)$", await answer.text(), re.MULTILINE)
        assert found, f"no metric {name}"
        return float(found[1])

    def logged(self, words: str) -> int:
        """Number of lines of the log that contain `words`."""
        return sum(words in line for line in self.log.read_text(encoding="utf-8").splitlines())


@asynccontextmanager
async def running(folder: Path, slack: Workspace, plain: Mapping[str, Any], url: str = "") -> AsyncIterator[Running]:
    """Run the program with these settings until the block ends; its folder must be its own."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a local folder, and nothing else runs
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    config, log = folder / "config.yaml", folder / "log"
    config.write_text(yaml.safe_dump({**plain, "http": {"port": port}}), encoding="utf-8")
    tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token, "CMBOT_STORE_URL": url}
    with log.open("wb") as errors:
        options = {"stdout": asyncio.subprocess.DEVNULL, "stderr": errors}
        async with started("bot", "run", "--config", str(config), env=os.environ | tokens, **options) as process:
            await slack.connected()
            yield Running(process, log, port)


@asynccontextmanager
async def hosts_of(module: str, *arguments: str) -> AsyncIterator[Hosts]:
    """Run a module that prints the hosts of clusters and obeys commands."""
    async with started(module, *arguments, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout is not None
        yield Hosts(process, json.loads(await process.stdout.readline()))


async def polled(held: Hosts, times: int, within: float = PATIENCE) -> None:
    """Wait until every cluster was polled `times` times; raises TimeoutError after `within` seconds."""
    async with asyncio.timeout(within):
        while min(await held.send("polls")) < times:  # noqa: ASYNC110 - the hosts are another process
            await asyncio.sleep(0.2)
