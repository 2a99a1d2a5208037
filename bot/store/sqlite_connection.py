"""SQLite connections whose statements take one trip to the thread of the connection each.

With the cursors of aiosqlite a statement takes four: make the cursor, execute, fetch, close. Each trip waits for a turn
of the event loop, so in a busy process a transaction of a hundred statements took seconds, and the trips took a fifth
of the processor time.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Self

import aiosqlite

_CHUNK = 64
"""Rows of a trip, for cursors that are iterated; the default of aiosqlite."""
Run = Callable[[sqlite3.Cursor], object]


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
    """A connection with such cursors; a rollback of nothing takes no trip: SQLAlchemy makes one after each commit."""

    _asked = 0
    _done = 0
    """Trips that were begun, and those that have ended; a caller that was cancelled leaves one on its way."""

    async def rollback(self) -> None:
        """Roll back, if a transaction is open or a trip on its way may open one."""
        # In this order: a trip on its way may begin a transaction and end in between.
        if self._asked != self._done or self.in_transaction:
            await super().rollback()

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._asked += 1

        def counted() -> Any:
            try:
                return fn(*args, **kwargs)
            finally:
                self._done += 1

        return await super()._execute(counted)  # type: ignore[no-untyped-call] # it has no types

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


async def connect(file: Path) -> OneTripConnection:
    """Open a connection; its thread does not keep the process alive."""
    connection = OneTripConnection(partial(sqlite3.connect, str(file), check_same_thread=False), _CHUNK)
    connection._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does for its connections
    await connection
    return connection
