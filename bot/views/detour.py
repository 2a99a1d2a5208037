"""What is said when a message cannot be where it belongs: beside it elsewhere, and in its channel afterwards. Pure."""

from dataclasses import replace

from bot.views.blocks import MAX_BLOCKS, context, date, escape, message
from bot.views.message import Message


def detoured(found: Message, home: str) -> Message:
    """The message as it is told elsewhere: it says where it should have gone."""
    said = f"For <#{escape(home)}>, where cmbot cannot post:"
    blocks = (context(said), *found.blocks)[:MAX_BLOCKS] if found.blocks else ()
    return replace(found, text=f"{said} {found.text}", blocks=blocks)


def back(since: float, error: str, fallback: str) -> Message:
    """Said in a channel once it takes messages again."""
    where = f" What was told meanwhile is in <#{escape(fallback)}>." if fallback else ""
    text = f"cmbot can post here again. It could not since {date(since, 'minute')} ({escape(error)}).{where} {_ALERTS}"
    return message(text, context(text))


_ALERTS = "What is open now: /cm alerts"
