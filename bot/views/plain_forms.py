"""Plainer forms of a message, for workspaces that do not take all kinds of blocks. No I/O.

Every view makes the richest form. A data table falls back to a table, a table and a chart to text, and in the end only
the text of the message is left.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum

from bot.interactions.message import BlockJson, Message
from bot.views import charts, tables

MAX_BLOCKS = 50


class TableForm(StrEnum):
    """How a workspace is shown tables, the richest form first."""

    DATA_TABLE = "data_table"
    TABLE = "table"
    TEXT = "text"


Change = Callable[[BlockJson], Iterator[BlockJson]]


def _data_table_as_table(block: BlockJson) -> Iterator[BlockJson]:
    yield tables.as_table(block) if block["type"] == tables.DATA_TABLE else block


def _table_as_text(block: BlockJson) -> Iterator[BlockJson]:
    if block["type"] in tables.KINDS:
        yield from tables.as_sections(block)
    else:
        yield block


def _chart_as_text(block: BlockJson) -> Iterator[BlockJson]:
    yield tables.as_section(charts.as_text(block)) if block["type"] == charts.KIND else block


_CHANGES: dict[TableForm, tuple[Change, ...]] = {
    TableForm.DATA_TABLE: (),
    TableForm.TABLE: (_data_table_as_table,),
    TableForm.TEXT: (_table_as_text,),
}


def _changed(message: Message, *changes: Change) -> Message:
    blocks = list(message.blocks)
    for change in changes:
        blocks = [shown for block in blocks for shown in change(block)]
    return message if blocks == list(message.blocks) else replace(message, blocks=tuple(blocks[:MAX_BLOCKS]))


def in_form(message: Message, form: TableForm) -> Message:
    """Return the message with its tables in this form, or as they are if they are plainer already."""
    return _changed(message, *_CHANGES[form])


def without_tables(message: Message) -> Message:
    """Return the message with its tables as text."""
    return in_form(message, TableForm.TEXT)


def form_of(message: Message) -> TableForm | None:
    """Return the form of the tables of a message, None if it has no table block."""
    kinds = {block["type"] for block in message.blocks}
    if tables.DATA_TABLE in kinds:
        return TableForm.DATA_TABLE
    return TableForm.TABLE if tables.TABLE in kinds else None


def forms(message: Message, known: TableForm = TableForm.DATA_TABLE) -> Iterator[Message]:
    """Yield the forms of a message to try one after another, from the one that the workspace is `known` to take.

    A plainer form is made only when it is asked for. The last one has no blocks.
    """
    tried: list[Message] = []
    for each in _candidates(message, known):
        if each not in tried:
            yield each
            tried.append(each)


def _candidates(message: Message, known: TableForm) -> Iterator[Message]:
    start = in_form(message, known)
    yield start
    plainer = in_form(start, TableForm.TABLE)
    yield plainer
    yield _changed(plainer, _chart_as_text)
    yield _changed(plainer, _table_as_text, _chart_as_text)
    yield replace(message, blocks=())


def learned(refused: Message, taken: Message) -> TableForm | None:
    """Return the form of tables that a workspace takes which took one form after it had refused another.

    None if that tells nothing about tables: no blocks are left, or the tables are the same.
    """
    before, now = form_of(refused), form_of(taken)
    if not taken.blocks or before is None or before is now:
        return None
    return now or TableForm.TEXT
