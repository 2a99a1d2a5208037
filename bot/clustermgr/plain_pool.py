"""Reads over plain HTTP from one host, without the HTTP library's pool, connections and objects.

These took longer than HTTP itself. Two kept connections need no more than a list.
"""

import asyncio
from collections.abc import Mapping
from typing import Never, Self

import httpcore
import httpx

from bot.clustermgr.plain_connection import Headers, PlainConnection
from bot.clustermgr.plain_stream import connected

_SAME: Mapping[type[Exception], type[httpx.RequestError]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.WriteError: httpx.WriteError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
}
_FAULTS = tuple(_SAME)


class PlainPool:
    """Connections to one host: at most `most`, of which `kept` stay open for `keep_alive` seconds.

    All methods raise the exceptions of httpx, and Unbounded.
    """

    def __init__(self, host: str, port: int, *, most: int, kept: int, keep_alive: float) -> None:
        self._host, self._port = host, port
        self._kept, self._keep_alive = kept, keep_alive
        self._places = asyncio.Semaphore(most)
        self._idle: list[PlainConnection] = []
        self._open: set[PlainConnection] = set()
        self._ended = False

    async def ask(self, target: bytes, headers: Headers, phases: Mapping[str, float]) -> "PlainAnswer":
        """Send a GET; its connection is free again once the answer is closed. `phases` are limits in seconds."""
        await self._place(phases["pool"])
        connection, answered = None, False
        try:
            connection = await self._usable() or await self._connected(phases["connect"])
            head = await connection.ask(target, headers, phases)
            answered = True
        except _FAULTS as error:
            _raise_same(error)
        finally:
            if not answered:
                await self.take_back(connection)
        return PlainAnswer(head.status_code, list(head.headers), self, connection)

    async def aclose(self) -> None:
        """Close all connections, also those in use; none is kept after that."""
        self._ended = True
        self._idle.clear()
        while self._open:
            await self._open.pop().aclose()

    async def take_back(self, connection: PlainConnection | None) -> None:
        """End the use of a connection: keep it if its answer was read to the end, else close it."""
        self._places.release()
        if connection is None:
            return
        gone = [idle for idle in self._idle if idle.has_expired()]
        self._idle = [idle for idle in self._idle if idle not in gone]
        usable = connection.is_kept() and not connection.has_expired()
        if usable and not self._ended and len(self._idle) < self._kept:
            self._idle.append(connection)
        else:
            gone.insert(0, connection)
        for each in gone:
            await self._closed(each)

    async def _place(self, seconds: float) -> None:
        if not self._places.locked():
            await self._places.acquire()
            return
        try:
            async with asyncio.timeout(seconds):
                await self._places.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout(str(error)) from error

    async def _usable(self) -> PlainConnection | None:
        """A kept connection that is not too old, not closed by the host, and on which nothing arrived meanwhile."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired():
                return connection
            await self._closed(connection)
        return None

    async def _connected(self, seconds: float) -> PlainConnection:
        stream = await connected(self._host, self._port, seconds)
        connection = PlainConnection(stream, self._keep_alive)
        self._open.add(connection)
        return connection

    async def _closed(self, connection: PlainConnection) -> None:
        self._open.discard(connection)
        await connection.aclose()


class PlainAnswer:
    """An answer whose body is still to be read: iterate over its pieces. `aclose` gives the connection back."""

    __slots__ = ("_connection", "_pool", "headers", "status")

    def __init__(self, status: int, headers: Headers, pool: PlainPool, connection: PlainConnection) -> None:
        self.status, self.headers = status, headers
        self._pool: PlainPool | None = pool
        self._connection = connection

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """The next piece. Raises the exceptions of httpx."""
        if self._pool is None:
            # Its connection may have another answer by now.
            raise StopAsyncIteration
        try:
            piece = await self._connection.piece()
        except _FAULTS as error:
            _raise_same(error)
        if piece is None:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """End the answer; the second call does nothing."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.take_back(self._connection)


def _raise_same(error: Exception) -> Never:
    """Raise the exception of httpx for one of _FAULTS."""
    raise _SAME[type(error)](str(error)) from error
