"""The address of a message in Slack, where Slack tells it."""

from collections.abc import Awaitable, Callable

from bot.common.errors import SlackError

Permalink = Callable[[str, str], Awaitable[str]]
"""The address of a message (channel, ts); raises SlackError."""


async def link_to(permalink: Permalink, channel: str, ts: str) -> str:
    """The message's address, "" when it is not posted yet or Slack does not tell."""
    if not ts:
        return ""
    try:
        return await permalink(channel, ts)
    except SlackError:
        return ""
