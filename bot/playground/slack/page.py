"""What the page asks: state, messages, events, and acting as a person. Loopback and same origin only."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.playground.slack.acting import ActError, Actor
from bot.playground.slack.methods import view_json
from bot.playground.slack.parts import Parts
from bot.playground.slack.workspace import Message

WEB = Path(__file__).parent.parent / "web"
POLICY = "default-src 'self'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
_GUARDED = ("/play/", "/control/")


def _host_is_ours(value: str) -> bool:
    name = value.rpartition(":")[0] if ":" in value else value
    return name in {"127.0.0.1", "localhost"}


@web.middleware
async def guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Keep other sites out: the Host must be loopback, and what acts needs a header no foreign form can send."""
    if not _host_is_ours(request.headers.get("Host", "")):
        return web.json_response({"ok": False, "error": "wrong_host"}, status=403)
    acting = request.path.startswith(_GUARDED) and request.method not in {"GET", "HEAD"}
    origin = request.headers.get("Origin")
    if acting and (request.headers.get("X-Playground") != "1" or (origin and origin != f"http://{request.host}")):
        return web.json_response({"ok": False, "error": "cross_site"}, status=403)
    response = await handler(request)
    if not response.prepared:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@dataclass(slots=True)
class Page:
    """The routes of the page; `panel` is whether a cluster panel belongs to it."""

    parts: Parts
    panel: bool
    read_upto: dict[tuple[str, str], str]

    def routes(self) -> list[web.RouteDef]:
        """All routes of the page."""
        return [
            web.get("/", self._index),
            web.get("/web/{name:[a-z0-9_/-]+\\.(?:js|css|svg)}", self._file),
            web.get("/play/state", self._state),
            web.get("/play/messages", self._messages),
            web.get("/play/events", self._events),
            web.get("/play/home", self._home),
            web.post("/play/home", self._open_home),
            web.post("/play/command", self._command),
            web.post("/play/post", self._post),
            web.post("/play/click", self._click),
            web.post("/play/view", self._view),
            web.get("/control/faults", self._faults),
            web.post("/control/faults", self._inject),
            web.delete("/control/faults", self._clear),
            web.post("/upload/{id}", self._upload),
            web.get("/upload/{id}", self._download),
        ]

    async def _index(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(WEB / "index.html")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = (WEB / request.match_info["name"]).resolve()
        if not path.is_relative_to(WEB.resolve()) or not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path)

    def _actor(self, user_id: object) -> Actor:
        user = self.parts.workspace.team.user(str(user_id))
        if user is None:
            raise ActError("user_not_found")
        return Actor(self.parts, user)

    async def _state(self, request: web.Request) -> web.StreamResponse:
        ws = self.parts.workspace
        user = request.query.get("user") or ws.team.users[0].id
        actor = self._actor(user)
        return web.json_response(
            {
                "ok": True,
                "team": ws.team.name,
                "me": user,
                "users": [asdict(each) for each in ws.team.users],
                "channels": [self._channel(actor, channel.id) for channel in ws.team.channels],
                "groups": [asdict(group) for group in ws.team.groups],
                "commands": [asdict(command) for command in ws.team.commands],
                "bot": {
                    "id": ws.team.bot_user,
                    "name": ws.team.bot_name,
                    "connected": self.parts.delivery.connected,
                },
                "violations": [asdict(violation) for violation in ws.violations],
                "faults": [asdict(fault) for fault in self.parts.faults.pending],
                "panel": self.panel,
            }
        )

    def _channel(self, actor: Actor, channel_id: str) -> Mapping[str, Any]:
        channel = self.parts.workspace.team.channel(channel_id)
        assert channel is not None  # noqa: S101 - it comes from the team itself
        upto = self.read_upto.get((actor.user.id, channel_id), "")
        unread = sum(m.ts > upto and m.user != actor.user.id for m in actor.sees(channel_id) if not m.thread_ts)
        shown = {"id": channel.id, "name": channel.name, "topic": channel.topic, "has_bot": channel.has_bot}
        return shown | {"is_private": channel.is_private, "is_archived": channel.is_archived, "unread": unread}

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        actor, channel = self._actor(request.query.get("user")), request.query.get("channel", "")
        thread = request.query.get("thread_ts", "")
        seen = actor.sees(channel)
        shown = [m for m in seen if (m.thread_ts == thread or m.ts == thread) or (not thread and m.broadcast)]
        if shown and not thread:
            self.read_upto[actor.user.id, channel] = shown[-1].ts
        return web.json_response({"ok": True, "messages": [self._message(m, seen) for m in shown]})

    def _message(self, message: Message, seen: list[Message]) -> Mapping[str, Any]:
        team = self.parts.workspace.team
        person = team.user(message.user)
        is_bot = message.user == team.bot_user
        name = team.bot_name if is_bot else person.name if person else "Slackbot"
        told = {key: value for key, value in asdict(message).items() if key not in {"only_for", "metadata"}}
        replies = sum(m.thread_ts == message.ts for m in seen)
        return told | {"is_bot": is_bot, "name": name, "ephemeral": bool(message.only_for), "reply_count": replies}

    async def _events(self, request: web.Request) -> web.StreamResponse:
        user = request.query.get("user", "")
        queue: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue(maxsize=1000)

        def observe(event: Mapping[str, Any]) -> None:
            if event.get("user") in {None, "", user} and not queue.full():
                queue.put_nowait(event)

        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        observers = self.parts.workspace.observers
        observers.add(observe)
        try:
            await response.write(b": connected\n\n")
            while True:
                await response.write(f"data: {json.dumps(await queue.get())}\n\n".encode())
        except ConnectionError:
            return response
        finally:
            observers.discard(observe)

    async def _home(self, request: web.Request) -> web.StreamResponse:
        view = self.parts.workspace.homes.get(request.query.get("user", ""))
        return web.json_response({"ok": True, "view": view_json(self.parts.workspace, view) if view else None})

    async def _open_home(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        await self._actor(body.get("user")).open_home()
        return web.json_response({"ok": True})

    async def _command(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        await self._actor(body.get("user")).command(str(body.get("channel")), str(body.get("text")))
        return web.json_response({"ok": True})

    async def _post(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        actor = self._actor(body.get("user"))
        actor.post(str(body.get("channel")), str(body.get("text")), thread_ts=str(body.get("thread_ts") or ""))
        return web.json_response({"ok": True})

    async def _click(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        actor, action_id = self._actor(body.get("user")), str(body.get("action_id"))
        value = body.get("selected_option", body.get("value"))
        block_id = str(body.get("block_id") or "")
        if body.get("ts"):
            confirmed = body.get("confirmed") is True
            where = (str(body.get("channel")), str(body["ts"]))
            await actor.click(*where, action_id, block_id=block_id, value=value, confirmed=confirmed)
        else:
            await actor.click_home(action_id, block_id=block_id, value=value)
        return web.json_response({"ok": True})

    async def _view(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        actor, view_id = self._actor(body.get("user")), str(body.get("view_id"))
        if body.get("action") == "close":
            await actor.close_view(view_id)
            return web.json_response({"ok": True})
        values = body.get("values")
        ack = await actor.submit_view(view_id, values if isinstance(values, dict) else {})
        said = ack.payload if isinstance(ack.payload, dict) else {}
        wrong = said.get("errors") if said.get("response_action") == "errors" else None
        return web.json_response({"ok": wrong is None and not ack.error, "errors": wrong or {}, "error": ack.error})

    async def _faults(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response({"ok": True, "faults": [asdict(fault) for fault in self.parts.faults.pending]})

    async def _inject(self, request: web.Request) -> web.StreamResponse:
        body = await self._body(request)
        try:
            self.parts.faults.inject(
                str(body.get("kind")),
                count=int(body.get("count") or 1),
                method=str(body.get("method") or ""),
                seconds=float(body.get("seconds") or 1),
            )
        except (ValueError, TypeError) as error:
            raise ActError(f"invalid_fault: {error}") from error
        self.parts.workspace.tell({"type": "state"})
        return web.json_response({"ok": True})

    async def _clear(self, _request: web.Request) -> web.StreamResponse:
        self.parts.faults.clear()
        self.parts.workspace.tell({"type": "state"})
        return web.json_response({"ok": True})

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        held = self.parts.workspace.uploads.get(request.match_info["id"])
        if held is None:
            raise web.HTTPNotFound
        held["content"] = await _uploaded(request)
        return web.Response(text="OK")

    async def _download(self, request: web.Request) -> web.StreamResponse:
        held = self.parts.workspace.uploads.get(request.match_info["id"])
        if held is None:
            raise web.HTTPNotFound
        return web.Response(body=held["content"], content_type="text/plain")

    async def _body(self, request: web.Request) -> Mapping[str, Any]:
        try:
            body = await request.json()
        except ValueError as error:
            raise ActError("invalid_json") from error
        if not isinstance(body, dict):
            raise ActError("invalid_json")
        return body


async def _uploaded(request: web.Request) -> bytes:
    if request.content_type.startswith("multipart/"):
        for value in (await request.post()).values():
            return value.file.read() if isinstance(value, web.FileField) else str(value).encode()
    return await request.read()


@web.middleware
async def refusals(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Tell the page what a person cannot do."""
    try:
        return await handler(request)
    except ActError as error:
        told = {"ok": False, "error": error.code, "message": error.code.replace("_", " ")}
        return web.json_response(told | ({"confirm": error.confirm} if error.confirm else {}))
