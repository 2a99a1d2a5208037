"""Row: time from the poll that finds a broken disk to the post of its alert."""

import asyncio
from pathlib import Path

from tests.bench.figures import Figure, milliseconds
from tests.bench.workspace import Workspace, workspace
from tests.bench.world import PATIENCE, Hosts, channel, hosts, program, settings, wait_for_polls

POLL = 0.5
CLUSTERS = 6
"""Clusters that are used in turn, so that the rate limit of one channel delays no measurement."""


async def alerting(folder: Path, *, rounds: int = 24) -> Figure:
    """Break a disk, wait for its alert, repair it, wait for the resolution; then the next cluster."""
    async with hosts(CLUSTERS) as held, workspace() as slack:
        async with program(slack, settings(folder, slack, held.clusters, poll=POLL)):
            await wait_for_polls(held, 2)
            took = [await _alert(held, slack, number % CLUSTERS) for number in range(rounds)]
    name = "broken disk → message posted, beyond the wait for the look, p50"
    return Figure(name, milliseconds(took), 0, "ms", 300, rounds, absolute=True)


async def _alert(held: Hosts, slack: Workspace, number: int) -> float:
    await held.send(f"break {number}")
    posted = await _post(slack, channel(number), reply=False)
    broke: float
    asked: float
    broke, asked = await held.send(f"changed {number}")
    # A poll that was running when the disk broke found it: count from the break.
    began = asked if broke < asked < posted else broke
    await held.send(f"repair {number}")
    await _post(slack, channel(number), reply=True)
    return posted - began


async def _post(slack: Workspace, wanted: str, *, reply: bool) -> float:
    """Wait for the next message or thread reply of a channel; return its time."""
    async with asyncio.timeout(PATIENCE):
        while True:
            at, where, thread = await slack.posted.get()
            if where == wanted and bool(thread) == reply:
                return at
