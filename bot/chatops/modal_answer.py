"""Answers to clicks in a modal, and the memory of the details behind short answers."""

from collections import OrderedDict
from dataclasses import dataclass, field

import structlog

from bot.chatops.slack_gateway import SlackGateway
from bot.common.errors import SlackError
from bot.common.json_object import JsonObject
from bot.interactions.command import Details
from bot.interactions.message import Message
from bot.views.forms import loading, notice

log = structlog.get_logger(__name__)

MAX_KEPT = 64
"""Remembered details: a forgotten one is read again, and the modal says so."""


@dataclass(slots=True)
class DetailsMemory:
    """The details of the newest short answers of this process, by the value of the button that opens them."""

    most: int = MAX_KEPT
    _kept: OrderedDict[str, Details | Message] = field(default_factory=OrderedDict)

    def keep(self, details: Details | None) -> None:
        """Remember details, if there are any, in the place of older ones with the same key."""
        if details is None:
            return
        self._kept[details.key] = details
        self._kept.move_to_end(details.key)
        while len(self._kept) > self.most:
            self._kept.popitem(last=False)

    def recall(self, key: str) -> Message | None:
        """Return the details with that key, rendered; None if another process has them or they are forgotten."""
        held = self._kept.get(key)
        if isinstance(held, Details):
            held = self._kept[key] = held.render()
        return held


@dataclass(slots=True)
class ModalAnswer:
    """The modal with the answer to one click; `title` is "" if the answer is no modal.

    Slack opens a modal within three seconds of the click, so a slow answer opens it first and fills it later.
    """

    slack: SlackGateway
    trigger: str
    title: str
    _view: str = ""

    @property
    def opened(self) -> bool:
        """True if Slack has opened the modal."""
        return bool(self._view)

    async def wait(self, what: str) -> None:
        """Open the modal with the notice that `what` is being read."""
        if self.title:
            await self._open(loading(what))

    async def show(self, message: Message) -> bool:
        """Show a message in the modal; False if Slack opens none. A modal that was closed stays closed."""
        if not self.title:
            return False
        content = notice(message, self.title)
        if not self._view:
            return await self._open(content)
        try:
            await self.slack.update_view(self._view, content)
        except SlackError as error:
            log.info("answer.modal_closed", view=self._view, code=error.code)
        return True

    async def _open(self, content: JsonObject) -> bool:
        try:
            self._view = (await self.slack.open_view(self.trigger, content)).id
        except SlackError as error:
            log.info("answer.no_modal", code=error.code)
            self.title = ""
            return False
        return True
