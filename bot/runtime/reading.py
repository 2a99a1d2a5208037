"""The reading commands without Slack: the clusters of the settings and, if it can be read, the database.

Nothing is migrated, written or posted. Without the database the clusters are still asked; only what it stores is
missing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any, NoReturn, cast

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.model import Alert, Silence
from bot.alerting.rules.base import Rule
from bot.alerting.rules.thresholds import configure
from bot.clustermgr.cluster import Cluster
from bot.common.errors import ConfigError, Refused, SlackError, StoreError, UserError
from bot.common.frozen import frozen
from bot.config import Settings, in_file
from bot.interactions.command import Call, Caller, TimelineBook
from bot.interactions.message import Undelivered
from bot.operations.model import Operation
from bot.operations.operation_problems import NoSuchOperation
from bot.permissions.access import Access
from bot.runtime.clock import ProcessClock
from bot.runtime.settings_mapping import refuse_reserved_names
from bot.runtime.startup import follow_server, open_clusters
from bot.store.database import Store
from bot.telemetry.metrics import Metrics
from bot.views.errors import error_text
from bot.watch.alert_actions import AlertActions
from bot.watch.timeline import Timelines
from bot.workflow.proposals import MAX_LISTED
from bot.workflow.repository import OperationRepository

_NOWHERE = Caller(user="", channel="")
_TRY_AGAIN = 30.0
"""Seconds after which a database that could not be opened is tried again."""


class _InSlackOnly:
    """Stands for a port, or the part of one, that reading commands do not use."""

    __slots__ = ()

    def __getattr__(self, name: str) -> NoReturn:
        raise UserError("This is done in Slack only.")


@frozen
class _Alerts(_InSlackOnly):
    """The part of the alert port that reads; None as `book` stands for a database that cannot be read."""

    book: AlertActions | None
    why: str

    def _read(self) -> AlertActions:
        if self.book is None:
            raise StoreError(self.why)
        return self.book

    async def open(self, cluster: str | None = None) -> tuple[Alert, ...]:
        """Return the posted alerts that are not resolved."""
        return await self._read().open(cluster)

    async def alert(self, alert_id: int) -> Alert:
        """Return one alert of a configured cluster, open or not."""
        return await self._read().alert(alert_id)

    async def listed(self) -> tuple[Alert, ...]:
        """Return the open alerts, and those that only a silence holds back."""
        return await self._read().listed()

    async def of_cluster(self, cluster: str) -> tuple[tuple[Alert, ...], tuple[Silence, ...]]:
        """Return the alerts and the silences of one cluster."""
        return await self._read().of_cluster(cluster)

    async def silences(self, cluster: str | None = None) -> tuple[Silence, ...]:
        """Return the active silences."""
        return await self._read().silences(cluster)

    async def muted(self) -> Mapping[int, int]:
        """Return how many open alerts each active silence mutes now, by its id."""
        return await self._read().muted()


@frozen
class _Operations(_InSlackOnly):
    """The part of the operation port that reads; None as `repository` stands for a database that cannot be read.

    With `only` no other cluster has operations, and no messages are listed: those name no cluster.
    """

    repository: OperationRepository | None
    why: str
    only: Collection[str] | None = None

    def _read(self) -> OperationRepository:
        if self.repository is None:
            raise StoreError(self.why)
        return self.repository

    async def listed(self, cluster: str | None, *, open_only: bool) -> Sequence[Operation]:
        """Return operations, the newest first."""
        if self.only is None:
            return await self._listed(cluster, open_only=open_only)
        wanted = [name for name in self.only if cluster in {None, name}]
        found = [op for name in wanted for op in await self._listed(name, open_only=open_only)]
        return sorted(found, key=lambda op: op.id, reverse=True)[:MAX_LISTED]

    async def _listed(self, cluster: str | None, *, open_only: bool) -> Sequence[Operation]:
        if open_only:
            return list(reversed(await self._read().open_on(cluster)))
        return await self._read().recent(cluster, MAX_LISTED)

    async def shown(self, op_id: int) -> Operation:
        """Return one operation."""
        op = await self._read().get(op_id)
        if op is None or (self.only is not None and op.cluster not in self.only):
            raise Refused(NoSuchOperation(op_id))
        return op

    async def of_disks(self, cluster: str) -> Sequence[Operation]:
        """Return the newest operations that drop one disk or declare it broken."""
        return await self._read().of_disks(cluster)

    async def undelivered(self) -> Sequence[Undelivered]:
        """Return the messages that Slack refused for good, the newest first."""
        if self.only is not None:
            return ()
        async with self._read().store.read() as uow:
            dead = await uow.outbox.dead(MAX_LISTED)
        return [Undelivered(post.channel, post.text, post.last_error, post.updated_at) for post in dead]


@frozen
class _NoTimelines:
    """Stands for timelines while the database cannot be read."""

    why: str

    async def between(self, *_: object) -> NoReturn:
        """Say why there is none; alerts and operations, which the others need, cannot be read either."""
        raise StoreError(self.why)


@dataclass(slots=True)
class Reader:
    """What reading commands need; `without_store` says why the database cannot be read, "" if it can.

    With `only` nothing of another cluster is read, not even of one that was removed from the settings.
    """

    settings: Settings
    clusters: Mapping[str, Cluster]
    clock: ProcessClock
    rules: Mapping[str, tuple[Rule, ...]]
    store: Store | None = None
    without_store: str = ""
    notes: Mapping[str, ClusterNote] = field(default_factory=dict)
    only: Collection[str] | None = None
    connect: Callable[[], Awaitable[None]] | None = None
    """Opens the database if that failed before, now and then."""

    async def refresh(self) -> None:
        """Read what the watch stored of each cluster; keep what is known while the database is down."""
        if self.store is None and self.connect is not None:
            await self.connect()
        if self.store is None:
            return
        try:
            async with self.store.read() as uow:
                states = await uow.cluster_states.several(self.clusters.keys())
        except StoreError as error:
            self.without_store = error_text(error)
            return
        self.without_store = ""
        self.notes = {name: ClusterNote.of(state) for name, state in states.items()}

    def remembered(self, cluster: str) -> ClusterNote:
        """The last known condition of a cluster, empty before the first poll of the watch."""
        return self.notes.get(cluster, ClusterNote())

    def call(self, cluster: str | None) -> Call:
        """Return what a reading command needs to run for a cluster, or for none."""
        absent = cast("Any", _InSlackOnly())
        alerts = operations = None
        timelines: TimelineBook = cast("Any", _NoTimelines(self.without_store))
        if self.store is not None:
            alerts = AlertActions(self.store, _ignore, self.clock, dict.fromkeys(self.clusters, ""))
            operations = OperationRepository(self.store, _ignore, self.clock)
            timelines = Timelines(self.store, self.clock)
        return Call(
            caller=_NOWHERE,
            clusters=self.clusters,
            cluster=self.clusters[cluster] if cluster else None,
            now=self.clock(),
            proposer=absent,
            operations=cast("Any", _Operations(operations, self.without_store, self.only)),
            access=Access(self.settings.access, _no_group),
            alerts=cast("Any", _Alerts(alerts, self.without_store)),
            reports=absent,
            remembered=self.remembered,
            audit=absent,
            share=None,
            forms=absent,
            rules=lambda name: self.rules.get(name, ()),
            docs_url=self.settings.docs_url or "",
            timelines=timelines,
        )


def _ignore() -> None:
    """Wake nothing: nothing is written."""


async def _no_group(_: str) -> frozenset[str]:
    raise SlackError("Slack is not asked here.")


@asynccontextmanager
async def reading(settings: Settings, only: Collection[str] | None = None) -> AsyncIterator[Reader]:
    """Open the clients of the clusters (of `only` these), and the database if it can be read. Raises ConfigError."""
    if only is not None:
        settings = settings.model_copy(update={"clusters": tuple(own for own in settings.clusters if own.name in only)})
    with in_file(str(settings.secrets.cmbot_config)):
        refuse_reserved_names(settings)
        rules = {own.name: configure(settings.rules, own.rules) for own in settings.clusters}
    clock = ProcessClock()
    async with AsyncExitStack() as stack:
        clusters = await open_clusters(stack, settings, clock, Metrics())
        reader = Reader(settings, clusters, clock, rules, only=only)
        database = _Database(reader, stack)
        await database.open()
        reader.connect = database.open_again
        for name, cluster in clusters.items():
            cluster.restore_gone(partial(_gone_since, reader, name))
        yield reader


@dataclass(slots=True)
class _Database:
    """The database of a reader, which may be away when the reader is opened."""

    reader: Reader
    stack: AsyncExitStack
    tried: float = 0.0

    async def open_again(self) -> None:
        """Open the database unless that was tried a moment ago."""
        if monotonic() - self.tried >= _TRY_AGAIN:
            await self.open()

    async def open(self) -> None:
        """Open the database, or note why it cannot be read."""
        self.tried, reader = monotonic(), self.reader
        try:
            async with AsyncExitStack() as opened:
                store = await opened.enter_async_context(Store.existing(reader.settings.store_url, clock=reader.clock))
                await follow_server(reader.clock, store)
                self.stack.push_async_callback(opened.pop_all().aclose)
            reader.store, reader.without_store = store, ""
        except (ConfigError, StoreError) as error:
            reader.without_store = error_text(error)


def _gone_since(reader: Reader, cluster: str) -> Mapping[int, float]:
    """Since when disks were seen repaired or dropped, as the watch stored it."""
    return {disk.id: disk.gone_since for disk in reader.remembered(cluster).state.lost_disks if disk.gone_since}
