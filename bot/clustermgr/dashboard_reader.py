"""Dashboard reader: asks the leader for the cluster's own dashboard, once a minute where a release answers it.

A release without the call answers 404, or in another form, and is asked again after an hour. A read that fails in
another way says nothing of the release: it is repeated after a minute, and the last answer counts until it is old.
"""

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus

import structlog

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.dashboard import Dashboard, dashboard_of
from bot.common.errors import ClusterBadAnswer, ClusterError
from bot.common.periods import Due, elapsed

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 60.0
"""Seconds between two reads, unless the release has no such call."""
REFUSED_SECONDS = 3600.0
"""Seconds without a read after a host answered 404, or in a form that cannot be used."""
READ_SECONDS = 1.0
"""Limit of one read."""
KEPT_SECONDS = 300.0
"""Age at which an answer is no longer used."""


@dataclass(slots=True)
class DashboardReader:
    """Reads the dashboard of one cluster; keeps the last answer, and that there is none."""

    api: ClustermgrClient
    due: Due = elapsed
    _latest: Dashboard | None = None
    _asked_at: float = 0.0
    _refused: bool = False
    _logged: bool = field(default=False)

    async def read(self, now: float, host: str) -> Dashboard | None:
        """Ask the leader at `host` if a read is due; return the last usable answer. Never raises ClusterError."""
        if self.due(self._asked_at, now, REFUSED_SECONDS if self._refused else INTERVAL_SECONDS):
            self._asked_at, self._refused = now, False
            await self._read(now, host)
        return self.known(now)

    def known(self, now: float) -> Dashboard | None:
        """The last usable answer, None if there is none or it is old."""
        latest = self._latest
        return latest if latest is not None and now - latest.at <= KEPT_SECONDS else None

    async def _read(self, now: float, host: str) -> None:
        try:
            async with asyncio.timeout(READ_SECONDS):
                page = await self.api.dashboard(host)
        except ClusterError as error:
            # An answer that was cut has no status.
            if error.status == HTTPStatus.NOT_FOUND or (isinstance(error, ClusterBadAnswer) and error.status):
                self._note_refused(str(error))
            else:
                self._note_unused(str(error))
        except TimeoutError:
            self._note_unused("no answer in time")
        else:
            found = dashboard_of(page.volume_safety, page.service, now)
            if found.usable:
                self._latest = found
            else:
                self._note_refused("an answer of another shape")

    def _note_refused(self, why: str) -> None:
        """Note that the release has no such call."""
        self._latest, self._refused = None, True
        self._note_unused(why)

    def _note_unused(self, why: str) -> None:
        """Note once that the dashboard is not used."""
        if not self._logged:
            log.debug("dashboard_not_used", why=why)
            self._logged = True
