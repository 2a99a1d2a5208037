"""Arguments of Web API calls as clients send them: JSON or forms, in which structures and flags are strings."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from bot.playground.slack_sim.message import Message
from bot.playground.slack_sim.refusal import ApiError
from bot.playground.slack_sim.team import Channel
from bot.playground.slack_sim.workspace import Workspace

Args = Mapping[str, Any]
Answer = dict[str, Any]
_PAGE = 100
_MOST = 1000


def text_of(args: Args, name: str) -> str:
    """A string argument, "" when it is missing."""
    value = args.get(name)
    return "" if value is None else str(value)


def is_true(args: Args, name: str) -> bool:
    """A flag: true, "true", 1 or "1"."""
    return text_of(args, name).lower() in {"true", "1"}


def structure(args: Args, name: str) -> Any:
    """A list or object, which in a form is JSON text; None when it is missing."""
    value = args.get(name)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ApiError(f"invalid_{name}_format" if name == "blocks" else "invalid_arguments", name) from error


def paged(items: list[Any], args: Args, key: str) -> Answer:
    """One page of a list, with Slack's cursor to the next."""
    start, limit = _cursor(text_of(args, "cursor")), _limit(args)
    after = start + limit
    more = after < len(items)
    cursor = base64.b64encode(f"next:{after}".encode()).decode() if more else ""
    return {key: items[start:after], "response_metadata": {"next_cursor": cursor}}


def _limit(args: Args) -> int:
    try:
        limit = int(text_of(args, "limit") or _PAGE)
    except ValueError as error:
        raise ApiError("invalid_limit") from error
    if not 0 < limit <= _MOST:
        raise ApiError("invalid_limit", f"limit is 1 to {_MOST}")
    return limit


def _cursor(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return max(0, int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:")))
    except ValueError as error:
        raise ApiError("invalid_cursor") from error


def known_channel(ws: Workspace, args: Args, name: str = "channel") -> Channel:
    """The channel an app names and may know of: private ones only when it is in them."""
    channel = ws.channel(text_of(args, name))
    if channel is None or (channel.is_private and not channel.has_bot):
        raise ApiError("channel_not_found", f"{text_of(args, name)!r:.60}")
    return channel


def joined_channel(ws: Workspace, args: Args, name: str = "channel") -> Channel:
    """A channel that the app is in and that is not archived; a person's id means the conversation with them."""
    target = text_of(args, name)
    if target.startswith("U") and ws.team.user(target):
        return ws.open_im(target)
    channel = known_channel(ws, args, name)
    if channel.is_archived:
        raise ApiError("is_archived", f"#{channel.name}")
    if not channel.has_bot:
        raise ApiError("not_in_channel", f"#{channel.name}")
    return channel


def public_message(ws: Workspace, channel: Channel, ts: str) -> Message:
    """A message that everybody in the channel sees; ephemeral ones cannot be found."""
    message = ws.find(channel.id, ts)
    if message is None or message.only_for:
        raise ApiError("message_not_found", f"{ts!r:.40} in #{channel.name}")
    return message
