"""Bulkhead: a limit on reads that may hang, so that `/stat` always finds a free connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.common.errors import ClusterTimeout

MAX_READS = 48
"""Linear reads of one host at once: fewer than its connections (transport.MAX_CONNECTIONS).

Linear reads hang for ten seconds without a quorum (docs/clustermgr.md). Many of them at once must not block `/stat`:
the watch would report every host as unreachable.
"""
WAIT_SECONDS = 5.0
"""Seconds that a read waits for a free slot."""


@dataclass(slots=True)
class Bulkhead:
    """Read slots for each host of one cluster."""

    limit: int = MAX_READS
    wait: float = WAIT_SECONDS
    _slots: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    @asynccontextmanager
    async def slot(self, host: str) -> AsyncIterator[None]:
        """Hold a read slot of `host`; raises ClusterTimeout when no slot becomes free in time."""
        slots = self._slots.get(host)
        if slots is None:
            slots = self._slots[host] = asyncio.Semaphore(self.limit)
        try:
            if slots.locked():
                async with asyncio.timeout(self.wait):
                    await slots.acquire()
            else:
                await slots.acquire()
        except TimeoutError as error:
            raise ClusterTimeout(
                f"{host} has not answered {self.limit} earlier reads, so this one was not sent.", host=host
            ) from error
        try:
            yield
        finally:
            slots.release()
