"""Rows: memory for the answer of a very large cluster: 100,000 disks, 10,000 volumes at risk."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bench.asking import answered
from tests.bench.figures import Figure, milliseconds
from tests.bench.running import Running, running
from tests.bench.workspace import Workspace, workspace
from tests.bench.world import large_hosts, plain_settings

MEMORY_MB = 30
POLL = 15.0
_GLANCE = 0.005


async def many_disks(
    folder: Path, *, disks: int = 100_000, broken: int = 50, rounds: int = 5, warm_up: int = 12, calm: int = 30
) -> Figure:
    """Measure `/cm disks status=broken`, once the watch has run for `calm` seconds."""
    async with _watched(folder, disks, 1, broken, calm) as (slack, bot):
        asked = ("disks c0 status=broken", f"All {disks:,} disks")
        return await _measure(f"/cm disks status=broken, {disks:,} disks", slack, bot, asked, rounds, warm_up)


async def many_volumes(
    folder: Path, *, disks: int = 1_000, volumes: int = 10_000, rounds: int = 5, warm_up: int = 3, calm: int = 30
) -> Figure:
    """Measure `/cm risk` while a unit of nearly every volume is lost."""
    broken = disks // 5
    async with _watched(folder, disks, volumes, broken, calm) as (slack, bot):
        name = f"/cm risk, {volumes:,} volumes on {disks:,} disks, {broken:,} of them broken"
        return await _measure(name, slack, bot, ("risk c0", "Not shown"), rounds, warm_up)


@asynccontextmanager
async def _watched(
    folder: Path, disks: int, volumes: int, broken: int, calm: int
) -> AsyncIterator[tuple[Workspace, Running]]:
    async with large_hosts(disks, volumes, broken) as held, workspace() as slack:
        async with running(folder, slack, plain_settings(folder, slack.api_url, held.clusters, POLL)) as bot:
            await asyncio.sleep(calm)
            yield slack, bot


async def _measure(
    name: str, slack: Workspace, bot: Running, asked: tuple[str, str], rounds: int, warm_up: int
) -> Figure:
    """Ask several times. The hosts make each answer once, so the first answers are late; their memory counts too.

    `asked` is the command, and what its answer must contain.
    """
    text, words = asked
    before = bot.memory
    found = [await _asked(slack, bot, text) for _ in range(warm_up + rounds)]
    assert words.encode() in slack.answer, slack.answer
    grown = max(peak for peak, _ in found) - before
    note = f"answered after {milliseconds([took for _, took in found[warm_up:]]):,.0f} ms (p50)"
    return Figure(f"{name}: memory while answering", grown, 0, "MB", MEMORY_MB, rounds, absolute=True, note=note)


async def _asked(slack: Workspace, bot: Running, text: str) -> tuple[float, float]:
    """Return the greatest memory in MB, and the seconds until the answer."""
    peak = bot.memory
    asking = asyncio.create_task(answered(slack, text))
    while not asking.done():
        await asyncio.sleep(_GLANCE)
        peak = max(peak, bot.memory)
    return peak, await asking
