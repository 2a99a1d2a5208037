"""Bounded places for reads that may hang, so that the answers which never do always find a connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.common.errors import ClusterTimeout

MOST = 48
"""Linear reads of one host at once: fewer than the connections to it (transport.MOST_CONNECTIONS).

They hang for ten seconds without a quorum (docs/clustermgr.md). However many people ask then, the watch must still get
its /stat through: it would take every host for unreachable.
"""
PATIENCE = 5.0
"""Seconds that a read waits for a place."""


@dataclass(slots=True)
class Bulkhead:
    """The places at each host of one cluster."""

    most: int = MOST
    patience: float = PATIENCE
    _held: dict[str, asyncio.Semaphore] = field(default_factory=dict)

    @asynccontextmanager
    async def at(self, host: str) -> AsyncIterator[None]:
        """Hold a place at `host`; raises ClusterTimeout when none becomes free in time."""
        places = self._held.setdefault(host, asyncio.Semaphore(self.most))
        try:
            async with asyncio.timeout(self.patience):
                await places.acquire()
        except TimeoutError as error:
            raise ClusterTimeout(f"{host} holds {self.most} earlier questions unanswered.", host=host) from error
        try:
            yield
        finally:
            places.release()
