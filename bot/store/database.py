"""Store: opens the database, migrates it and hands out units of work.

SQLite: one write connection with BEGIN IMMEDIATE, so that read-modify-write loses no update, and a read engine beside
it; WAL with synchronous=FULL, so that committed data survives a power cut. PostgreSQL: one pool; a writing unit locks
or compares the rows that it reads to write them back.
"""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

import structlog
from sqlalchemy import Connection, event, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.alerting.receivers import Receiver
from bot.common.errors import ConfigError, Conflict, Fenced, StoreError
from bot.store import migrate
from bot.store.column_types import encode
from bot.store.error_text import raw
from bot.store.group_commit import GroupCommit, Nested
from bot.store.postgres_pool import ping_after_pauses
from bot.store.session import Errors, Session, database_errors, translated
from bot.store.sqlite_connection import LoopTurn, connect
from bot.store.sqlite_file import prepare
from bot.store.unit_of_work import UnitOfWork
from bot.store.url import Target, parse

log = structlog.get_logger(__name__)

REMIND_SECONDS = 300.0
"""Seconds between two log lines during an outage."""
_ACCESS = ("read", "write")
_OUTCOMES = ("committed", "rolled_back", "failed")
BACKGROUND_READS = 2
"""Reading units of polls at once, of four connections on SQLite: after a fault of many clusters every poll reads."""
_BUSY_MS = 10_000
_SPILL_PAGES = 5000
"""Pages in SQLite's cache, 20 MB, from which on a transaction writes to the log before its commit."""
_CONNECT_SECONDS = 5.0
_COMMAND_SECONDS = 15.0


@dataclass(slots=True)
class _Outage:
    """Log an outage once, again every five minutes, and its end; `what` is reading or writing."""

    what: str
    clock: Callable[[], float]
    since: float | None = field(default=None)
    logged_at: float = 0.0
    failures: int = 0

    def failed(self, error: Exception) -> None:
        """Record a failed attempt."""
        now = self.clock()
        self.failures += 1
        if self.since is None:
            self.since = now
        elif now - self.logged_at < REMIND_SECONDS:
            return
        self.logged_at = now
        log.error(
            "store.down",
            what=self.what,
            seconds=round(now - self.since),
            failures=self.failures,
            error=str(error),
            driver=raw(error.__cause__ or error),
        )

    def worked(self) -> None:
        """Record a successful attempt."""
        if self.since is not None:
            seconds = round(self.clock() - self.since)
            log.warning("store.back", what=self.what, seconds=seconds, failures=self.failures)
            self.since, self.failures = None, 0


class Store:
    """An opened database; `where` is its URL without the password."""

    def __init__(
        self,
        writer: AsyncEngine,
        reader: AsyncEngine,
        *,
        where: str,
        errors: Errors,
        clock: Callable[[], float],
        wall: Callable[[], float],
        owner: str,
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._errors = errors
        self._clock, self._wall = clock, wall
        self._owner = owner
        self._outages = (_Outage("reading", clock), _Outage("writing", clock))
        self._queued = self._pressing = 0
        self._background = asyncio.Semaphore(BACKGROUND_READS)
        self.groups: GroupCommit[UnitOfWork] = GroupCommit(
            self._group, clock=time.monotonic, wanted=lambda: self._queued > 0
        )
        self.where = where
        self.receivers: Sequence[Receiver] = ()
        """The receivers outside Slack whose rows a unit of work writes with the alerts (repositories/outputs.py)."""
        self.transactions = Counter({(access, outcome): 0 for access in _ACCESS for outcome in _OUTCOMES})
        """Transactions since the start, by access (read, write) and outcome (committed, rolled_back, failed)."""

    @property
    def commits(self) -> int:
        """Writing transactions that were committed since the start."""
        return self.transactions["write", "committed"]

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        clock: Callable[[], float] = time.time,
        wall: Callable[[], float] | None = None,
        owner: str = "",
        patience: float = 15.0,
    ) -> AsyncIterator[Self]:
        """Open the database at `url` (see url.py); a PostgreSQL server may still be down.

        `clock` gives the time of rows without an explicit one. `wall` (by default the same) is the system clock, which
        other programs on this machine follow. `owner` names this process in claims. PostgreSQL ends a transaction that
        is idle for `patience` seconds: that of a suspended process would block all others. Raises ConfigError.
        """
        target = parse(url)
        if target.file is not None:
            await asyncio.to_thread(prepare, target.file)
        writer, reader = _postgres(target, patience) if target.file is None else _sqlite(target, target.file)
        errors = database_errors(postgres=target.file is None)
        store = cls(writer, reader, where=target.shown, errors=errors, clock=clock, wall=wall or clock, owner=owner)
        try:
            yield store
        finally:
            await store.groups.close()
            await writer.dispose()
            await reader.dispose()

    @classmethod
    @asynccontextmanager
    async def existing(cls, url: str, *, clock: Callable[[], float] = time.time) -> AsyncIterator[Self]:
        """Open a database of this release's schema, and create nothing: for commands that only read.

        Raises ConfigError if there is no database, StoreError if it has another schema.
        """
        target = parse(url)
        if target.file is not None and not target.file.exists():
            raise ConfigError(
                f"There is no database at {target.shown}: `cmbot run` and `cmbot migrate` make it; "
                "if there should be one, correct store.url (CMBOT_STORE_URL)."
            )
        async with cls.open(url, clock=clock) as store:
            found = await store.revision()
            if found != migrate.newest():
                raise StoreError(
                    f"The database has schema revision {found or 'none'}, but this release needs "
                    f"{migrate.newest()}: run `cmbot migrate`, or use the release that wrote it."
                )
            yield store

    async def revision(self) -> str | None:
        """Schema revision of the database, None for an empty one. Raises StoreError."""
        async with self._session(self._reader, writable=False) as (_, run):
            found: str | None = await run(migrate.current)
            return found

    async def migrate(self, to: str = "") -> None:
        """Migrate the schema to a revision ("": the newest) under a lock; write nothing if it has it.

        A database of a later revision stays as it is. Raises StoreError.
        """
        at = await self.revision()
        if at == migrate.newest() or (at in migrate.revisions() and to and at >= to):
            return
        # Before the transaction: a server may end one that is idle for a second.
        migrate.load()
        async with self._session(self._writer, writable=True) as (session, run):
            if session.postgres:
                await session.value(select(func.pg_advisory_xact_lock(migrate.LOCK)))
            await run(partial(migrate.upgrade, to=to or "head"))

    async def give_back(self, pages: int) -> None:
        """Return up to `pages` free pages of a SQLite file to the file system; PostgreSQL does so itself.

        Raises StoreError.
        """
        if self._writer.dialect.name != "sqlite":
            return
        # Errors of the driver: SQLAlchemy translates only those of the statements that it runs itself.
        with translated((*self._errors, sqlite3.Error)):
            async with self._writer.connect() as connection:
                raw: Any = await connection.get_raw_connection()
                # As a script, because each step of this statement returns one page.
                await raw.driver_connection.executescript(f"PRAGMA incremental_vacuum({pages:d})")

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        """Open a writing unit of work: it commits at its end and rolls back when its body raises. Raises StoreError.

        Units cannot be nested: SQLite has one writer, so the inner unit would wait for the outer one.
        """
        async with AsyncExitStack() as stack:
            self._queued += 1
            try:
                session, _ = await stack.enter_async_context(self._session(self._writer, writable=True))
            finally:
                self._queued -= 1
            yield UnitOfWork(session, self._clock, self._wall, self._owner, self.receivers)

    @property
    def pressing(self) -> bool:
        """True while units of `grouped` that are urgent wait or are written."""
        return self._pressing > 0

    @asynccontextmanager
    async def grouped(self, *, last: bool = False, urgent: bool = False) -> AsyncIterator[UnitOfWork]:
        """Open a writing unit of work that on SQLite may share its transaction with others (see group_commit.py).

        It is committed when the block has ended. Units with `last` run behind the others of a group. An `urgent` one
        goes first, at once except in a storm, and polls wait for it (see admission.py); those that have waited for long
        take turns with it. Raises StoreError.
        """
        self._pressing += urgent
        try:
            async with self._unit(last, urgent) as uow:
                yield uow
        finally:
            self._pressing -= urgent

    def _unit(self, last: bool, urgent: bool) -> AbstractAsyncContextManager[UnitOfWork]:
        return self.groups.unit(last=last, urgent=urgent) if self._writer.dialect.name == "sqlite" else self.begin()

    @asynccontextmanager
    async def _group(self) -> AsyncIterator[Nested[UnitOfWork]]:
        async with self._session(self._writer, writable=True) as (session, _):

            @asynccontextmanager
            async def nested(savepoint: bool) -> AsyncIterator[UnitOfWork]:
                async with session.savepoint() if savepoint else nullcontext():
                    yield UnitOfWork(session, self._clock, self._wall, self._owner, self.receivers)

            yield nested

    @asynccontextmanager
    async def read(self) -> AsyncIterator[UnitOfWork]:
        """Open a read-only unit of work over one consistent view. Raises StoreError."""
        async with self._session(self._reader, writable=False) as (session, _):
            yield UnitOfWork(session, self._clock, self._wall, self._owner, self.receivers)

    @asynccontextmanager
    async def background_read(self) -> AsyncIterator[UnitOfWork]:
        """Open a read-only unit of work of a poll: few at once, so that those of people find a free connection.

        Raises StoreError.
        """
        async with self._background, self.read() as uow:
            yield uow

    @asynccontextmanager
    async def _session(self, engine: AsyncEngine, *, writable: bool) -> AsyncIterator[tuple[Session, Any]]:
        connection = engine.connect()

        async def run(work: Callable[[Connection], Any]) -> Any:
            with translated(self._errors):
                return await connection.run_sync(work)

        outcome = "rolled_back"
        try:
            await self._enter(connection, self._outages[writable])
            yield Session(connection, self._errors, writable=writable), run
            with translated(self._errors):
                await connection.commit()
            outcome = "committed"
        except StoreError as error:
            # A lost race or a lost lease is found by the work itself: the database did what it should.
            outcome = "rolled_back" if isinstance(error, Conflict | Fenced) else "failed"
            raise
        finally:
            self.transactions[_ACCESS[writable], outcome] += 1
            # Closing rolls back an uncommitted transaction; a lost connection has raised already.
            with suppress(*self._errors):
                await asyncio.shield(connection.close())

    async def _enter(self, connection: AsyncConnection, outage: _Outage) -> None:
        try:
            with translated(self._errors):
                await connection.start()
                await connection.begin()
        except StoreError as error:
            outage.failed(error)
            raise
        outage.worked()


def _sqlite(target: Target, file: Path) -> tuple[AsyncEngine, AsyncEngine]:
    connected = partial(connect, file, LoopTurn(), patience_ms=_BUSY_MS)
    writer = _engine(target, pool_size=1, max_overflow=0, async_creator=partial(connected, durable=True))
    reader = _engine(target, pool_size=4, max_overflow=0, async_creator=partial(connected, durable=False))
    _pragmas(writer, "BEGIN IMMEDIATE", "synchronous = FULL", f"cache_spill = {_SPILL_PAGES}", "temp_store = MEMORY")
    _pragmas(reader, "BEGIN", "query_only = ON")
    return writer, reader


def _pragmas(engine: AsyncEngine, begin: str, *pragmas: str) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where the next listener says, nowhere else
        cursor = connection.cursor()
        for line in ("foreign_keys = ON", *pragmas):
            cursor.execute(f"PRAGMA {line}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "invalidate")
    def abandoned(connection: Any, _record: Any, _error: Any) -> None:
        # Closing is not enough after a cancelled statement: its cursor keeps the transaction, and the file locked. This
        # waits for that statement, at most as long as SQLite waits for a lock.
        with suppress(sqlite3.Error, ValueError):
            connection.rollback()

    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


def _postgres(target: Target, patience: float) -> tuple[AsyncEngine, AsyncEngine]:
    limits = {"timeout": _CONNECT_SECONDS, "command_timeout": _COMMAND_SECONDS}
    idle = f"{patience * 1000:.0f}"
    named = {"server_settings": {"application_name": "cmbot", "idle_in_transaction_session_timeout": idle}}
    encryption = {} if target.tls is None else {"ssl": target.tls}
    try:
        writer = _engine(target, pool_size=5, max_overflow=5, connect_args={**limits, **named, **encryption})
    except ImportError as error:
        raise ConfigError("store.url: PostgreSQL needs its driver; install cmbot[postgres].") from error
    ping_after_pauses(writer)
    return writer, writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _engine(target: Target, **options: Any) -> AsyncEngine:
    return create_async_engine(target.url, json_serializer=encode, hide_parameters=True, **options)
