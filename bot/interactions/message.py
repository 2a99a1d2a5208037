"""Message: the fallback text and blocks that one post in Slack consists of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BlockJson = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """What one post shows: `text` is a full sentence for phones and screen readers, `blocks` is Block Kit JSON.

    `metadata` is the event payload that lets the program find its own post again (flat, string values).
    """

    text: str
    blocks: tuple[BlockJson, ...] = ()
    metadata: Mapping[str, str] | None = None

    def to_json(self) -> dict[str, Any]:
        """The form in which the outbox keeps it."""
        return {"text": self.text, "blocks": [dict(block) for block in self.blocks], "metadata": self.metadata}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Message":
        """The inverse of `to_json`."""
        return cls(data["text"], tuple(data["blocks"]), data.get("metadata"))


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that Slack refused for good: for which channel (id), its text, Slack's word, since when."""

    channel: str
    text: str
    error: str
    at: float
