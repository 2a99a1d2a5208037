"""Limits of the HTTP server: the number of connections, and the time in which a request must arrive.

Any client that reaches the port can open connections and send half a request on each. At the limit, the oldest
connection without a complete request is closed, so that complete requests are always served.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import HttpVersion11, web

MAX_CONNECTIONS = 256
ARRIVAL_SECONDS = 5.0
"""Time for the head of the first request of a connection, and again for its body; Slack itself waits for 3 s."""
KEEP_ALIVE_SECONDS = 30.0
ACCEPT_TURNS = 4
"""Turns of the event loop in which asyncio makes a connection of what it accepted."""
SETTLE_SECONDS = 0.2
"""Most time for the first request of a connection when the server ends: it is on its way."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _Rejected(asyncio.Protocol):
    """Connection that is closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        transport.close()


class ConnectionLimits:
    """State of the connections of one server; `accept` is the factory of its protocols."""

    def __init__(self, *, limit: int = MAX_CONNECTIONS, arrival: float = ARRIVAL_SECONDS) -> None:
        self._limit, self._arrival = limit, arrival
        self._begun: dict[object, asyncio.Transport | None] = {}
        """Connections with the head of a request, perhaps without its body."""
        self._busy: set[object] = set()
        """Connections whose request is complete and being answered."""
        self._timers: dict[object, asyncio.TimerHandle] = {}
        """For each connection of the last `arrival` seconds, what closes it if it stays without a request."""

    def around(self, server: web.Server) -> None:
        """Read each request of `server` within its time before it is answered; call once, before it listens.

        No middleware of the application does this, because aiohttp keeps handlers below middlewares, and with them the
        whole program, for the life of the process: each reload would add one.
        """
        server.request_handler = partial(self._admit, answer=server.request_handler)

    def accept(self, server: web.Server) -> asyncio.BaseProtocol:
        """Accept a new connection of `server`; at the limit it replaces another one or is rejected."""
        held = server.connections
        self._begun = {each: transport for each, transport in self._begun.items() if each in held}
        if len(held) >= self._limit:
            waiting = next((each for each in held if each not in self._busy), None)
            if waiting is None:
                return _Rejected()
            transport = self._begun.get(waiting)
            waiting.force_close()
            if transport is not None:
                # Closed alone, it would stay until its client has read the answer before.
                transport.abort()
        handler = server()
        loop = asyncio.get_running_loop()
        self._timers[handler] = loop.call_later(self._arrival, self._close_idle, server, handler)
        return handler

    async def settle(self, server: web.Server) -> None:
        """Wait until each connection of `server` has sent its first request, for a short time; none is accepted."""
        for _ in range(ACCEPT_TURNS):
            await asyncio.sleep(0)
        until = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < until and any(  # noqa: ASYNC110 - aiohttp wakes no one
            each not in self._begun for each in server.connections
        ):
            await asyncio.sleep(SETTLE_SECONDS / 20)

    def close(self) -> None:
        """Forget the connections; call when the server has ended."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._begun.clear()

    def _close_idle(self, server: web.Server, handler: web.RequestHandler) -> None:
        self._timers.pop(handler, None)
        if handler not in self._begun and handler in server.connections:
            handler.force_close()

    async def _admit(self, request: web.BaseRequest, answer: Handler) -> web.StreamResponse:
        connection = request.protocol
        self._begun[connection] = request.transport
        try:
            async with asyncio.timeout(self._arrival):
                if request.version >= HttpVersion11 and request.headers.get("Expect", "").lower() == "100-continue":
                    # The client waits for this before it sends the body. aiohttp says it again with the answer.
                    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    request.writer.output_size = 0
                await request.read()
        except (TimeoutError, ConnectionError):
            # Late, or closed to make room: a traceback for each would fill the log.
            late = web.Response(status=408)
            late.force_close()
            return late
        self._busy.add(connection)
        try:
            return await answer(request)
        finally:
            self._busy.discard(connection)
