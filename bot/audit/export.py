"""The audit log in a file: JSON lines, which can be proven, and CSV, which spreadsheets can open without harm. Pure."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from typing import Any

from bot.audit.chain import AuditRow, stamp, unstamp
from bot.common.errors import UserError

COLUMNS = tuple(one.name for one in fields(AuditRow))
_TYPES = {"seq": int, "op_id": int}
_FORMULA = re.compile(r"(^|[;\t\r\n])(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a spreadsheet would begin a formula: in front, and behind what some of them take for a separator."""


def json_line(row: AuditRow) -> str:
    """One row as one line, with its end."""
    return json.dumps({**asdict(row), "at": stamp(row.at)}, ensure_ascii=True, separators=(",", ":")) + "\n"


def json_lines(rows: Iterable[AuditRow]) -> str:
    """Rows as JSON lines."""
    return "".join(map(json_line, rows))


def read_lines(lines: Iterable[str]) -> Iterator[AuditRow]:
    """The rows of JSON lines; empty lines are passed over. Raises UserError that names the line."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _row(line, number)


def _row(line: str, number: int) -> AuditRow:
    try:
        found: Any = json.loads(line)
        if not isinstance(found, dict) or set(found) != set(COLUMNS):
            raise UserError(f"Line {number} is no row of an audit log: it needs exactly {', '.join(COLUMNS)}.")
        for name, value in found.items():
            if type(value) is not _TYPES.get(name, str):
                raise UserError(f"Line {number} is no row of an audit log: its {name} is not of the right kind.")
        return AuditRow(**{**found, "at": unstamp(found["at"])})
    except (ValueError, OverflowError, RecursionError) as error:
        raise UserError(f"Line {number} is no row of an audit log: it cannot be read.") from error


def csv_head() -> str:
    """The line of column names."""
    return _csv([COLUMNS])


def csv_rows(rows: Iterable[AuditRow]) -> str:
    """Rows as CSV (RFC 4180), without column names."""
    return _csv([_cells(row) for row in rows])


def _cells(row: AuditRow) -> list[str]:
    told = {**asdict(row), "at": stamp(row.at), "op_id": row.op_id or ""}
    return [harmless(str(told[name])) for name in COLUMNS]


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe stands before what would begin one."""
    return _FORMULA.sub(r"\1'", cell)


def _csv(rows: Iterable[Iterable[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue()
