"""The Web API methods that read: who and what there is, histories, permalinks."""

import base64
from collections.abc import Mapping
from typing import Any

from bot.playground.slack.posting import ApiError, channel_for, message_json
from bot.playground.slack.team import Channel, User
from bot.playground.slack.workspace import Message, Workspace

Args = Mapping[str, Any]
Answer = dict[str, Any]
_PAGE = 100
_MOST = 1000


def auth_test(ws: Workspace, _args: Args) -> Answer:
    """auth.test."""
    team = ws.team
    return {
        "url": "http://127.0.0.1/",
        "team": team.name,
        "user": team.bot_name,
        "team_id": team.id,
        "user_id": team.bot_user,
        "bot_id": team.bot_id,
        "is_enterprise_install": False,
    }


def team_info(ws: Workspace, _args: Args) -> Answer:
    """team.info."""
    return {"team": {"id": ws.team.id, "name": ws.team.name, "domain": "local", "url": "http://127.0.0.1/"}}


def bots_info(ws: Workspace, args: Args) -> Answer:
    """bots.info."""
    if args.get("bot") != ws.team.bot_id:
        raise ApiError("bot_not_found")
    bot = {"id": ws.team.bot_id, "name": ws.team.bot_name, "app_id": ws.team.app_id, "user_id": ws.team.bot_user}
    return {"bot": {**bot, "deleted": False}}


def _paged(items: list[Any], args: Args, key: str) -> Answer:
    limit = _whole(args.get("limit"), _PAGE, _MOST)
    start = _cursor(str(args.get("cursor") or ""))
    after = start + limit
    following = base64.b64encode(f"next:{after}".encode()).decode() if after < len(items) else ""
    return {key: items[start:after], "has_more": bool(following), "response_metadata": {"next_cursor": following}}


def _whole(value: Any, default: int, most: int) -> int:
    try:
        number = int(value) if value is not None else default
    except (TypeError, ValueError) as error:
        raise ApiError("invalid_arguments") from error
    if not 0 < number <= most:
        raise ApiError("invalid_limit")
    return number


def _cursor(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
    except ValueError as error:
        raise ApiError("invalid_cursor") from error


def _channel_json(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_member": channel.has_bot,
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "name_normalized": channel.name,
    }


def conversations_info(ws: Workspace, args: Args) -> Answer:
    """conversations.info."""
    return {"channel": _channel_json(channel_for(ws, args, member=False))}


def conversations_list(ws: Workspace, args: Args) -> Answer:
    """conversations.list."""
    shown = [channel for channel in ws.team.channels if not channel.is_private or channel.has_bot]
    return _paged([_channel_json(channel) for channel in shown], args, "channels")


def conversations_members(ws: Workspace, args: Args) -> Answer:
    """conversations.members."""
    channel = channel_for(ws, args, member=False)
    people = [user.id for user in ws.team.users if ws.team.is_in(user.id, channel)]
    return _paged([*people, *([ws.team.bot_user] if channel.has_bot else [])], args, "members")


def conversations_open(ws: Workspace, args: Args) -> Answer:
    """conversations.open: there are no direct messages here, so a person's id stands for theirs."""
    users = str(args.get("users") or "")
    if ws.team.user(users) is None:
        raise ApiError("user_not_found")
    return {"channel": {"id": f"D{users[1:]}"}}


def _between(messages: list[Message], args: Args) -> list[Message]:
    oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or "inf")
    inclusive = str(args.get("inclusive")).lower() in {"true", "1"}
    return [m for m in messages if oldest < float(m.ts) < latest or (inclusive and float(m.ts) in {oldest, latest})]


def conversations_history(ws: Workspace, args: Args) -> Answer:
    """conversations.history: newest first, replies only where they were broadcast."""
    channel = channel_for(ws, args, member=False)
    if not channel.has_bot:
        raise ApiError("not_in_channel")
    public = [m for m in ws.messages if m.channel == channel.id and not m.deleted and not m.only_for]
    top = [m for m in public if not m.thread_ts or m.broadcast]
    return _told(ws, sorted(_between(top, args), key=lambda m: m.ts, reverse=True), args)


def conversations_replies(ws: Workspace, args: Args) -> Answer:
    """conversations.replies: the parent, then the replies, oldest first."""
    channel = channel_for(ws, args, member=False)
    parent = ws.find(channel.id, str(args.get("ts") or ""))
    if parent is None:
        raise ApiError("thread_not_found")
    if not channel.has_bot:
        raise ApiError("not_in_channel")
    replies = [m for m in ws.messages if m.thread_ts == parent.ts and m.channel == channel.id]
    shown = [m for m in replies if not m.deleted and not m.only_for]
    return _told(ws, [parent, *_between(shown, args)], args)


def _told(ws: Workspace, messages: list[Message], args: Args) -> Answer:
    metadata = str(args.get("include_all_metadata")).lower() in {"true", "1"}
    return _paged([message_json(ws, m, metadata=metadata) for m in messages], args, "messages")


def chat_get_permalink(ws: Workspace, args: Args) -> Answer:
    """chat.getPermalink: the address of the message on the local page, completed by the server."""
    channel = channel_for(ws, args, member=False)
    message = ws.find(channel.id, str(args.get("message_ts") or ""))
    if message is None:
        raise ApiError("message_not_found")
    return {"channel": channel.id, "permalink": f"/#/{channel.id}/{message.ts}"}


def _user_json(ws: Workspace, user: User) -> dict[str, Any]:
    profile = {"real_name": user.real_name, "display_name": user.name}
    common = {"deleted": False, "is_bot": False, "is_app_user": False, "tz": "Europe/Berlin"}
    return (
        {"id": user.id, "team_id": ws.team.id, "name": user.name, "real_name": user.real_name}
        | common
        | {"profile": profile}
    )


def users_info(ws: Workspace, args: Args) -> Answer:
    """users.info."""
    user = ws.team.user(str(args.get("user") or ""))
    if user is None:
        raise ApiError("user_not_found")
    return {"user": _user_json(ws, user)}


def users_list(ws: Workspace, args: Args) -> Answer:
    """users.list."""
    return _paged([_user_json(ws, user) for user in ws.team.users], args, "members")


def usergroups_list(ws: Workspace, _args: Args) -> Answer:
    """usergroups.list."""
    return {
        "usergroups": [
            {
                "id": group.id,
                "team_id": ws.team.id,
                "is_usergroup": True,
                "name": group.name,
                "handle": group.handle,
                "date_delete": 0,
                "user_count": len(group.users),
            }
            for group in ws.team.groups
        ]
    }


def usergroups_users_list(ws: Workspace, args: Args) -> Answer:
    """usergroups.users.list."""
    group = next((group for group in ws.team.groups if group.id == args.get("usergroup")), None)
    if group is None:
        raise ApiError("no_such_subteam")
    return {"users": list(group.users)}
