"""/cm whoami: who is asking, and what they may do and why. Pure."""

from collections.abc import Sequence

from bot.views.blocks import code, escape, message, section
from bot.views.message import Message
from bot.views.parts import bullets


def whoami(user: str, channel: str, sentences: Sequence[str]) -> Message:
    """What `user` (a Slack id) may do, one sentence a line; `channel` is the id of where they asked."""
    told = [escape(sentence) for sentence in sentences]
    text = f"You are {escape(user)}. {' '.join(told)}"
    head = f"You are <@{escape(user)}> ({code(user)}), in <#{escape(channel)}> ({code(channel)})."
    return message(text, section(f"{head}\n{bullets(told)}"))
