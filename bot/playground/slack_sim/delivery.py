"""Delivery to the app: over Socket Mode, else by signed HTTP; acknowledged within three seconds, events retried."""

import asyncio
import hashlib
import hmac
import itertools
import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMessage, WSMsgType, web

from bot.playground.slack_sim.faults import SOCKET_KINDS, Faults
from bot.playground.slack_sim.workspace import Workspace

MAX_SOCKETS = 10
TICKET_SECONDS = 30.0
LIVE, SILENT, DEAD = "live", "silent", "dead"
_DEBUG = {"host": "applink-local", "build_number": 1, "approximate_connection_time": 18060}


@dataclass(slots=True, eq=False)
class Socket:
    """One connection: live, silent (answers pings, delivers nothing) or dead (open, answers nothing)."""

    ws: web.WebSocketResponse
    request: web.Request
    state: str = LIVE

    @property
    def dead(self) -> bool:
        """True if the connection answers nothing."""
        return self.state == DEAD


@dataclass(slots=True)
class Sockets:
    """All connections of the app; each payload goes to one of them in turn."""

    workspace: Workspace
    faults: Faults
    open: list[Socket] = field(default_factory=list)
    waiting: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)
    _tickets: dict[str, float] = field(default_factory=dict)
    _turn: "itertools.count[int]" = field(default_factory=itertools.count)

    def new_ticket(self) -> str:
        """A ticket for one connection, good for 30 seconds."""
        ticket = str(uuid.uuid4())
        self._tickets[ticket] = self.workspace.clock() + TICKET_SECONDS
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it closes."""
        until = self._tickets.pop(request.query.get("ticket", ""), 0.0)
        if until < self.workspace.clock():
            raise web.HTTPUnauthorized(text="the ticket is unknown, used or expired")
        ws = web.WebSocketResponse(autoping=False)
        await ws.prepare(request)
        if len(self.open) >= MAX_SOCKETS:
            return await self._too_many(ws)
        socket = Socket(ws, request)
        self.open.append(socket)
        self.workspace.notify({"type": "state"})
        try:
            await ws.send_json(self._hello())
            async for message in ws:
                await self._received(socket, message)
        except ConnectionError:
            return ws
        finally:
            self.open.remove(socket)
            self.workspace.notify({"type": "state"})
        return ws

    async def _too_many(self, ws: web.WebSocketResponse) -> web.StreamResponse:
        self.workspace.violate("too_many_websockets", f"an app may hold {MAX_SOCKETS} connections", "Socket Mode")
        await ws.send_json({"type": "disconnect", "reason": "too_many_websockets", "debug_info": _DEBUG})
        await ws.close()
        return ws

    def _hello(self) -> Mapping[str, Any]:
        info = {"app_id": self.workspace.team.app_id}
        return {"type": "hello", "num_connections": len(self.open), "debug_info": _DEBUG, "connection_info": info}

    async def _received(self, socket: Socket, message: WSMessage) -> None:
        await self._meet_faults(socket)
        if socket.dead:
            return
        if message.type is WSMsgType.PING:
            await socket.ws.pong(message.data)
        elif message.type is WSMsgType.TEXT:
            self._acknowledged(message.data)

    def _acknowledged(self, text: str) -> None:
        try:
            data = json.loads(text)
        except ValueError:
            data = None
        key = str(data.get("envelope_id")) if isinstance(data, dict) else ""
        if key not in self._known:
            self.workspace.violate("unknown_envelope", f"the app sent {text!r:.80}", "Socket Mode")
            return
        future = self.waiting.get(key)
        if future is not None and not future.done():
            future.set_result(data.get("payload"))

    async def send(self, envelope: Mapping[str, Any]) -> bool:
        """Send an envelope over the next connection; False if that one is silent or dead."""
        socket = self.open[next(self._turn) % len(self.open)]
        self._known.add(str(envelope["envelope_id"]))
        await self._meet_faults(socket)
        if socket.state != LIVE:
            return False
        with suppress(ConnectionError):
            await socket.ws.send_json(envelope)
        return True

    async def _meet_faults(self, socket: Socket) -> None:
        while fault := self.faults.take(SOCKET_KINDS):
            if fault.kind == "dead_socket":
                socket.state = DEAD
            elif fault.kind == "silent_socket":
                socket.state = SILENT
            elif fault.kind == "disconnect":
                _cut(socket)
            else:
                await self._end(socket, warning=fault.kind == "warning", closing=fault.kind == "refresh")

    async def _end(self, socket: Socket, *, warning: bool, closing: bool) -> None:
        reasons = [*(["warning"] if warning else []), *(["refresh_requested"] if closing else [])]
        with suppress(ConnectionError):
            for reason in reasons:
                await socket.ws.send_json({"type": "disconnect", "reason": reason, "debug_info": _DEBUG})
            if closing:
                await socket.ws.close()

    async def disconnect(self, *, warning: bool = False) -> None:
        """Ask every connection to reconnect (after a warning with `warning`), then close it."""
        for socket in tuple(self.open):
            await self._end(socket, warning=warning, closing=True)

    async def close(self) -> None:
        """Close all connections."""
        for socket in tuple(self.open):
            await socket.ws.close()


def _cut(socket: Socket) -> None:
    """Abort a connection."""
    if socket.request.transport is not None:
        socket.request.transport.abort()


COMMAND, INTERACTION, EVENT = "slash_commands", "interactive", "events_api"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Ack:
    """An acknowledgement of the app: `error` is "", `operation_timeout` or `dispatch_failed`; `payload` its content.

    `errors` are the errors of a submitted form, by block_id.
    """

    error: str = ""
    payload: Any = None
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Delivery:
    """Delivers payloads to the app: over its sockets, or signed to `request_url` while it has none.

    `ack_seconds` and `retry_delays` (the pauses before the retries of an event) are real seconds.
    """

    workspace: Workspace
    faults: Faults
    links: Sockets
    signing_secret: str
    request_url: str = ""
    ack_seconds: float = 3.0
    retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def connected(self) -> bool:
        """True if the app can receive a payload."""
        return bool(self.sockets) or bool(self.request_url)

    @property
    def sockets(self) -> list[Socket]:
        """The open Socket Mode connections."""
        return self.links.open

    async def disconnect(self, *, warning: bool = False) -> None:
        """Ask every connection to reconnect, then close it."""
        await self.links.disconnect(warning=warning)

    async def deliver(self, kind: str, payload: Mapping[str, Any], retry: int = 0) -> Ack:
        """Deliver a payload and wait for its acknowledgement; a late one is a violation."""
        times = 2 if self.faults.take(("duplicate",)) else 1
        lost = self.faults.take(("lost_delivery",)) is not None
        if self.sockets:
            ack, excused = await self._by_socket(kind, payload, retry, 0 if lost else times)
        elif self.request_url:
            answers = [await self._by_http(kind, payload, retry) for _ in range(times)]
            ack, excused = answers[0], False
        else:
            ack, excused = Ack("dispatch_failed"), False
        if ack.error and not excused:
            self.workspace.violate(ack.error, f"{kind} {_named(payload)}was not acknowledged", kind)
        return ack

    async def _by_socket(self, kind: str, payload: Mapping[str, Any], retry: int, times: int) -> tuple[Ack, bool]:
        key = str(uuid.uuid4())
        envelope: dict[str, Any] = {"envelope_id": key, "type": kind, "payload": payload}
        envelope["accepts_response_payload"] = kind == COMMAND or payload.get("type") == "view_submission"
        if kind == EVENT:
            envelope |= {"retry_attempt": retry, "retry_reason": "timeout" if retry else ""}
        future = self.links.waiting[key] = asyncio.get_running_loop().create_future()
        arrived = [await self.links.send(envelope) for _ in range(times)]
        try:
            async with asyncio.timeout(self.ack_seconds):
                return Ack(payload=await future), False
        except TimeoutError:
            return Ack("operation_timeout"), not any(arrived)
        finally:
            del self.links.waiting[key]

    async def _by_http(self, kind: str, payload: Mapping[str, Any], retry: int) -> Ack:
        body, content_type = _body(kind, payload)
        headers = self.signed(body) | {"Content-Type": content_type}
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.ack_seconds)) as session,
                session.post(self.request_url, data=body, headers=headers) as response,
            ):
                text = await response.text()
        except TimeoutError:
            return Ack("operation_timeout")
        except aiohttp.ClientError:
            return Ack("dispatch_failed")
        return Ack(payload=_said(text)) if response.ok else Ack("dispatch_failed")

    def signed(self, body: bytes, at: float | None = None) -> dict[str, str]:
        """The signature headers of a request body (Slack's v0 scheme), at a time of Unix seconds."""
        stamp = str(int(self.workspace.clock() if at is None else at))
        digest = hmac.new(self.signing_secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}

    async def event(self, payload: Mapping[str, Any]) -> Ack:
        """Send an event: wait for the first attempt, retry in the background."""
        ack = await self.deliver(EVENT, payload)
        if ack.error:
            task = asyncio.create_task(self._retry(payload))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return ack

    async def _retry(self, payload: Mapping[str, Any]) -> None:
        for retry, delay in enumerate(self.retry_delays, start=1):
            await asyncio.sleep(delay)
            ack = await self.deliver(EVENT, payload, retry)
            if not ack.error:
                return

    async def close(self) -> None:
        """End the retries."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _named(payload: Mapping[str, Any]) -> str:
    actions: Any = payload.get("actions") or ({},)
    name: Any = payload.get("command") or actions[0].get("action_id") or payload.get("type")
    return f"({name}) " if name else ""


def _body(kind: str, payload: Mapping[str, Any]) -> tuple[bytes, str]:
    if kind == COMMAND:
        flat = {key: "false" if value is False else value for key, value in payload.items() if value is not None}
        return urlencode(flat).encode(), _FORM
    if kind == INTERACTION:
        return urlencode({"payload": json.dumps(payload)}).encode(), _FORM
    return json.dumps(payload).encode(), "application/json"


def _said(text: str) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return {"text": text}
