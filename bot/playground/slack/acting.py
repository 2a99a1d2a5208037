"""Acting as a person: typing commands, clicking, filling in modals; each goes to the app as Slack would send it."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.playground.slack.delivery import Ack
from bot.playground.slack.methods import view_json
from bot.playground.slack.parts import Parts
from bot.playground.slack.posting import message_json
from bot.playground.slack.team import Channel, User
from bot.playground.slack.workspace import Message, View, Workspace


class ActError(Exception):
    """What a person cannot do; `code` is Slack's word, `confirm` the dialog that must be answered first."""

    def __init__(self, code: str, *, confirm: Mapping[str, Any] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.confirm = confirm


@dataclass(slots=True)
class Actor:
    """One person at their screen."""

    parts: Parts
    user: User

    @property
    def _ws(self) -> Workspace:
        return self.parts.workspace

    def sees(self, channel: str) -> list[Message]:
        """The messages of a channel that this person sees."""
        return self._ws.visible(channel, self.user.id)

    def post(self, channel: str, text: str, *, thread_ts: str = "") -> Message:
        """Write a message."""
        place = self._channel(channel)
        return self._ws.add(Message(place.id, "", self.user.id, html.escape(text, quote=False), thread_ts=thread_ts))

    def _channel(self, channel_id: str) -> Channel:
        channel = self._ws.team.channel(channel_id)
        if channel is None or not self._ws.team.is_in(self.user.id, channel):
            raise ActError("channel_not_found")
        if channel.is_archived:
            raise ActError("is_archived")
        return channel

    async def command(self, channel_id: str, line: str, *, in_thread: bool = False) -> Ack:
        """Type a slash command, as in `/cm stat prod`; the acknowledgement's text is shown to this person only."""
        channel = self._channel(channel_id)
        name, _, text = line.strip().partition(" ")
        known = {command.command: command for command in self._ws.team.commands}
        if in_thread or name not in known:
            raise ActError("not_supported_in_thread" if in_thread else "unknown_command")
        said = escape(self._ws, text.strip()) if known[name].should_escape else text.strip()
        ack = await self.parts.delivery.deliver("slash_commands", self._command_payload(channel, name, said))
        self._show_failure(ack, channel.id, name)
        self.parts.api.acknowledged(channel.id, self.user.id, ack.payload)
        return ack

    def _command_payload(self, channel: Channel, name: str, text: str) -> Mapping[str, str]:
        ws = self._ws
        return {
            "token": "local",
            "team_id": ws.team.id,
            "team_domain": "local",
            "channel_id": channel.id,
            "channel_name": channel.name,
            "user_id": self.user.id,
            "user_name": self.user.name,
            "command": name,
            "text": text,
            "api_app_id": ws.team.app_id,
            "is_enterprise_install": "false",
            "response_url": self._response_url(channel.id),
            "trigger_id": ws.new_trigger(self.user.id),
        }

    def _response_url(self, channel: str, *, original: str = "", thread_ts: str = "") -> str:
        key = self._ws.new_response_url(channel, self.user.id, original=original, thread_ts=thread_ts)
        return f"{self.parts.api.origin}/response/{key}"

    def _show_failure(self, ack: Ack, channel: str, what: str) -> None:
        if not ack.error:
            return
        words = {
            "operation_timeout": f"{what} failed with the error “operation_timeout”",
            "dispatch_failed": f"{what} failed with the error “dispatch_failed”: the app is not running",
        }.get(ack.error, f"{what} failed with the error “{ack.error}”")
        self._ws.tell({"type": "toast", "user": self.user.id, "text": words, "kind": "error"})
        self._ws.add(Message(channel, "", "USLACKBOT", words, only_for=self.user.id))

    async def click(
        self,
        channel_id: str,
        ts: str,
        action_id: str,
        *,
        block_id: str = "",
        value: Any = None,
        confirmed: bool = False,
    ) -> Ack:
        """Click an element of a message; one with a confirm dialog needs `confirmed`."""
        message = next((m for m in self.sees(channel_id) if m.ts == ts), None)
        if message is None:
            raise ActError("message_not_found")
        block, element = find_element(message.blocks, action_id, block_id)
        if element.get("confirm") and not confirmed:
            raise ActError("confirm_required", confirm=element["confirm"])
        return await self.send_click(message, action(block, element, value, self._ws.clock()))

    async def send_click(self, message: Message, acted: Mapping[str, Any]) -> Ack:
        """Send a block action as given: also what tests use to forge or replay one."""
        channel = self._channel(message.channel)
        payload = self._common("block_actions") | {
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": channel.id,
                "is_ephemeral": bool(message.only_for),
            },
            "channel": {"id": channel.id, "name": channel.name},
            "message": message_json(self._ws, message, metadata=True),
            "response_url": self._response_url(channel.id, original=message.ts, thread_ts=message.thread_ts),
            "state": {"values": {}},
            "actions": [dict(acted)],
        }
        ack = await self.parts.delivery.deliver("interactive", payload)
        self._show_failure(ack, channel.id, "The button")
        return ack

    def _common(self, kind: str) -> dict[str, Any]:
        team = self._ws.team
        return {
            "type": kind,
            "user": {"id": self.user.id, "username": self.user.name, "name": self.user.name, "team_id": team.id},
            "api_app_id": team.app_id,
            "token": "local",
            "team": {"id": team.id, "domain": "local"},
            "enterprise": None,
            "is_enterprise_install": False,
            "trigger_id": self._ws.new_trigger(self.user.id),
        }

    async def click_home(self, action_id: str, *, block_id: str = "", value: Any = None) -> Ack:
        """Click an element of this person's Home tab."""
        view = self._ws.homes.get(self.user.id)
        if view is None:
            raise ActError("view_not_found")
        block, element = find_element(tuple(view.content["blocks"]), action_id, block_id)
        payload = self._common("block_actions") | {
            "container": {"type": "view", "view_id": view.id},
            "view": view_json(self._ws, view),
            "actions": [action(block, element, value, self._ws.clock())],
        }
        return await self.parts.delivery.deliver("interactive", payload)

    async def open_home(self) -> Ack:
        """Open the app's Home tab."""
        event = {"type": "app_home_opened", "user": self.user.id, "channel": f"D{self.user.id[1:]}", "tab": "home"}
        return await self.send_event(event)

    async def send_event(self, event: Mapping[str, Any], *, event_id: str = "", retry: int = 0) -> Ack:
        """Send an event of the Events API."""
        team = self._ws.team
        payload = {
            "token": "local",
            "team_id": team.id,
            "api_app_id": team.app_id,
            "event": {**event, "event_ts": self._ws.new_ts()},
            "type": "event_callback",
            "event_id": event_id or self._ws.new_id("Ev"),
            "event_time": int(self._ws.clock()),
            "authorizations": [{"team_id": team.id, "user_id": team.bot_user, "is_bot": True}],
        }
        return await self.parts.delivery.deliver("events_api", payload, retry=retry)

    async def submit_view(self, view_id: str, values: Mapping[str, Mapping[str, Any]]) -> Ack:
        """Submit a modal; `values` is {block_id: {action_id: {"type": …, "value": …}}}. It closes unless told otherwise."""
        view = self._view(view_id)
        content = view_json(self._ws, view) | {"state": {"values": values}}
        payload = self._common("view_submission") | {"view": content, "response_urls": []}
        ack = await self.parts.delivery.deliver("interactive", payload)
        if not ack.error:
            self._after_submit(view, ack.payload if isinstance(ack.payload, dict) else {})
        return ack

    def _after_submit(self, view: View, said: Mapping[str, Any]) -> None:
        if said.get("response_action") == "errors":
            return
        if said.get("response_action") == "update":
            view.content = said["view"]
            self._ws.tell({"type": "view", "user": view.user, "view": view_json(self._ws, view)})
            return
        self._ws.views.pop(view.id, None)
        self._ws.tell({"type": "view", "user": view.user, "view": None})

    async def close_view(self, view_id: str) -> None:
        """Close a modal; the app hears of it only if it asked to."""
        view = self._view(view_id)
        self._ws.views.pop(view.id, None)
        if view.content.get("notify_on_close"):
            payload = self._common("view_closed") | {"view": view_json(self._ws, view), "is_cleared": False}
            payload.pop("trigger_id")
            await self.parts.delivery.deliver("interactive", payload)

    def _view(self, view_id: str) -> View:
        view = self._ws.views.get(view_id)
        if view is None or view.user != self.user.id:
            raise ActError("view_not_found")
        return view


def find_element(
    blocks: tuple[Mapping[str, Any], ...], action_id: str, block_id: str = ""
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The (block, element) of an action_id; raises ActError when there is none."""
    for block in blocks:
        if block_id and block.get("block_id") != block_id:
            continue
        held = [*block.get("elements", ()), block.get("accessory"), block.get("element")]
        for element in held:
            if isinstance(element, dict) and element.get("action_id") == action_id:
                return block, element
    raise ActError("action_not_found")


def action(block: Mapping[str, Any], element: Mapping[str, Any], value: Any, at: float) -> dict[str, Any]:
    """One entry of a payload's `actions`."""
    told = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block.get("block_id", ""),
        "action_ts": f"{at:.6f}",
    }
    if element["type"] == "button":
        return told | {"text": element["text"]} | {key: element[key] for key in ("value", "url") if key in element}
    chosen = {"static_select": "selected_option", "overflow": "selected_option", "radio_buttons": "selected_option"}
    return told | {chosen.get(element["type"], "value"): value}


_MENTION = re.compile(r"(?<!\S)([@#])([a-z0-9_-]+)")
_URL = re.compile(r"(?<!\S)(https?://[^\s<>|]+|[a-z0-9.-]+\.(?:com|net|org|io)(?::\d+)?(?:/\S*)?)", re.IGNORECASE)


def escape(ws: Workspace, text: str) -> str:
    """What `should_escape: true` makes of a command's text: entities, mentions and links in Slack's spelling."""

    def mention(found: re.Match[str]) -> str:
        kind, name = found[1], found[2]
        if kind == "@":
            named = [f"<@{user.id}|{user.name}>" for user in ws.team.users if user.name == name]
            named += [f"<!subteam^{group.id}|@{group.handle}>" for group in ws.team.groups if group.handle == name]
        else:
            named = [f"<#{channel.id}|{channel.name}>" for channel in ws.team.channels if channel.name == name]
        return named[0] if named else found[0]

    def link(found: re.Match[str]) -> str:
        url = found[0]
        return f"<{url}>" if "://" in url else f"<http://{url}|{url}>"

    return _MENTION.sub(mention, _URL.sub(link, html.escape(text, quote=False)))
