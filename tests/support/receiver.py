"""A receiver of alerts that records what it gets, with faults that a test sets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Received:
    """One request: its path with the query, its headers, its body."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class RecordingReceiver:
    """Answers 200 with `answer`, unless `faults` has an entry for the next requests.

    An entry is a status, "reset" (the connection is cut), "hang" (no answer while the test runs), "late" (the request
    is taken and the connection cut), or bytes that are the whole body of the answer. `headers` go with each answer.
    """

    answer: Any = field(default_factory=dict)
    faults: list[int | str | bytes] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    poison: bytes = b""
    """A body with it is answered with `refusal` as JSON and `refusal_status`."""
    refusal: Any = None
    refusal_status: int = 400
    taken: list[Received] = field(default_factory=list)
    """The requests that were answered with success, and those whose answer was lost."""
    seen: int = 0
    called: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        self.seen += 1
        self.called.set()
        got = Received(request.method, request.path_qs, dict(request.headers), await request.read())
        fault = self.faults.pop(0) if self.faults else None
        if fault == "hang":
            await asyncio.sleep(3600)
        if fault in {"reset", "late"}:
            if fault == "late":
                self.taken.append(got)
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if self.poison and self.poison in got.body:
            return web.Response(status=self.refusal_status, body=json.dumps(self.refusal).encode())
        if isinstance(fault, int):
            return web.Response(status=fault, headers=self.headers)
        self.taken.append(got)
        body = fault if isinstance(fault, bytes) else json.dumps(self.answer).encode()
        return web.Response(body=body, headers=self.headers)

    @property
    def bodies(self) -> list[Any]:
        """What it took, as JSON."""
        return [each.data for each in self.taken]


@asynccontextmanager
async def recording_receiver(**options: Any) -> AsyncIterator[RecordingReceiver]:
    """Serve on a free port of the loopback."""
    receiver = RecordingReceiver(**options)
    server = web.Application()
    server.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        receiver.url = f"http://{host}:{port}"
        yield receiver
    finally:
        await runner.cleanup()
