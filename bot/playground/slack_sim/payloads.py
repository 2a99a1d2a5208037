"""Slack's JSON: users, channels, messages and views in answers, and the payloads that the app receives."""

import uuid
from collections.abc import Mapping
from typing import Any

from bot.playground.slack_sim.inputs import CHOICES, chosen
from bot.playground.slack_sim.message import Message, View
from bot.playground.slack_sim.team import Channel, Group, User
from bot.playground.slack_sim.workspace import Workspace

CREATED = 1_700_000_000
SLACKBOT = "USLACKBOT"
Json = dict[str, Any]


def user_json(ws: Workspace, user: User) -> Json:
    """A person."""
    names = {"real_name": user.real_name, "display_name": user.name, "real_name_normalized": user.real_name}
    return {
        "id": user.id,
        "team_id": user.team or ws.team.id,
        "name": user.name,
        "deleted": False,
        "real_name": user.real_name,
        "tz": "Europe/Berlin",
        "tz_label": "Central European Time",
        "tz_offset": 3600,
        "profile": {**names, "title": user.role_note, "team": ws.team.id},
        "is_admin": False,
        "is_bot": False,
        "is_app_user": False,
        "updated": CREATED,
    }


def bot_user_json(ws: Workspace) -> Json:
    """The app's own user."""
    team = ws.team
    profile = {"real_name": team.bot_name, "api_app_id": team.app_id, "bot_id": team.bot_id, "always_active": True}
    base = {"id": team.bot_user, "team_id": team.id, "name": team.bot_name, "real_name": team.bot_name}
    return base | {"deleted": False, "is_bot": True, "is_app_user": False, "updated": CREATED, "profile": profile}


def channel_json(ws: Workspace, channel: Channel) -> Json:
    """A channel, or a direct conversation."""
    if channel.is_im:
        im = {"id": channel.id, "created": CREATED, "is_im": True, "is_archived": False, "user": channel.members[0]}
        return im | {"is_channel": False, "is_group": False, "is_private": True}
    members = [user.id for user in ws.team.users if ws.team.is_in(user.id, channel)]
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "created": CREATED,
        "is_archived": channel.is_archived,
        "is_general": False,
        "is_shared": channel.shared,
        "is_ext_shared": channel.shared,
        "is_pending_ext_shared": channel.invited,
        "is_org_shared": False,
        "is_member": channel.has_bot,
        "creator": ws.team.users[0].id,
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "num_members": len(members) + channel.has_bot,
        "context_team_id": ws.team.id,
    }


def group_json(ws: Workspace, group: Group, *, users: bool) -> Json:
    """A user group, with its members on request."""
    payload = {
        "id": group.id,
        "team_id": ws.team.id,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": CREATED,
        "date_update": CREATED,
        "date_delete": 0,
        "created_by": ws.team.users[0].id,
        "user_count": len(group.users),
    }
    return payload | ({"users": list(group.users)} if users else {})


def message_json(ws: Workspace, message: Message, *, metadata: bool = False) -> Json:
    """A message as in answers and payloads; metadata only on request."""
    payload: Json = {
        "type": "message",
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "team": ws.team.id,
    }
    if message.user == ws.team.bot_user:
        profile = {"id": ws.team.bot_id, "app_id": ws.team.app_id, "name": ws.team.bot_name, "deleted": False}
        payload |= {"bot_id": ws.team.bot_id, "app_id": ws.team.app_id, "bot_profile": profile}
    if message.blocks:
        payload["blocks"] = [dict(block) for block in message.blocks]
    if message.thread_ts:
        payload |= {"thread_ts": message.thread_ts, "parent_user_id": _author(ws, message)}
    if message.broadcast:
        payload["subtype"] = "thread_broadcast"
    if message.edited_ts:
        payload["edited"] = {"user": message.user, "ts": message.edited_ts}
    if message.files:
        payload["files"] = [dict(file) for file in message.files]
    if message.pinned:
        payload["pinned_to"] = [message.channel]
    if message.reactions:
        payload["reactions"] = reactions_json(message)
    if metadata and message.metadata:
        payload["metadata"] = dict(message.metadata)
    return payload | _thread_json(ws, message)


def _author(ws: Workspace, message: Message) -> str:
    parent = ws.find(message.channel, message.thread_ts)
    return parent.user if parent else SLACKBOT


def _thread_json(ws: Workspace, message: Message) -> Json:
    replies = ws.replies(message.channel, message.ts)
    if not replies:
        return {}
    people = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users": people,
        "reply_users_count": len(people),
        "latest_reply": replies[-1].ts,
    }


def reactions_json(message: Message) -> list[Json]:
    """The reactions to a message, by name."""
    names = dict.fromkeys(name for name, _user in message.reactions)
    people = {name: [user for held, user in message.reactions if held == name] for name in names}
    return [{"name": name, "users": users, "count": len(users)} for name, users in people.items()]


def view_json(ws: Workspace, view: View, values: Mapping[str, Any] | None = None) -> Json:
    """A view as in payloads and answers; `values` is the state of its inputs."""
    empty = {"private_metadata": "", "callback_id": "", "external_id": "", "submit": None, "close": None}
    flags = {"clear_on_close": False, "notify_on_close": False}
    own = {
        "id": view.id,
        "team_id": ws.team.id,
        "app_id": ws.team.app_id,
        "app_installed_team_id": ws.team.id,
        "bot_id": ws.team.bot_id,
        "hash": view.hash,
        "root_view_id": view.root_id or view.id,
        "previous_view_id": view.previous_id or None,
        "state": {"values": dict(values or {})},
    }
    return {**empty, **flags, **view.content, **own}


TOKEN = "local-verification"  # noqa: S105 - the field is obsolete, and apps must not rely on it


def command(ws: Workspace, user: User, channel: Channel, name: str, text: str, response_url: str) -> Json:
    """A slash command."""
    return {
        "token": TOKEN,
        "team_id": ws.team.id,
        "team_domain": ws.team.domain,
        "channel_id": channel.id,
        "channel_name": channel.name if channel.family == "channels" else "privategroup",
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": text,
        "api_app_id": ws.team.app_id,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": ws.grants.new_trigger(user.id),
    }


def interaction(ws: Workspace, user: User, kind: str) -> Json:
    """The common fields of all interactions."""
    return {
        "type": kind,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team or ws.team.id},
        "api_app_id": ws.team.app_id,
        "token": TOKEN,
        "team": {"id": ws.team.id, "domain": ws.team.domain},
        "enterprise": None,
        "is_enterprise_install": False,
        "trigger_id": ws.grants.new_trigger(user.id),
    }


def message_action(
    ws: Workspace, user: User, channel: Channel, message: Message, acted: Json, response_url: str
) -> Json:
    """A click on a message; an ephemeral message appears only as its container."""
    container: Json = {"type": "message", "message_ts": message.ts, "channel_id": channel.id}
    container["is_ephemeral"] = bool(message.only_for)
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    payload = {} if message.only_for else {"message": message_json(ws, message, metadata=True)}
    state = {} if acted.get("type") == "button" else {acted["block_id"]: {acted["action_id"]: _state(acted)}}
    return interaction(ws, user, "block_actions") | {
        "container": container,
        "channel": {"id": channel.id, "name": channel.name},
        **payload,
        "state": {"values": state},
        "response_url": response_url,
        "actions": [acted],
    }


def message_shortcut(
    ws: Workspace, user: User, channel: Channel, message: Message, callback_id: str, response_url: str
) -> Json:
    """An entry of the app that was chosen in the menu of a message; Slack sends the message with it."""
    return interaction(ws, user, "message_action") | {
        "callback_id": callback_id,
        "action_ts": ws.new_ts(),
        "message_ts": message.ts,
        "channel": {"id": channel.id, "name": channel.name},
        "message": message_json(ws, message),
        "response_url": response_url,
    }


def _state(acted: Json) -> Json:
    return {key: value for key, value in acted.items() if key == "type" or key.startswith(("selected", "value"))}


def view_action(ws: Workspace, user: User, view: View, acted: Json, values: Json) -> Json:
    """A click in a modal or a Home tab."""
    return interaction(ws, user, "block_actions") | {
        "container": {"type": "view", "view_id": view.id},
        "view": view_json(ws, view, values),
        "actions": [acted],
    }


def action(block: Mapping[str, Any], element: Mapping[str, Any], value: Any, at: str) -> Json:
    """An entry of `actions`: the clicked element with its value or choice; raises ActRefused."""
    payload: Json = {"action_id": element["action_id"], "block_id": block.get("block_id", ""), "type": element["type"]}
    if element["type"] in CHOICES:
        payload |= chosen(element, value)
    kept = ("text", "value", "style", "url", "confirm", "placeholder")
    return payload | {key: element[key] for key in kept if key in element} | {"action_ts": at}


def view_submission(
    ws: Workspace, user: User, view: View, values: Mapping[str, Any], response_urls: list[Json]
) -> Json:
    """A submitted modal."""
    payload = interaction(ws, user, "view_submission")
    return payload | {"view": view_json(ws, view, values), "response_urls": response_urls}


def view_closed(ws: Workspace, user: User, view: View, *, cleared: bool) -> Json:
    """A closed modal; it has no trigger."""
    payload = interaction(ws, user, "view_closed") | {"view": view_json(ws, view), "is_cleared": cleared}
    return {key: value for key, value in payload.items() if key != "trigger_id"}


def mention_json(ws: Workspace, message: Message) -> Json:
    """The inner event of a message that mentions the app; a reply names its thread."""
    text = {"type": "text", "text": message.text}
    words = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [text]}]}
    payload = {
        "type": "app_mention",
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "client_msg_id": str(uuid.uuid4()),
        "team": ws.team.id,
        "blocks": [words],
        "channel": message.channel,
        "event_ts": message.ts,
    }
    if not message.thread_ts:
        return payload
    return payload | {"thread_ts": message.thread_ts, "parent_user_id": _author(ws, message)}


def event(ws: Workspace, inner: Json) -> Json:
    """An event of the Events API around its inner event."""
    authorization = {"enterprise_id": None, "team_id": ws.team.id, "user_id": ws.team.bot_user, "is_bot": True}
    return {
        "token": TOKEN,
        "team_id": ws.team.id,
        "api_app_id": ws.team.app_id,
        "event": {"event_ts": ws.new_ts(), **inner},
        "type": "event_callback",
        "event_id": ws.new_id("Ev"),
        "event_time": int(ws.clock()),
        "authorizations": [{**authorization, "is_enterprise_install": False}],
        "is_ext_shared_channel": False,
        "event_context": "4-local",
    }
