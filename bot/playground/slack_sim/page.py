"""Routes of the page: its files, state and messages in the view of one person, and a stream of changes."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.playground.slack_sim.acting import Actor
from bot.playground.slack_sim.delivery import Delivery
from bot.playground.slack_sim.faults import Faults
from bot.playground.slack_sim.message import Message
from bot.playground.slack_sim.payloads import reactions_json, view_json
from bot.playground.slack_sim.team import Channel
from bot.playground.slack_sim.workspace import Event, Workspace

WEB = Path(__file__).parent.parent / "web"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_HIDDEN = frozenset({"only_for", "metadata", "edited_ts", "reactions"})
_BEAT_SECONDS = 15.0


@dataclass(slots=True)
class Page:
    """The read-only routes; `panel` is True if the page has a cluster panel."""

    workspace: Workspace
    delivery: Delivery
    faults: Faults
    as_user: Callable[[str], Actor]
    panel: bool = False
    read_upto: dict[tuple[str, str], str] = field(default_factory=dict)

    def routes(self) -> list[web.RouteDef]:
        """The routes to mount."""
        return [
            web.get("/", self._index),
            web.get("/favicon.ico", _nothing),
            web.get(r"/web/{name:[a-z0-9_-]+(?:/[a-z0-9_-]+)*\.(?:js|css|svg)}", self._file),
            web.get("/play/state", self._state),
            web.get("/play/messages", self._messages),
            web.get("/play/events", self._events),
            web.get("/play/home", self._home),
        ]

    async def _index(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(body=_held(WEB / "index.html"), content_type="text/html", charset="utf-8")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = WEB / request.match_info["name"]
        return web.Response(body=_held(path), content_type=_TYPES[path.suffix], charset="utf-8")

    def _actor(self, request: web.Request) -> Actor:
        return self.as_user(request.query.get("user") or self.workspace.team.users[0].id)

    async def _state(self, request: web.Request) -> web.StreamResponse:
        ws, actor = self.workspace, self._actor(request)
        bot = {"id": ws.team.bot_user, "name": ws.team.bot_name, "connected": self.delivery.connected}
        return web.json_response(
            {
                "ok": True,
                "team": ws.team.name,
                "me": actor.user.id,
                "users": [asdict(each) for each in ws.team.users],
                "channels": [self._channel(actor, channel) for channel in self._channels(actor)],
                "groups": [asdict(group) for group in ws.team.groups],
                "shortcuts": [asdict(shortcut) for shortcut in ws.team.shortcuts],
                "commands": [asdict(command) for command in ws.team.commands],
                "bot": bot,
                "view": self._modal(actor.user.id),
                "violations": [asdict(each) | {"category": each.category} for each in ws.violations],
                "faults": [asdict(fault) for fault in self.faults.pending],
                "panel": self.panel,
            }
        )

    def _channels(self, actor: Actor) -> list[Channel]:
        ws, im = self.workspace, self.workspace.ims.get(actor.user.id)
        direct = ws.channel(im) if im else None
        return [*ws.team.channels, *([direct] if direct and actor.sees(direct.id) else [])]

    def _channel(self, actor: Actor, channel: Channel) -> Mapping[str, Any]:
        upto = self.read_upto.get((actor.user.id, channel.id), "")
        unread = sum(m.ts > upto and m.user != actor.user.id for m in actor.sees(channel.id) if m.in_channel)
        fields = {key: value for key, value in asdict(channel).items() if key != "members"}
        return fields | {"is_member": self.workspace.team.is_in(actor.user.id, channel), "unread": unread}

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        actor, channel = self._actor(request), request.query.get("channel", "")
        thread = request.query.get("thread_ts", "")
        seen = actor.sees(channel)
        shown = [m for m in seen if (thread in {m.thread_ts, m.ts} if thread else m.in_channel)]
        if shown and not thread:
            self.read_upto[actor.user.id, channel] = shown[-1].ts
        return web.json_response({"ok": True, "messages": [self._message(m, seen) for m in shown]})

    def _message(self, message: Message, seen: list[Message]) -> Mapping[str, Any]:
        team = self.workspace.team
        person, is_bot = team.user(message.user), message.user == team.bot_user
        fields = {key: value for key, value in asdict(message).items() if key not in _HIDDEN}
        return fields | {
            "is_bot": is_bot,
            "name": team.bot_name if is_bot else person.name if person else "Slackbot",
            "ephemeral": bool(message.only_for),
            "edited": message.edited,
            "reactions": reactions_json(message),
            "reply_count": sum(m.thread_ts == message.ts and m.ts != message.ts for m in seen),
        }

    async def _home(self, request: web.Request) -> web.StreamResponse:
        view = self.workspace.homes.get(request.query.get("user", ""))
        return web.json_response({"ok": True, "view": view_json(self.workspace, view) if view else None})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        user = request.query.get("user", "")
        queue: asyncio.Queue[Event] = asyncio.Queue(maxsize=1000)

        def observe(event: Event) -> None:
            if event.get("user") in {None, "", user} and not queue.full():
                queue.put_nowait(self._shown(event))

        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self.workspace.observers.add(observe)
        try:
            await response.write(b": connected\n\n")
            while True:
                await response.write(await _next(queue))
        except ConnectionError:
            return response
        finally:
            self.workspace.observers.discard(observe)

    def _shown(self, event: Event) -> Event:
        """Add to an event about a view its content and errors."""
        if event["type"] != "view":
            return event
        return {**event, "view": self._modal(str(event["user"]))}

    def _modal(self, user: str) -> Mapping[str, Any] | None:
        view = self.workspace.modal(user)
        return view_json(self.workspace, view) | {"errors": dict(view.errors or {})} if view else None


async def _nothing(_request: web.Request) -> web.StreamResponse:
    """Answer without an icon: browsers request one, and log a missing one as an error."""
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _held(path: Path) -> bytes:
    if not path.is_file():
        raise web.HTTPNotFound
    return path.read_bytes()


async def _next(queue: asyncio.Queue[Event]) -> bytes:
    try:
        async with asyncio.timeout(_BEAT_SECONDS):
            return f"data: {json.dumps(await queue.get())}\n\n".encode()
    except TimeoutError:
        return b": still here\n\n"
