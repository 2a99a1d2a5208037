"""The HTTP port of one simulated node: it can close at once and open again at the same address."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.playground.clustermgr_sim.answer import Answer, Call

LOOPBACK = "127.0.0.1"
_SHUTDOWN = 0.01
_MAX_BODY = 16 * 1024 * 1024
Serve = Callable[[Call], Awaitable[Answer]]


def _insist_on_free(port: int) -> None:
    """Raise OSError if the port is in use: two clusters on one port would get each other's calls."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, port))


class NodeServer:
    """Listens on 127.0.0.1. While closed, the port stays reserved and refuses connections."""

    def __init__(self, serve: Serve, port: int = 0) -> None:
        self._serve = serve
        self._runner: web.AppRunner | None = None
        self._lock = asyncio.Lock()
        _insist_on_free(port)
        self._placeholder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        # two sockets share the port; only the one that listens gets connections
        self._placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            self._placeholder.bind((LOOPBACK, port))
        except OSError:
            self._placeholder.close()
            raise
        self.port: int = self._placeholder.getsockname()[1]

    @property
    def listening(self) -> bool:
        """True if the port is open."""
        return self._runner is not None

    async def open(self) -> None:
        """Listen."""
        async with self._lock:
            if self._runner is None:
                await self._open()

    async def _open(self) -> None:
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_route("*", "/{tail:.*}", self._handle)
        app.on_response_prepare.append(_strip)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN)
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self.port, reuse_port=True).start()

    async def close(self) -> None:
        """Stop at once; running requests get no answer."""
        async with self._lock:
            runner, self._runner = self._runner, None
            if runner is not None:
                await self._close(runner)

    async def _close(self, runner: web.AppRunner) -> None:
        server = runner.server
        for connection in server.connections if server is not None else ():
            if connection.transport is not None:
                connection.transport.abort()
        await runner.cleanup()

    async def release(self) -> None:
        """Close and release the port."""
        await self.close()
        self.discard()

    def discard(self) -> None:
        """Release a port that was never opened."""
        self._placeholder.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(request.method, request.raw_path, headers, await request.read())
        answer = await self._serve(call)
        if answer.cut:
            return _cut(request)
        return await _respond(request, answer)


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _respond(request: web.Request, answer: Answer) -> web.StreamResponse:
    if request.transport is None or request.transport.is_closing():
        return web.Response()
    if not answer.chunked:
        response = web.Response(status=answer.status, reason=answer.reason, body=answer.body.encode())
        _set_headers(response, answer)
        return response
    stream = web.StreamResponse(status=answer.status, reason=answer.reason)
    _set_headers(stream, answer)
    stream.enable_chunked_encoding()
    await stream.prepare(request)
    await stream.write(answer.body.encode())
    await stream.write_eof()
    return stream


def _set_headers(response: web.StreamResponse, answer: Answer) -> None:
    response.headers.popall("Content-Type", None)
    for name, value in answer.headers:
        response.headers.add(name, value)


async def _strip(_request: web.Request, response: web.StreamResponse) -> None:
    """Remove the server name, as Go sends none."""
    response.headers.popall("Server", None)
