"""All tables of the schema as JSON rows: read by an export, written by an import."""

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Double, Integer, Table, func, select, text, tuple_

from bot.store.column_types import clean
from bot.store.schema import metadata
from bot.store.session import Session

PAGE = 500
"""Rows in memory at a time."""
_MAX_INTEGER = (1 << 63) - 1

_NOT_COPIED = frozenset({"replicas", "workspaces", "facts", "codes"})
"""Replicas do not run on a copy, what a workspace takes is learned again, the header has the facts, and the secrets of
codes stay where they are."""
TABLES: Mapping[str, Table] = {table.name: table for table in metadata.sorted_tables if table.name not in _NOT_COPIED}
"""Every table that an export holds."""

OLDEST_REVISION = "0008"
"""Revision of the oldest export that an import takes."""
ADDED: Mapping[str, Mapping[str, frozenset[str]]] = {
    "0009": {"silences": frozenset({"scope"})},
    "0011": {"silences": frozenset({"window", "begins", "announced"})},
    "0012": {"operations": frozenset({"trace"}), "posts": frozenset({"trace"})},
}
"""Columns by the revision that added them, with a default in the database, and their table."""
ADDED_TABLES: Mapping[str, frozenset[str]] = {
    "0011": frozenset({"notes", "alert_events"}),
    "0014": frozenset({"outputs", "external_alerts"}),
}
"""Tables by the revision that added them."""


def added_after(revision: str) -> Mapping[str, frozenset[str]]:
    """Columns, by table, that an export of `revision` does not have."""
    later = [columns for added_by, columns in ADDED.items() if added_by > revision]
    return {name: frozenset().union(*(each.get(name, frozenset()) for each in later)) for name in TABLES}


def tables_of(revision: str) -> Mapping[str, Table]:
    """The tables that a database of `revision` has."""
    later = {name for added_by, names in ADDED_TABLES.items() if added_by > revision for name in names}
    return {name: table for name, table in TABLES.items() if name not in later}


class Dump:
    """Every table; within one unit of work it is one consistent view."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def counts(self, tables: Mapping[str, Table] = TABLES) -> dict[str, int]:
        """Number of rows of each table."""
        return {
            name: int(await self._session.value(select(func.count()).select_from(table)))
            for name, table in tables.items()
        }

    async def pages(self, name: str) -> AsyncIterator[Sequence[dict[str, Any]]]:
        """Yield all rows of a table in pages, in the order of its key."""
        table = TABLES[name]
        key = tuple(table.primary_key.columns)
        query = select(table).order_by(*key).limit(PAGE)
        rows = await self._session.rows(query)
        while rows:
            yield [{column.name: row[column.name] for column in table.columns} for row in rows]
            last = tuple(rows[-1][column.name] for column in key)
            rows = await self._session.rows(query.where(tuple_(*key) > last))

    async def numbers(self) -> dict[str, int]:
        """Last number that each counting table gave out, so that no number is used twice."""
        return {name: await self._number(table) for name, table in TABLES.items() if _counting(table)}

    async def _number(self, table: Table) -> int:
        if self._session.postgres:
            sequence = await self._sequence(table)
            row = await self._session.row(text(f"SELECT last_value, is_called FROM {sequence}"))  # noqa: S608 - the name comes from PostgreSQL
            return int(row["last_value"]) if row is not None and row["is_called"] else 0
        query = text("SELECT seq FROM sqlite_sequence WHERE name = :name").bindparams(name=table.name)
        return int(await self._session.value(query) or 0)

    async def _sequence(self, table: Table) -> str:
        return str(await self._session.value(select(func.pg_get_serial_sequence(table.name, _key(table).name))))

    async def lock(self, tables: Mapping[str, Table] = TABLES) -> None:
        """Block every other writer until this unit of work ends; SQLite has one writer anyway."""
        if self._session.postgres:
            names = ", ".join(f'"{name}"' for name in tables)
            await self._session.change(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))

    async def put(self, name: str, written: Sequence[object], revision: str) -> None:
        """Insert rows as `pages` of that revision gave them; raises ValueError for a row that does not fit."""
        table, later = TABLES[name], added_after(revision)[name]
        rows = [_from_json(table, row, later) for row in written]
        if rows:
            await self._session.fill(table, rows)

    async def count_on(self, numbers: Mapping[str, int], tables: Mapping[str, Table] = TABLES) -> None:
        """Continue each counting table after the given number, or after its last row."""
        for name, table in tables.items():
            if _counting(table):
                highest = int(await self._session.value(select(func.max(_key(table)))) or 0)
                await self._count_on(table, max(numbers.get(name, 0), highest))

    async def _count_on(self, table: Table, number: int) -> None:
        if not number:
            return
        if self._session.postgres:
            await self._session.value(select(func.setval(await self._sequence(table), number)))
            return
        await self._session.change(text("DELETE FROM sqlite_sequence WHERE name = :name").bindparams(name=table.name))
        new = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)")
        await self._session.change(new.bindparams(name=table.name, seq=number))


def _counting(table: Table) -> bool:
    return table.autoincrement_column is not None


def _key(table: Table) -> Column[int]:
    (key,) = table.primary_key.columns
    return key


def _from_json(table: Table, written: object, later: frozenset[str]) -> dict[str, Any]:
    """Check the row of a file, which lacks the columns `later`.

    Raises ValueError that names the table and the column if the row does not fit.
    """
    columns = [column for column in table.columns if column.name not in later]
    if not isinstance(written, dict) or written.keys() != {column.name for column in columns}:
        raise ValueError(f"its columns are not those of the table {table.name}")
    for column in columns:
        if not _fits(column, written[column.name]):
            raise ValueError(f"{table.name}.{column.name} has an impossible value")
    return written


def _fits(column: Column[Any], value: object) -> bool:
    if value is None:
        return bool(column.nullable) or isinstance(column.type, JSON)
    if isinstance(column.type, JSON):
        return True
    if isinstance(column.type, Boolean):
        return isinstance(value, bool)
    if isinstance(column.type, Double):
        return isinstance(value, float | int) and not isinstance(value, bool) and math.isfinite(value)
    if isinstance(column.type, Integer):
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_INTEGER
    # Refuse text that the store would clean: cleaned audit rows would no longer match their hashes.
    return isinstance(value, str) and clean(value) == value
