"""SQLite connections: one trip to their thread for each statement, with the results that SQLAlchemy expects."""

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.store.sqlite_connection import connect


@pytest.fixture
def engine(tmp_path: Path) -> AsyncEngine:
    return create_async_engine("sqlite+aiosqlite://", async_creator=lambda: connect(tmp_path / "some.db"))


async def test_statement_takes_one_trip(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    trips, execute = [], aiosqlite.Connection._execute

    async def counted(self: aiosqlite.Connection, work: Any, *args: Any, **options: Any) -> Any:
        trips.append(work)
        return await execute(self, work, *args, **options)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
    async with engine.connect() as connection:
        trips.clear()
        assert (await connection.execute(text("SELECT 1 UNION SELECT 2"))).scalars().all() == [1, 2]
        assert len(trips) == 1
    await engine.dispose()


async def test_results_are_those_of_the_statement(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)"))
        await connection.execute(text("INSERT INTO t (name) VALUES (:name)"), [{"name": "a"}, {"name": "b"}])
        made = await connection.execute(text("INSERT INTO t (name) VALUES ('c') RETURNING id"))
        assert made.scalar() == 3
        assert (await connection.execute(text("UPDATE t SET name = 'd' WHERE id > 1"))).rowcount == 2
        rows = (await connection.execute(text("SELECT * FROM t ORDER BY id"))).mappings().all()
        assert [dict(row) for row in rows] == [
            {"id": 1, "name": "a"},
            {"id": 2, "name": "d"},
            {"id": 3, "name": "d"},
        ]
    await engine.dispose()


async def test_failed_statement_raises_and_leaves_the_connection_usable(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        with pytest.raises(OperationalError, match="no such table"):
            await connection.execute(text("SELECT * FROM nowhere"))
        assert (await connection.execute(text("SELECT 1"))).scalar() == 1
    await engine.dispose()


async def test_rollback_of_nothing_takes_no_trip(tmp_path: Path) -> None:
    connection = await connect(tmp_path / "some.db")
    asked = connection._asked
    await connection.rollback()
    assert connection._asked == asked
    await connection.in_thread(lambda cursor: cursor.execute("BEGIN IMMEDIATE"))
    await connection.rollback()
    assert (connection._asked, connection.in_transaction) == (asked + 2, False)
    await connection.close()


async def test_transaction_that_a_cancelled_caller_began_is_rolled_back(tmp_path: Path) -> None:
    connection, may_begin = await connect(tmp_path / "some.db"), threading.Event()

    def begin(cursor: sqlite3.Cursor) -> None:
        may_begin.wait(10)
        cursor.execute("BEGIN IMMEDIATE")

    beginning = asyncio.create_task(connection.in_thread(begin))
    await asyncio.sleep(0)
    beginning.cancel()
    rolled_back = asyncio.create_task(connection.rollback())
    await asyncio.sleep(0)
    may_begin.set()
    await rolled_back
    while connection._asked != connection._done:  # noqa: ASYNC110 - another thread counts
        await asyncio.sleep(0.01)
    assert not connection.in_transaction
    with pytest.raises(asyncio.CancelledError):
        await beginning
    await connection.close()
