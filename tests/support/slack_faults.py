"""A Slack over raw sockets that fails at one method in one way, and answers all other calls correctly."""

import asyncio
import gzip
import json
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

Fail = Callable[[asyncio.StreamWriter], Awaitable[None]]

HUGE = 400 * 1024 * 1024
DEEP = 100_000


def head(status: int, length: int | None, *headers: str, kind: str = "application/json") -> bytes:
    """The first lines of an answer; without a length the connection's end is the body's."""
    sized = [] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join([f"HTTP/1.1 {status} x", f"Content-Type: {kind}", *sized, *headers, "", ""]).encode()


def says(status: int, body: bytes, *headers: str, kind: str = "application/json") -> Fail:
    """Answer like this."""

    async def fail(writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, len(body), *headers, kind=kind) + body)
        await writer.drain()

    return fail


async def reset(writer: asyncio.StreamWriter) -> None:
    """Cut the connection with a reset."""
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def black_hole(_writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def drip(writer: asyncio.StreamWriter) -> None:
    """Answer one byte now and then."""
    writer.write(head(200, 1_000_000))
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def half_closed(writer: asyncio.StreamWriter) -> None:
    """End the answer before it begins, and keep on listening."""
    writer.write_eof()
    await asyncio.Event().wait()


async def garbage(writer: asyncio.StreamWriter) -> None:
    """Answer with what is no HTTP."""
    writer.write(b"\x00\xff\x13SSH-2.0-OpenSSH_9.6\r\n\r\n" * 20)
    await writer.drain()
    writer.close()


async def truncated(writer: asyncio.StreamWriter) -> None:
    """Close in the middle of a body."""
    writer.write(head(200, 500) + b'{"ok": true, "ts": "1.0')
    await writer.drain()
    writer.close()


async def huge(writer: asyncio.StreamWriter) -> None:
    """Answer with 400 MB."""
    writer.write(head(200, HUGE))
    chunk = b'"' + b"x" * 65_535
    with suppress(ConnectionError):
        for _ in range(HUGE // len(chunk)):
            writer.write(chunk)
            await writer.drain()


FAILS: Mapping[str, Fail] = {
    "reset": reset,
    "black hole": black_hole,
    "drip": drip,
    "half-closed": half_closed,
    "garbage": garbage,
    "truncated": truncated,
    "gzip bomb": says(200, gzip.compress(b" " * (64 * 1024 * 1024)), "Content-Encoding: gzip"),
    "wrong type": says(200, b"[1, 2]"),
    "3xx": says(302, b"", "Location: /api/elsewhere"),
    "4xx": says(404, b"<html>no such page</html>", kind="text/html"),
    "5xx": says(502, b"<html>bad gateway</html>", kind="text/html"),
    "9xx": says(999, b"{}"),
    "huge": huge,
    "deep": says(200, b"[" * DEEP + b"]" * DEEP),
}
"""How a method fails once a connection is there."""


@dataclass(slots=True)
class FaultySlack:
    """`fails` names the method that fails and how; `answers` is what the others say; `asked` is who was called."""

    origin: str = ""
    fails: dict[str, Fail] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def api_url(self) -> str:
        """Where the Web API is."""
        return f"{self.origin}/api/"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests."""
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while not writer.is_closing():
                lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
                length = next((line[15:] for line in lines if line.startswith("content-length:")), "0")
                await reader.readexactly(int(length))
                method = lines[0].split(" ")[1].partition("?")[0].rpartition("/")[2]
                self.asked.append(method)
                fail = self.fails.get(method)
                if fail is None:
                    named = {name.lower(): said for name, said in self.answers.items()}.get(method, {})
                    said = {key: self._placed(value) for key, value in named.items()}
                    fail = says(200, json.dumps({"ok": True, **said}).encode())
                await fail(writer)
        writer.close()

    def _placed(self, value: Any) -> Any:
        return self.origin + value if isinstance(value, str) and value.startswith("/") else value


@asynccontextmanager
async def serving(slack: FaultySlack, context: ssl.SSLContext | None = None) -> AsyncIterator[FaultySlack]:
    """Serve on a free port of the loopback, with TLS when there is a context."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await slack.serve(reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    scheme = "https" if context else "http"
    slack.origin = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield slack
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
