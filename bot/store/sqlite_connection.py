"""SQLite connections whose statements run in the event loop when they are short, else in the connection's thread.

With the cursors of aiosqlite a statement takes four trips to the thread: make the cursor, execute, fetch, close. Each
waits for a turn of the event loop. Even one trip takes 0.1 to 0.3 ms, because two threads wake each other, and 5 ms if
the event loop is busy and the thread waits for the interpreter's lock (see `sys.setswitchinterval`); most statements
take 0.02 ms. So queries and short inserts run where they are asked for; a read from the disk may hold the loop up. The
rest makes one trip: durable commits, updates and deletes (they may go through a whole table), inserts of many rows. A
query that takes too long is broken off; it is run again in the thread, as is a statement that finds the file locked.
The event loop stands still for a trip at most AT_ONCE_SECONDS, then it goes on.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import aiosqlite

from bot.store.sqlite_file import PRIMARY

_CHUNK = 64
"""Rows of a trip, for cursors that are iterated; the default of aiosqlite."""
AT_ONCE_SECONDS = 0.002
"""Longest time for which the event loop stands still for a trip, and about that for a query (large rows take more)."""
TURN_SECONDS = 0.01
"""Time in one turn of the event loop after which no further statement runs in it or is waited for at once."""
_SHORT = {"BEGIN", "SELECT", "INSERT", "SAVEPOINT", "RELEASE", "ROLLBACK"}
"""First words of statements that run in the event loop. An update or a delete may go through a whole table."""
_FEW = 20
"""Most rows of an INSERT (executemany) in the event loop."""
_STEPS = 100
"""Steps of SQLite's machine between two looks at the time: 5 to 40 rows."""
Run = Callable[[sqlite3.Cursor], object]
Found = tuple[Any, int, int | None, Sequence[Any]]
"""What a statement gave: the description, the number of changed rows, the last row id, and the rows."""


@dataclass(slots=True)
class LoopTurn:
    """How long the present turn of the event loop lasts, since its first statement; for all connections of a store."""

    _began: float | None = None

    def has_time(self) -> bool:
        """True if this turn may be held up by another statement."""
        now = time.monotonic()
        if self._began is None:
            self._began = now
            asyncio.get_running_loop().call_soon(self._end)
        return now - self._began < TURN_SECONDS

    def _end(self) -> None:
        self._began = None


class OneTripCursor:
    """The cursor of one statement, as SQLAlchemy uses it: all rows come with the execution."""

    arraysize = 1

    def __init__(self, connection: "OneTripConnection") -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        """Return the cursor; it needs no trip."""
        return self

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> Self:
        """Execute a statement and fetch its rows; raises sqlite3.Error."""
        return await self._run(sql, lambda cursor: cursor.execute(sql, parameters))  # type: ignore[arg-type] # any sequence

    async def executemany(self, sql: str, parameters: Sequence[Iterable[Any]]) -> Self:
        """Execute a statement with each of the parameters; raises sqlite3.Error."""
        few = len(parameters) <= _FEW
        return await self._run(sql if few else "", lambda cursor: cursor.executemany(sql, parameters))  # type: ignore[arg-type] # as above

    async def fetchall(self) -> Sequence[Any]:
        """Return the rows that were not taken yet."""
        rows, self._rows = self._rows, ()
        return rows

    async def close(self) -> None:
        """Do nothing: the cursor was closed once its rows were fetched."""

    async def _run(self, sql: str, run: Run) -> Self:
        found = await self._connection.run(sql, run)
        self.description, self.rowcount, self.lastrowid, self._rows = found
        return self


class OneTripConnection(aiosqlite.Connection):
    """A connection with such cursors; a rollback of nothing takes no trip: SQLAlchemy makes one after each commit.

    With `durable` its commits wait for the disk, so the event loop never stands still for them.
    """

    _asked = 0
    _done = 0
    """Trips that were begun, and those that have ended; a caller that was cancelled leaves one on its way."""

    def __init__(self, file: Path, turn: LoopTurn, *, durable: bool, patience_ms: int) -> None:
        connector = partial(sqlite3.connect, str(file), timeout=patience_ms / 1000, check_same_thread=False)
        super().__init__(connector, _CHUNK)
        # The thread does not keep the process alive, as with SQLAlchemy's own connections.
        self._thread.daemon = True
        self._turn, self._durable = turn, durable
        self._patience_ms = self._set_ms = patience_ms

    async def commit(self) -> None:
        """Commit; raises sqlite3.Error."""
        if self._has_no_trip() and not self._durable:
            self._conn.commit()
        else:
            await self._trip(self._conn.commit, at_once=False)

    async def rollback(self) -> None:
        """Roll back, if a transaction is open or a trip on its way may open one."""
        # In this order: a trip on its way may begin a transaction and end in between.
        if self._asked != self._done or self.in_transaction:
            await super().rollback()

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await self._trip(partial(fn, *args, **kwargs), at_once=True)

    async def _trip(self, work: Callable[[], Any], *, at_once: bool) -> Any:
        if not self._running or self._connection is None:
            raise ValueError("Connection closed")
        outcome: Future[Any] = Future()
        self._asked += 1
        # Without a future of the library, whose result would take a turn in any case.
        self._tx.put_nowait((None, partial(self._run, work, outcome)))
        if at_once and self._turn.has_time():
            try:
                return outcome.result(AT_ONCE_SECONDS)
            except TimeoutError:
                # Its own, or that of the wait, since which it may have ended.
                if outcome.done():
                    return outcome.result()
        return await asyncio.wrap_future(outcome)

    def _run(self, work: Callable[[], Any], outcome: "Future[Any]") -> None:
        """Work in the thread of the connection."""
        # Also if the caller was cancelled: a rollback that is left out would leave the file locked.
        wanted = outcome.set_running_or_notify_cancel()
        try:
            self._wait_for_locks(self._patience_ms)
            result = work()
        except BaseException as error:  # noqa: BLE001 - the caller gets it
            self._done += 1
            if wanted:
                outcome.set_exception(error)
        else:
            self._done += 1
            if wanted:
                outcome.set_result(result)

    def cursor(self) -> OneTripCursor:  # type: ignore[override] # SQLAlchemy needs no other methods of it
        """Return a cursor; it needs no trip."""
        return OneTripCursor(self)

    async def run(self, sql: str, run: Run) -> Found:
        """Run a statement, in the event loop if `sql` says that it is short; raises sqlite3.Error."""
        word = sql.split(maxsplit=1)[0] if sql else ""
        if word not in _SHORT or not self._has_no_trip() or not self._turn.has_time():
            return await self.in_thread(run)
        try:
            return self._here(run, query=word == "SELECT")
        except sqlite3.OperationalError as error:
            if _code(error) not in {sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY}:
                raise
        return await self._trip(partial(self._found, run), at_once=False)  # type: ignore[no-any-return] # that of `_found`

    async def in_thread(self, run: Run) -> Found:
        """Run a statement in the thread of the connection; raises sqlite3.Error."""
        return await self._execute(partial(self._found, run))  # type: ignore[no-any-return] # that of `_found`

    def _has_no_trip(self) -> bool:
        return self._running and self._asked == self._done

    def _here(self, run: Run, *, query: bool) -> Found:
        """Run a statement in the event loop; a long query is broken off, but a write would lose its transaction."""
        self._wait_for_locks(0)
        if not query:
            return self._found(run)
        until = time.monotonic() + AT_ONCE_SECONDS
        self._conn.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
        try:
            return self._found(run)
        finally:
            self._conn.set_progress_handler(None, 0)

    def _wait_for_locks(self, milliseconds: int) -> None:
        """Let the next statements wait so long for a lock of another connection."""
        if self._set_ms != milliseconds:
            self._conn.execute(f"PRAGMA busy_timeout = {milliseconds}")
            self._set_ms = milliseconds

    def _found(self, run: Run) -> Found:
        with closing(self._conn.cursor()) as cursor:
            run(cursor)
            rows = cursor.fetchall() if cursor.description else ()
            return cursor.description, cursor.rowcount, cursor.lastrowid, rows


def _code(error: sqlite3.OperationalError) -> int | None:
    """The primary result code of SQLite; None for an error of Python's module."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & PRIMARY


async def connect(file: Path, turn: LoopTurn, *, durable: bool, patience_ms: int) -> OneTripConnection:
    """Open a connection (see OneTripConnection); `turn` is that of all connections of a store.

    In the thread a statement waits for a lock up to `patience_ms` (milliseconds).
    """
    connection = OneTripConnection(file, turn, durable=durable, patience_ms=patience_ms)
    await connection
    return connection
