"""Which content each open view shows: the newest wins, however long each took to be made."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from bot.common.errors import SlackError

log = structlog.get_logger(__name__)

MOST = 500
"""Views that are remembered."""
CONFLICT = "hash_conflict"


@dataclass(frozen=True, slots=True)
class Shown:
    """A view as Slack holds it: its id, and the hash of its content."""

    id: str
    hash: str


class Views(Protocol):
    """Slack's modals; every method raises SlackError."""

    async def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> Shown:
        """Open one, within three seconds of what brought the trigger."""

    async def update_view(self, view_id: str, view: Mapping[str, Any], *, hash: str = "") -> Shown:  # noqa: A002 - Slack's word
        """Show something else in it; with `hash` only if nothing changed since."""


@dataclass(slots=True)
class _Screen:
    hash: str = ""
    seen: str = ""
    turn: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ViewVersions:
    """The views that this process draws on; one it has forgotten is drawn on by what its payload says."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._screens: OrderedDict[str, _Screen] = OrderedDict()

    def turn(self, view_id: str, seen: str) -> int:
        """Begin to make new content for a view whose hash was `seen`; what is being made for it is void from now on."""
        screen = self._screens.setdefault(view_id, _Screen(hash=seen))
        self._screens.move_to_end(view_id)
        while len(self._screens) > MOST:
            self._screens.popitem(last=False)
        screen.seen, screen.turn = seen, screen.turn + 1
        return screen.turn

    async def show(self, view_id: str, turn: int, content: Mapping[str, Any]) -> None:
        """Show it unless something newer is being made; a view that is closed or was sent stays as it is."""
        screen = self._screens.get(view_id)
        if screen is None:
            return
        async with screen.lock:
            if screen.turn != turn:
                return
            for known in dict.fromkeys((screen.hash, screen.seen)):
                if await self._shown(view_id, screen, content, known):
                    return

    async def _shown(self, view_id: str, screen: _Screen, content: Mapping[str, Any], known: str) -> bool:
        try:
            screen.hash = (await self._views.update_view(view_id, content, hash=known)).hash
        except SlackError as error:
            log.info("form.not_drawn", view=view_id, code=error.code, error=str(error))
            return error.code != CONFLICT
        return True
