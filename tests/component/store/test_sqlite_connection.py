"""SQLite connections: short statements run in the event loop, others take one trip to the thread."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.alerting.cluster_state.state import ClusterState
from bot.store import sqlite_connection
from bot.store.database import Store
from bot.store.sqlite_connection import LoopTurn, OneTripConnection, connect

PATIENCE_MS = 60_000
FEW = sqlite_connection._FEW


async def opened(folder: Path, *, durable: bool = False) -> OneTripConnection:
    return await connect(folder / "some.db", LoopTurn(), durable=durable, patience_ms=PATIENCE_MS)


@pytest.fixture
def engine(tmp_path: Path) -> AsyncEngine:
    return create_async_engine("sqlite+aiosqlite://", async_creator=lambda: opened(tmp_path))


class Turns:
    """Counts the turns of the event loop while the block runs."""

    def __init__(self) -> None:
        self.seen = 0

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._count())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _count(self) -> None:
        while True:
            self.seen += 1
            await asyncio.sleep(0)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, a statement and a turn are short."""
    monkeypatch.setattr(sqlite_connection, "AT_ONCE_SECONDS", 60.0)
    monkeypatch.setattr(sqlite_connection, "TURN_SECONDS", 60.0)


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """The trips to the thread: True for those that the event loop may wait for."""
    trips, trip = list[bool](), OneTripConnection._trip

    async def counted(self: OneTripConnection, work: Any, *, at_once: bool) -> Any:
        trips.append(at_once)
        return await trip(self, work, at_once=at_once)

    monkeypatch.setattr(OneTripConnection, "_trip", counted)
    return trips


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE"])
async def test_short_statements_take_no_trip(tmp_path: Path, trips: list[bool], begin: str) -> None:
    connection = await opened(tmp_path, durable=True)
    cursor = connection.cursor()
    await cursor.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
    trips.clear()
    await cursor.execute(begin)
    await cursor.executemany("INSERT INTO t (name) VALUES (?)", [["a"]] * FEW)
    await cursor.execute("SELECT count(*) FROM t")
    assert await cursor.fetchall() == [(FEW,)]
    assert trips == []
    await cursor.executemany("INSERT INTO t (name) VALUES (?)", [["b"]] * (FEW + 1))
    await cursor.execute("UPDATE t SET name = 'c' WHERE name = 'b'")
    await cursor.execute("DELETE FROM t WHERE name = 'c'")
    assert cursor.rowcount == FEW + 1
    assert trips == [True, True, True]
    await connection.commit()
    assert trips[3:] == [False], "it waits for the disk"
    await connection.close()


NUMBERS = """
CREATE VIEW numbers AS
WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 300000) SELECT n FROM n
"""


@pytest.mark.parametrize("seconds", [0.0, 60.0])
async def test_long_query_is_run_again_in_the_thread_and_loses_no_write(
    tmp_path: Path, trips: list[bool], monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(sqlite_connection, "AT_ONCE_SECONDS", seconds)
    monkeypatch.setattr(sqlite_connection, "TURN_SECONDS", 60.0)
    connection = await opened(tmp_path)
    cursor = connection.cursor()
    await cursor.execute("CREATE TABLE t (id INTEGER)")
    await cursor.execute(NUMBERS)
    await cursor.execute("BEGIN IMMEDIATE")
    await cursor.execute("INSERT INTO t VALUES (1)")
    trips.clear()
    async with Turns() as turns:
        await cursor.execute("SELECT count(*) FROM numbers")
        assert (turns.seen > 0) is (seconds == 0)
    assert await cursor.fetchall() == [(300000,)]
    assert trips == ([False] if seconds == 0 else [])
    await connection.commit()
    await cursor.execute("SELECT * FROM t")
    assert await cursor.fetchall() == [(1,)]
    await connection.close()


async def test_few_rows_are_enough_to_look_at_the_time(
    tmp_path: Path, trips: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may be large."""
    monkeypatch.setattr(sqlite_connection, "AT_ONCE_SECONDS", 0.0)
    monkeypatch.setattr(sqlite_connection, "TURN_SECONDS", 60.0)
    connection = await opened(tmp_path)
    cursor = connection.cursor()
    await cursor.execute("CREATE TABLE t (data TEXT)")
    await cursor.executemany("INSERT INTO t VALUES (?)", [["x"]] * 50)
    trips.clear()
    await cursor.execute("SELECT * FROM t")
    assert len(await cursor.fetchall()) == 50
    assert trips == [False]
    await connection.close()


async def test_long_write_is_not_broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would lose all that its transaction wrote before."""
    monkeypatch.setattr(sqlite_connection, "AT_ONCE_SECONDS", 0.0)
    monkeypatch.setattr(sqlite_connection, "TURN_SECONDS", 60.0)
    connection = await opened(tmp_path)
    cursor = connection.cursor()
    await cursor.execute("CREATE TABLE t (id INTEGER)")
    await cursor.execute(NUMBERS)
    await cursor.execute("BEGIN IMMEDIATE")
    await cursor.execute("INSERT INTO t VALUES (1)")
    await cursor.execute("INSERT INTO t SELECT count(*) FROM numbers")
    await connection.commit()
    await cursor.execute("SELECT * FROM t")
    assert await cursor.fetchall() == [(1,), (300000,)]
    await connection.close()


@pytest.mark.usefixtures("patient")
async def test_lock_of_another_connection_is_waited_for_in_the_thread(tmp_path: Path, trips: list[bool]) -> None:
    one, two = await opened(tmp_path), await opened(tmp_path)
    traced: list[str] = []
    for statement in ("PRAGMA journal_mode = WAL", "CREATE TABLE t (id INTEGER)", "BEGIN IMMEDIATE"):
        await one.cursor().execute(statement)
    await two.set_trace_callback(traced.append)
    trips.clear()
    waiting = asyncio.create_task(two.cursor().execute("BEGIN IMMEDIATE"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    assert trips == [False]
    await one.cursor().execute("INSERT INTO t VALUES (1)")
    await one.commit()
    await asyncio.wait_for(waiting, 20)
    assert two.in_transaction
    begin, wait = "BEGIN IMMEDIATE", f"PRAGMA busy_timeout = {PATIENCE_MS}"
    assert traced == ["PRAGMA busy_timeout = 0", begin, wait, begin]
    traced.clear()
    await two.cursor().execute("SELECT 1")
    await two.cursor().execute("SELECT 2")
    assert traced == ["PRAGMA busy_timeout = 0", "SELECT 1", "SELECT 2"], "set when it changes"
    await one.close()
    await two.close()


@pytest.mark.usefixtures("patient")
async def test_other_errors_are_those_of_the_statement(tmp_path: Path) -> None:
    connection, traced = await opened(tmp_path), list[str]()
    await connection.set_trace_callback(traced.append)
    await connection.cursor().execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    await connection.cursor().execute("INSERT INTO t VALUES (1)")
    for statement, error in (
        ("INSERT INTO t VALUES (1)", sqlite3.IntegrityError),
        ("SELECT abs(-9223372036854775807 - 1)", sqlite3.OperationalError),
    ):
        traced.clear()
        with pytest.raises(error):
            await connection.cursor().execute(statement)
        assert traced.count(statement) == 1
    await connection.close()


@pytest.mark.usefixtures("patient")
async def test_file_that_another_process_recovers_is_waited_for_in_the_thread(
    tmp_path: Path, trips: list[bool]
) -> None:
    connection, ran_in = await opened(tmp_path), list[str]()

    def recovering(_: sqlite3.Cursor) -> None:
        ran_in.append(threading.current_thread().name)
        if len(ran_in) == 1:
            busy = sqlite3.OperationalError("database is locked")
            busy.sqlite_errorcode = sqlite3.SQLITE_BUSY_RECOVERY
            raise busy

    trips.clear()
    await connection.run("SELECT 1", recovering)
    assert len(set(ran_in)) == 2
    assert trips == [False]
    await connection.close()


async def test_large_unit_of_work_writes_to_the_disk_at_its_commit_only(tmp_path: Path) -> None:
    """The event loop would wait for the disk in the middle of an INSERT."""
    log = tmp_path / "cmbot.db-wal"
    async with Store.open(f"sqlite:///{tmp_path}/cmbot.db") as store:
        await store.migrate()
        async with store.begin() as uow:
            await uow.cluster_states.put("first", ClusterState(at=1.0))
            before = log.stat().st_size
            for number in range(50):
                await uow.cluster_states.put(f"c{number}", ClusterState(at=1.0, verdict="x" * 100_000))
            assert log.stat().st_size == before
        assert log.stat().st_size > before + 4_000_000


def open_files() -> Iterator[str]:
    for file in Path("/proc/self/fd").iterdir():
        # It may be closed meanwhile.
        with suppress(FileNotFoundError):
            yield str(file.readlink())


async def test_units_of_a_group_write_no_temporary_file(tmp_path: Path) -> None:
    """A savepoint keeps what its unit has changed, until the commit."""
    async with Store.open(f"sqlite:///{tmp_path}/cmbot.db") as store:
        await store.migrate()
        found: list[str] = []

        async def rewrite(filler: str) -> None:
            async with store.grouped() as uow:
                for number in range(5):
                    await uow.cluster_states.put(f"c{number}", ClusterState(at=1.0, verdict=filler * 400_000))
                found.extend(open_files())

        await rewrite("x")
        await asyncio.gather(rewrite("y"), rewrite("z"))
        assert any("cmbot.db" in file for file in found)
        assert not [file for file in found if "etilqs_" in file]


async def test_commit_behind_a_statement_in_the_thread_comes_after_it(tmp_path: Path) -> None:
    """Its caller was cancelled."""
    connection, go_on = await opened(tmp_path), threading.Event()
    await connection.cursor().execute("CREATE TABLE t (id INTEGER)")
    await connection.cursor().execute("BEGIN IMMEDIATE")

    def writes(cursor: sqlite3.Cursor) -> None:
        assert go_on.wait(60)
        cursor.execute("INSERT INTO t VALUES (1)")

    writing = asyncio.create_task(connection.in_thread(writes))
    await asyncio.sleep(0.01)
    writing.cancel()
    committing = asyncio.create_task(connection.commit())
    await asyncio.sleep(0.01)
    assert connection.in_transaction
    go_on.set()
    await asyncio.wait_for(committing, 20)
    assert not connection.in_transaction
    found = await connection.cursor().execute("SELECT * FROM t")
    assert await found.fetchall() == [(1,)]
    await connection.close()


async def test_statement_behind_one_in_the_thread_waits_for_it(tmp_path: Path) -> None:
    """Its caller was cancelled."""
    connection, go_on = await opened(tmp_path), threading.Event()

    def creates(cursor: sqlite3.Cursor) -> None:
        assert go_on.wait(60)
        cursor.execute("CREATE TABLE t (id INTEGER)")

    creating = asyncio.create_task(connection.in_thread(creates))
    await asyncio.sleep(0.01)
    creating.cancel()
    selecting = asyncio.create_task(connection.cursor().execute("SELECT * FROM t"))
    await asyncio.sleep(0.01)
    go_on.set()
    assert await (await asyncio.wait_for(selecting, 20)).fetchall() == []
    await connection.close()


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
    connection = await opened(tmp_path)
    asked = connection._asked
    await connection.rollback()
    assert connection._asked == asked
    await connection.in_thread(lambda cursor: cursor.execute("BEGIN IMMEDIATE"))
    await connection.rollback()
    assert (connection._asked, connection.in_transaction) == (asked + 2, False)
    await connection.close()


@pytest.mark.parametrize("twice", [False, True])
async def test_transaction_that_a_cancelled_caller_began_is_rolled_back(tmp_path: Path, twice: bool) -> None:
    """Also if the rollback is cancelled too: else the file would stay locked."""
    connection, may_begin = await opened(tmp_path), threading.Event()

    def begin(cursor: sqlite3.Cursor) -> None:
        may_begin.wait(10)
        cursor.execute("BEGIN IMMEDIATE")

    beginning, rolling_back = (
        asyncio.create_task(each) for each in (connection.in_thread(begin), connection.rollback())
    )
    await asyncio.sleep(0)
    beginning.cancel()
    if twice:
        rolling_back.cancel()
    await asyncio.sleep(0)
    may_begin.set()
    await asyncio.wait({beginning, rolling_back})
    assert (beginning.cancelled(), rolling_back.cancelled()) == (True, twice)
    while connection._asked != connection._done:  # noqa: ASYNC110 - another thread counts
        await asyncio.sleep(0.01)
    assert not connection.in_transaction
    await connection.close()


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("durable", [True, False])
async def test_only_a_durable_commit_takes_a_turn_of_the_event_loop(tmp_path: Path, durable: bool) -> None:
    connection = await opened(tmp_path, durable=durable)
    async with Turns() as turns:
        await connection.cursor().execute("CREATE TABLE t (id INTEGER)")
        await connection.cursor().execute("BEGIN IMMEDIATE")
        for number in range(50):
            await connection.cursor().execute("INSERT INTO t VALUES (?)", [number])
        found = await connection.cursor().execute("SELECT count(*) FROM t")
        assert await found.fetchall() == [(50,)]
        assert turns.seen == 0
        await connection.commit()
        assert (turns.seen > 0) is durable
    await connection.close()


async def test_statement_that_takes_longer_lets_the_event_loop_go_on(tmp_path: Path) -> None:
    """It waits for a lock, or the disk hangs: here, for what only another task can do."""
    connection, go_on = await opened(tmp_path), threading.Event()

    def slow(cursor: sqlite3.Cursor) -> None:
        assert go_on.wait(60)
        cursor.execute("SELECT 7")

    task = asyncio.create_task(connection.in_thread(slow))
    await asyncio.sleep(0)
    go_on.set()
    assert (await task)[3] == [(7,)]
    await connection.close()


async def test_turn_that_has_lasted_long_enough_ends_at_the_next_statement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_connection, "AT_ONCE_SECONDS", 60.0)
    monkeypatch.setattr(sqlite_connection, "TURN_SECONDS", 0.0)
    connection = await opened(tmp_path)
    async with Turns() as turns:
        for number in range(1, 4):
            await connection.cursor().execute("SELECT 1")
            assert turns.seen >= number
    await connection.close()


@pytest.mark.usefixtures("patient")
async def test_connections_of_a_store_share_a_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    turn = LoopTurn()
    one, two = [await connect(tmp_path / "some.db", turn, durable=False, patience_ms=PATIENCE_MS) for _ in range(2)]
    await asyncio.sleep(0)
    monkeypatch.setattr(sqlite_connection, "TURN_SECONDS", 1.0)
    monkeypatch.setattr(sqlite_connection, "time", SimpleNamespace(monotonic=lambda: now[0]))
    async with Turns() as turns:
        await one.cursor().execute("SELECT 1")
        now[0] += 2.0
        assert turns.seen == 0
        await two.cursor().execute("SELECT 1")
        assert turns.seen > 0
        before = turns.seen
        await two.cursor().execute("SELECT 1")
        assert turns.seen == before
    await one.close()
    await two.close()


async def test_closed_connection_refuses_statements(tmp_path: Path) -> None:
    connection = await opened(tmp_path)
    await connection.close()
    with pytest.raises(ValueError, match="Connection closed"):
        await connection.cursor().execute("SELECT 1")


@pytest.mark.usefixtures("patient")
async def test_timeout_of_the_work_itself_is_its_error(tmp_path: Path) -> None:
    def late(_: sqlite3.Cursor) -> None:
        raise TimeoutError("its own")

    connection = await opened(tmp_path)
    with pytest.raises(TimeoutError, match="its own"):
        await connection.in_thread(late)
    await connection.close()


async def test_statement_that_ends_just_after_the_wait_has_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait has timed out, and the statement ends before that is looked at."""

    class Late(Future[Any]):
        def result(self, timeout: float | None = None) -> Any:
            found = super().result(60)
            if timeout is not None:
                raise TimeoutError
            return found

    monkeypatch.setattr(sqlite_connection, "Future", Late)
    monkeypatch.setattr(sqlite_connection, "TURN_SECONDS", 60.0)
    connection = await opened(tmp_path)
    found = await connection.cursor().execute("SELECT 7")
    assert await found.fetchall() == [(7,)]
    await connection.close()
