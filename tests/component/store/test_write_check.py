"""Write check of the store: on its own row, in bounded time, without growth."""

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.common.errors import StoreError
from bot.store.database import Store
from bot.telemetry.health import Attempt

LOCKED = "no write succeeds"


async def write(store: Store) -> str:
    async with store.begin() as uow:
        await uow.scheduled_runs.try_write("me")
    return ""


@pytest.fixture
async def on_sqlite(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(f"sqlite:///{tmp_path}/cmbot.db", owner="me") as store:
        await store.migrate()
        yield store


@contextmanager
def no_space() -> Iterator[None]:
    """Let no file of this process grow, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_write_check_leaves_no_row(store: Store) -> None:
    for _ in range(50):
        assert await write(store) == ""
    async with store.read() as uow:
        assert await uow.scheduled_runs.last(["trial me"], 1e12) is None


async def test_full_disk_fails_the_write_and_spares_reads(on_sqlite: Store) -> None:
    with capture_logs(), no_space():
        with pytest.raises(StoreError, match="disk"):
            await write(on_sqlite)
        async with on_sqlite.read() as uow:
            assert await uow.outbox.depth() == 0
    assert await write(on_sqlite) == ""


async def test_locked_file_is_reported_in_bounded_time(on_sqlite: Store, tmp_path: Path) -> None:
    attempt = Attempt(partial(write, on_sqlite), hanging=LOCKED, within=0.05, every=0.0)
    assert await attempt() == ""
    with closing(sqlite3.connect(tmp_path / "cmbot.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        found = [await attempt() for _ in range(5)]
        assert all(words.startswith(LOCKED) for words in found)
        waiting = [task for task in asyncio.all_tasks() if task.get_name() == "attempt"]
        assert len(waiting) == 1
        other.execute("ROLLBACK")
    await asyncio.wait(waiting)
    assert await attempt() == ""
    await attempt.close()
