"""Slow polls when a test needs one, not once a minute."""

import asyncio
from collections.abc import Callable

from bot.clustermgr.cluster import Cluster


async def switches_read(cluster: Cluster, clock: Callable[[], float]) -> None:
    """Return once a slow poll that began after this call is over: one that is under way has read an older value."""
    poller, now = cluster._slow_poller, clock()
    while poller.polled_at <= now:
        poller.polled_at = 0.0
        await asyncio.sleep(0.02)
