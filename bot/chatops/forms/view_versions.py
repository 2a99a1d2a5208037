"""Versions of open views: the newest content wins, also if older content is ready later."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

import structlog

from bot.chatops.slack_gateway import SlackGateway
from bot.common.errors import SlackError
from bot.common.json_object import JsonObject

log = structlog.get_logger(__name__)

MAX_VIEWS = 500
"""Remembered views."""
CONFLICT = "hash_conflict"


@dataclass(slots=True)
class _Screen:
    hash: str = ""
    seen: str = ""
    turn: int = 0
    outcome: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ViewVersions:
    """The views that this process draws; for a forgotten view the hash of its payload is used."""

    def __init__(self, slack: SlackGateway) -> None:
        self._slack = slack
        self._screens: OrderedDict[str, _Screen] = OrderedDict()

    def turn(self, view_id: str, seen: str) -> int:
        """Start new content for a view whose hash was `seen`; content in preparation becomes void."""
        screen = self._screens.setdefault(view_id, _Screen(hash=seen))
        self._screens.move_to_end(view_id)
        while len(self._screens) > MAX_VIEWS:
            self._screens.popitem(last=False)
        screen.seen, screen.turn = seen, screen.turn + 1
        return screen.turn

    def is_newest(self, view_id: str, turn: int) -> bool:
        """True while no newer content is in preparation for the view."""
        screen = self._screens.get(view_id)
        return screen is not None and screen.turn == turn

    def has_outcome(self, view_id: str) -> bool:
        """True if the view shows the outcome of a check."""
        screen = self._screens.get(view_id)
        return screen is not None and screen.outcome

    async def show(self, view_id: str, turn: int, content: JsonObject, *, outcome: bool = False) -> None:
        """Show the content unless newer content is in preparation; a closed or sent view stays as it is.

        `outcome`: it has the outcome of a check.
        """
        screen = self._screens.get(view_id)
        if screen is None:
            return
        async with screen.lock:
            if screen.turn != turn:
                return
            screen.outcome = outcome
            for known in dict.fromkeys((screen.hash, screen.seen)):
                if await self._shown(view_id, screen, content, known):
                    return

    async def _shown(self, view_id: str, screen: _Screen, content: JsonObject, known: str) -> bool:
        try:
            screen.hash = (await self._slack.update_view(view_id, content, hash=known)).hash
        except SlackError as error:
            log.info("form.not_drawn", view=view_id, code=error.code, error=str(error))
            return error.code != CONFLICT
        return True
