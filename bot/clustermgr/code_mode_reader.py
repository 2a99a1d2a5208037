"""Code mode reader: asks the leader for the code modes that users defined, rarely, and only where a volume has one."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.code_modes import CodeMode, extended_modes, is_extended
from bot.common.errors import ClusterBadAnswer, ClusterError

log = structlog.get_logger(__name__)

KEY = "code_mode_extend"
"""Key of /config/get: master answers `"null"` where no mode is defined, earlier releases 404 (recorded exchanges)."""
INTERVAL_SECONDS = 300.0
"""Seconds between two reads; a mode must not change once volumes have it (source of CubeFS)."""
RETRY_SECONDS = 60.0
"""Seconds until the next read after one that failed."""
READ_SECONDS = 1.0
"""Limit of one read."""


@dataclass(slots=True)
class CodeModeReader:
    """The code modes of one cluster that its users defined, as last read; a mode that is not here is unknown."""

    api: ClustermgrClient
    extended: tuple[CodeMode, ...] = ()
    _due: float = 0.0

    async def read(self, now: float, host: str, seen: Iterable[int]) -> tuple[CodeMode, ...]:
        """Ask the leader at `host` if a read is due and one of the ids `seen` needs it; never raises ClusterError."""
        if now >= self._due and any(map(is_extended, seen)):
            self._due = now + RETRY_SECONDS
            await self._read(now, host)
        return self.extended

    async def _read(self, now: float, host: str) -> None:
        try:
            async with asyncio.timeout(READ_SECONDS):
                value = await self.api.config_get(KEY, host=host)
        except ClusterBadAnswer as error:
            self.extended = ()
            log.info("code_modes.unreadable", why=str(error))
        except (ClusterError, TimeoutError) as error:
            # What was read before stays true: a mode does not change.
            log.info("code_modes.unread", why=str(error))
        else:
            self.extended, self._due = extended_modes(value), now + INTERVAL_SECONDS
