"""Who looks at the Home tab: Slack does not tell who leaves it, so those who opened it lately count. No I/O."""

from collections import OrderedDict
from dataclasses import replace

from bot.common.frozen import frozen

LATELY = 3600.0
"""Seconds after its opening for which a tab is kept up to date."""
APART = 30.0
"""Least seconds between two updates of one person's tab."""
MAX_VIEWERS = 200
"""People who are remembered; the one who opened the tab first is forgotten."""
MAX_AT_ONCE = 10
"""Tabs of one round: with a round every ten seconds, half of what Slack allows."""


@frozen
class _Viewer:
    opened_at: float
    shown_at: float = 0.0
    seen: int = 0


class HomeViewers:
    """The people of this process, and the state that each one's tab shows."""

    def __init__(self) -> None:
        self._viewers: OrderedDict[str, _Viewer] = OrderedDict()

    def __len__(self) -> int:
        """Return how many people are remembered."""
        return len(self._viewers)

    def opened(self, user: str, now: float) -> None:
        """Remember that a person opened the tab."""
        held = self._viewers.get(user, _Viewer(now))
        self._viewers[user] = replace(held, opened_at=now)
        self._viewers.move_to_end(user)
        while len(self._viewers) > MAX_VIEWERS:
            self._viewers.popitem(last=False)

    def shown(self, user: str, state: int, now: float) -> None:
        """Remember what the tab of a person shows, if they opened it lately."""
        if user in self._viewers:
            self._viewers[user] = replace(self._viewers[user], shown_at=now, seen=state)

    def due(self, state: int, now: float) -> tuple[str, ...]:
        """Return whose tab shows another state and may be updated now, the oldest first; forget who left."""
        for user in [user for user, held in self._viewers.items() if now - held.opened_at > LATELY]:
            del self._viewers[user]
        old = [
            (held.shown_at, user)
            for user, held in self._viewers.items()
            if held.seen != state and now - held.shown_at >= APART
        ]
        return tuple(user for _, user in sorted(old)[:MAX_AT_ONCE])
