"""The chat.* methods: posting, editing, deleting, permalinks."""

from bot.playground.slack_sim.arguments import (
    Answer,
    Args,
    is_true,
    joined_channel,
    known_channel,
    public_message,
    text_of,
)
from bot.playground.slack_sim.content import content_of, thread_of
from bot.playground.slack_sim.message import Message
from bot.playground.slack_sim.objects import message_json
from bot.playground.slack_sim.refusal import ApiError
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
    told = message_json(ws, changed, metadata=True)
    return {"channel": changed.channel, "ts": changed.ts, "text": changed.text, "message": told}


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
