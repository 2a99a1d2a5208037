"""Limits of the HTTP server: the number of connections, and the time in which a request must arrive.

Any client that reaches the port can open connections and send half a request on each. At the limit, the oldest
connection without a complete request is closed, so that complete requests are always served.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

MAX_CONNECTIONS = 256
ARRIVAL_SECONDS = 5.0
"""Time for the head of the first request of a connection, and again for its body; Slack itself waits for 3 s."""
KEEP_ALIVE_SECONDS = 30.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Rejected(asyncio.Protocol):
    """Connection that is closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        transport.close()


class ConnectionLimits:
    """State of the connections of one server: `admit` is its outermost middleware, `accept` its protocol factory."""

    def __init__(self, *, limit: int = MAX_CONNECTIONS, arrival: float = ARRIVAL_SECONDS) -> None:
        self._limit, self._arrival = limit, arrival
        self._begun: dict[object, asyncio.Transport | None] = {}
        """Connections with the head of a request, perhaps without its body."""
        self._busy: set[object] = set()
        """Connections whose request is complete and being answered."""

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
        asyncio.get_running_loop().call_later(self._arrival, self._close_idle, server, handler)
        return handler

    def _close_idle(self, server: web.Server, handler: web.RequestHandler) -> None:
        if handler not in self._begun and handler in server.connections:
            handler.force_close()

    @web.middleware
    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Read the complete request within its time, then answer it."""
        connection = request.protocol
        self._begun[connection] = request.transport
        try:
            async with asyncio.timeout(self._arrival):
                await request.read()
        except (TimeoutError, ConnectionError):
            # Late, or closed to make room: a traceback for each would fill the log.
            late = web.Response(status=408)
            late.force_close()
            return late
        self._busy.add(connection)
        try:
            return await handler(request)
        finally:
            self._busy.discard(connection)
