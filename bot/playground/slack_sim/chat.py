"""The methods on messages and channels: chat.*, conversations.*, pins, reactions and files."""

from typing import Any

from bot.playground.slack_sim.arguments import (
    Answer,
    Args,
    content_of,
    is_true,
    joined_channel,
    known_channel,
    paged,
    public_message,
    structure,
    text_of,
    thread_of,
)
from bot.playground.slack_sim.errors import ApiError
from bot.playground.slack_sim.message import Message
from bot.playground.slack_sim.payloads import CREATED, channel_json, message_json
from bot.playground.slack_sim.team import Channel
from bot.playground.slack_sim.workspace import Workspace


def post_message(ws: Workspace, args: Args) -> Answer:
    """chat.postMessage."""
    channel = joined_channel(ws, args)
    thread_ts = thread_of(ws, channel, args, "chat.postMessage")
    content = content_of(ws, args, "chat.postMessage")
    broadcast = bool(thread_ts) and is_true(args, "reply_broadcast")
    message = ws.add(Message(channel.id, "", ws.team.bot_user, thread_ts=thread_ts, broadcast=broadcast, **content))
    return {"channel": channel.id, "ts": message.ts, "message": message_json(ws, message, metadata=True)}


def update(ws: Workspace, args: Args) -> Answer:
    """chat.update: an update without blocks removes the blocks, one without metadata keeps it."""
    message = _own(ws, args, "cant_update_message")
    content = content_of(ws, args, "chat.update")
    changed = ws.change(message, **content, edited_ts=ws.new_ts())
    shown = message_json(ws, changed, metadata=True)
    return {"channel": changed.channel, "ts": changed.ts, "text": changed.text, "message": shown}


def delete(ws: Workspace, args: Args) -> Answer:
    """chat.delete."""
    message = ws.change(_own(ws, args, "cant_delete_message"), deleted=True)
    return {"channel": message.channel, "ts": message.ts}


def post_ephemeral(ws: Workspace, args: Args) -> Answer:
    """chat.postEphemeral: seen by one member of the channel, found by no method."""
    channel = joined_channel(ws, args)
    user = text_of(args, "user")
    if ws.team.user(user) is None or not ws.team.is_in(user, channel):
        raise ApiError("user_not_in_channel", f"{user!r:.40} in #{channel.name}")
    thread_ts = thread_of(ws, channel, args, "chat.postEphemeral")
    content = content_of(ws, args, "chat.postEphemeral")
    content.pop("metadata", None)
    message = ws.add(Message(channel.id, "", ws.team.bot_user, only_for=user, thread_ts=thread_ts, **content))
    return {"message_ts": message.ts}


def get_permalink(ws: Workspace, args: Args) -> Answer:
    """chat.getPermalink: the message's place on the page; the server puts its origin before it."""
    channel = known_channel(ws, args)
    message = public_message(ws, channel, text_of(args, "message_ts"))
    place = f"/#/{channel.id}/{message.ts}"
    return {"channel": channel.id, "permalink": place + (f"/{message.thread_ts}" if message.thread_ts else "")}


def _own(ws: Workspace, args: Args, refusal: str) -> Message:
    channel = joined_channel(ws, args)
    message = public_message(ws, channel, text_of(args, "ts"))
    if message.user != ws.team.bot_user:
        raise ApiError(refusal, "only the app's own messages")
    return message


def info(ws: Workspace, args: Args) -> Answer:
    """conversations.info."""
    return {"channel": channel_json(ws, known_channel(ws, args))}


def listing(ws: Workspace, args: Args) -> Answer:
    """conversations.list: private channels only where the app is in them."""
    types = {kind.strip() for kind in (text_of(args, "types") or "public_channel").split(",")}
    archived = not is_true(args, "exclude_archived")
    shown = [
        channel
        for channel in ws.team.channels
        if (channel.has_bot if channel.is_private else True)
        and ("private_channel" if channel.is_private else "public_channel") in types
        and (archived or not channel.is_archived)
    ]
    return paged([channel_json(ws, channel) for channel in shown], args, "channels")


def members(ws: Workspace, args: Args) -> Answer:
    """conversations.members."""
    channel = known_channel(ws, args)
    people = [user.id for user in ws.team.users if ws.team.is_in(user.id, channel)]
    return paged([*people, *([ws.team.bot_user] if channel.has_bot else [])], args, "members")


def open_direct(ws: Workspace, args: Args) -> Answer:
    """conversations.open with one person."""
    user = text_of(args, "users")
    if ws.team.user(user) is None:
        raise ApiError("user_not_found", f"{user!r:.40}")
    return {"channel": {"id": ws.open_im(user).id}}


def history(ws: Workspace, args: Args) -> Answer:
    """conversations.history: newest first; replies only where they were broadcast, ephemeral messages never."""
    channel = _joined(ws, args)
    public = [m for m in ws.messages if m.channel == channel.id and not m.deleted and not m.only_for and m.in_channel]
    return _message_page(ws, sorted(_between(public, args), key=lambda m: m.ts, reverse=True), args)


def replies(ws: Workspace, args: Args) -> Answer:
    """conversations.replies: the parent, then the replies, oldest first."""
    channel = _joined(ws, args)
    parent = ws.find(channel.id, text_of(args, "ts"))
    if parent is None or parent.only_for:
        raise ApiError("thread_not_found", text_of(args, "ts")[:40])
    return _message_page(ws, [parent, *_between(ws.replies(channel.id, parent.ts), args)], args)


def _joined(ws: Workspace, args: Args) -> Channel:
    channel = known_channel(ws, args)
    if not channel.has_bot:
        raise ApiError("not_in_channel", f"#{channel.name}")
    return channel


def _between(messages: list[Message], args: Args) -> list[Message]:
    try:
        oldest, latest = float(text_of(args, "oldest") or 0), float(text_of(args, "latest") or "inf")
    except ValueError as error:
        raise ApiError("invalid_ts_oldest") from error
    inclusive = is_true(args, "inclusive")
    return [m for m in messages if oldest < float(m.ts) < latest or (inclusive and float(m.ts) in {oldest, latest})]


def _message_page(ws: Workspace, messages: list[Message], args: Args) -> Answer:
    metadata = is_true(args, "include_all_metadata")
    page = paged([message_json(ws, message, metadata=metadata) for message in messages], args, "messages")
    return page | {"has_more": bool(page["response_metadata"]["next_cursor"])}


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
    """files.completeUploadExternal: share uploaded files in a channel or thread."""
    asked = structure(args, "files")
    if not isinstance(asked, list) or not asked:
        raise ApiError("invalid_arguments", "files is a list of {id, title}")
    shown = tuple(_file_json(ws, item) for item in asked)
    if args.get("channel_id"):
        channel = joined_channel(ws, args, "channel_id")
        thread_ts = thread_of(ws, channel, args, "files.completeUploadExternal")
        comment = text_of(args, "initial_comment")
        ws.add(Message(channel.id, "", ws.team.bot_user, comment, thread_ts=thread_ts, files=shown))
    return {"files": list(shown)}


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
