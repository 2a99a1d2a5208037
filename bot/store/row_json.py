"""A row of any table as a JSON object and back, checked against the schema. Pure."""

import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Double, Integer, Table

from bot.store.column_types import clean

MOST_NUMBER = (1 << 63) - 1


def to_json(table: Table, row: Mapping[Any, Any]) -> dict[str, Any]:
    """The row's columns by name, as they are written to a file."""
    return {column.name: row[column.name] for column in table.columns}


def from_json(table: Table, written: object) -> dict[str, Any]:
    """The row that a file holds; raises ValueError that names the table and the column when it does not fit."""
    names = {column.name for column in table.columns}
    if not isinstance(written, dict) or written.keys() != names:
        raise ValueError(f"its columns are not those of the table {table.name}")
    for column in table.columns:
        if not _fits(column, written[column.name]):
            raise ValueError(f"{table.name}.{column.name} has no value that can be in it")
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
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST_NUMBER
    # What the store itself never writes would be mended silently: a chain of hashes must not be.
    return isinstance(value, str) and clean(value) == value
