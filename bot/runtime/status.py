"""The state of cmbot itself: problems that keep it from its work, and the status lines in Slack."""

from collections.abc import Callable, Mapping, Sequence

import structlog

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.model import Alert
from bot.common.errors import StoreError
from bot.common.frozen import frozen
from bot.common.message_key import MessageKey
from bot.delivery.worker import Outbox
from bot.interactions.message import Message
from bot.store.database import Store
from bot.views.clusters import ClusterLine
from bot.views.status import (
    READS_WAIT,
    STORE_SILENT,
    Status,
    not_polled_lately,
    not_sent,
    status,
    stopped,
    token_rejected,
    too_many_clusters,
)
from bot.views.status_text import not_milder
from bot.watch.admission import Overload

log = structlog.get_logger(__name__)

MAX_WAIT = 600.0
"""Seconds that a message may wait to be sent."""


@frozen
class StatusReporter:
    """Finds problems of the program as a whole, and keeps the status lines in `channels` up to date.

    `hosts` is the number of hosts of each cluster, `max_age` the seconds after which its last poll is too old,
    `cluster_notes` the results of the polls, `began` the start of this process. `alone` is true when no other replica
    runs. `overload` is that of the polls of this process, `reads_wait` is true while they leave disks unread. `outputs`
    says what is wrong with the receivers outside Slack.
    """

    store: Store
    outbox: Outbox
    clock: Callable[[], float]
    hosts: Mapping[str, int]
    max_age: Mapping[str, float]
    cluster_notes: Mapping[str, ClusterNote]
    channels: Sequence[str]
    began: float
    alone: Callable[[], bool]
    overload: Callable[[], Overload | None] = lambda: None
    reads_wait: Callable[[], bool] = lambda: False
    outputs: Callable[[], str] = lambda: ""

    async def problem(self, began: float = 0.0) -> str:
        """Return the first problem, "" for none: a cluster not polled lately, messages not sent, no database.

        A process that began at `began` has time for its first poll.
        """
        now = self.clock()
        late = [name for name in self.hosts if now - max(began, self._polled_at(name, now)) > self.max_age[name]]
        if late:
            return not_polled_lately(late)
        try:
            return await self.outbox_problem()
        except StoreError:
            return STORE_SILENT

    def load_remark(self) -> str:
        """Say what this process cannot do in time, "" for nothing. It goes on with its work."""
        overload = self.overload()
        polls = too_many_clusters(overload.clusters, overload.interval, overload.actual) if overload else ""
        return " ".join(filter(None, (polls, READS_WAIT if self.reads_wait() else "")))

    async def outbox_problem(self) -> str:
        """Return the reason why messages are not sent, "" when they are. Raises StoreError."""
        if not self.outbox.healthy:
            return token_rejected(self.outbox.auth_error)
        health = await self.outbox.health()
        if refused := await self.outbox.refused():
            return refused
        return not_sent(health.oldest_age) if health.oldest_age > MAX_WAIT else ""

    def _polled_at(self, name: str, now: float) -> float:
        """Time of the last poll; 0 for a time in the future, which a wrong clock saved."""
        at = self.cluster_notes[name].at if name in self.cluster_notes else 0.0
        return at if at <= now else 0.0

    def _lines(self, alerts: Sequence[Alert] = ()) -> list[ClusterLine]:
        return [
            ClusterLine(name, hosts, not_milder(self.cluster_notes.get(name, ClusterNote()), name, alerts))
            for name, hosts in self.hosts.items()
        ]

    async def update(self, channel: str) -> None:
        """Update the status line of a channel; one replica of all does so."""
        problem = " ".join(filter(None, (await self.problem(self.began), self.load_remark(), self.outputs())))
        try:
            health = await self.outbox.health()
            async with self.store.read() as uow:
                lines = self._lines(await uow.alerts.open())
                silences = [each for each in await uow.silences.active(self.clock()) if each.cluster in self.hosts]
            now = Status(self.clock(), lines, health.depth, health.oldest_age, health.dead, problem, silences)
            await self._put(channel, status(now))
        except StoreError as error:
            log.warning("status.store_down", error=str(error))

    async def announce_shutdown(self) -> None:
        """Post that cmbot has stopped and polls no cluster, unless another replica runs."""
        if not self.alone():
            return
        try:
            for channel in self.channels:
                await self._put(channel, stopped(self.clock(), self._lines()))
        except StoreError as error:
            log.warning("status.store_down", error=str(error))

    async def _put(self, channel: str, message: Message) -> None:
        async with self.store.begin() as uow:
            await uow.outbox.put(MessageKey.status(channel), channel, message)
        self.outbox.wake()
