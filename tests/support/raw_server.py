"""A raw HTTP server over asyncio streams that sends the exact bytes of a test, or cuts the connection."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass(slots=True)
class Request:
    """One request as it came over the socket."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Handler = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class RawServer:
    """`host` is its `127.0.0.1:port`; `requests` has all its requests."""

    host: str = ""
    requests: list[Request] = field(default_factory=list)


def answer(status: int, reason: str, headers: list[tuple[str, str]], body: bytes, *, length: bool = True) -> bytes:
    """An HTTP/1.1 answer as bytes."""
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{key}: {value}" for key, value in headers)]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def says(status: int, body: str = "", *, reason: str = "x", kind: str = "application/json") -> Handler:
    """A handler that always answers the same."""

    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(status, reason, [("Content-Type", kind)], body.encode()))
        await writer.drain()

    return handle


async def cuts(_request: Request, writer: asyncio.StreamWriter) -> None:
    """A handler that reads the request and drops the connection."""
    writer.transport.abort()


async def hangs(_request: Request, _writer: asyncio.StreamWriter) -> None:
    """A handler that never answers."""
    await asyncio.Event().wait()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)


@asynccontextmanager
async def serving(handler: Handler, *, context: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    """Serve on a free loopback port until the block ends, over TLS with a `context`; connections are closed then."""
    raw = RawServer()
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                request = await _read(reader)
                raw.requests.append(request)
                await handler(request, writer)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    raw.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield raw
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@asynccontextmanager
async def refusing() -> AsyncIterator[str]:
    """A loopback address on which nothing listens."""
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    yield f"127.0.0.1:{port}"
