"""Row: how long after a disk broke its alert is posted, beyond the wait for the next look."""

import asyncio
from pathlib import Path

from tests.bench.figures import Figure, milliseconds
from tests.bench.workspace import Workspace, workspace
from tests.bench.world import PATIENCE, Hosts, channel, hosts, looked, program, settings

POLL = 0.5
CLUSTERS = 6
"""Taken in turn, so that the pace at which one channel may be posted to holds nothing up."""


async def alerting(folder: Path, *, rounds: int = 24) -> Figure:
    """Break a disk, wait for its alert, repair it, wait for the resolution; then the next cluster."""
    async with hosts(CLUSTERS) as held, workspace() as slack:
        async with program(slack, settings(folder, slack, held.clusters, poll=POLL)):
            await looked(held, 2)
            took = [await _alert(held, slack, number % CLUSTERS) for number in range(rounds)]
    name = "broken disk → message posted, beyond the wait for the look, p50"
    return Figure(name, milliseconds(took), 0, "ms", 300, rounds, absolute=True)


async def _alert(held: Hosts, slack: Workspace, number: int) -> float:
    await held.send(f"break {number}")
    posted = await _post(slack, channel(number), reply=False)
    broke: float
    asked: float
    broke, asked = await held.send(f"changed {number}")
    # Found by a look that was under way when it broke: then there was no wait.
    began = asked if broke < asked < posted else broke
    await held.send(f"repair {number}")
    await _post(slack, channel(number), reply=True)
    return posted - began


async def _post(slack: Workspace, wanted: str, *, reply: bool) -> float:
    """When the next message, or reply in a thread, came in a channel."""
    async with asyncio.timeout(PATIENCE):
        while True:
            at, where, thread = await slack.posted.get()
            if where == wanted and bool(thread) == reply:
                return at
