"""Block Kit for the views: text over the limits of Slack is cut visibly, never refused. No I/O."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from slackblocks import (
    ActionsBlock,
    Block,
    Button,
    ConfirmationDialogue,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    Option,
    SectionBlock,
    StaticSelectMenu,
    Text,
    TextType,
)
from slackblocks import Message as Envelope

from bot.interactions.message import BlockJson, Message
from bot.views import charts, tables
from bot.views.tables import NumberCell, PeopleCell, as_text, data_table, number, table
from bot.views.text import bar, clean, clip, code, count, date, duration, escape, percent, plain, pre, size, utc

__all__ = [
    "NumberCell",
    "PeopleCell",
    "Style",
    "actions",
    "as_text",
    "bar",
    "button",
    "clean",
    "clip",
    "code",
    "confirm",
    "context",
    "count",
    "data_table",
    "date",
    "divider",
    "duration",
    "escape",
    "fields",
    "header",
    "menu",
    "message",
    "number",
    "percent",
    "plain",
    "pre",
    "rendered",
    "section",
    "size",
    "table",
    "utc",
]

MAX_BLOCKS = 50
MAX_TEXT = 3000
MAX_HEADER = 150
MAX_FIELDS = 10
MAX_FIELD = 2000
MAX_CONTEXT = 10
MAX_BUTTON = 75
MAX_OPTION = 75
MAX_PLACEHOLDER = 150
MAX_CONFIRM_TITLE = 100
MAX_CONFIRM_TEXT = 300
MAX_CONFIRM_BUTTON = 30

Style = Literal["primary", "danger"]
Confirmation = ConfirmationDialogue


def rendered(block: Block) -> BlockJson:
    """Return the JSON of a block without its random id: equal values must make equal messages."""
    [shown] = Envelope(channel="-", blocks=[block]).to_dict()["blocks"]
    return {key: value for key, value in shown.items() if key != "block_id"}


def _mrkdwn(text: str, limit: int) -> Text:
    return Text(clip(text, limit) or " ", type_=TextType.MARKDOWN, verbatim=True)


def header(text: str) -> BlockJson:
    """Return a large line of plain text (at most 150 characters)."""
    return rendered(HeaderBlock(clip(plain(text), MAX_HEADER) or " "))


def section(text: str, *, accessory: Button | None = None) -> BlockJson:
    """Return a paragraph of mrkdwn (at most 3,000 characters), optionally with a button beside it."""
    return rendered(SectionBlock(_mrkdwn(text, MAX_TEXT), accessory=accessory))


def context(*texts: str) -> BlockJson:
    """Return small print of up to ten mrkdwn texts; the tenth counts the rest."""
    return rendered(ContextBlock([_mrkdwn(text, MAX_TEXT) for text in _at_most(texts, MAX_CONTEXT)]))


def fields(*texts: str) -> BlockJson:
    """Return two columns of up to ten mrkdwn texts (at most 2,000 characters each); the tenth counts the rest."""
    return rendered(SectionBlock(fields=[_mrkdwn(text, MAX_FIELD) for text in _at_most(texts, MAX_FIELDS)]))


def divider() -> BlockJson:
    """Return a thin line."""
    return rendered(DividerBlock())


def _at_most(texts: Sequence[str], limit: int) -> Sequence[str]:
    if len(texts) <= limit:
        return texts
    return (*texts[: limit - 1], f"… and {len(texts) - limit + 1:,} more")


def confirm(title: str, text: str, yes: str, no: str, *, style: Style | None = None) -> ConfirmationDialogue:
    """Return the dialog that a button shows before it acts; all four texts are plain."""
    return ConfirmationDialogue(
        clip(plain(title), MAX_CONFIRM_TITLE),
        Text(clip("\n".join(plain(line) for line in text.split("\n")), MAX_CONFIRM_TEXT), type_=TextType.PLAINTEXT),
        clip(plain(yes), MAX_CONFIRM_BUTTON),
        clip(plain(no), MAX_CONFIRM_BUTTON),
        style,
    )


def button(
    text: str,
    action_id: str,
    value: str,
    *,
    style: Style | None = None,
    confirm: ConfirmationDialogue | None = None,
    url: str | None = None,
) -> Button:
    """Return a button; raise an error of slackblocks for a `value` over 2,000 characters (a programming error)."""
    label = clip(plain(text), MAX_BUTTON)
    return Button(label, action_id=action_id, value=value or None, style=style, confirm=confirm, url=url)


def menu(
    placeholder: str,
    action_id: str,
    options: Sequence[tuple[str, str]],
    *,
    confirm: ConfirmationDialogue | None = None,
) -> StaticSelectMenu:
    """Return a menu of (label, value); raise an error of slackblocks for a value over 150 characters."""
    return StaticSelectMenu(
        action_id=action_id,
        options=[Option(_plain_text(label, MAX_OPTION), value) for label, value in options],
        placeholder=_plain_text(placeholder, MAX_PLACEHOLDER),
        confirm=confirm,
    )


def _plain_text(text: str, limit: int) -> Text:
    return Text(clip(plain(text), limit), type_=TextType.PLAINTEXT)


def actions(*elements: Button | StaticSelectMenu) -> BlockJson:
    """Return a row of buttons and menus (at most 25)."""
    return rendered(ActionsBlock(list(elements)))


def message(text: str, *blocks: BlockJson) -> Message:
    """Build a message within the totals of Slack; `text` is the sentence for notifications and screen readers.

    Blocks beyond 50 are counted, not shown; tables beyond 10,000 characters in all become plain text. A chart gets its
    figures as small print and in `text`. Raise ValueError if two blocks or two buttons share an id (a programming
    error).
    """
    twins = [escape(charts.twin(block)) for block in blocks if block["type"] == charts.KIND]
    blocks, text = tuple(_with_twins(blocks)), " ".join((text, *twins))
    shown = blocks if len(blocks) <= MAX_BLOCKS else (*blocks[: MAX_BLOCKS - 1], _left_out(len(blocks)))
    _check_ids(shown)
    return Message(clip(text, MAX_TEXT), tuple(tables.within_budget(shown)))


def _with_twins(blocks: Sequence[BlockJson]) -> Iterator[BlockJson]:
    for block in blocks:
        yield block
        if block["type"] == charts.KIND:
            yield context(escape(charts.twin(block)))


def _left_out(total: int) -> BlockJson:
    return context(f"… and {total - MAX_BLOCKS + 1:,} more parts that one message cannot hold")


def _check_ids(blocks: Sequence[BlockJson]) -> None:
    used = [block["block_id"] for block in blocks if "block_id" in block]
    clicked = [element["action_id"] for block in blocks for element in _elements(block) if "action_id" in element]
    for ids in (used, clicked):
        if len(set(ids)) != len(ids):
            raise ValueError(f"an id is used twice in one message: {sorted(ids)}")


def _elements(block: BlockJson) -> Sequence[BlockJson]:
    accessory: Any = block.get("accessory")
    elements: Sequence[BlockJson] = block.get("elements", ())
    inside = [element for child in block.get("child_blocks", ()) for element in _elements(child)]
    return (*elements, *inside, accessory) if accessory else (*elements, *inside)
