"""Plain TCP for reads, straight on asyncio.

The streams of the HTTP library go through anyio and ask the kernel before each request whether an idle connection
became readable: with 1,000 clusters that was a sixth of all work. They are its type all the same, because a name with
several addresses is left to it.
"""

import asyncio
import ipaddress
import socket
from contextlib import suppress
from typing import Any, cast

import httpcore

KEPT_BYTES = 1 << 16
"""Bytes that may wait to be read; then the host has to wait. asyncio hands over up to 256 kB at once."""
_LARGE = 1 << 14
"""Bytes that are not returned at once: other tasks run first."""


async def connected(host: str, port: int, seconds: float) -> httpcore.AsyncNetworkStream:
    """Connect within so many seconds. Raises httpcore.ConnectTimeout and ConnectError."""
    try:
        async with asyncio.timeout(seconds):
            address = await _only_address(host, port)
            if address is None:
                # asyncio's race of addresses leaves a connection open when it is cancelled.
                return await httpcore.AnyIOBackend().connect_tcp(host, port)
            _, stream = await asyncio.get_running_loop().create_connection(PlainStream, address, port)
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(str(error)) from error
    except UnicodeError as error:
        # A label of a name that is empty or too long is not looked up at all.
        raise httpcore.ConnectError(str(error)) from socket.gaierror(socket.EAI_NONAME, str(error))
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    return stream


async def _only_address(host: str, port: int) -> str | None:
    """The address of a host; None if its name has several."""
    with suppress(ValueError):
        return str(ipaddress.ip_address(host))
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = {str(where[0]) for *_, where in found}
    return addresses.pop() if len(addresses) == 1 else None


class PlainStream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """A connection; one task reads and one writes."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._received = bytearray()
        self._ended = False
        self._fault: BaseException | None = None
        self._reader: asyncio.Future[None] | None = None
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep what arrives, also between two answers: then `is_readable` says so."""
        self._received += data
        if len(self._received) > KEPT_BYTES and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The host sends no more; it may still read."""
        self._ended = True
        self._wake()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Neither side sends any more."""
        self._ended, self._fault = True, self._fault or exc
        self._wake()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - the library's
        """Return what has arrived, b"" at the end. Raises httpcore.ReadTimeout, and ReadError for a cut connection."""
        if len(self._received) >= _LARGE:
            await asyncio.sleep(0)
        if not self._received and not self._ended:
            await self._wait(timeout)
        if not self._received and self._fault is not None:
            raise httpcore.ReadError(str(self._fault)) from self._fault
        data = bytes(self._received[:max_bytes])
        del self._received[:max_bytes]
        if self._paused and len(self._received) <= KEPT_BYTES:
            self._paused = False
            self._transport.resume_reading()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - the library's
        """Send all bytes without waiting: a read has no body. Raises httpcore.WriteError for a closed connection."""
        if self._transport.is_closing():
            raise httpcore.WriteError("the connection is closed") from self._fault
        self._transport.write(buffer)

    async def aclose(self) -> None:
        """Close the connection; a read that runs fails."""
        # Without a fault it would look like the end of an answer.
        self._fault = self._fault or ConnectionAbortedError("closed here")
        self._transport.abort()

    def get_extra_info(self, info: str) -> Any:
        """`is_readable` is the only one: an idle connection with bytes or an end must not be used."""
        return bool(self._received) or self._ended if info == "is_readable" else None

    async def _wait(self, seconds: float | None) -> None:
        """Wait for bytes or the end. A timer alone: `asyncio.timeout` takes longer than the rest of a read."""
        loop = asyncio.get_running_loop()
        self._reader = reader = loop.create_future()
        timer = None if seconds is None else loop.call_later(seconds, _expire, reader)
        try:
            await reader
        finally:
            self._reader = None
            # The error of a read refers to the future that holds it.
            del reader
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def _expire(reader: asyncio.Future[None]) -> None:
    if not reader.done():
        reader.set_exception(httpcore.ReadTimeout("nothing arrived in time"))
