"""The tools over HTTP (Streamable HTTP without sessions), behind the guard."""

import asyncio
import socket
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from mcp.server import Server
from mcp.server.transport_security import TransportSecuritySettings
from uvicorn.protocols.http.h11_impl import H11Protocol

from bot.cli.agents.guard import MAX_BODY, PATH, AgentGuard
from bot.common.errors import ConfigError, system_words

_BACKLOG = 64
_MAX_CONNECTIONS = 128
HEAD_SECONDS = 10.0
"""Seconds in which the head of the next request must arrive on a connection."""
_END_SECONDS = 3


class AgentConnection(H11Protocol):
    """Closes a connection on which no whole request comes: uvicorn waits for the first one without an end."""

    head_seconds = HEAD_SECONDS
    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Go on waiting unless a request is complete."""
        super().data_received(data)
        self._wait()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        super().connection_lost(exc)
        self._wait(over=True)

    def _wait(self, *, over: bool = False) -> None:
        cycle: Any = self.cycle
        answering = cycle is not None and not cycle.response_complete
        if (over or answering) and self._due is not None:
            self._due.cancel()
            self._due = None
        elif not over and not answering and self._due is None:
            self._due = self.loop.call_later(self.head_seconds, self.transport.close)


class _Uvicorn(uvicorn.Server):
    """Leaves signals to cmbot."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no handler."""
        yield


@asynccontextmanager
async def over_http(
    server: Server[Any],
    host: str,
    port: int,
    *,
    token: str,
    names: Collection[str],
    connection: type[H11Protocol] = AgentConnection,
) -> AsyncIterator[int]:
    """Serve until the block ends; yield the port. Raises ConfigError."""
    inner = server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        max_request_body_size=MAX_BODY,
        # The guard checks names, before anything is read.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    config = uvicorn.Config(
        AgentGuard(inner, token, names),
        loop="none",
        http=connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=_MAX_CONNECTIONS,
        backlog=_BACKLOG,
        timeout_keep_alive=int(HEAD_SECONDS),
        timeout_graceful_shutdown=_END_SECONDS,
    )
    listening = await _listening(host, port)
    serving = _Uvicorn(config)
    with listening:
        running = asyncio.create_task(serving.serve(sockets=[listening]))
        try:
            yield int(listening.getsockname()[1])
        finally:
            serving.should_exit = True
            await running


async def _listening(host: str, port: int) -> socket.socket:
    """Bind the address, so that requests wait there from now on."""
    try:
        [found, *_] = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = found
        return socket.create_server(address, family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigError(
            f"mcp.port: cannot listen on {host}:{port} ({system_words(error)}); choose another."
        ) from error
