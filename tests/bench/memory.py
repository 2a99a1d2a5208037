"""Row: the memory of the process that watches a hundred clusters, and of one that only imports the libraries."""

import asyncio
import json
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped] # it has no types

from tests.bench.figures import Figure
from tests.bench.workspace import workspace
from tests.bench.world import hosts, program, settings, wait_for_polls

POLL = 4.0
MB = 1e6
LIBRARIES = (
    "aiohttp",
    "aiosqlite",
    "alembic.command",
    "apscheduler.triggers.cron",
    "httpx",
    "prometheus_client",
    "pydantic_settings",
    "rich.console",
    "slack_bolt.async_app",
    "slack_sdk.socket_mode.aiohttp",
    "slackblocks",
    "sqlalchemy.ext.asyncio",
    "structlog",
    "yaml",
)
_IMPORT = """
import importlib, json, psutil, sys
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(psutil.Process().memory_info().rss)
"""


async def memory(folder: Path, *, clusters: int = 100, polls: int = 4) -> Figure:
    """Measure resident memory after `polls` polls of every cluster."""
    async with hosts(clusters) as held, workspace() as slack:
        async with program(slack, settings(folder, slack, held.clusters, poll=POLL)) as process:
            await wait_for_polls(held, polls)
            ours = psutil.Process(process.pid).memory_info().rss
    name = f"memory, {clusters} clusters of three hosts polled; the libraries alone"
    return Figure(name, ours / MB, await imported() / MB, "MB", 150, 1, absolute=True)


async def imported() -> int:
    """Resident bytes of a Python that has imported the same libraries."""
    command = (sys.executable, "-c", _IMPORT, json.dumps(LIBRARIES))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return int(output)
