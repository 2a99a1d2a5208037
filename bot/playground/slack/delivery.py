"""Delivery to the app: Socket Mode envelopes over WebSockets, else signed HTTP; acknowledged within three seconds."""

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
from aiohttp import WSMsgType, web

from bot.playground.slack.faults import Faults
from bot.playground.slack.workspace import Workspace

MOST_SOCKETS = 10
ACK_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Ack:
    """How the app acknowledged: `error` is "", `operation_timeout` or `dispatch_failed`; `payload` what it said."""

    error: str = ""
    payload: Any = None


@dataclass(slots=True, eq=False)
class Socket:
    """One connection of the app; `dead` ones stay open, answer nothing and get nothing through."""

    ws: web.WebSocketResponse
    dead: bool = False


@dataclass(slots=True)
class Delivery:
    """Hands payloads to the app and waits for the acknowledgement."""

    workspace: Workspace
    faults: Faults
    signing_secret: str
    request_url: str | None = None
    ack_seconds: float = ACK_SECONDS
    sockets: list[Socket] = field(default_factory=list)
    tickets: set[str] = field(default_factory=set)
    _waiting: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    _turn: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def connected(self) -> bool:
        """Whether a payload would find its way."""
        return bool(self.sockets) or self.request_url is not None

    def new_ticket(self) -> str:
        """A ticket for one connection."""
        ticket = uuid.uuid4().hex
        self.tickets.add(ticket)
        return ticket

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Serve one Socket Mode connection until it closes."""
        ticket = request.query.get("ticket", "")
        if ticket not in self.tickets or len(self.sockets) >= MOST_SOCKETS:
            return web.Response(status=408 if ticket in self.tickets else 401)
        self.tickets.discard(ticket)
        ws = web.WebSocketResponse(autoping=False)
        await ws.prepare(request)
        socket = Socket(ws)
        self.sockets.append(socket)
        self.workspace.tell({"type": "state"})
        try:
            await ws.send_json(self._hello())
            async for message in ws:
                await self._received(socket, message)
        finally:
            self.sockets.remove(socket)
            self.workspace.tell({"type": "state"})
        return ws

    def _hello(self) -> Mapping[str, Any]:
        debug = {"host": "applink-local", "build_number": 1, "approximate_connection_time": 18060}
        info = {"app_id": self.workspace.team.app_id}
        return {"type": "hello", "num_connections": len(self.sockets), "debug_info": debug, "connection_info": info}

    async def _received(self, socket: Socket, message: aiohttp.WSMessage) -> None:
        socket.dead = socket.dead or self.faults.take(("dead_socket",)) is not None
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
            self.workspace.violate("bad_envelope", "the app sent something that is not JSON over its socket")
            return
        future = self._waiting.get(str(data.get("envelope_id"))) if isinstance(data, dict) else None
        if future is not None and not future.done():
            future.set_result(data.get("payload"))

    async def disconnect(self, *, warning: bool = False) -> None:
        """Ask every connection to come back (`warning`: about to close), then close."""
        for socket in tuple(self.sockets):
            with suppress(ConnectionError, RuntimeError):
                if warning:
                    await socket.ws.send_json({"type": "disconnect", "reason": "warning", "debug_info": {}})
                await socket.ws.send_json({"type": "disconnect", "reason": "refresh_requested", "debug_info": {}})
                await socket.ws.close()

    async def deliver(self, kind: str, payload: Mapping[str, Any], *, retry: int = 0) -> Ack:
        """Hand over one payload (`slash_commands`, `interactive`, `events_api`) and wait for its acknowledgement."""
        if self.faults.take(("disconnect",)):
            await self.disconnect()
        twice = self.faults.take(("duplicate",)) is not None
        if self.sockets:
            ack = await self._by_socket(kind, payload, retry, twice=twice)
        elif self.request_url:
            ack = await self._by_http(kind, payload, retry)
            if twice:
                await self._by_http(kind, payload, retry)
        else:
            return Ack("dispatch_failed")
        if ack.error == "operation_timeout" and not self.faults.active("dead_socket"):
            self.workspace.violate("late_ack", f"{kind} was not acknowledged within {self.ack_seconds:g} s")
        return ack

    async def _by_socket(self, kind: str, payload: Mapping[str, Any], retry: int, *, twice: bool) -> Ack:
        envelope_id = str(uuid.uuid4())
        envelope: dict[str, Any] = {"envelope_id": envelope_id, "type": kind, "payload": payload}
        envelope["accepts_response_payload"] = kind != "events_api"
        if kind == "events_api":
            envelope |= {"retry_attempt": retry, "retry_reason": "timeout" if retry else ""}
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = future
        try:
            for _ in range(2 if twice else 1):
                await self._send(envelope)
            async with asyncio.timeout(self.ack_seconds):
                return Ack(payload=await future)
        except TimeoutError:
            return Ack("operation_timeout")
        finally:
            del self._waiting[envelope_id]

    async def _send(self, envelope: Mapping[str, Any]) -> None:
        socket = self.sockets[next(self._turn) % len(self.sockets)]
        socket.dead = socket.dead or self.faults.take(("dead_socket",)) is not None
        if not socket.dead:
            with suppress(ConnectionError, RuntimeError):
                await socket.ws.send_json(envelope)

    async def _by_http(self, kind: str, payload: Mapping[str, Any], retry: int) -> Ack:
        body, content_type = _body(kind, payload)
        headers = self.signed(body) | {"Content-Type": content_type}
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": "http_timeout"}
        try:
            timeout = aiohttp.ClientTimeout(total=self.ack_seconds)
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(str(self.request_url), data=body, headers=headers) as response,
            ):
                text = await response.text()
                return Ack(payload=_said(text)) if response.status == web.HTTPOk.status_code else Ack("http_error")
        except TimeoutError:
            return Ack("operation_timeout")
        except aiohttp.ClientError:
            return Ack("dispatch_failed")

    def signed(self, body: bytes, *, at: int | None = None) -> dict[str, str]:
        """The signature headers of a request body."""
        stamp = str(int(self.workspace.clock()) if at is None else at)
        digest = hmac.new(self.signing_secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def _body(kind: str, payload: Mapping[str, Any]) -> tuple[bytes, str]:
    form = "application/x-www-form-urlencoded"
    if kind == "slash_commands":
        return urlencode(dict(payload)).encode(), form
    if kind == "interactive":
        return urlencode({"payload": json.dumps(payload)}).encode(), form
    return json.dumps(payload).encode(), "application/json"


def _said(text: str) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return {"text": text}
