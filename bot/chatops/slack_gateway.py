"""SlackGateway: the calls to Slack that chatops makes; bot/slack implements them."""

from collections.abc import Sequence
from typing import Protocol

from bot.common.frozen import frozen
from bot.common.json_object import JsonObject
from bot.interactions.command import FileShare, Reply
from bot.interactions.message import BlockJson, Message


@frozen
class OpenView:
    """An open view in Slack: its id, and the hash of its content."""

    id: str
    hash: str


@frozen
class Asked:
    """A message of a person that is answered in its thread: `ts` names the first message of the thread.

    `begun` is True if the question itself was asked in the thread.
    """

    channel: str
    ts: str
    user: str
    begun: bool


class SlackGateway(FileShare, Protocol):
    """Answers, direct messages, views and files; every method raises SlackError."""

    async def respond(self, response_url: str, reply: Reply, *, replace: bool = False) -> None:
        """Answer by response_url; `replace` puts the reply in the place of the answer before."""

    async def post(self, channel: str, message: Message) -> str:
        """Post a message; the id of a person as the channel makes it a direct message. Returns its ts."""

    async def say(self, asked: Asked, reply: Reply, *, instead_of: str = "") -> str:
        """Answer in a thread, or edit the answer `instead_of`; returns its ts. A private one is for the asker alone."""

    async def permalink(self, channel: str, ts: str) -> str:
        """Return the address of a message."""

    async def open_view(self, trigger_id: str, view: JsonObject) -> OpenView:
        """Open a modal, within three seconds of its trigger."""

    async def update_view(self, view_id: str, view: JsonObject, *, hash: str = "") -> OpenView:  # noqa: A002 - Slack's word
        """Replace the content of a modal; with `hash` only if the content has not changed since."""

    async def publish_home(self, user: str, blocks: Sequence[BlockJson]) -> None:
        """Publish the Home tab of a person."""
