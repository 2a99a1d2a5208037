"""Fill every table of the schema with rows that a database could store wrongly."""

from typing import Any

from sqlalchemy import JSON, Boolean, Column, Double, Integer, Table

from bot.audit.chain import AuditEntry
from bot.store.database import Store
from bot.store.dump import TABLES
from bot.store.migrate import newest

_WORDS = '\u00fc \u2028 \U0001f525 "quoted" \\n <!channel> \'; DROP TABLE alerts; --'


def value(column: Column[Any], number: int) -> Any:
    """What a row of that number has in a column: another value in each row, typical of its type."""
    if column.primary_key and isinstance(column.type, Integer):
        return number * 3
    if isinstance(column.type, JSON):
        return {"n": number, "deep": [{"a": None}, 0.1, -1e-9, 2**60 + number, True, _WORDS], "empty": {}}
    if isinstance(column.type, Boolean):
        return number % 2 == 0
    if isinstance(column.type, Double):
        return 1_700_000_000.1 + number / 3
    if isinstance(column.type, Integer):
        return number * 7
    return None if column.nullable and number % 3 == 0 else f"{column.name} {number} {_WORDS}"


def row(table: Table, number: int) -> dict[str, Any]:
    """A whole row."""
    return {column.name: value(column, number) for column in table.columns}


async def fill(store: Store, number: int) -> None:
    """Put `number` rows into each table; the audit log gets a chain that holds."""
    async with store.begin() as uow:
        for name, table in TABLES.items():
            if name != "audit":
                await uow.dump.put(name, [row(table, each) for each in range(1, number + 1)], newest())
        for each in range(number):
            await uow.audit.append(
                AuditEntry(100.25 + each, f"U{each}", "operation.waiting", "prod", each, {"words": _WORDS})
            )


async def everything(store: Store) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables."""
    async with store.read() as uow:
        return {name: [row async for page in uow.dump.pages(name) for row in page] for name in TABLES}
