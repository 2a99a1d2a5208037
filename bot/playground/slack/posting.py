"""What Slack checks before a message exists or changes: text, blocks, metadata, channel, thread."""

import json
from collections.abc import Mapping
from typing import Any

from bot.playground.slack.blockkit import MOST_TEXT, check_blocks, doubled_action_ids
from bot.playground.slack.team import Channel
from bot.playground.slack.workspace import Message, Workspace


class ApiError(Exception):
    """An answer `{"ok": false, "error": code}`; `extra` is added to it."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra


EXPECTED = frozenset({"message_not_found", "not_in_channel", "is_archived", "channel_not_found", "user_not_found"})
"""Errors that a correct app can meet through what people did to its workspace."""


def listed(value: Any) -> Any:
    """A list or object that came as JSON text in a form."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ApiError("invalid_json") from error


def content_of(ws: Workspace, args: Mapping[str, Any]) -> dict[str, Any]:
    """The checked text, blocks and metadata of a message."""
    blocks = listed(args.get("blocks")) or []
    text = str(args.get("text") or "")
    if not text and not blocks:
        raise ApiError("no_text")
    if len(text) > MOST_TEXT:
        raise ApiError("msg_too_long")
    if problems := check_blocks(blocks):
        ws.violate("invalid_blocks", "; ".join(problems))
        raise ApiError("invalid_blocks", errors=problems, response_metadata={"messages": problems})
    if blocks and not text:
        ws.violate("no_fallback_text", "a message with blocks has no text for notifications and screen readers")
    for doubled in doubled_action_ids(blocks):
        ws.violate("doubled_action_id", f"action_id {doubled!r} stands in two blocks of one message")
    return {"text": text, "blocks": tuple(_with_ids(ws, blocks)), "metadata": _metadata(args)}


def _with_ids(ws: Workspace, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"block_id": ws.new_id("b"), **block} for block in blocks]


def _metadata(args: Mapping[str, Any]) -> Mapping[str, Any] | None:
    metadata = listed(args.get("metadata"))
    if metadata is None:
        return None
    right = (
        isinstance(metadata, dict)
        and isinstance(metadata.get("event_type"), str)
        and isinstance(metadata.get("event_payload"), dict)
    )
    if not right:
        raise ApiError("invalid_metadata_format")
    return dict(metadata)


def channel_for(ws: Workspace, args: Mapping[str, Any], *, member: bool = True) -> Channel:
    """The channel an app names; with `member` the app must be in it and it must not be archived."""
    channel = ws.team.channel(str(args.get("channel") or ""))
    if channel is None or (channel.is_private and not channel.has_bot):
        raise ApiError("channel_not_found")
    if member and channel.is_archived:
        raise ApiError("is_archived")
    if member and not channel.has_bot:
        raise ApiError("not_in_channel")
    return channel


def own_message(ws: Workspace, args: Mapping[str, Any], refusal: str) -> Message:
    """The app's own message that it wants to change."""
    channel = channel_for(ws, args)
    message = ws.find(channel.id, str(args.get("ts") or ""))
    if message is None or message.only_for:
        raise ApiError("message_not_found")
    if message.user != ws.team.bot_user:
        raise ApiError(refusal)
    return message


def thread_of(ws: Workspace, channel: Channel, args: Mapping[str, Any]) -> str:
    """The thread an app posts into, "" for the channel itself."""
    thread_ts = str(args.get("thread_ts") or "")
    if thread_ts and ws.find(channel.id, thread_ts) is None:
        raise ApiError("thread_not_found")
    return thread_ts


def message_json(ws: Workspace, message: Message, *, metadata: bool = False) -> dict[str, Any]:
    """A message as the Web API tells it."""
    told: dict[str, Any] = {"type": "message", "user": message.user, "text": message.text, "ts": message.ts}
    if message.user == ws.team.bot_user:
        told |= {"bot_id": ws.team.bot_id, "app_id": ws.team.app_id, "team": ws.team.id}
    if message.blocks:
        told["blocks"] = list(message.blocks)
    if message.thread_ts:
        told["thread_ts"] = message.thread_ts
    if message.broadcast:
        told["subtype"] = "thread_broadcast"
    if message.edited:
        told["edited"] = {"user": message.user, "ts": message.ts}
    if metadata and message.metadata:
        told["metadata"] = dict(message.metadata)
    return told
