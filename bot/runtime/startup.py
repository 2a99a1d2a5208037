"""What a process needs before its parts: its name, its place among the others, a store that is up to date."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from bot.common.errors import StoreError
from bot.config import Settings
from bot.leadership.membership import BEATS, Membership
from bot.leadership.model import HOUSEKEEPING, watch_of
from bot.runtime.clock import ProcessClock, steady
from bot.store.database import Store

log = structlog.get_logger(__name__)

LOOK_FOR_SERVER = 0.5
"""Seconds between two attempts at a database server that is not there at the start."""


def owner_name() -> str:
    """Who this process is in claims and holds: somebody else in each life."""
    return f"{socket.gethostname()}-{random.getrandbits(32):08x}"


@asynccontextmanager
async def opened(
    settings: Settings, owner: str, clock: Callable[[], float], wall: Callable[[], float], *, wait_for_server: float
) -> AsyncIterator[Store]:
    """The store, up to date; a server that cannot be used just now is waited for. Raises ConfigError, StoreError."""
    patience = max(1.0, settings.replicas.lease / BEATS)
    async with Store.open(settings.store_url, clock=clock, wall=wall, owner=owner, patience=patience) as store:
        await _up_to_date(store, 0.0 if _alone(settings) else wait_for_server)
        yield store


async def follow_server(clock: ProcessClock, store: Store) -> None:
    """Count by the clock of the database server, where there is one: what replicas date for each other must agree.

    Raises StoreError.
    """
    async with store.read() as uow:
        now = await uow.replicas.server_time()
    if now is not None:
        clock.follow(now)


def membership_of(settings: Settings, store: Store, owner: str) -> Membership:
    """The part of the process among the others: what its settings let it do."""
    tasks = (HOUSEKEEPING, *(watch_of(cluster.name) for cluster in settings.clusters))
    return Membership(store, owner, tasks, settings.replicas.lease, alone=_alone(settings), steady=steady)


def _alone(settings: Settings) -> bool:
    return settings.store_url.startswith("sqlite")


async def _up_to_date(store: Store, wait: float) -> None:
    until = steady() + wait
    while True:
        try:
            await store.migrate()
        except StoreError as error:
            if steady() >= until:
                raise
            log.warning("start.waiting_for_the_database", error=str(error))
            await asyncio.sleep(LOOK_FOR_SERVER)
        else:
            return
