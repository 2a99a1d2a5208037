"""Words for messages that cannot be in their own channel, and for its return. No I/O."""

from dataclasses import replace

from bot.interactions.message import Message
from bot.views.blocks import MAX_BLOCKS, context, date, escape, message, section


def detoured(found: Message, home: str) -> Message:
    """The message as posted in another channel, with the name of its own channel."""
    said = f"For <#{escape(home)}>, where cmbot cannot post:"
    blocks = (context(said), *found.blocks)[:MAX_BLOCKS] if found.blocks else ()
    return replace(found, text=f"{said} {found.text}", blocks=blocks)


def instead(found: Message, link: str) -> Message:
    """The message as it is posted in the place of one that cannot be edited any more; `link` is that one's or ""."""
    before = f"<{link}|the message before>" if link else "the message before"
    return _headed(found, f"This is the newest state: Slack does not let cmbot edit {before} any more.")


def aloud(found: Message, link: str) -> Message:
    """A reply as it is said in the channel itself, because the thread of the message at `link` takes none."""
    about = f"<{link}|this message>" if link else "a message above"
    return _headed(found, f"About {about}, whose thread takes no replies:")


def _headed(found: Message, said: str) -> Message:
    blocks = (context(said), *found.blocks)[:MAX_BLOCKS] if found.blocks else (context(said), section(found.text))
    return replace(found, blocks=blocks)


def back(since: float, error: str, fallback: str) -> Message:
    """Said in a channel once it takes messages again."""
    where = f" Messages posted meanwhile are in <#{escape(fallback)}>." if fallback else ""
    text = f"cmbot can post here again. It could not since {date(since, 'minute')} ({escape(error)}).{where} {_ALERTS}"
    return message(text, context(text))


_ALERTS = "What is open now: /cm alerts"
