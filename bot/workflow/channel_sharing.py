"""Changes in channels that are shared with another organisation: refused, also while Slack does not say if one is."""

from collections.abc import Awaitable, Callable

from bot.common.errors import Refused
from bot.operations.operation_problems import ChannelShared, SharingUnknown

Shared = Callable[[str], Awaitable[bool | None]]
"""True if a channel is shared with another organisation, None while Slack has not said; never raises."""


async def never_shared(_channel: str) -> bool | None:
    """Return False."""
    return False


async def refuse_shared(shared: Shared, *channels: str) -> None:
    """Refuse a change in channels of which one is shared, or may be; raises Refused."""
    for channel in channels:
        found = await shared(channel)
        if found is None:
            raise Refused(SharingUnknown(channel))
        if found:
            raise Refused(ChannelShared(channel))
