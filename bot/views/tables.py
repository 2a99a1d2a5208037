"""Tables: the table block of Slack within its limits, and the same rows as aligned text. No I/O."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from bot.interactions.message import BlockJson, Message
from bot.views.text import Date, clip, dated, plain, pre

MAX_ROWS = 100
"""Maximum rows of one table, its header row included."""
MAX_COLUMNS = 20
MAX_CHARACTERS = 10_000
"""Maximum characters of all tables of one message."""
MAX_CELL = 200
_NOTE = "… and {:,} more"
_RESERVE = 40
_MAX_SECTION = 3000

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


def table(rows: Rows, *, header: Sequence[str], right: Sequence[int] = (), most: int = MAX_ROWS - 2) -> BlockJson:
    """Return a table of plain text and dates; `right` are the columns to align right, `most` limits its rows.

    A last row counts the rows that are left out. The block is built as dictionaries: the library takes 10 µs a cell.
    Raise ValueError for more than 20 columns (a programming error).
    """
    if len(header) > MAX_COLUMNS:
        raise ValueError(f"a table has at most {MAX_COLUMNS} columns, not {len(header)}")
    shown = _fitting([_cells(row, len(header)) for row in rows[: min(most, MAX_ROWS - 2)]], _cells(header, len(header)))
    if len(shown) - 1 < len(rows):
        shown.append(_cells((_NOTE.format(len(rows) - len(shown) + 1),), len(header)))
    return {
        "type": "table",
        "rows": [[_cell(cell) for cell in row] for row in shown],
        "column_settings": [{"align": "right" if n in right else "left"} for n in range(len(header))],
    }


def _cells(row: Sequence[str], width: int) -> list[str]:
    cells = [_held(cell) for cell in row[:width]]
    return cells + [" "] * (width - len(cells))


def _held(cell: str) -> str:
    if isinstance(cell, PeopleCell) and cell.ids:
        return cell
    parts = dated(cell)
    if any(isinstance(part, Date) for part in parts):
        return "".join(str(part) if isinstance(part, Date) else clip(plain(part), MAX_CELL) for part in parts)
    return clip(plain(cell), MAX_CELL) or "-"


def _cell(cell: str) -> BlockJson:
    if isinstance(cell, PeopleCell):
        people = [{"type": "user", "user_id": user} for user in cell.ids]
        return _rich(list(chain.from_iterable(({"type": "text", "text": ", "}, one) for one in people))[1:])
    parts = dated(cell)
    if any(isinstance(part, Date) for part in parts):
        return _rich([_date(part) if isinstance(part, Date) else {"type": "text", "text": part} for part in parts])
    return {"type": "raw_text", "text": cell}


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


def _texts(block: BlockJson) -> list[list[str]]:
    return [[_text(cell) for cell in row] for row in block["rows"]]


def _text(cell: BlockJson) -> str:
    if cell["type"] == "raw_text":
        return str(cell["text"])
    parts = cell["elements"][0]["elements"]
    return "".join(part.get("user_id") or part.get("fallback") or part.get("text", "") for part in parts)


def as_text(block: BlockJson) -> str:
    """Return a table block as aligned columns of text."""
    rows = _texts(block)
    right = [setting["align"] == "right" for setting in block["column_settings"]]
    widths = [max(len(row[n]) for row in rows) for n in range(len(right))]
    lines = ("  ".join(_pad(cell, widths[n], right=right[n]) for n, cell in enumerate(row)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _pad(cell: str, width: int, *, right: bool) -> str:
    return cell.rjust(width) if right else cell.ljust(width)


def as_section(text: str) -> BlockJson:
    """Return a table or a chart, already as text, as a section of code."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": clip(pre(text), _MAX_SECTION), "verbatim": True}}


def within_budget(blocks: Sequence[BlockJson]) -> Iterator[BlockJson]:
    """Turn the tables into text that exceed the total of table characters of Slack."""
    room = MAX_CHARACTERS
    for block in blocks:
        if block["type"] == "table":
            room -= sum(len(cell) for row in _texts(block) for cell in row)
        yield as_section(as_text(block)) if block["type"] == "table" and room < 0 else block


def without_tables(message: Message) -> Message:
    """Return the message with its tables as text, for a workspace that refuses table blocks (`invalid_blocks`)."""
    blocks = tuple(as_section(as_text(block)) if block["type"] == "table" else block for block in message.blocks)
    return replace(message, blocks=blocks)
