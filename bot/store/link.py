"""Link: one open transaction, and the one place where database errors become StoreError."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import Executable, Table, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import Conflict, StoreError

log = structlog.get_logger(__name__)

Errors = tuple[type[Exception], ...]
"""What a database and its driver may raise."""

_SHOWN = 200


def database_errors() -> Errors:
    """Everything a call into a database may raise; asyncpg's own come through bare while connecting."""
    common: Errors = (SQLAlchemyError, OSError)
    try:
        import asyncpg  # noqa: PLC0415 - an optional extra
    except ImportError:
        return common
    return (*common, asyncpg.PostgresError, asyncpg.InterfaceError)


@contextmanager
def translated(errors: Errors) -> Iterator[None]:
    """Turn what the database raises into StoreError, a broken uniqueness into Conflict."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict("Somebody else was first: the database already holds this.") from error
    except errors as error:
        raise StoreError(f"The database could not be used: {reason(error)}.") from error


_REASONS = (
    ("append-only", "the audit log is append-only"),
    ("database or disk is full|no space left", "its disk is full"),
    ("database is locked|table is locked|lock timeout|locknotavailable", "it is locked by another writer"),
    ("readonly database|read-only|permission denied", "it may not be written to"),
    ("unable to open database file|disk i/o error", "its file cannot be read or written"),
    ("malformed|not a database", "its file is damaged"),
    ('database "(.*)" does not exist', "there is no database {} on its server: create it"),
    ("no such table|no such column|does not exist", "its schema is not this release's: run cmbot migrate"),
    ("password|authentication|no pg_hba", "it refuses the log-in"),
    ("too many clients|too many connections|remaining connection slots|queuepool", "it is too busy"),
    ("starting up|shutting down|recovery|terminating connection|administrator", "its server is restarting"),
    ("idle.in.transaction|canceling statement|timeout", "it did not answer in time"),
    ("connection|refused|closed|reset|broken pipe|no such file|gaierror", "it cannot be reached"),
)
"""What drivers say (patterns, in lower case), and what it means; their own words go to the log only."""


def reason(error: Exception) -> str:
    """What it means in our words: never the statement or its values, which may hold anything."""
    inner = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    first, *_ = str(inner).splitlines() or [""]
    raw = f"{type(inner).__name__}: {first.rpartition('>: ')[2][:_SHOWN]}"
    found = ((re.search(form, raw.lower()), words) for form, words in _REASONS)
    meaning = next((words.format(*match.groups()) for match, words in found if match), "")
    log.debug("store.driver_error", raw=raw, meaning=meaning)
    return meaning or f"an unexpected error of its driver, {type(inner).__name__}; see the log"


class Link:
    """An open transaction. `writable` ones lock what they read in order to write it back."""

    def __init__(self, connection: AsyncConnection, errors: Errors, *, writable: bool) -> None:
        self._connection = connection
        self._errors = errors
        self.writable = writable
        self.postgres = connection.dialect.name == "postgresql"

    async def rows(self, statement: Executable) -> Sequence[RowMapping]:
        """All rows; raises StoreError."""
        with translated(self._errors):
            return (await self._connection.execute(statement)).mappings().all()

    async def row(self, statement: Executable) -> RowMapping | None:
        """The first row or None; raises StoreError."""
        with translated(self._errors):
            return (await self._connection.execute(statement)).mappings().first()

    async def value(self, statement: Executable) -> Any:
        """The first column of the first row or None; raises StoreError."""
        with translated(self._errors):
            return (await self._connection.execute(statement)).scalar()

    async def change(self, statement: Executable) -> int:
        """Write; returns how many rows changed. Raises Conflict when uniqueness forbids it, else StoreError."""
        with translated(self._errors):
            return (await self._connection.execute(statement)).rowcount

    async def fill(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows that have every column; raises Conflict, StoreError."""
        with translated(self._errors):
            await self._connection.execute(insert(table), rows)

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that knows ON CONFLICT."""
        return postgresql.insert(table) if self.postgres else sqlite.insert(table)
