"""The methods that add something to a message or beside it: pins, reactions, files."""

from typing import Any

from bot.playground.slack_sim.arguments import (
    Answer,
    Args,
    joined_channel,
    known_channel,
    public_message,
    structure,
    text_of,
)
from bot.playground.slack_sim.content import thread_of
from bot.playground.slack_sim.message import Message
from bot.playground.slack_sim.objects import CREATED, message_json
from bot.playground.slack_sim.refusal import ApiError
from bot.playground.slack_sim.workspace import Workspace


def pins_add(ws: Workspace, args: Args) -> Answer:
    """pins.add."""
    message = public_message(ws, joined_channel(ws, args), text_of(args, "timestamp"))
    if message.pinned:
        raise ApiError("already_pinned")
    ws.change(message, pinned=True)
    return {}


def pins_list(ws: Workspace, args: Args) -> Answer:
    """pins.list."""
    channel = known_channel(ws, args)
    pinned = [m for m in ws.messages if m.channel == channel.id and m.pinned and not m.deleted]
    return {
        "items": [
            {
                "type": "message",
                "channel": channel.id,
                "message": message_json(ws, message),
                "created": CREATED,
                "created_by": ws.team.bot_user,
            }
            for message in pinned
        ]
    }


def reactions_add(ws: Workspace, args: Args) -> Answer:
    """reactions.add."""
    message = public_message(ws, joined_channel(ws, args), text_of(args, "timestamp"))
    mark = (text_of(args, "name").strip(":"), ws.team.bot_user)
    if not mark[0]:
        raise ApiError("invalid_name")
    if mark in message.reactions:
        raise ApiError("already_reacted")
    ws.change(message, reactions=(*message.reactions, mark))
    return {}


def get_upload_url(ws: Workspace, args: Args) -> Answer:
    """files.getUploadURLExternal; the server puts its origin before the address."""
    length = text_of(args, "length")
    if not args.get("filename") or not length.isdigit() or int(length) == 0:
        raise ApiError("invalid_arguments", "filename and length are needed")
    file_id = ws.new_id("F")
    ws.files[file_id] = {"name": text_of(args, "filename"), "length": int(length), "content": None}
    return {"file_id": file_id, "upload_url": f"/upload/{file_id}"}


def complete_upload(ws: Workspace, args: Args) -> Answer:
    """files.completeUploadExternal: shares uploaded files in a channel or thread."""
    asked = structure(args, "files")
    if not isinstance(asked, list) or not asked:
        raise ApiError("invalid_arguments", "files is a list of {id, title}")
    told = tuple(_file_json(ws, item) for item in asked)
    if args.get("channel_id"):
        channel = joined_channel(ws, args, "channel_id")
        thread_ts = thread_of(ws, channel, args, "files.completeUploadExternal")
        comment = text_of(args, "initial_comment")
        ws.add(Message(channel.id, "", ws.team.bot_user, comment, thread_ts=thread_ts, files=told))
    return {"files": list(told)}


def _file_json(ws: Workspace, item: Any) -> dict[str, Any]:
    held = ws.files.get(str(item.get("id"))) if isinstance(item, dict) else None
    if held is None or held["content"] is None:
        raise ApiError("file_not_found", "there is no such upload, or nothing was uploaded to it")
    if len(held["content"]) != held["length"]:
        raise ApiError("file_upload_size_mismatch", f"{held['length']} bytes were announced")
    address = f"/upload/{item['id']}"
    size = len(held["content"])
    return {
        "id": item["id"],
        "name": held["name"],
        "title": item.get("title") or held["name"],
        "size": size,
        "mode": "hosted",
        "url": address,
        "url_private": address,
        "permalink": address,
    }
