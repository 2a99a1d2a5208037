"""Socket Mode: the app's WebSocket connections, what is sent to them and what they acknowledge."""

import asyncio
import itertools
import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from bot.playground.slack_sim.faults import SOCKET_KINDS, Faults
from bot.playground.slack_sim.workspace import Workspace

MOST_SOCKETS = 10
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
        """Whether it answers nothing any more."""
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
        if len(self.open) >= MOST_SOCKETS:
            return await self._too_many(ws)
        socket = Socket(ws, request)
        self.open.append(socket)
        self.workspace.tell({"type": "state"})
        try:
            await ws.send_json(self._hello())
            async for message in ws:
                await self._received(socket, message)
        except ConnectionError:
            return ws
        finally:
            self.open.remove(socket)
            self.workspace.tell({"type": "state"})
        return ws

    async def _too_many(self, ws: web.WebSocketResponse) -> web.StreamResponse:
        self.workspace.violate("too_many_websockets", f"an app may hold {MOST_SOCKETS} connections", "Socket Mode")
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
        """Give an envelope to the next connection; False when that one is silent or dead, so nobody got it."""
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
        """Ask every connection to come back anew (with `warning` as well: announced before), then close it."""
        for socket in tuple(self.open):
            await self._end(socket, warning=warning, closing=True)

    async def close(self) -> None:
        """Close all when the server ends."""
        for socket in tuple(self.open):
            await socket.ws.close()


def _cut(socket: Socket) -> None:
    """Break a connection without a word."""
    if socket.request.transport is not None:
        socket.request.transport.abort()
