"""The processes of the bench: the hosts, the program with its settings, the simple programs beside it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.bench.workspace import Workspace

_LINE = 1 << 20
_GLANCE = 0.1
PATIENCE = 30.0
"""Seconds to wait for an event before the bench fails."""


@dataclass(slots=True)
class Hosts:
    """The process of tests/bench/hosts.py; `clusters` are the hosts of each cluster."""

    process: asyncio.subprocess.Process
    clusters: Sequence[Sequence[str]]

    async def send(self, command: str) -> Any:
        """Give a command and return its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n".encode())
        return await _line(self.process)


async def _line(process: asyncio.subprocess.Process) -> Any:
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return json.loads(await process.stdout.readline())


@asynccontextmanager
async def hosts(clusters: int) -> AsyncIterator[Hosts]:
    """Start three hosts for each of `clusters` clusters."""
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    async with started("tests.bench.hosts", str(clusters), **pipes) as process:
        yield Hosts(process, await _line(process))


@asynccontextmanager
async def large_hosts(disks: int, volumes: int, broken: int) -> AsyncIterator[Hosts]:
    """Start the hosts of one large cluster."""
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    async with started("tests.bench.large_hosts", *map(str, (disks, volumes, broken)), **pipes) as process:
        yield Hosts(process, await _line(process))


async def wait_for_polls(held: Hosts, times: int) -> None:
    """Wait until every cluster was polled `times` times; the first poll after a start is not representative."""
    async with asyncio.timeout(PATIENCE):
        while min(await held.send("polls")) < times:  # noqa: ASYNC110 - the hosts are another process
            await asyncio.sleep(_GLANCE)


@asynccontextmanager
async def started(module: str, *arguments: str, **options: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a module of this checkout until the block ends."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, *arguments, limit=_LINE, **options)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        # Read to the end, so that no pipe stays open.
        await process.communicate()


@asynccontextmanager
async def program(
    slack: Workspace, settings: Path, *, module: str = "bot", **options: Any
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the bot, connected to `slack`; `options` are those of the process."""
    tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token, "CMBOT_STORE_URL": ""}
    async with started(module, "run", "--config", str(settings), **{**_options(tokens), **options}) as process:
        await slack.connected()
        yield process


@asynccontextmanager
async def simple(module: str, slack: Workspace, *arguments: str) -> AsyncIterator[None]:
    """Run one of the programs for comparison, connected to `slack`."""
    # Other names than those that Bolt reads itself: it would warn.
    tokens = {"BENCH_BOT_TOKEN": slack.bot_token, "BENCH_APP_TOKEN": slack.app_token}
    async with started(module, slack.api_url, *arguments, **_options(tokens)):
        await slack.connected()
        yield


def _options(environment: Mapping[str, str]) -> Mapping[str, Any]:
    # Errors go to standard error, which is not captured.
    return {"env": os.environ | environment, "stdout": asyncio.subprocess.DEVNULL}


def settings(folder: Path, slack: Workspace, clusters: Sequence[Sequence[str]], *, poll: float = 15.0) -> Path:
    """Write the settings of a bot that watches `clusters`, each with a separate alert channel (see `channel`)."""
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(plain_settings(folder, slack.api_url, clusters, poll)), encoding="utf-8")
    return path


def plain_settings(folder: Path, api_url: str, clusters: Sequence[Sequence[str]], poll: float) -> dict[str, Any]:
    """The settings as text."""
    return {
        "slack": {"api_url": api_url},
        "http": {"port": 0},
        "log_level": "error",
        "store": {"url": f"sqlite:///{folder}/cmbot.db"},
        "clusters": [
            {"name": f"c{number}", "hosts": list(names), "alert_channel": channel(number), "poll_interval": poll}
            for number, names in enumerate(clusters)
        ],
    }


def channel(number: int) -> str:
    """The alert channel of a cluster."""
    return f"C0BENCH{number}"
