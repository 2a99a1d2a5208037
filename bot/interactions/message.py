"""Message: the fallback text and the blocks of one post in Slack."""

from collections.abc import Mapping

from bot.common.frozen import frozen
from bot.common.json_object import JsonObject

BlockJson = JsonObject
"""One block of Block Kit."""


@frozen
class Message:
    """The content of one post: `text` is a full sentence for phones and screen readers, `blocks` is Block Kit JSON.

    `metadata` is the event payload that lets the program find its own post again (flat, string values).
    """

    text: str
    blocks: tuple[BlockJson, ...] = ()
    metadata: Mapping[str, str] | None = None

    def to_json(self) -> JsonObject:
        """Return the form in which the outbox stores the message."""
        return {"text": self.text, "blocks": [dict(block) for block in self.blocks], "metadata": self.metadata}

    @classmethod
    def from_json(cls, data: JsonObject) -> "Message":
        """Return the message that `to_json` wrote."""
        return cls(data["text"], tuple(data["blocks"]), data.get("metadata"))


@frozen
class Undelivered:
    """A message that Slack refused for good: its channel (id) and text, Slack's error code, and the time."""

    channel: str
    text: str
    error: str
    at: float
