"""The name of the slash command in what people read: /cm in all texts, replaced where they leave. No I/O."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from bot.interactions.message import Message

DEFAULT = "/cm"
"""The name in the program's own texts."""
_WORD = re.compile(rf"(?<![\w/.-]){DEFAULT}(?![\w/-])")
_KEPT = frozenset({"action_id", "block_id", "callback_id", "initial_value", "private_metadata", "url", "value"})
"""Keys of Slack's JSON whose texts no one reads, or that a person wrote."""
MAX_TEXT = 3000
"""Characters of a text in a block: one that a longer name would make too long keeps the default."""

InText = Callable[[str], str]


def with_command(text: str, name: str) -> str:
    """Return the text with the name of the installation's command."""
    if name == DEFAULT or DEFAULT not in text:
        return text
    named = _WORD.sub(name, text)
    return text if len(text) <= MAX_TEXT < len(named) else named


def json_with_command(value: Any, name: str) -> Any:
    """Return blocks or a view with the name of the installation's command in all texts that people read."""
    return value if name == DEFAULT else _changed(value, partial(with_command, name=name))


def message_with_command(message: Message, name: str) -> Message:
    """Return the message with the name of the installation's command."""
    return message if name == DEFAULT else message_in_words(message, partial(with_command, name=name))


def message_in_words(message: Message, change: InText) -> Message:
    """Return the message with all texts that people read changed."""
    blocks = tuple(_changed(dict(block), change) for block in message.blocks)
    return replace(message, text=change(message.text), blocks=blocks)


def _changed(value: Any, change: InText) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: each if key in _KEPT else _changed(each, change) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_changed(each, change) for each in value]
    return value
