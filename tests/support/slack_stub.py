"""A Web API with scripted answers over real sockets that records its requests."""

import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Asked:
    """One request: the method's name, its arguments, its headers."""

    method: str
    arguments: Mapping[str, Any]
    headers: Mapping[str, str]


@dataclass
class Stub:
    """Answers `{"ok": true}` unless `will` sets another answer."""

    origin: str = ""
    asked: list[Asked] = field(default_factory=list)
    _script: dict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))

    @property
    def api_url(self) -> str:
        return f"{self.origin}/api/"

    @property
    def response_url(self) -> str:
        return f"{self.origin}/api/response_url"

    def will(self, method: str, *answers: Answer) -> None:
        """Answer the next calls of `method` by these, in order."""
        self._script[method].extend(answers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        body = json.loads(await request.text() or "{}") if request.method == "POST" else {}
        self.asked.append(Asked(method, {**request.query, **body}, dict(request.headers)))
        script = self._script[method]
        return await script.popleft()(request) if script else web.json_response({"ok": True})


def says(data: Any, *, status: int = 200, **headers: str) -> Answer:
    """Answer with JSON."""

    async def answer(_: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(data, status=status, headers=named)

    return answer


def writes(text: str, *, status: int = 200, content_type: str = "text/plain") -> Answer:
    """Answer with a body that need not be JSON."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, status=status, content_type=content_type)

    return answer


async def cuts(request: web.Request) -> web.StreamResponse:
    """Drop the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def serving(stub: Stub) -> AsyncIterator[Stub]:
    """Serve the stub on a free port."""
    app = web.Application()
    app.router.add_route("*", "/api/{method}", stub.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        stub.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield stub
    finally:
        await runner.cleanup()
