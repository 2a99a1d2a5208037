"""Slack for the bench: a WebSocket that records acknowledgements with their times, and the methods for answers.

It checks nothing and keeps nothing (the local workspace of the demo does), so that it adds as little as possible to
what is measured. Times are of the machine's monotonic clock.
"""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

Json = Mapping[str, Any]
Future = asyncio.Future[float]
_BOT = {"team_id": "T0BENCH", "user_id": "U0BENCHBOT", "bot_id": "B0BENCHBOT", "team": "bench", "user": "cmbot"}


@dataclass(frozen=True, slots=True)
class Sent:
    """One slash command: the time at which it was sent, and futures for the times of its answers."""

    at: float
    acked: Future
    answered: Future


@dataclass(slots=True)
class Workspace:
    """One app's view of Slack; use `workspace()`."""

    origin: str = ""
    bot_token: str = "xoxb-bench"
    app_token: str = "xapp-1-bench"
    posted: asyncio.Queue[tuple[float, str, str]] = field(default_factory=asyncio.Queue)
    """Calls of chat.postMessage: time, channel and thread ("" for none)."""
    answer: bytes = b""
    """The last answer to a command."""
    _socket: web.WebSocketResponse | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _acks: dict[str, Future] = field(default_factory=dict)
    _answers: dict[str, Future] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def api_url(self) -> str:
        """The Web API's base address."""
        return f"http://{self.origin}/api/"

    async def connected(self, within: float = 60.0) -> None:
        """Wait until the app has opened its socket and received hello."""
        async with asyncio.timeout(within):
            await self._changed.wait()

    async def commands(self, number: int, text: str) -> list[Sent]:
        """Send `number` commands, one WebSocket frame after the other."""
        assert self._socket is not None
        sent = []
        for key, frame in [self._frame(text) for _ in range(number)]:
            loop = asyncio.get_running_loop()
            acked, answered = self._acks[key], self._answers[key] = loop.create_future(), loop.create_future()
            sent.append(Sent(time.monotonic(), acked, answered))
            await self._socket.send_str(frame)
        return sent

    def _frame(self, text: str) -> tuple[str, str]:
        key = str(next(self._numbers))
        payload = _command(text) | {"response_url": f"http://{self.origin}/response/{key}", "trigger_id": key}
        envelope = {"envelope_id": key, "payload": payload, "type": "slash_commands", "accepts_response_payload": True}
        return key, json.dumps(envelope)

    async def link(self, request: web.Request) -> web.StreamResponse:
        """Serve the app's WebSocket."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A0BENCH"}})
        self._socket = socket
        self._changed.set()
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                at = time.monotonic()
                _resolve(self._acks, json.loads(message.data)["envelope_id"], at)
        return socket

    async def response(self, request: web.Request) -> web.Response:
        """One use of a response_url."""
        at = time.monotonic()
        self.answer = await request.read()
        _resolve(self._answers, request.match_info["key"], at)
        return web.Response(text="ok")

    async def method(self, request: web.Request) -> web.Response:
        """One call of the Web API."""
        at, name = time.monotonic(), request.match_info["method"]
        body = await request.read()
        if name == "apps.connections.open":
            return web.json_response({"ok": True, "url": f"ws://{self.origin}/link"})
        if name == "chat.postMessage":
            data = json.loads(body)
            self.posted.put_nowait((at, data["channel"], data.get("thread_ts", "")))
        return web.json_response({"ok": True, "ts": f"{at:.6f}", "channel": "C0BENCH", **_BOT})


def _command(text: str) -> dict[str, Any]:
    """A slash command as Slack sends it (its reference page on slash commands)."""
    return {
        "token": "bench",
        "team_id": "T0BENCH",
        "team_domain": "bench",
        "channel_id": "C0BENCH0",
        "channel_name": "bench",
        "user_id": "U0BENCH",
        "user_name": "bench",
        "command": "/cm",
        "text": text,
        "api_app_id": "A0BENCH",
        "is_enterprise_install": "false",
    }


def _resolve(waiting: dict[str, Future], key: str, at: float) -> None:
    """Record the time of the first answer; a second answer to the same command does not count."""
    future = waiting.pop(key, None)
    if future is not None:
        future.set_result(at)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def workspace() -> AsyncIterator[Workspace]:
    """Serve a workspace on a free port of the loopback."""
    held = Workspace()
    app = web.Application()
    app.router.add_get("/link", held.link)
    app.router.add_post("/response/{key}", held.response)
    app.router.add_route("*", "/api/{method}", held.method)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        held.origin = f"127.0.0.1:{runner.addresses[0][1]}"
        yield held
    finally:
        await runner.cleanup()
