"""What the platform sends when a person acts: commands, block actions, view submissions and closings, events."""

from collections.abc import Mapping
from typing import Any

from bot.playground.slack_sim.inputs import CHOICES, chosen
from bot.playground.slack_sim.message import Message, View
from bot.playground.slack_sim.objects import message_json, view_json
from bot.playground.slack_sim.team import Channel, User
from bot.playground.slack_sim.workspace import Workspace

TOKEN = "local-verification"  # noqa: S105 - the field is obsolete, and apps must not rely on it
Json = dict[str, Any]


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
        "trigger_id": ws.passes.new_trigger(user.id),
    }


def interaction(ws: Workspace, user: User, kind: str) -> Json:
    """What all interactions have in common."""
    return {
        "type": kind,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": ws.team.id},
        "api_app_id": ws.team.app_id,
        "token": TOKEN,
        "team": {"id": ws.team.id, "domain": ws.team.domain},
        "enterprise": None,
        "is_enterprise_install": False,
        "trigger_id": ws.passes.new_trigger(user.id),
    }


def message_action(
    ws: Workspace, user: User, channel: Channel, message: Message, acted: Json, response_url: str
) -> Json:
    """A click on a message; an ephemeral one is told by its container only."""
    container: Json = {"type": "message", "message_ts": message.ts, "channel_id": channel.id}
    container["is_ephemeral"] = bool(message.only_for)
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    told = {} if message.only_for else {"message": message_json(ws, message, metadata=True)}
    state = {} if acted.get("type") == "button" else {acted["block_id"]: {acted["action_id"]: _state(acted)}}
    return interaction(ws, user, "block_actions") | {
        "container": container,
        "channel": {"id": channel.id, "name": channel.name},
        **told,
        "state": {"values": state},
        "response_url": response_url,
        "actions": [acted],
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
    """One entry of `actions`: who was clicked, with its value or what was chosen; raises ActRefused."""
    told: Json = {"action_id": element["action_id"], "block_id": block.get("block_id", ""), "type": element["type"]}
    if element["type"] in CHOICES:
        told |= chosen(element, value)
    kept = ("text", "value", "style", "url", "confirm", "placeholder")
    return told | {key: element[key] for key in kept if key in element} | {"action_ts": at}


def view_submission(
    ws: Workspace, user: User, view: View, values: Mapping[str, Any], response_urls: list[Json]
) -> Json:
    """A submitted modal."""
    told = interaction(ws, user, "view_submission")
    return told | {"view": view_json(ws, view, values), "response_urls": response_urls}


def view_closed(ws: Workspace, user: User, view: View, *, cleared: bool) -> Json:
    """A closed modal; it has no trigger."""
    told = interaction(ws, user, "view_closed") | {"view": view_json(ws, view), "is_cleared": cleared}
    return {key: value for key, value in told.items() if key != "trigger_id"}


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
