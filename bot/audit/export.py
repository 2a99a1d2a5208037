"""Audit log files: JSON lines, which can be verified, and CSV, which is safe in spreadsheets. No I/O."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from typing import Any

from bot.audit.chain import AuditRow, stamp, unstamp
from bot.common.errors import Problem, Refused
from bot.common.frozen import frozen

COLUMNS = tuple(one.name for one in fields(AuditRow))
_TYPES = {"seq": int, "op_id": int}
_FORMULA = re.compile(r"(^|[;\t\r\n])(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Starts of a formula in a spreadsheet: at the front, and after what some of them take for a separator."""


@frozen
class RowUnreadable(Problem):
    """A line of an export cannot be read as a row."""

    line: int


@frozen
class RowHasOtherColumns(Problem):
    """A line of an export is no object with exactly the columns of a row."""

    line: int


@frozen
class CellHasOtherType(Problem):
    """A value in a line of an export is not of the type of its column."""

    line: int
    column: str


def json_line(row: AuditRow) -> str:
    """Return one row as one line, with its end."""
    return json.dumps({**asdict(row), "at": stamp(row.at)}, ensure_ascii=True, separators=(",", ":")) + "\n"


def json_lines(rows: Iterable[AuditRow]) -> str:
    """Return rows as JSON lines."""
    return "".join(map(json_line, rows))


def read_lines(lines: Iterable[str]) -> Iterator[AuditRow]:
    """Yield the rows of JSON lines without empty lines. Raises Refused with the number of the line."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _row(line, number)


def _row(line: str, number: int) -> AuditRow:
    try:
        found: Any = json.loads(line)
        if not isinstance(found, dict) or set(found) != set(COLUMNS):
            raise Refused(RowHasOtherColumns(number))
        for name, value in found.items():
            if type(value) is not _TYPES.get(name, str):
                raise Refused(CellHasOtherType(number, name))
        return AuditRow(**{**found, "at": unstamp(found["at"])})
    except (ValueError, OverflowError, RecursionError) as error:
        raise Refused(RowUnreadable(number)) from error


def csv_head() -> str:
    """Return the line of column names."""
    return _csv([COLUMNS])


def csv_rows(rows: Iterable[AuditRow]) -> str:
    """Return rows as CSV (RFC 4180), without column names."""
    return _csv([_cells(row) for row in rows])


def _cells(row: AuditRow) -> list[str]:
    cells = {**asdict(row), "at": stamp(row.at), "op_id": row.op_id or ""}
    return [harmless(str(cells[name])) for name in COLUMNS]


def harmless(cell: str) -> str:
    """Return the cell with an apostrophe before anything that a spreadsheet takes for a formula."""
    return _FORMULA.sub(r"\1'", cell)


def _csv(rows: Iterable[Iterable[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue()
