"""The bot's identity in the workspace, and the recognition of our own messages. No I/O."""

from typing import Any

from bot.common.frozen import frozen
from bot.common.json_object import JsonObject
from bot.common.message_key import MessageKey

EVENT_TYPE = "cmbot"
"""The event type of the metadata of our messages."""


@frozen
class Identity:
    """The owner of the bot token: `user`, `bot`, `team_id` and `enterprise` are ids, `scopes` the granted scopes.

    `enterprise` is "" outside an organisation.
    """

    user: str
    bot: str
    team: str
    scopes: frozenset[str]
    team_id: str = ""
    enterprise: str = ""


def is_ours(item: Any, message_key: MessageKey, me: Identity) -> bool:
    """Return True if a message of the history is ours and has that key; other apps may use the same metadata."""
    if not isinstance(item, dict) or not isinstance(item.get("ts"), str):
        return False
    metadata = part(item, "metadata")
    ours = (me.user and item.get("user") == me.user) or (me.bot and item.get("bot_id") == me.bot)
    named = metadata.get("event_type") == EVENT_TYPE and part(metadata, "event_payload").get("slot") == str(message_key)
    return bool(ours and named)


def part(data: JsonObject, name: str) -> JsonObject:
    """Return the object under `name`, empty if there is none."""
    value = data.get(name)
    return value if isinstance(value, dict) else {}
