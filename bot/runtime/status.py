"""How cmbot proves that it is alive: what would keep it from its work, and the status lines that say so in Slack."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from bot.alerting.cluster_status import noted
from bot.alerting.model import Alert
from bot.common.errors import StoreError
from bot.delivery.worker import Outbox
from bot.interactions.message import Message
from bot.store.database import Store
from bot.views.alert_text.table import alert_text
from bot.views.clusters import ClusterLine
from bot.views.status import Status, status, stopped

log = structlog.get_logger(__name__)

LONGEST_STUCK_OUTBOX = 600.0
"""Seconds that a message may wait to be sent."""


@dataclass(frozen=True, slots=True)
class StatusReporter:
    """Judges the process as a whole, and tells in `channels` how it does.

    `hosts` is how many each cluster has, `late` after how many seconds its last look is too old, `noted` what the
    watches saw, `began` when this process did. `leads` tells whether it speaks for all, `alone` whether no other runs.
    """

    store: Store
    outbox: Outbox
    clock: Callable[[], float]
    hosts: Mapping[str, int]
    late: Mapping[str, float]
    noted: Mapping[str, Mapping[str, Any]]
    channels: Sequence[str]
    began: float
    leads: Callable[[], bool]
    alone: Callable[[], bool]

    async def trouble(self, began: float = 0.0) -> str:
        """What is not as it should be, "" when all is well: every cluster looked at lately, store and outbox well.

        A process that began at `began` is given the time for its first look.
        """
        now = self.clock()
        unseen = [name for name in self.hosts if now - max(began, self._seen(name, now)) > self.late[name]]
        if unseen:
            return f"no look lately at {', '.join(unseen)}."
        try:
            return await self.outbox_trouble()
        except StoreError:
            return "its database does not answer."

    async def outbox_trouble(self) -> str:
        """Why messages are not sent, "" when they are. Raises StoreError."""
        if not self.outbox.healthy:
            return f"Slack refuses the bot token ({self.outbox.auth_error})"
        health = await self.outbox.health()
        if refused := await self.outbox.refused():
            return refused
        stuck = health.oldest_age > LONGEST_STUCK_OUTBOX
        return f"a message has waited {health.oldest_age:.0f} s to be sent" if stuck else ""

    def _seen(self, name: str, now: float) -> float:
        """When the last look was; a time to come was noted by a clock that was wrong, and says nothing."""
        at = float(self.noted.get(name, {}).get("at") or 0.0)
        return at if at <= now else 0.0

    def _lines(self, alerts: Sequence[Alert] = ()) -> list[ClusterLine]:
        return [
            ClusterLine(name, hosts, noted(name, self.noted.get(name, {}), alerts, alert_text))
            for name, hosts in self.hosts.items()
        ]

    async def _alerts(self) -> Sequence[Alert]:
        async with self.store.read() as uow:
            return await uow.alerts.open()

    async def show(self, channel: str) -> None:
        """Bring the status line of a channel up to date; one process of all does it."""
        if not self.leads():
            return
        trouble = await self.trouble(self.began)
        try:
            health = await self.outbox.health()
            lines = self._lines(await self._alerts())
            now = Status(self.clock(), lines, health.depth, health.oldest_age, health.dead, trouble)
            await self._put(channel, status(now))
        except StoreError as error:
            log.warning("status.store_down", error=str(error))

    async def announce_shutdown(self) -> None:
        """Say that nobody watches any more, where no other process does; for an orderly end."""
        if not self.alone():
            return
        try:
            for channel in self.channels:
                await self._put(channel, stopped(self.clock(), self._lines()))
        except StoreError as error:
            log.warning("status.store_down", error=str(error))

    async def _put(self, channel: str, message: Message) -> None:
        async with self.store.begin() as uow:
            await uow.outbox.put(f"status:{channel}", channel, message)
        self.outbox.wake()
