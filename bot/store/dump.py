"""The whole state, table by table: read for an export, written by an import. Tables come from the schema alone."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Table, func, select, text, tuple_

from bot.store.row_json import from_json, to_json
from bot.store.schema import metadata
from bot.store.session import Session

PAGE = 500
"""Rows that are held in memory at a time."""

TABLES: Mapping[str, Table] = {table.name: table for table in metadata.sorted_tables if table.name != "replicas"}
"""Not who lives: nobody lives in a copy."""


class Dump:
    """Every table as a whole; within one unit of work it is one consistent view."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        return {name: await self._count(table) for name, table in TABLES.items()}

    async def _count(self, table: Table) -> int:
        return int(await self._session.value(select(func.count()).select_from(table)))

    async def pages(self, name: str) -> AsyncIterator[Sequence[dict[str, Any]]]:
        """All rows of a table in the order of its key, some at a time."""
        table = TABLES[name]
        key = tuple(table.primary_key.columns)
        query = select(table).order_by(*key).limit(PAGE)
        rows = await self._session.rows(query)
        while rows:
            yield [to_json(table, row) for row in rows]
            last = tuple(rows[-1][column.name] for column in key)
            rows = await self._session.rows(query.where(tuple_(*key) > last))

    async def numbers(self) -> dict[str, int]:
        """The last number that each counting table gave out, so that none is ever given again."""
        return {name: await self._number(table) for name, table in TABLES.items() if _counting(table)}

    async def _number(self, table: Table) -> int:
        if self._session.postgres:
            sequence = await self._sequence(table)
            row = await self._session.row(text(f"SELECT last_value, is_called FROM {sequence}"))  # noqa: S608 - PostgreSQL's own name for it
            return int(row["last_value"]) if row is not None and row["is_called"] else 0
        query = text("SELECT seq FROM sqlite_sequence WHERE name = :name").bindparams(name=table.name)
        return int(await self._session.value(query) or 0)

    async def _sequence(self, table: Table) -> str:
        return str(await self._session.value(select(func.pg_get_serial_sequence(table.name, _key(table).name))))

    async def lock(self) -> None:
        """Keep every other writer out until this unit of work ends; SQLite has one writer as it is."""
        if self._session.postgres:
            names = ", ".join(f'"{name}"' for name in TABLES)
            await self._session.change(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))

    async def put(self, name: str, written: Sequence[object]) -> None:
        """Add rows as `pages` gave them; raises ValueError when one does not fit the table."""
        table = TABLES[name]
        rows = [from_json(table, row) for row in written]
        if rows:
            await self._session.fill(table, rows)

    async def count_on(self, numbers: Mapping[str, int]) -> None:
        """Let each counting table go on behind the number given, or behind its last row."""
        for name, table in TABLES.items():
            if _counting(table):
                await self._count_on(table, max(numbers.get(name, 0), await self._highest(table)))

    async def _highest(self, table: Table) -> int:
        return int(await self._session.value(select(func.max(_key(table)))) or 0)

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
