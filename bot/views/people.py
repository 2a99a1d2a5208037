"""/cm whoami and /cm version: the rights of the person who asks, and the version that answers. No I/O."""

from collections.abc import Sequence

from bot.interactions.message import Message
from bot.views.blocks import code, escape, message, section
from bot.views.parts import bullets


def whoami(user: str, channel: str, sentences: Sequence[str]) -> Message:
    """Render the rights of `user` (an id of Slack), one sentence a line; `channel` is the id of the channel."""
    rights = [escape(sentence) for sentence in sentences]
    text = f"You are {escape(user)}. {' '.join(rights)}"
    head = f"You are <@{escape(user)}> ({code(user)}), in <#{escape(channel)}> ({code(channel)})."
    return message(text, section(f"{head}\n{bullets(rights)}"))


def version(version_text: str, docs_url: str) -> Message:
    """Render the version, and the address of the manual."""
    manual = f" Manual: {escape(docs_url)}" if docs_url else ""
    return message(f"{escape(version_text)}.{manual}", section(f"*{escape(version_text)}*.{manual}"))
