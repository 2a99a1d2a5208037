"""Blocks of Slack as text of a terminal, so that every view of cmbot can be shown there. No I/O.

A table that is wider than the terminal becomes a list of records. Buttons and menus are left out: they act in Slack.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bot.cli.terminal.mrkdwn import from_mrkdwn, local_time, plain_lines, terminal_words
from bot.interactions.message import BlockJson, Message

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
    for each in (*block.get("fields", ()), *block.get("elements", ())):
        if each.get("type") in {"mrkdwn", "plain_text"}:
            yield _text(each, style)


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
        yield Text(_plain(block.get("title", "")), style="bold")
        yield from _chart(block.get("chart") or {})
    elif isinstance(block.get("text"), str | Mapping):
        yield _text(block["text"]) if isinstance(block["text"], Mapping) else Text(_plain(block["text"]))
    elif block.get("alt_text"):
        yield Text(_plain(block["alt_text"]))


def _chart(chart: Mapping[str, Any]) -> Iterator[RenderableType]:
    for series in chart.get("series", ()):
        points = (f"{point.get('label', '')} {point.get('value', '')}" for point in series.get("data", ()))
        yield Text(plain_lines(f"{series.get('name', '')}: {', '.join(points)}"))


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
        aligned = block.get("column_settings") or ()
        yield FittingTable(rows[0], rows[1:], [each.get("align") == "right" for each in aligned if each])


def _rows(block: BlockJson) -> Sequence[Sequence[Any]]:
    rows: Sequence[Any] = block.get("rows", ())
    return [row.get("cells", ()) if isinstance(row, Mapping) else row for row in rows]


class FittingTable:
    """A table if its longest words fit into the width, else each row as a record of `name: value`."""

    def __init__(self, header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
        self.header = header
        self.rows = rows
        self.right = right

    def _table(self) -> Table:
        shown = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for place, name in enumerate(self.header):
            right = place < len(self.right) and self.right[place]
            shown.add_column(Text(name), justify="right" if right else "left", overflow="fold")
        for row in self.rows:
            shown.add_row(*(Text(cell) for cell in row[: len(self.header)]))
        return shown

    def _records(self) -> Iterator[Text]:
        for row in self.rows:
            named = zip(self.header, row, strict=False)
            yield Text("\n  ").join([Text.assemble((f"{name} ", "bold"), cell) for name, cell in named if cell.strip()])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render for the width of the console."""
        shown = self._table()
        if Measurement.get(console, options.update(width=10_000), shown).maximum <= options.max_width or (
            Measurement.get(console, options, shown).minimum <= options.max_width and len(self.header) <= _MOST_WRAPPED
        ):
            yield shown
        else:
            yield from self._records()


_MOST_WRAPPED = 8
"""Columns of a table whose cells are wrapped; with more, records are easier to read."""
