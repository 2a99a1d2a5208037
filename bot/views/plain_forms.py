"""Plainer forms of a message, for workspaces that do not take all kinds of blocks. No I/O.

Every view makes the richest form. A container falls back to a button or to its content, a data table to a table, a
table and a chart to text, and in the end only the text of the message is left.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum

from bot.common.frozen import frozen
from bot.interactions.message import BlockJson, Message
from bot.views import charts, tables
from bot.views.containers import has_containers, without_containers

MAX_BLOCKS = 50


class TableForm(StrEnum):
    """How a workspace is shown tables, the richest form first."""

    DATA_TABLE = "data_table"
    TABLE = "table"
    TEXT = "text"


@frozen
class BlockForms:
    """The richest forms of blocks that a workspace is known to take."""

    tables: TableForm = TableForm.DATA_TABLE
    containers: bool = True


RICHEST = BlockForms()
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


def forms(message: Message, known: BlockForms = RICHEST) -> Iterator[Message]:
    """Yield the forms of a message to try one after another, from the one that the workspace is `known` to take.

    A plainer form is made only when it is asked for. The last one has no blocks.
    """
    tried: list[Message] = []
    for each in _candidates(message, known):
        if each not in tried:
            yield each
            tried.append(each)


def _candidates(message: Message, known: BlockForms) -> Iterator[Message]:
    start = in_form(message, known.tables)
    if known.containers:
        yield start
    start = _without_containers(start)
    yield start
    plainer = in_form(start, TableForm.TABLE)
    yield plainer
    yield _changed(plainer, _chart_as_text)
    yield _changed(plainer, _table_as_text, _chart_as_text)
    yield replace(message, blocks=())


def _without_containers(message: Message) -> Message:
    if not has_containers(message):
        return message
    plainer = without_containers(message)
    return replace(plainer, blocks=plainer.blocks[:MAX_BLOCKS])


def learned(refused: Message, taken: Message, known: BlockForms = RICHEST) -> BlockForms | None:
    """Return the forms that a workspace takes which took one form of a message after it had refused another.

    None if that tells nothing: no blocks are left, or neither containers nor tables differ. A refusal counts against
    containers only if nothing but the containers differs.
    """
    before, now = form_of(refused), form_of(taken)
    if not taken.blocks:
        return None
    if before is not None and before is not now:
        return replace(known, tables=now or TableForm.TEXT)
    return replace(known, containers=False) if taken == _without_containers(refused) != refused else None
