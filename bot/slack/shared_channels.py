"""Channels that are shared with another organisation (Slack Connect), or about to be: looked up, and remembered."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.common.errors import SlackError

log = structlog.get_logger(__name__)

FRESH_SECONDS = 300.0
"""Seconds for which an answer of Slack holds; an event that tells of a change counts at once."""
NO_SCOPE_SECONDS = 60.0
"""Seconds for which Slack is not asked again after it named a missing scope."""
FAILED_SECONDS = 3.0
"""Seconds for which Slack is not asked again after any other failed look."""
LOOK_SECONDS = 4.0
_MAX_CHANNELS = 2000


class SharedChannels:
    """Answers if a channel is shared; `look` asks Slack and raises SlackError.

    A channel about which Slack gives no answer counts as it did before; without an answer before it is unknown. An app
    without the scope for this question leaves it out: a channel without an answer before counts as not shared then.
    """

    def __init__(self, look: Callable[[str], Awaitable[bool]], monotonic: Callable[[], float]) -> None:
        self._look, self._monotonic = look, monotonic
        self._known: dict[str, tuple[float, bool | None]] = {}

    async def __call__(self, channel: str) -> bool | None:
        """Return True if the channel is shared, None if that is unknown; never raises. Direct messages are none."""
        if not channel.startswith(("C", "G")):
            return False
        before = self._known.get(channel)
        if before is not None and self._monotonic() < before[0]:
            return before[1]
        shared, seconds = await self._asked(channel, before[1] if before is not None else None)
        now = self._known.get(channel)
        if now is not None and now is not before and now[1]:
            # An event came while Slack was asked; the answer may be older.
            return True
        self._keep(channel, shared, seconds)
        return shared

    async def _asked(self, channel: str, before: bool | None) -> tuple[bool | None, float]:
        """Return what counts now, and for how many seconds."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                return await self._look(channel), FRESH_SECONDS
        except (SlackError, TimeoutError) as error:
            log.warning("slack.sharing_unknown", channel=channel, error=str(error) or "timeout")
            if isinstance(error, SlackError) and error.code == "missing_scope":
                return bool(before), NO_SCOPE_SECONDS
            return before, FAILED_SECONDS

    def note(self, channel: str, *, shared: bool) -> None:
        """Record what an event of Slack says of a channel."""
        self._keep(channel, shared, FRESH_SECONDS)

    def _keep(self, channel: str, shared: bool | None, seconds: float) -> None:
        if len(self._known) >= _MAX_CHANNELS:
            self._known.clear()
        self._known[channel] = (self._monotonic() + seconds, shared)
