"""Channels that are shared with another organisation (Slack Connect), or about to be: looked up, and remembered."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.common.errors import SlackError

log = structlog.get_logger(__name__)

FRESH_SECONDS = 300.0
"""Seconds for which an answer of Slack holds; an event that tells of a change counts at once."""
LOOK_SECONDS = 2.0
_MAX_CHANNELS = 2000


class SharedChannels:
    """Answers if a channel is shared; `look` asks Slack and raises SlackError.

    A channel about which Slack gives no answer counts as it did before, and as not shared at first: people of other
    organisations are refused by who they are, in any channel.
    """

    def __init__(self, look: Callable[[str], Awaitable[bool]], monotonic: Callable[[], float]) -> None:
        self._look, self._monotonic = look, monotonic
        self._known: dict[str, tuple[float, bool]] = {}

    async def __call__(self, channel: str) -> bool:
        """Return True if the channel is shared; never raises. A direct message is no channel."""
        if not channel.startswith(("C", "G")):
            return False
        until, shared = self._known.get(channel, (0.0, False))
        if self._monotonic() < until:
            return shared
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                shared = await self._look(channel)
        except (SlackError, TimeoutError) as error:
            log.warning("slack.sharing_unknown", channel=channel, error=str(error) or "timeout")
        self.note(channel, shared=shared)
        return shared

    def note(self, channel: str, *, shared: bool) -> None:
        """Record what an event of Slack or an answer says of a channel."""
        if len(self._known) >= _MAX_CHANNELS:
            self._known.clear()
        self._known[channel] = (self._monotonic() + FRESH_SECONDS, shared)
