"""/cm whoami and /cm version: who is asking, what they may do and why, and what answers. Pure."""

from collections.abc import Sequence

from bot.interactions.message import Message
from bot.views.blocks import code, escape, message, section
from bot.views.parts import bullets


def whoami(user: str, channel: str, sentences: Sequence[str]) -> Message:
    """What `user` (a Slack id) may do, one sentence a line; `channel` is the id of where they asked."""
    told = [escape(sentence) for sentence in sentences]
    text = f"You are {escape(user)}. {' '.join(told)}"
    head = f"You are <@{escape(user)}> ({code(user)}), in <#{escape(channel)}> ({code(channel)})."
    return message(text, section(f"{head}\n{bullets(told)}"))


def version(words: str, docs_url: str) -> Message:
    """Which version answers, and where its manual is."""
    manual = f" Its manual: {escape(docs_url)}" if docs_url else ""
    return message(f"{escape(words)}.{manual}", section(f"*{escape(words)}*.{manual}"))
