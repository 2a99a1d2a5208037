"""The pool of PostgreSQL connections: when the server is asked whether a connection works."""

import os
import signal
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.store.postgres_pool import PING_SECONDS, ping_after_pauses
from bot.store.url import parse
from tests.support.databases import Clock, Postgres

_BACKEND = "SELECT pg_backend_pid()"
_PING = ";"


@pytest.fixture
async def engine(postgres: Postgres, clock: Clock) -> AsyncIterator[AsyncEngine]:
    """A pool of one connection."""
    name = await postgres.create()
    engine = create_async_engine(parse(postgres.url(name)).url, pool_size=1, max_overflow=0)
    ping_after_pauses(engine, clock)
    yield engine
    await engine.dispose()
    await postgres.drop(name)


async def _backend(engine: AsyncEngine) -> int:
    """Process of the server behind the connection that the pool hands out."""
    async with engine.connect() as connection:
        return int((await connection.execute(text(_BACKEND))).scalar_one())


async def _log_queries(engine: AsyncEngine) -> list[str]:
    queries: list[str] = []

    def note(record: Any) -> None:
        queries.append(record.query)

    async with engine.connect() as connection:
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection
        driver.add_query_logger(note)
    return queries


def _kill(backend: int) -> None:
    """End a connection at the server, and return when it is gone: the event loop has not seen it yet."""
    os.kill(backend, signal.SIGTERM)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.kill(backend, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    pytest.fail("The server did not end the connection.")


async def test_connection_that_was_used_a_moment_ago_is_not_pinged(engine: AsyncEngine, clock: Clock) -> None:
    backend = await _backend(engine)
    queries = await _log_queries(engine)
    clock.now += PING_SECONDS - 1
    assert await _backend(engine) == backend
    assert _PING not in queries


async def test_connection_is_pinged_after_a_pause(engine: AsyncEngine, clock: Clock) -> None:
    backend = await _backend(engine)
    queries = await _log_queries(engine)
    clock.now += PING_SECONDS
    assert await _backend(engine) == backend
    assert queries.count(_PING) == 1


async def test_connection_that_the_server_closed_is_replaced(postgres: Postgres, engine: AsyncEngine) -> None:
    backend = await _backend(engine)
    await postgres.terminate(backend)
    assert await _backend(engine) != backend


async def test_connection_that_broke_in_a_pause_is_replaced(engine: AsyncEngine, clock: Clock) -> None:
    backend = await _backend(engine)
    clock.now += PING_SECONDS
    _kill(backend)
    assert await _backend(engine) != backend
