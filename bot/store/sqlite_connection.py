"""SQLite connections whose statements take one trip to the thread of the connection each, and seldom a turn.

With the cursors of aiosqlite a statement takes four trips: make the cursor, execute, fetch, close. Each waits for a
turn of the event loop, and before that the thread waits until the event loop gives up the interpreter's lock (5 ms, see
`sys.setswitchinterval`). In a busy process a transaction of thirty statements took 100 to 200 ms, and all others waited
for it. Most statements take less than 0.1 ms. So the event loop stands still for a statement, and gives the lock up: at
most AT_ONCE_SECONDS, then it goes on and the statement is waited for as usual, because it is long, waits for a lock, or
the disk hangs.
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

_CHUNK = 64
"""Rows of a trip, for cursors that are iterated; the default of aiosqlite."""
AT_ONCE_SECONDS = 0.002
"""Longest time for which the event loop stands still for one statement, but for the interpreter's lock."""
TURN_SECONDS = 0.01
"""Time in one turn of the event loop from which on no further statement is waited for at once: others have their turn.
"""
Run = Callable[[sqlite3.Cursor], object]


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
        return await self._run(lambda cursor: cursor.execute(sql, parameters))  # type: ignore[arg-type] # any sequence

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> Self:
        """Execute a statement with each of the parameters; raises sqlite3.Error."""
        return await self._run(lambda cursor: cursor.executemany(sql, parameters))  # type: ignore[arg-type] # as above

    async def fetchall(self) -> Sequence[Any]:
        """Return the rows that were not taken yet."""
        rows, self._rows = self._rows, ()
        return rows

    async def close(self) -> None:
        """Do nothing: the cursor was closed once its rows were fetched."""

    async def _run(self, run: Run) -> Self:
        found = await self._connection.in_thread(run)
        self.description, self.rowcount, self.lastrowid, self._rows = found
        return self


class OneTripConnection(aiosqlite.Connection):
    """A connection with such cursors; a rollback of nothing takes no trip: SQLAlchemy makes one after each commit.

    With `durable` its commits wait for the disk, so the event loop never stands still for them.
    """

    _asked = 0
    _done = 0
    """Trips that were begun, and those that have ended; a caller that was cancelled leaves one on its way."""

    def __init__(self, file: Path, turn: LoopTurn, *, durable: bool) -> None:
        super().__init__(partial(sqlite3.connect, str(file), check_same_thread=False), _CHUNK)
        # The thread does not keep the process alive, as with SQLAlchemy's own connections.
        self._thread.daemon = True
        self._turn, self._durable = turn, durable

    async def commit(self) -> None:
        """Commit; raises sqlite3.Error."""
        await self._trip(self._conn.commit, at_once=not self._durable)

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

    async def in_thread(self, run: Run) -> tuple[Any, int, int | None, Sequence[Any]]:
        """Run a statement; returns the description, the number of changed rows, the last row id, and the rows."""

        def work() -> tuple[Any, int, int | None, Sequence[Any]]:
            with closing(self._conn.cursor()) as cursor:
                run(cursor)
                rows = cursor.fetchall() if cursor.description else ()
                return cursor.description, cursor.rowcount, cursor.lastrowid, rows

        return await self._execute(work)  # type: ignore[no-any-return] # that of `work`


async def connect(file: Path, turn: LoopTurn, *, durable: bool) -> OneTripConnection:
    """Open a connection (see OneTripConnection); `turn` is that of all connections of a store."""
    connection = OneTripConnection(file, turn, durable=durable)
    await connection
    return connection
