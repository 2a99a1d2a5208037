"""The Web API methods that write: posting, editing, deleting, pins, reactions, views, files."""

import secrets
from collections.abc import Mapping
from typing import Any

from bot.playground.slack.blockkit import check_view
from bot.playground.slack.posting import (
    ApiError,
    channel_for,
    content_of,
    listed,
    message_json,
    own_message,
    thread_of,
)
from bot.playground.slack.workspace import Message, ResponseUrl, View, Workspace

Args = Mapping[str, Any]
Answer = dict[str, Any]


def _true(value: Any) -> bool:
    return value is True or str(value).lower() in {"true", "1"}


def chat_post_message(ws: Workspace, args: Args) -> Answer:
    """chat.postMessage."""
    channel = channel_for(ws, args)
    thread_ts = thread_of(ws, channel, args)
    broadcast = bool(thread_ts) and _true(args.get("reply_broadcast"))
    message = ws.add(
        Message(
            channel=channel.id,
            ts="",
            user=ws.team.bot_user,
            thread_ts=thread_ts,
            broadcast=broadcast,
            **content_of(ws, args),
        )
    )
    return {"channel": channel.id, "ts": message.ts, "message": message_json(ws, message)}


def chat_update(ws: Workspace, args: Args) -> Answer:
    """chat.update: an update without blocks removes the blocks."""
    message = own_message(ws, args, "cant_update_message")
    content = content_of(ws, args)
    content["metadata"] = content["metadata"] or message.metadata
    changed = ws.change(message, **content, edited=True)
    return {"channel": changed.channel, "ts": changed.ts, "text": changed.text, "message": message_json(ws, changed)}


def chat_delete(ws: Workspace, args: Args) -> Answer:
    """chat.delete."""
    message = own_message(ws, args, "cant_delete_message")
    ws.change(message, deleted=True)
    return {"channel": message.channel, "ts": message.ts}


def chat_post_ephemeral(ws: Workspace, args: Args) -> Answer:
    """chat.postEphemeral."""
    channel = channel_for(ws, args)
    user = str(args.get("user") or "")
    if ws.team.user(user) is None or not ws.team.is_in(user, channel):
        raise ApiError("user_not_in_channel")
    content = content_of(ws, args)
    thread_ts = thread_of(ws, channel, args)
    message = ws.add(
        Message(channel=channel.id, ts="", user=ws.team.bot_user, only_for=user, thread_ts=thread_ts, **content)
    )
    return {"message_ts": message.ts}


def pins_add(ws: Workspace, args: Args) -> Answer:
    """pins.add."""
    channel = channel_for(ws, args)
    message = ws.find(channel.id, str(args.get("timestamp") or ""))
    if message is None:
        raise ApiError("message_not_found")
    if message.pinned:
        raise ApiError("already_pinned")
    ws.change(message, pinned=True)
    return {}


def pins_list(ws: Workspace, args: Args) -> Answer:
    """pins.list."""
    channel = channel_for(ws, args, member=False)
    pinned = [m for m in ws.messages if m.channel == channel.id and m.pinned and not m.deleted]
    return {"items": [{"type": "message", "channel": channel.id, "message": message_json(ws, m)} for m in pinned]}


def reactions_add(ws: Workspace, args: Args) -> Answer:
    """reactions.add."""
    channel = channel_for(ws, args)
    message = ws.find(channel.id, str(args.get("timestamp") or ""))
    if message is None:
        raise ApiError("message_not_found")
    names = ws.reactions.setdefault((message.channel, message.ts), [])
    if args.get("name") in names:
        raise ApiError("already_reacted")
    names.append(str(args.get("name")))
    return {}


def _checked_view(ws: Workspace, args: Args, kind: str) -> dict[str, Any]:
    view = listed(args.get("view"))
    problems = check_view(view)
    if not problems and view["type"] != kind:
        problems = [f"must be a {kind} view [json-pointer:/view/type]"]
    if problems:
        ws.violate("invalid_view", "; ".join(problems))
        raise ApiError("invalid_arguments", response_metadata={"messages": problems})
    return dict(view)


def view_json(ws: Workspace, view: View) -> dict[str, Any]:
    """A view as payloads and answers tell it."""
    empty = {"private_metadata": "", "callback_id": "", "state": {"values": {}}}
    own = {"id": view.id, "team_id": ws.team.id, "app_id": ws.team.app_id, "bot_id": ws.team.bot_id, "hash": view.hash}
    return {**empty, **view.content, **own, "root_view_id": view.id, "previous_view_id": None}


def _put_view(held: dict[str, View], key: str, user: str, content: Mapping[str, Any]) -> View:
    old = held.get(key)
    view = View(old.id if old else key, user, content, secrets.token_hex(8))
    held[key] = view
    return view


def views_open(ws: Workspace, args: Args) -> Answer:
    """views.open: needs a trigger_id, three seconds old at most."""
    content = _checked_view(ws, args, "modal")
    user = ws.use_trigger(str(args.get("trigger_id") or ""))
    if user is None:
        raise ApiError("expired_trigger_id")
    view = _put_view(ws.views, ws.new_id("V"), user, content)
    ws.tell({"type": "view", "user": user, "view": view_json(ws, view)})
    return {"view": view_json(ws, view)}


def views_update(ws: Workspace, args: Args) -> Answer:
    """views.update."""
    content = _checked_view(ws, args, "modal")
    old = ws.views.get(str(args.get("view_id") or ""))
    if old is None:
        raise ApiError("not_found")
    if args.get("hash") and args["hash"] != old.hash:
        raise ApiError("hash_conflict")
    view = _put_view(ws.views, old.id, old.user, content)
    ws.tell({"type": "view", "user": view.user, "view": view_json(ws, view)})
    return {"view": view_json(ws, view)}


def views_publish(ws: Workspace, args: Args) -> Answer:
    """views.publish: a person's Home tab."""
    content = _checked_view(ws, args, "home")
    user = str(args.get("user_id") or "")
    if ws.team.user(user) is None:
        raise ApiError("user_not_found")
    old = ws.homes.get(user)
    view = View(old.id if old else ws.new_id("V"), user, content, secrets.token_hex(8))
    ws.homes[user] = view
    ws.tell({"type": "home", "user": user})
    return {"view": view_json(ws, view)}


def files_get_upload_url(ws: Workspace, args: Args) -> Answer:
    """files.getUploadURLExternal: the address is completed by the server."""
    if not args.get("filename") or not str(args.get("length") or "").isdigit():
        raise ApiError("invalid_arguments")
    file_id = ws.new_id("F")
    ws.uploads[file_id] = {"name": str(args["filename"]), "length": int(args["length"]), "content": b""}
    return {"file_id": file_id, "upload_url": f"/upload/{file_id}"}


def files_complete_upload(ws: Workspace, args: Args) -> Answer:
    """files.completeUploadExternal: shares the files in a channel or thread."""
    files = [item for item in listed(args.get("files")) or () if item.get("id") in ws.uploads]
    if not files:
        raise ApiError("invalid_arguments")
    told = [
        {
            "id": item["id"],
            "name": ws.uploads[item["id"]]["name"],
            "title": item.get("title") or ws.uploads[item["id"]]["name"],
            "size": len(ws.uploads[item["id"]]["content"]),
            "url": f"/upload/{item['id']}",
        }
        for item in files
    ]
    if args.get("channel_id"):
        channel = channel_for(ws, {"channel": args["channel_id"]})
        text = str(args.get("initial_comment") or "")
        thread_ts = thread_of(ws, channel, args)
        ws.add(Message(channel.id, "", ws.team.bot_user, text, thread_ts=thread_ts, files=tuple(told)))
    return {"files": told}


def respond(ws: Workspace, held: ResponseUrl, body: Args) -> None:
    """Carry out one use of a response_url; raises ApiError."""
    original = ws.find(held.channel, held.original) if held.original else None
    if body.get("delete_original"):
        if original is not None:
            ws.change(original, deleted=True)
        return
    content = content_of(ws, body)
    if body.get("replace_original") and original is not None:
        ws.change(original, **content, edited=not original.only_for)
        return
    private = body.get("response_type", "ephemeral") != "in_channel"
    thread_ts = str(body.get("thread_ts") or held.thread_ts)
    only_for = held.user if private else ""
    message = Message(held.channel, "", ws.team.bot_user, only_for=only_for, thread_ts=thread_ts, **content)
    held.original = ws.add(message).ts
