"""Containers: a few blocks folded under a title, and what stands for them where Slack takes none. No I/O."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.interactions.message import BlockJson, Message
from bot.views.blocks import button, clip, code, context, plain, section

KIND = "container"
OP_DETAILS = "op_details"
"""The action id of the button that stands for a container of a card; the value is {"op": id}."""
MAX_CHILDREN = 10
_MAX_TITLE = 150
_OF_OPERATION = re.compile(r"fold:op:(\d+)")


def folded(title: str, children: Sequence[BlockJson], *, op_id: int = 0) -> BlockJson:
    """Return a container that is closed at first; `op_id` is the number of the operation that it belongs to (0: none).

    Raise ValueError without children (a programming error); those beyond ten are counted.
    """
    if not children:
        raise ValueError("a container has at least one child")
    shown = [*children]
    if len(shown) > MAX_CHILDREN:
        left = len(shown) - MAX_CHILDREN + 1
        shown = [*shown[: MAX_CHILDREN - 1], context(f"… and {left} more parts")]
    return {
        "type": KIND,
        "title": {"type": "plain_text", "text": clip(plain(title), _MAX_TITLE), "emoji": True},
        "child_blocks": shown,
        "is_collapsible": True,
        "default_collapsed": True,
        **({"block_id": f"fold:op:{op_id}"} if op_id else {}),
    }


def has_containers(message: Message) -> bool:
    """True if a message has a container."""
    return any(block["type"] == KIND for block in message.blocks)


def unfolded(blocks: Sequence[BlockJson]) -> Iterator[BlockJson]:
    """Yield the blocks with the content of each container below its title, as for a modal, which takes no container."""
    for block in blocks:
        if block["type"] == KIND:
            yield section(f"*{_title(block)}*")
            yield from block["child_blocks"]
        else:
            yield block


def titles_only(message: Message) -> Message:
    """Return the message with the title of each container in its place, as while a form is filled in."""
    shown = (context(_title(block)) if block["type"] == KIND else block for block in message.blocks)
    return replace(message, blocks=tuple(shown))


def without_containers(message: Message) -> Message:
    """Return the message for a workspace that takes no container: its title with a button that opens its content.

    A container that belongs to no operation is unfolded.
    """
    return replace(message, blocks=tuple(_plain(message.blocks)))


def _plain(blocks: Sequence[BlockJson]) -> Iterator[BlockJson]:
    for block in blocks:
        found = _OF_OPERATION.fullmatch(block.get("block_id", "")) if block["type"] == KIND else None
        if found:
            opens = button("Details", OP_DETAILS, json.dumps({"op": int(found[1])}))
            yield section(f"{_title(block)}. All of it: {code(f'/cm op {found[1]}')}", accessory=opens)
        else:
            yield from unfolded([block])


def _title(block: BlockJson) -> str:
    # As it was rendered: plain text, in which only these three characters have a meaning in mrkdwn.
    title: str = block["title"]["text"]
    return title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
