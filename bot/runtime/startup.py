"""First steps of a start: the name of the replica, the clock, the database, the clients of Slack and clusters."""

import asyncio
import ipaddress
import random
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial

import structlog

from bot.alerting.cluster_state.state import ClusterNote
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.disk_facts import DiskLimits
from bot.clustermgr.scheduler_client import AllowedSchedulers, SchedulerClient
from bot.clustermgr.slow_poll_pace import SlowPollPace
from bot.clustermgr.tasks import Dialect
from bot.common.errors import StoreError
from bot.common.frozen import frozen
from bot.common.periods import staggered
from bot.config import ClusterSettings, Settings
from bot.delivery.block_support import BlockSupport
from bot.leadership.membership import BEATS, Membership
from bot.leadership.model import HOUSEKEEPING, watch_of
from bot.operations.policy import PolicyMode
from bot.runtime.clock import Clock, ProcessClock, steady
from bot.runtime.settings_mapping import code_key, code_required
from bot.runtime.tls import TlsContexts
from bot.slack.client import SlackClient
from bot.store.database import Store
from bot.store.migrate import newest
from bot.telemetry.metrics import Metrics
from bot.telemetry.tracer import NO_TRACER, Tracer
from bot.workflow.code_check import CodeCheck

log = structlog.get_logger(__name__)

RETRY_SECONDS = 0.5
"""Seconds between two attempts to reach an unavailable database server."""


@frozen
class Foundation:
    """Parts that every other part may need.

    `messages_wait` is set when the outbox has messages to send, and `outputs_wait` with it: receivers outside Slack may
    have to get alerts. `began_as` are the default policies with which the installation began, `cluster_notes` the
    results of the last poll of each cluster before this start.
    """

    settings: Settings
    replica: str
    clock: Clock
    wall: Clock
    store: Store
    gateway: SlackClient
    metrics: Metrics
    clusters: Mapping[str, Cluster]
    messages_wait: asyncio.Event
    outputs_wait: asyncio.Event
    began_as: PolicyMode
    cluster_notes: dict[str, ClusterNote]
    tracer: Tracer = NO_TRACER

    def wake(self) -> None:
        """Wake the outbox, and the worker of outputs."""
        self.messages_wait.set()
        self.outputs_wait.set()


@asynccontextmanager
async def foundation(
    settings: Settings, clock: Clock | None, wait_for_server: float, tracer: Tracer = NO_TRACER
) -> AsyncIterator[Foundation]:
    """Open the database and the clients; close them when the block ends. Raises ConfigError, StoreError."""
    async with AsyncExitStack() as stack:
        # Another name at each start: what an earlier process claimed must not look like this one's.
        replica = f"{socket.gethostname()}-{random.getrandbits(32):08x}"
        wall = clock or time.time
        process_clock = ProcessClock()
        clock = clock or process_clock
        store = await stack.enter_async_context(_open_store(settings, replica, clock, wall))
        began_as, notes = await _first_use(store, settings, process_clock, wait_for_server)
        token = settings.secrets.slack_bot_token.get_secret_value()
        metrics = Metrics()
        metrics.watch_store(store.transactions.copy)
        slack = SlackClient(
            token,
            settings.slack.api_url,
            proxy=settings.slack_proxy,
            command=settings.slack.command,
            on_call=metrics.slack_call,
        )
        gateway = await stack.enter_async_context(slack)
        gateway.support = BlockSupport(store, clock, gateway.team_id)
        await gateway.support.load()
        clusters = await open_clusters(stack, settings, clock, metrics, tracer)
        waits = asyncio.Event(), asyncio.Event()
        yield Foundation(
            settings, replica, clock, wall, store, gateway, metrics, clusters, *waits, began_as, notes, tracer
        )


def code_check(base: Foundation) -> CodeCheck:
    """Build the check of the codes of break-glass. Raises ConfigError for a wrong key."""
    key = code_key(base.settings)
    return CodeCheck(base.store, key, base.clock, base.wall, partial(code_required, base.settings))


def _open_store(settings: Settings, replica: str, clock: Clock, wall: Clock) -> AbstractAsyncContextManager[Store]:
    patience = max(1.0, settings.replicas.lease / BEATS)
    return Store.open(settings.store_url, clock=clock, wall=wall, owner=replica, patience=patience)


async def _first_use(
    store: Store, settings: Settings, clock: ProcessClock, wait_for_server: float
) -> tuple[PolicyMode, dict[str, ClusterNote]]:
    """Migrate the database and read what a start needs; returns `began_as` and `cluster_notes`.

    While a server is unavailable, or loses a connection, all is tried again. Raises StoreError.
    """
    give_up_at = steady() + (0.0 if _on_sqlite(settings) else wait_for_server)
    while True:
        try:
            await store.migrate()
            await follow_server(clock, store)
            async with store.read() as uow:
                states = await uow.cluster_states.several([own.name for own in settings.clusters])
                return await uow.facts.policies(), {name: ClusterNote.of(state) for name, state in states.items()}
        except StoreError as error:
            if steady() >= give_up_at:
                raise
            log.warning("start.waiting_for_the_database", error=str(error))
            await asyncio.sleep(RETRY_SECONDS)


async def follow_server(clock: ProcessClock, store: Store) -> None:
    """Set the clock of the process by the database server, if there is one: all replicas must agree on times.

    Raises StoreError.
    """
    async with store.read() as uow:
        now = await uow.replicas.server_time()
    if now is not None:
        clock.follow(now)


async def open_clusters(
    stack: AsyncExitStack, settings: Settings, clock: Clock, metrics: Metrics, tracer: Tracer = NO_TRACER
) -> Mapping[str, Cluster]:
    """Open the clients of all clusters, by name; `stack` closes them. Raises ConfigError."""
    pace, tls = SlowPollPace(len(settings.clusters), clock), TlsContexts()
    clusters = {
        own.name: await _cluster(stack, settings, own, tls.of(own), clock, metrics, tracer) for own in settings.clusters
    }
    for cluster in clusters.values():
        cluster.slow_pace = pace
    return clusters


async def _cluster(
    stack: AsyncExitStack,
    settings: Settings,
    own: ClusterSettings,
    context: ssl.SSLContext | None,
    clock: Clock,
    metrics: Metrics,
    tracer: Tracer,
) -> Cluster:
    on_call = partial(metrics.cluster_call, own.name)
    token = settings.cluster_tokens.get(own.name)
    client = await stack.enter_async_context(
        ClustermgrClient(
            own.hosts,
            secret=token.get_secret_value() if token else None,
            context=context,
            on_call=on_call,
            tracer=tracer,
        )
    )
    pinned = None if own.dialect == "auto" else Dialect(own.dialect)
    token = settings.scheduler_tokens.get(own.name)
    schedulers = SchedulerClient(
        allowed_schedulers(own.schedulers),
        token.get_secret_value() if token else None,
        context,
        on_call=on_call,
        tracer=tracer,
    )
    disks = settings.operations.disks
    limits = DiskLimits(disks.per_host, disks.per_zone, disks.reserve_percent)
    return Cluster(
        own.name,
        own.card_channel,
        client,
        clock,
        own.answer_deadline,
        pinned,
        limits,
        settings.recheck_for(own),
        schedulers,
        due=staggered(own.name),
    )


def allowed_schedulers(written: Sequence[str]) -> AllowedSchedulers:
    """Map the setting `schedulers`: addresses, and networks in the CIDR form."""
    networks = [each for each in written if "/" in each and "://" not in each]
    return AllowedSchedulers(
        tuple(each for each in written if each not in networks), tuple(map(ipaddress.ip_network, networks))
    )


def membership_of(
    settings: Settings, store: Store, replica: str, gained: Callable[[Sequence[str]], None]
) -> Membership:
    """Build the membership of this replica; `gained` takes the tasks that it gets."""
    tasks = (HOUSEKEEPING, *(watch_of(cluster.name) for cluster in settings.clusters))
    lease = settings.replicas.lease
    alone, revision = _on_sqlite(settings), newest()
    return Membership(store, replica, tasks, lease, alone, steady=steady, gained=gained, revision=revision)


def _on_sqlite(settings: Settings) -> bool:
    return settings.store_url.startswith("sqlite")
