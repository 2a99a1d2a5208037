"""Plain HTTP to one host for the HTTP library, without its pool.

The pool and what is around it took as long as HTTP itself. Two kept connections need no more than a list; each is the
library's own (`httpcore.AsyncHTTP11Connection`), so what an answer may be, and what an idle connection must not do,
is decided there.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Never

import httpcore
import httpx

from bot.clustermgr.plain_stream import PlainBackend

_SAME: Mapping[type[Exception], type[httpx.RequestError]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.WriteError: httpx.WriteError,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
}
_FAULTS = tuple(_SAME)


class PlainTransport(httpx.AsyncBaseTransport):
    """Sends each request once; raises the exceptions of httpx.

    `most` is the limit of connections, of which `kept` stay open for `keep_alive` seconds.
    """

    def __init__(self, *, most: int, kept: int, keep_alive: float) -> None:
        self._kept, self._keep_alive = kept, keep_alive
        self._places = asyncio.Semaphore(most)
        self._idle: list[httpcore.AsyncHTTP11Connection] = []
        self._open: set[httpcore.AsyncHTTP11Connection] = set()
        self._ended = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its connection is free again once the stream of the answer is closed."""
        timeout = request.extensions["timeout"]
        await self._place(timeout["pool"])
        connection, answered = None, False
        try:
            connection = await self._usable() or await self._connected(request.url, timeout["connect"])
            answer = await connection.handle_async_request(_core(request))
            body = _Body(answer, partial(self._over, connection))
            response = httpx.Response(answer.status, headers=answer.headers, stream=body)
            answered = True
        except _FAULTS as error:
            _raise_same(error)
        finally:
            if not answered:
                await self._over(connection)
        return response

    async def aclose(self) -> None:
        """Close all connections, also those in use; none is kept after that."""
        self._ended = True
        self._idle.clear()
        while self._open:
            await self._open.pop().aclose()

    async def _place(self, seconds: float) -> None:
        if not self._places.locked():
            await self._places.acquire()
            return
        try:
            async with asyncio.timeout(seconds):
                await self._places.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout(str(error)) from error

    async def _usable(self) -> httpcore.AsyncHTTP11Connection | None:
        """A kept connection that is not too old, not closed by the host, and on which nothing arrived meanwhile."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired():
                return connection
            await self._closed(connection)
        return None

    async def _connected(self, url: httpx.URL, seconds: float) -> httpcore.AsyncHTTP11Connection:
        stream = await PlainBackend().connect_tcp(url.raw_host.decode("ascii"), url.port or 80, seconds)
        origin = httpcore.Origin(b"http", url.raw_host, url.port or 80)
        connection = httpcore.AsyncHTTP11Connection(origin, stream, self._keep_alive)
        self._open.add(connection)
        return connection

    async def _over(self, connection: httpcore.AsyncHTTP11Connection | None) -> None:
        """Keep the connection if its answer was read to the end, else close it."""
        self._places.release()
        if connection is None:
            return
        for old in [idle for idle in self._idle if idle.has_expired()]:
            self._idle.remove(old)
            await self._closed(old)
        if not self._ended and connection.is_idle() and len(self._idle) < self._kept:
            self._idle.append(connection)
        else:
            await self._closed(connection)

    async def _closed(self, connection: httpcore.AsyncHTTP11Connection) -> None:
        self._open.discard(connection)
        await connection.aclose()


class _Body(httpx.AsyncByteStream):
    """The body of an answer; `over` is called once, when it is closed."""

    def __init__(self, answer: httpcore.Response, over: Callable[[], Awaitable[None]]) -> None:
        self._answer, self._over = answer, over
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._answer.aiter_stream():
                yield piece
        except _FAULTS as error:
            _raise_same(error)

    async def aclose(self) -> None:
        """End the answer; the second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._answer.aclose()
        finally:
            await self._over()


def _core(request: httpx.Request) -> httpcore.Request:
    url = request.url
    assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101 - asynchronous requests only
    target = httpcore.URL(scheme=b"http", host=url.raw_host, port=url.port, target=url.raw_path)
    return httpcore.Request(
        request.method, target, headers=request.headers.raw, content=request.stream, extensions=request.extensions
    )


def _raise_same(error: Exception) -> Never:
    """Raise the exception of httpx for one of _FAULTS."""
    raise _SAME[type(error)](str(error)) from error
