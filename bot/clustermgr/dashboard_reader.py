"""Dashboard reader: asks the leader for the cluster's own dashboard, once a minute where a release answers it."""

import asyncio
from dataclasses import dataclass, field

import structlog

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.dashboard import Dashboard, dashboard_of
from bot.common.errors import ClusterError

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 60.0
"""Seconds between two reads where the call is answered."""
REFUSED_SECONDS = 3600.0
"""Seconds without a read after a host refused the call, or gave an answer that cannot be used."""
READ_SECONDS = 1.0
"""Limit of one read."""
KEPT_SECONDS = 300.0
"""Age at which an answer is no longer used."""


@dataclass(slots=True)
class DashboardReader:
    """Reads the dashboard of one cluster; keeps the last answer, and that there is none."""

    api: ClustermgrClient
    _latest: Dashboard | None = None
    _due: float = 0.0
    _logged: bool = field(default=False)

    async def read(self, now: float, host: str) -> Dashboard | None:
        """Ask the leader at `host` if a read is due; return the last usable answer. Never raises ClusterError."""
        if now >= self._due:
            self._latest = await self._read(now, host)
            self._due = now + (REFUSED_SECONDS if self._latest is None else INTERVAL_SECONDS)
        return self.known(now)

    def known(self, now: float) -> Dashboard | None:
        """The last usable answer, None if there is none or it is old."""
        latest = self._latest
        return latest if latest is not None and now - latest.at <= KEPT_SECONDS else None

    async def _read(self, now: float, host: str) -> Dashboard | None:
        try:
            async with asyncio.timeout(READ_SECONDS):
                page = await self.api.dashboard(host)
        except (ClusterError, TimeoutError) as error:
            self._note_unused(str(error) or "no answer in time")
            return None
        found = dashboard_of(page.volume_safety, page.service, now)
        if found.usable:
            return found
        self._note_unused("an answer of another shape")
        return None

    def _note_unused(self, why: str) -> None:
        """Note once that the dashboard is not used."""
        if not self._logged:
            log.debug("dashboard_not_used", why=why)
            self._logged = True
