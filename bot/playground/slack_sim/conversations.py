"""The conversations.* methods: channels, members, histories, direct conversations."""

from bot.playground.slack_sim.arguments import Answer, Args, is_true, known_channel, paged, text_of
from bot.playground.slack_sim.message import Message
from bot.playground.slack_sim.objects import channel_json, message_json
from bot.playground.slack_sim.refusal import ApiError
from bot.playground.slack_sim.team import Channel
from bot.playground.slack_sim.workspace import Workspace


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
    return _told(ws, sorted(_between(public, args), key=lambda m: m.ts, reverse=True), args)


def replies(ws: Workspace, args: Args) -> Answer:
    """conversations.replies: the parent, then the replies, oldest first."""
    channel = _joined(ws, args)
    parent = ws.find(channel.id, text_of(args, "ts"))
    if parent is None or parent.only_for:
        raise ApiError("thread_not_found", text_of(args, "ts")[:40])
    return _told(ws, [parent, *_between(ws.replies(channel.id, parent.ts), args)], args)


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


def _told(ws: Workspace, messages: list[Message], args: Args) -> Answer:
    metadata = is_true(args, "include_all_metadata")
    page = paged([message_json(ws, message, metadata=metadata) for message in messages], args, "messages")
    return page | {"has_more": bool(page["response_metadata"]["next_cursor"])}
