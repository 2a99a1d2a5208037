"""Tables: the table blocks of Slack within their limits, and the same rows as aligned text. No I/O.

A `data_table` can be sorted, filtered and turned by pages; a `table` only shows its rows. A view makes the richest
form, and `plain_forms` makes of it what a workspace takes.
"""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Self

from bot.interactions.message import BlockJson
from bot.views.text import Date, clip, dated, plain, pre

DATA_TABLE, TABLE = "data_table", "table"
KINDS = frozenset({DATA_TABLE, TABLE})
MAX_ROWS = 100
"""Maximum rows of one table, its header row included."""
MAX_DATA_ROWS = 100
"""Maximum rows of one data table below its header."""
MAX_COLUMNS = 20
MAX_CHARACTERS = 10_000
"""Maximum characters of all tables of one message."""
MAX_CELL = 200
MAX_CAPTION = 150
PAGE_ROWS = 10
"""Rows on one page of a data table."""
_NOTE = "… and {:,} more"
_CUT = re.compile(r" \(first ([\d,]+) of ([\d,]+)\)$")
_RESERVE = 40
_MAX_SECTION = 3000
_MAX_SECTIONS = 8
"""Sections of one table as text."""
_WIDE = 100
"""Characters of a line of code that a message on a wide screen shows without a break."""
_LARGEST = 2**53 - 1
"""The largest number that JSON carries exactly."""

_USER = re.compile(r"[UW][A-Z0-9]{2,19}")

Rows = Sequence[Sequence[str]]


class PeopleCell(str):
    """A cell of user ids, separated by spaces, that Slack shows as people; other text stays text."""

    __slots__ = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids; none if one word is not a user id."""
        words = tuple(self.split())
        return words if all(map(_USER.fullmatch, words)) else ()


class NumberCell(str):
    """A cell that is shown as its text, and sorted by `value`."""

    __slots__ = ("value",)
    value: float

    def __new__(cls, text: str, value: float) -> Self:
        """Return the cell; a value that JSON does not carry exactly is cut to what it does."""
        made = super().__new__(cls, text)
        made.value = max(-_LARGEST, min(_LARGEST, value)) if math.isfinite(value) else 0
        return made


def number(value: int) -> NumberCell:
    """Return a whole number as a cell: `12,345`."""
    return NumberCell(f"{value:,}", value)


def table(rows: Rows, *, header: Sequence[str], right: Sequence[int] = (), most: int = MAX_ROWS - 2) -> BlockJson:
    """Return a table of plain text and dates; `right` are the columns to align right, `most` limits its rows.

    A last row counts the rows that are left out. The block is built as dictionaries: the library takes 10 µs a cell.
    Raise ValueError for more than 20 columns (a programming error).
    """
    width = _width(header)
    shown = _fitting([_cells(row, width) for row in rows[: min(most, MAX_ROWS - 2)]], _cells(header, width))
    if len(shown) - 1 < len(rows):
        shown.append(_cells((_NOTE.format(len(rows) - len(shown) + 1),), width))
    return {
        "type": TABLE,
        "rows": [[_cell(cell) for cell in row] for row in shown],
        "column_settings": [{"align": "right" if n in right else "left"} for n in range(width)],
    }


def data_table(
    rows: Rows, *, header: Sequence[str], caption: str, names: int = 0, most: int = MAX_DATA_ROWS
) -> BlockJson:
    """Return a table that can be sorted, filtered and turned by pages; cells of numbers are NumberCells.

    The first column is what matters most: a phone shows it without scrolling. `names` is the column that names the
    row. The caption says how many rows are left out. Without rows it is a plain table. Raise ValueError for more than
    20 columns (a programming error).
    """
    width = _width(header)
    shown = _fitting([_cells(row, width) for row in rows[: min(most, MAX_DATA_ROWS)]], _cells(header, width))
    below = shown[1:]
    if not below:
        return table(rows, header=header)
    cut = f" (first {len(below):,} of {len(rows):,})" if len(below) < len(rows) else ""
    return {
        "type": DATA_TABLE,
        "caption": f"{clip(plain(caption), MAX_CAPTION - len(cut)) or '-'}{cut}",
        "rows": [[_raw(cell) for cell in shown[0]], *([_typed(cell) for cell in row] for row in below)],
        "page_size": PAGE_ROWS,
        "row_header_column_index": names,
    }


def _width(header: Sequence[str]) -> int:
    if len(header) > MAX_COLUMNS:
        raise ValueError(f"a table has at most {MAX_COLUMNS} columns, not {len(header)}")
    return len(header)


def _cells(row: Sequence[str], width: int) -> list[str]:
    cells = [_held(cell) for cell in row[:width]]
    return cells + [" "] * (width - len(cells))


def _held(cell: str) -> str:
    if isinstance(cell, PeopleCell) and cell.ids:
        return cell
    if isinstance(cell, NumberCell):
        return NumberCell(clip(plain(cell), MAX_CELL) or "-", cell.value)
    parts = dated(cell)
    if any(isinstance(part, Date) for part in parts):
        return "".join(str(part) if isinstance(part, Date) else clip(plain(part), MAX_CELL) for part in parts)
    return clip(plain(cell), MAX_CELL) or "-"


def _typed(cell: str) -> BlockJson:
    if isinstance(cell, NumberCell):
        return {"type": "raw_number", "value": cell.value, "text": str(cell)}
    return _cell(cell)


def _cell(cell: str) -> BlockJson:
    if isinstance(cell, PeopleCell):
        people = [{"type": "user", "user_id": user} for user in cell.ids]
        return _rich(list(chain.from_iterable(({"type": "text", "text": ", "}, one) for one in people))[1:])
    parts = dated(cell)
    if any(isinstance(part, Date) for part in parts):
        return _rich([_date(part) if isinstance(part, Date) else {"type": "text", "text": part} for part in parts])
    return _raw(cell)


def _raw(cell: str) -> BlockJson:
    return {"type": "raw_text", "text": str(cell)}


def _date(part: Date) -> BlockJson:
    return {"type": "date", "timestamp": part.at, "format": part.format, "fallback": part.utc}


def _rich(parts: Sequence[BlockJson]) -> BlockJson:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [*parts]}]}


def _fitting(rows: list[list[str]], header: list[str]) -> list[list[str]]:
    room = MAX_CHARACTERS - _RESERVE - sum(map(len, header))
    shown = [header]
    for row in rows:
        room -= sum(map(len, row))
        if room < 0:
            break
        shown.append(row)
    return shown


def texts(block: BlockJson) -> list[list[str]]:
    """Return the cells of either table as text, the header first, and in a last row what a data table leaves out."""
    rows = [[_text(cell) for cell in row] for row in block["rows"]]
    return [*rows, [note, *[" "] * (len(rows[0]) - 1)]] if (note := _left_out(block, len(rows) - 1)) else rows


def _left_out(block: BlockJson, shown: int) -> str:
    """Return how many rows the caption of a data table counts beyond those that are `shown`, "" for none."""
    found = _CUT.search(block.get("caption", ""))
    more = int(found[2].replace(",", "")) - shown if found else 0
    return _NOTE.format(more) if more > 0 else ""


def _text(cell: BlockJson) -> str:
    if "text" in cell:
        return str(cell["text"])
    parts = cell["elements"][0]["elements"]
    return "".join(part.get("user_id") or part.get("fallback") or part.get("text", "") for part in parts)


def aligned_right(block: BlockJson) -> list[bool]:
    """Return for each column if it is aligned right: as set, in a data table where every cell is a number."""
    if block["type"] == TABLE:
        return [setting.get("align") == "right" for setting in block.get("column_settings") or ()]
    below = block["rows"][1:]
    return [bool(below) and all(row[n]["type"] == "raw_number" for row in below) for n in range(len(block["rows"][0]))]


def as_table(block: BlockJson) -> BlockJson:
    """Return a data table as a table, for a workspace that takes only those."""
    header, *rows = block["rows"]
    rows = rows if len(rows) < MAX_ROWS and not _left_out(block, len(rows)) else rows[: MAX_ROWS - 2]
    total = int(found[2].replace(",", "")) if (found := _CUT.search(block["caption"])) else len(block["rows"]) - 1
    note = (
        [[_raw(cell) for cell in _cells((_NOTE.format(total - len(rows)),), len(header))]] if total > len(rows) else []
    )
    plainly = [[_raw(cell["text"]) if cell["type"] == "raw_number" else cell for cell in row] for row in rows]
    columns = [{"align": "right" if right else "left"} for right in aligned_right(block)]
    return {"type": TABLE, "rows": [header, *plainly, *note], "column_settings": columns}


def as_text(block: BlockJson) -> str:
    """Return a table block as aligned columns of text."""
    rows, right = texts(block), aligned_right(block)
    widths = [max(len(row[n]) for row in rows) for n in range(len(right))]
    lines = ("  ".join(_pad(cell, widths[n], right=right[n]) for n, cell in enumerate(row)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _pad(cell: str, width: int, *, right: bool) -> str:
    return cell.rjust(width) if right else cell.ljust(width)


def as_sections(block: BlockJson) -> Iterator[BlockJson]:
    """Yield a table as sections of code; one that is wider than a message shows each row below its first two cells."""
    drawn = as_text(block)
    lines = drawn.split("\n")
    if max(map(len, lines)) > _WIDE:
        lines = [line for row in texts(block)[1:] for line in _record(texts(block)[0], row)]
    parts: list[list[str]] = [[]]
    room = _MAX_SECTION
    for line in lines:
        needed = len(pre(line))
        if needed > room:
            parts.append([])
            room = _MAX_SECTION
        parts[-1].append(line)
        room -= needed
    kept = parts[:_MAX_SECTIONS]
    if left := sum(map(len, parts[_MAX_SECTIONS:])):
        kept[-1][-1] = f"… and {left + 1:,} more lines"
    for part in kept:
        yield as_section("\n".join(part))


def _record(header: Sequence[str], row: Sequence[str]) -> Iterator[str]:
    """Yield the first two cells of a row as a line, and the others as lines below it."""
    yield "  ".join(cell for cell in row[:2] if cell.strip(" -"))
    line = ""
    for name, cell in zip(header[2:], row[2:], strict=False):
        if not cell.strip(" -"):
            continue
        said = f"{name}: {cell}"
        if line and len(line) + len(said) > _WIDE:
            yield line
            line = ""
        line = f"{line} · {said}" if line else f"  {said}"
    if line:
        yield line


def as_section(text: str) -> BlockJson:
    """Return a table or a chart, already as text, as a section of code."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": clip(pre(text), _MAX_SECTION), "verbatim": True}}


def within_budget(blocks: Sequence[BlockJson]) -> Iterator[BlockJson]:
    """Turn the tables into text that exceed the total of table characters of Slack."""
    room = MAX_CHARACTERS
    for block in blocks:
        if block["type"] not in KINDS:
            yield block
            continue
        room -= sum(len(cell) for row in texts(block) for cell in row)
        yield as_section(as_text(block)) if room < 0 else block
