"""Holds: which channels must wait, and until when, because of Slack's rate limits or of a failure."""

from bot.delivery.retry_policy import RateLimit, RetryScope

PARALLEL = 12
"""Channels served at once: so many messages share a transaction in a burst, and may be maybe sent after a crash."""


class Holds:
    """Of one process; times in Unix seconds."""

    def __init__(self, pace: RateLimit) -> None:
        self._pace = pace
        self._booked: dict[str, float] = {}
        self._held: dict[str, float] = {}
        self.edits_until = self.all_until = 0.0

    def spend(self, channel: str, now: float) -> None:
        """Count a call in this channel."""
        self._booked[channel] = self._pace.spend(self._booked.get(channel, 0.0), now)

    def hold(self, channel: str, scope: RetryScope, until: float) -> None:
        """Wait with this channel, with all edits or with everything; not at all for one row."""
        if scope is RetryScope.CHANNEL:
            self._held[channel] = until
        elif scope is RetryScope.EDITS:
            self.edits_until = until
        elif scope is RetryScope.ALL:
            self.all_until = until

    def channels(self, now: float) -> set[str]:
        """Return the channels that must wait now, and forget those that need not."""
        self._held = {channel: until for channel, until in self._held.items() if until > now}
        self._booked = {channel: until for channel, until in self._booked.items() if until > now}
        paced = {channel for channel, until in self._booked.items() if self._pace.free_at(until) > now}
        return {*self._held, *paced}

    def shortest(self, now: float, most: float) -> float:
        """Return the seconds until the first wait of a channel or of the edits ends, at most `most`."""
        free = [self._pace.free_at(until) for until in self._booked.values()]
        return min([until - now for until in (*self._held.values(), *free, self.edits_until) if until > now] + [most])
