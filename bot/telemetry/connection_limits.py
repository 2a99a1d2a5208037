"""The door of the HTTP server: how many connections it holds, and how long a request may take to arrive.

Anyone who reaches the port can open connections and send half a request on each. When there are too many, the oldest
one without a whole request makes room, so that a request that arrives whole is always served.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

MOST_CONNECTIONS = 256
ARRIVAL_SECONDS = 5.0
"""How long the lines of a connection's first request may take, and as long again its body: Slack waits for 3 s."""
KEEP_ALIVE_SECONDS = 30.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Shut(asyncio.Protocol):
    """A connection that is closed as soon as it is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        transport.close()


class ConnectionLimits:
    """The protocol factory of a server; `track` is its outermost middleware."""

    def __init__(self, server: web.Server, *, most: int = MOST_CONNECTIONS, arrival: float = ARRIVAL_SECONDS) -> None:
        self._server, self._most, self._arrival = server, most, arrival
        self._begun: set[object] = set()
        """Connections on which a request came, its body perhaps not."""
        self._busy: set[object] = set()
        """Connections whose request is whole and being answered."""

    def __call__(self) -> asyncio.BaseProtocol:
        """Let a new connection in, if need be in the place of another."""
        held = self._server.connections
        self._begun.intersection_update(held)
        if len(held) >= self._most:
            waiting = next((each for each in held if each not in self._busy), None)
            if waiting is None:
                return _Shut()
            waiting.force_close()
        handler = self._server()
        asyncio.get_running_loop().call_later(self._arrival, self._too_late, handler)
        return handler

    def _too_late(self, handler: web.RequestHandler) -> None:
        if handler not in self._begun and handler in self._server.connections:
            handler.force_close()

    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Read a request whole, within its time, before it is answered."""
        connection = request.protocol
        self._begun.add(connection)
        try:
            async with asyncio.timeout(self._arrival):
                await request.read()
        except (TimeoutError, ConnectionError):
            # Too late, or cut off, perhaps to make room: a traceback for each would fill the log.
            late = web.Response(status=408)
            late.force_close()
            return late
        self._busy.add(connection)
        try:
            return await handler(request)
        finally:
            self._busy.discard(connection)
