"""Who we are in the workspace, and how our own messages are known again. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.common.message_key import MessageKey

EVENT_TYPE = "cmbot"
"""The event type of the metadata by which our own messages are found again."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot token belongs to: `user`, `bot`, `team_id` and `enterprise` are ids, `scopes` what it was granted.

    `enterprise` is "" outside an organisation.
    """

    user: str
    bot: str
    team: str
    scopes: frozenset[str]
    team_id: str = ""
    enterprise: str = ""


def is_ours(item: Any, message_key: MessageKey, me: Identity) -> bool:
    """Whether a message of the history is ours and of `slot`; another app may put the same metadata on its own."""
    if not isinstance(item, dict) or not isinstance(item.get("ts"), str):
        return False
    metadata = part(item, "metadata")
    ours = (me.user and item.get("user") == me.user) or (me.bot and item.get("bot_id") == me.bot)
    named = metadata.get("event_type") == EVENT_TYPE and part(metadata, "event_payload").get("slot") == str(message_key)
    return bool(ours and named)


def part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object under `name` in an answer, empty when there is none."""
    value = data.get(name)
    return value if isinstance(value, dict) else {}
