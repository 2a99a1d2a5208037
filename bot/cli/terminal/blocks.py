"""Blocks of Slack as text of a terminal, so that every view of cmbot can be shown there. No I/O.

A table that is wider than the terminal becomes a list of records. Buttons and menus are left out: they act in Slack.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bot.cli.terminal.mrkdwn import from_mrkdwn, local_time, plain_lines, terminal_words
from bot.interactions.message import BlockJson, Message
from bot.views.charts import as_text as chart_as_text
from bot.views.tables import aligned_right

_GAP = 2
"""Blanks between two columns."""
_WRAPPED = 1.5
"""How much wider than the terminal a table may be whose cells are wrapped."""
_LEFT_OUT = frozenset({"actions", "input", "file", "video"})


def from_message(message: Message) -> RenderableType:
    """Return the blocks of a message, or its text if it has none."""
    return Group(*_parts(message.blocks)) if message.blocks else from_mrkdwn(message.text)


def _parts(blocks: Iterable[BlockJson]) -> Iterator[RenderableType]:
    for block in blocks:
        yield from _block(block)


def _block(block: BlockJson) -> Iterator[RenderableType]:
    kind = block.get("type")
    if kind in _LEFT_OUT:
        return
    if kind in {"section", "context"}:
        yield from _texts(block, "dim" if kind == "context" else "")
    elif kind == "header":
        yield Text(_plain(block["text"]), style="bold")
    elif kind in {"table", "data_table"}:
        yield from _table(block)
    elif kind == "divider":
        yield Rule(style="dim")
    elif kind == "container":
        yield from _container(block)
    else:
        yield from _other(block)


def _texts(block: BlockJson, style: str) -> Iterator[RenderableType]:
    if block.get("text"):
        yield _text(block["text"], style)
    if block.get("fields"):
        yield _fields(block["fields"])
    for each in block.get("elements", ()):
        if each.get("type") in {"mrkdwn", "plain_text"}:
            yield _text(each, style)


def _fields(fields: Sequence[Mapping[str, Any]]) -> Table:
    """Show the first line of each field as its name, and the others beside it."""
    shown = Table.grid(padding=(0, 2, 0, 0))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    for each in fields:
        name, *rest = _text(each).split("\n")
        shown.add_row(name, Text("\n").join(rest))
    return shown


def _text(element: Mapping[str, Any], style: str = "") -> Text:
    if element.get("type") == "mrkdwn":
        return from_mrkdwn(str(element.get("text", "")), style)
    return Text(_plain(element), style=style)


def _plain(element: Any) -> str:
    text = element.get("text", "") if isinstance(element, Mapping) else element
    return plain_lines(terminal_words(str(text)))


def _container(block: BlockJson) -> Iterator[RenderableType]:
    """Show all of a container, also of a folded one: a terminal has no fold to open."""
    for key, style in (("title", "bold"), ("subtitle", "dim")):
        if block.get(key):
            yield Text(_plain(block[key]), style=style)
    inner = tuple(_parts(block.get("child_blocks") or ()))
    if inner:
        yield Padding(Group(*inner), (0, 0, 0, 2))


def _other(block: BlockJson) -> Iterator[RenderableType]:
    """Show what words a block of another kind holds: rich text, a chart with its title, markdown, an image."""
    if block.get("type") == "rich_text":
        yield Text(_rich(block.get("elements", ())))
    elif block.get("type") == "data_visualization":
        yield Text(plain_lines(chart_as_text(block)))
    elif isinstance(block.get("text"), str | Mapping):
        yield _text(block["text"]) if isinstance(block["text"], Mapping) else Text(_plain(block["text"]))
    elif block.get("alt_text"):
        yield Text(_plain(block["alt_text"]))


def _rich(elements: Iterable[Mapping[str, Any]]) -> str:
    return "".join(_rich_part(each) for each in elements)


def _rich_part(part: Mapping[str, Any]) -> str:
    kind = part.get("type")
    if kind == "date" and isinstance(part.get("timestamp"), int):
        return local_time(part["timestamp"], str(part.get("format", "")))
    if kind in {"user", "usergroup", "channel"}:
        sigil = "#" if kind == "channel" else "@"
        return plain_lines(f"{sigil}{part.get(f'{kind}_id', '')}")
    if "elements" in part:
        return _rich(part["elements"])
    return plain_lines(terminal_words(str(part.get("text") or part.get("fallback") or part.get("url") or "")))


def _cell(cell: Any) -> str:
    if not isinstance(cell, Mapping):
        return plain_lines(str(cell))
    if cell.get("type") == "rich_text":
        return _rich(cell.get("elements", ()))
    value = next((cell[key] for key in ("text", "value", "number") if cell.get(key) is not None), "")
    return _plain(value)


def _table(block: BlockJson) -> Iterator[RenderableType]:
    rows = [[_cell(cell) for cell in row] for row in _rows(block)]
    if block.get("caption"):
        yield Text(_plain(block["caption"]), style="bold")
    if rows:
        yield FittingTable(rows[0], rows[1:], aligned_right(block))


def _rows(block: BlockJson) -> Sequence[Sequence[Any]]:
    rows: Sequence[Any] = block.get("rows", ())
    return [row.get("cells", ()) if isinstance(row, Mapping) else row for row in rows]


class FittingTable:
    """A table if it fits into the width with little wrapping and no cut word, else each row as a record."""

    def __init__(self, header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
        self.header = header
        self.rows = rows
        self.right = right

    def _table(self, widths: Sequence[int]) -> Table:
        shown = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
        for place, name in enumerate(self.header):
            right = place < len(self.right) and self.right[place]
            shown.add_column(Text(name), justify="right" if right else "left", overflow="fold", width=widths[place])
        for row in self.rows:
            shown.add_row(*(Text(cell) for cell in row[: len(self.header)]))
        return shown

    def _widths(self, room: int) -> list[int] | None:
        """Return the width of each column; None if the table does not fit."""
        columns = [
            [name, *(row[place] for row in self.rows if place < len(row))] for place, name in enumerate(self.header)
        ]
        whole = [max(map(cell_len, column)) for column in columns]
        widths = [max((cell_len(word) for cell in column for word in cell.split()), default=1) for column in columns]
        room -= _GAP * (len(columns) - 1)
        if sum(widths) > room or sum(whole) > room * _WRAPPED:
            return None
        # What is left goes to the columns that wrap most.
        for _ in range(min(room, sum(whole)) - sum(widths)):
            most = max(range(len(columns)), key=lambda each: whole[each] / max(1, widths[each]))
            widths[most] += 1
        return widths

    def _records(self) -> Iterator[RenderableType]:
        for row in self.rows:
            first, *others = zip(self.header, row, strict=False)
            yield Text.assemble((f"{first[0]} ", "dim"), (first[1], "bold"))
            named = [Text.assemble((f"{name} ", "dim"), cell) for name, cell in others if cell.strip(" -")]
            yield Padding(Text(" · ").join(named), (0, 0, 0, 2))

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> RenderResult:
        """Render for the width of the console."""
        widths = self._widths(options.max_width)
        if widths is None:
            yield from self._records()
        else:
            yield self._table(widths)
