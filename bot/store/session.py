"""Link: one open transaction, and the one place where database errors become StoreError."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import Executable, Table, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.common.errors import Conflict, StoreError
from bot.store.error_text import raw, reason

log = structlog.get_logger(__name__)

Errors = tuple[type[Exception], ...]
"""What a database and its driver may raise."""


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
        raise StoreError(f"The database could not be used ({explained(error)}).") from error


def explained(error: BaseException) -> str:
    """Why, in our words; what they do not cover is logged in the driver's."""
    words = reason(error)
    if not words:
        log.warning("store.unknown_error", driver=raw(error))
    return words or "for a reason that the log names"


class Session:
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
