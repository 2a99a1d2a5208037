"""Session: one open transaction, and the only place where database errors become StoreError."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Executable, Table, Text, any_, bindparam, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.common.errors import Conflict, StoreError
from bot.store.error_text import raw, reason

log = structlog.get_logger(__name__)

Errors = tuple[type[Exception], ...]
"""Types that a database and its driver may raise."""


def database_errors(*, postgres: bool) -> Errors:
    """Types that a call into a database may raise; SQLAlchemy does not wrap those of asyncpg while it connects."""
    common: Errors = (SQLAlchemyError, OSError)
    if not postgres:
        return common
    import asyncpg  # noqa: PLC0415 - an optional extra

    return (*common, asyncpg.PostgresError, asyncpg.InterfaceError)


@contextmanager
def translated(errors: Errors) -> Iterator[None]:
    """Translate database errors into StoreError, and a violated uniqueness into Conflict."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict("The database already has this: another request was first.") from error
    except errors as error:
        raise StoreError(f"The database could not be used ({_explain(error)}).") from error


def _explain(error: BaseException) -> str:
    """Return the reason in plain words; log the driver's message if there is none."""
    text = reason(error)
    if not text:
        log.warning("store.unknown_error", driver=raw(error))
    return text or "unknown error, see the log"


class Session:
    """One open transaction. A `writable` one locks the rows that it reads to write them back."""

    def __init__(self, connection: AsyncConnection, errors: Errors, *, writable: bool) -> None:
        self._connection = connection
        self._errors = errors
        self.writable = writable
        self.postgres = connection.dialect.name == "postgresql"

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Open a savepoint, which is rolled back when the block raises; raises StoreError."""
        with translated(self._errors):
            nested = await self._connection.begin_nested()
        try:
            yield
        except BaseException:
            with translated(self._errors):
                await nested.rollback()
            raise
        with translated(self._errors):
            await nested.commit()

    async def rows(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[RowMapping]:
        """Return all rows; `values` are those of the statement's named parameters. Raises StoreError."""
        with translated(self._errors):
            return (await self._connection.execute(statement, values)).mappings().all()

    async def row(self, statement: Executable) -> RowMapping | None:
        """Return the first row or None; raises StoreError."""
        with translated(self._errors):
            return (await self._connection.execute(statement)).mappings().first()

    async def value(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Any:
        """Return the first column of the first row or None; `values` as in `rows`. Raises StoreError."""
        with translated(self._errors):
            return (await self._connection.execute(statement, values)).scalar()

    async def change(self, statement: Executable, values: Mapping[str, Any] | None = None) -> int:
        """Write; return the number of changed rows. Raises Conflict for violated uniqueness, else StoreError."""
        with translated(self._errors):
            return (await self._connection.execute(statement, values)).rowcount

    async def fill(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert complete rows; raises Conflict, StoreError."""
        with translated(self._errors):
            await self._connection.execute(insert(table), rows)

    async def change_all(self, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write with each of these parameters; raises Conflict for violated uniqueness, else StoreError."""
        with translated(self._errors):
            await self._connection.execute(statement, rows)

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Build an INSERT that supports ON CONFLICT."""
        return insert_into(table, postgres=self.postgres)


def insert_into(table: Table, *, postgres: bool) -> sqlite.Insert | postgresql.Insert:
    """Build an INSERT that supports ON CONFLICT, for PostgreSQL or SQLite."""
    return postgresql.insert(table) if postgres else sqlite.insert(table)


def one_of(column: ColumnElement[str], parameter: str, *, postgres: bool) -> ColumnElement[bool]:
    """True for a column with one of the texts that the named parameter lists.

    On PostgreSQL they are one array: a statement with a parameter for each text is another one for each number of them,
    and the server parses and plans each of these.
    """
    if postgres:
        return column == any_(bindparam(parameter, type_=postgresql.ARRAY(Text)))
    return column.in_(bindparam(parameter, expanding=True))
