"""Messages that cannot be posted or edited where they belong, and the notice once that works again. No I/O."""

from dataclasses import replace

from bot.interactions.message import Message
from bot.views.blocks import MAX_BLOCKS, context, date, escape, message, section


def rerouted(found: Message, home: str) -> Message:
    """Return the message as posted in another channel; it names its `home` channel."""
    said = f"For <#{escape(home)}>, where cmbot cannot post:"
    blocks = (context(said), *found.blocks)[:MAX_BLOCKS] if found.blocks else ()
    return replace(found, text=f"{said} {found.text}", blocks=blocks)


def as_replacement(found: Message, link: str) -> Message:
    """Return the message as posted in place of the one at `link` ("": unknown), which can no longer be edited."""
    before = f"<{link}|the previous message>" if link else "the previous message"
    return _headed(found, f"This is the newest state: Slack no longer lets cmbot edit {before}.")


def as_moved(found: Message, link: str, channel: str) -> Message:
    """Return the message as posted in the channel where it belongs now; at `link` ("": unknown) is the one before."""
    before = f"<{link}|the message there>" if link else "a message there"
    return _headed(found, f"Until now this was in <#{escape(channel)}>: {before} stays as it was.")


def as_channel_message(found: Message, link: str) -> Message:
    """Return a reply as posted in the channel, because the thread of the message at `link` takes no replies."""
    about = f"<{link}|this message>" if link else "a message above"
    return _headed(found, f"About {about}, whose thread takes no replies:")


def _headed(found: Message, said: str) -> Message:
    blocks = (context(said), *found.blocks)[:MAX_BLOCKS] if found.blocks else (context(said), section(found.text))
    return replace(found, blocks=blocks)


def channel_recovered(since: float, error: str, fallback: str) -> Message:
    """Announce in a channel that it takes messages again."""
    where = f" The messages meanwhile are in <#{escape(fallback)}>." if fallback else ""
    text = f"cmbot can post here again. It could not since {date(since, 'minute')} ({escape(error)}).{where} {_ALERTS}"
    return message(text, context(text))


_ALERTS = "Open alerts: `/cm alerts`"
