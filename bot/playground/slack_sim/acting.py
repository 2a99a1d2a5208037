"""Actions of a person: type, click, fill in modals. Each one goes to the app as Slack would send it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.playground.slack_sim import payloads, views
from bot.playground.slack_sim.arguments import content_of
from bot.playground.slack_sim.delivery import COMMAND, INTERACTION, Ack, Delivery
from bot.playground.slack_sim.errors import ActRefused, ApiError
from bot.playground.slack_sim.inputs import entities, escape_typed, form_state, with_choice, wrong_in
from bot.playground.slack_sim.message import Blocks, Message, View, interactive
from bot.playground.slack_sim.payloads import SLACKBOT
from bot.playground.slack_sim.team import Channel, User
from bot.playground.slack_sim.workspace import Workspace

_LABELLED = re.compile(r"<@([A-Z0-9]+)\|[^<>]*>")


class ActError(ActRefused):
    """A refused action; `code` is Slack's code, `confirm` the dialog to confirm first."""

    def __init__(self, code: str, sentence: str = "", *, confirm: Mapping[str, Any] | None = None) -> None:
        super().__init__(code, sentence or code.replace("_", " "))
        self.confirm = confirm


@dataclass(frozen=True, slots=True)
class Actor:
    """A person at the screen; a refused action raises ActRefused."""

    workspace: Workspace
    delivery: Delivery
    origin: str
    user: User

    def sees(self, channel: str) -> list[Message]:
        """The messages of a channel that this person sees."""
        return self.workspace.visible(channel, self.user.id)

    def post(self, channel: str, text: str, *, thread_ts: str = "") -> Message:
        """Write a message; `mention` also notifies the app."""
        place = self._writable(channel)
        # A message names people by their ids alone, unlike the text of a command.
        said = _LABELLED.sub(r"<@\1>", escape_typed(text, self.workspace.team))
        return self.workspace.add(Message(place.id, "", self.user.id, said, thread_ts=thread_ts))

    async def mention(self, channel: str, text: str, *, thread_ts: str = "") -> Ack:
        """Write a message and notify the app, if it subscribed to `app_mention` or `message.channels`."""
        ws, message = self.workspace, self.post(channel, text, thread_ts=thread_ts)
        place, ack = self._channel(channel), Ack()
        inner = {"user": self.user.id, "text": message.text, "ts": message.ts, "channel": place.id}
        # Slack sends no event for a channel that the app is not in: it offers to invite the app instead.
        subscribed = "app_mention" in ws.team.events and "app_mentions:read" in ws.team.scopes and place.has_bot
        if f"<@{ws.team.bot_user}" in message.text and subscribed:
            ack = await self.send_event(payloads.mention_json(ws, message))
        if place.has_bot and f"message.{place.family}" in ws.team.events:
            ack = await self.send_event({"type": "message", "channel_type": "channel", **inner})
        return ack

    async def command(self, channel: str, line: str, *, in_thread: bool = False) -> Ack:
        """Type a slash command, as in `/cm stat prod`; an error is shown to this person only."""
        ws, place = self.workspace, self._writable(channel)
        name, _, text = line.strip().partition(" ")
        command = ws.team.command(name)
        if command is None:
            raise ActRefused("unknown_command", f"{name} is not a valid command.")
        if in_thread:
            raise ActRefused("not_supported_in_thread", f"{name} is not supported in threads. Sorry!")
        said = escape_typed(text.strip(), ws.team) if command.should_escape else text.strip()
        address = self._response_url(place.id)
        ack = await self.delivery.deliver(COMMAND, payloads.command(ws, self.user, place, name, said, address))
        if ack.error:
            self._failed(name, ack.error, place.id)
        else:
            self._show_said(place, ack.payload)
        return ack

    async def click(
        self,
        channel: str,
        ts: str,
        action_id: str,
        *,
        block_id: str = "",
        value: Any = None,
        confirmed: bool = False,
    ) -> Ack:
        """Click an element of the current message; one with a confirm dialog needs `confirmed`.

        `value` is the choice in a select (an option's value, a list of them, a date, an id). Raises ActError
        `confirm_required` with the dialog if it is not confirmed.
        """
        now = next((m for m in self.sees(channel) if m.ts == ts), None)
        if now is None:
            raise ActRefused("message_not_found", "that message is not there any more")
        acted = self._acted(now.blocks, action_id, block_id, value, confirmed=confirmed)
        return await self.send_click(now, acted)

    async def force_click(
        self, message: Message, action_id: str, *, value: Any = None, forged: Mapping[str, Any] | None = None
    ) -> Ack:
        """Send a click on an old version of a message; `forged` replaces fields of the click."""
        acted = self._acted(message.blocks, action_id, "", value, confirmed=True)
        return await self.send_click(message, acted | dict(forged or {}))

    def _acted(self, blocks: Blocks, action_id: str, block_id: str, value: Any, *, confirmed: bool) -> dict[str, Any]:
        block, element = find_element(blocks, action_id, block_id)
        if element.get("confirm") and not confirmed:
            raise ActError("confirm_required", confirm=element["confirm"])
        return payloads.action(block, element, value, self.workspace.new_ts())

    async def send_click(self, message: Message, acted: Mapping[str, Any]) -> Ack:
        """Send a forged or replayed entry of `actions` of that message."""
        ws, channel = self.workspace, self._channel(message.channel)
        address = self._response_url(channel.id, original=message.ts, thread_ts=message.thread_ts)
        payload = payloads.message_action(ws, self.user, channel, message, dict(acted), address)
        return self._toast_error(await self.delivery.deliver(INTERACTION, payload))

    async def shortcut(self, channel: str, ts: str, callback_id: str) -> Ack:
        """Choose an entry of the app in the menu of a message; an ephemeral message has none."""
        ws, place = self.workspace, self._channel(channel)
        message = next((m for m in self.sees(place.id) if m.ts == ts and not m.only_for), None)
        if message is None:
            raise ActRefused("message_not_found", "that message is not there any more, or has no menu")
        if all(each.callback_id != callback_id for each in ws.team.shortcuts):
            raise ActRefused("unknown_shortcut", f"{callback_id} is no shortcut of the app")
        address = self._response_url(place.id, thread_ts=message.thread_ts)
        payload = payloads.message_shortcut(ws, self.user, place, message, callback_id, address)
        return self._toast_error(await self.delivery.deliver(INTERACTION, payload))

    async def click_view(
        self,
        action_id: str,
        *,
        value: Any = None,
        confirmed: bool = False,
        values: Mapping[str, Any] | None = None,
        state: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Ack:
        """Click or choose in the open modal; its inputs have `values` (plain, as for `submit`) or `state`."""
        view = self._modal()
        held = state if state is not None else form_state(view.blocks, values or {})
        acted = self._acted(view.blocks, action_id, "", value, confirmed=confirmed)
        return await self._click_in(view, acted, held)

    async def click_home(
        self, action_id: str, *, block_id: str = "", value: Any = None, confirmed: bool = False
    ) -> Ack:
        """Click an element of this person's Home tab."""
        view = self.workspace.homes.get(self.user.id)
        if view is None:
            raise ActRefused("view_not_found", "the Home tab is empty")
        acted = self._acted(view.blocks, action_id, block_id, value, confirmed=confirmed)
        return await self._click_in(view, acted, form_state(view.blocks, {}))

    async def _click_in(self, view: View, acted: dict[str, Any], held: Mapping[str, Mapping[str, Any]]) -> Ack:
        payload = payloads.view_action(self.workspace, self.user, view, acted, with_choice(held, acted))
        return self._toast_error(await self.delivery.deliver(INTERACTION, payload))

    async def submit(self, values: Mapping[str, Any] | None = None) -> Ack:
        """Submit the open modal with plain values by action_id or block_id; see `submit_view`."""
        view = self._modal()
        return await self.submit_view(view.id, form_state(view.blocks, values or {}))

    async def submit_view(self, view_id: str, values: Mapping[str, Mapping[str, Any]]) -> Ack:
        """Submit a modal; `values` as in `state.values`: block_id → action_id → {"type", "value" or "selected_…"}.

        A missing value or a wrong length is reported in `errors` and does not reach the app. The modal closes unless
        the app answers otherwise.
        """
        ws, view = self.workspace, self._modal(view_id)
        if not view.content.get("submit"):
            raise ActRefused("not_submittable", "that modal has nothing to submit")
        if wrong := wrong_in(view.blocks, values):
            views.show_errors(ws, view, wrong)
            return Ack(errors=wrong)
        urls = views.response_urls(ws, view, values, self._response_url)
        ack = await self.delivery.deliver(INTERACTION, payloads.view_submission(ws, self.user, view, values, urls))
        return self._toast_error(ack) if ack.error else replace(ack, errors=views.after(ws, view, ack.payload))

    async def close_view(self, view_id: str = "", *, everything: bool = False) -> Ack:
        """Close the top modal, or all; the app is notified only on request."""
        view = self._modal(view_id)
        self.workspace.drop_views(self.user.id, everything=everything)
        if not view.content.get("notify_on_close"):
            return Ack()
        payload = payloads.view_closed(self.workspace, self.user, view, cleared=everything)
        return self._toast_error(await self.delivery.deliver(INTERACTION, payload))

    async def open_home(self) -> Ack:
        """Open the Home tab; the app is notified if it subscribed to `app_home_opened`."""
        ws = self.workspace
        if "app_home_opened" not in ws.team.events:
            return Ack()
        channel = ws.open_im(self.user.id).id
        return await self.send_event(
            {"type": "app_home_opened", "user": self.user.id, "channel": channel, "tab": "home"}
        )

    async def send_event(self, event: Mapping[str, Any], *, event_id: str = "") -> Ack:
        """Send an event of the Events API; a retry has the same `event_id`."""
        payload = payloads.event(self.workspace, dict(event))
        return await self.delivery.event(payload | ({"event_id": event_id} if event_id else {}))

    # --- shared helpers

    def _channel(self, key: str) -> Channel:
        channel = self.workspace.channel(key)
        if channel is None or not self.workspace.team.is_in(self.user.id, channel):
            raise ActRefused("channel_not_found", "you are not in that channel")
        return channel

    def _writable(self, key: str) -> Channel:
        channel = self._channel(key)
        if channel.is_archived:
            raise ActRefused("is_archived", f"#{channel.name} is archived")
        return channel

    def _modal(self, view_id: str = "") -> View:
        view = self.workspace.modal(self.user.id)
        if view is None or view_id not in {"", view.id}:
            raise ActRefused("view_not_found", "no modal is open")
        return view

    def _response_url(self, channel: str, *, original: str = "", thread_ts: str = "") -> str:
        grants = self.workspace.grants
        key = grants.new_response_url(channel, self.user.id, original=original, thread_ts=thread_ts)
        return f"{self.origin}/response/{key}"

    def _toast_error(self, ack: Ack) -> Ack:
        if ack.error:
            self._toast(f"That failed with the error “{ack.error}”")
        return ack

    def _toast(self, words: str) -> None:
        self.workspace.notify({"type": "toast", "user": self.user.id, "text": words, "kind": "error"})

    def _failed(self, name: str, error: str, channel: str) -> None:
        words = f"{entities(name)} failed with the error “{error}”"
        self._toast(words)
        self.workspace.add(Message(channel, "", SLACKBOT, words, only_for=self.user.id))

    def _show_said(self, channel: Channel, said: Any) -> None:
        if not isinstance(said, Mapping) or not said:
            return
        ws = self.workspace
        try:
            content = content_of(ws, said, COMMAND)
        except ApiError as error:
            ws.violate(error.code, error.detail or "the acknowledgement was no message", COMMAND)
            return
        only_for = "" if said.get("response_type") == "in_channel" else self.user.id
        ws.add(Message(channel.id, "", ws.team.bot_user, only_for=only_for, **content))


def find_element(blocks: Blocks, action_id: str, block_id: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The (block, element) of an action_id; raises ActRefused when there is none."""
    for block, element in interactive(blocks):
        if element["action_id"] == action_id and block_id in {"", block.get("block_id")}:
            return block, element
    there = ", ".join(str(element["action_id"]) for _block, element in interactive(blocks)) or "nothing"
    raise ActRefused("action_not_found", f"there is no {action_id} to click, but {there}")
