"""One command at a time, from the frame to its acknowledgement and to its posted answer."""

import asyncio

from tests.bench.workspace import Workspace
from tests.bench.world import PATIENCE


async def acknowledged(slack: Workspace, text: str) -> float:
    """Send `/cm TEXT` and return the time of its acknowledgement (monotonic clock)."""
    [sent] = await slack.commands(1, text)
    async with asyncio.timeout(PATIENCE):
        return await sent.acked


async def answered(slack: Workspace, text: str) -> float:
    """Send `/cm TEXT` and return the seconds until its answer was posted."""
    [sent] = await slack.commands(1, text)
    async with asyncio.timeout(PATIENCE):
        return await sent.answered - sent.at
