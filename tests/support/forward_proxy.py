"""A small HTTP proxy: CONNECT tunnels and plain requests, a list of who was asked for, optional login and refusals."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_MAX_HEAD = 1 << 16


@dataclass
class ForwardProxy:
    """`seen` has the method and host:port of each request; with `login` ("user:password") others get 407."""

    login: str = ""
    refuse: int = 0
    port: int = 0
    seen: list[tuple[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{f'{self.login}@' if self.login else ''}127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await self._answer(head, reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    async def _answer(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, target, version = head.split(b"\r\n", 1)[0].decode().split(" ")
        place = target if method == "CONNECT" else urlsplit(target).netloc
        self.seen.append((method, place))
        proof = base64.b64encode(self.login.encode()).decode()
        status = 407 if self.login and f"Basic {proof}".encode() not in head else self.refuse
        if status:
            writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
            return
        host, _, port = place.rpartition(":")
        upstream, into = await asyncio.open_connection(host, int(port))
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            parts = urlsplit(target)
            path = f"{parts.path}{f'?{parts.query}' if parts.query else ''}"
            lines = [line for line in head.split(b"\r\n")[1:] if not line.lower().startswith(b"proxy-")]
            into.write(f"{method} {path} {version}\r\n".encode() + b"\r\n".join(lines))
        await asyncio.gather(_pump(reader, into), _pump(upstream, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while held := await reader.read(_MAX_HEAD):
            writer.write(held)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def forwarding(*, login: str = "", refuse: int = 0) -> AsyncIterator[ForwardProxy]:
    """Run a proxy on the loopback until the block ends."""
    proxy = ForwardProxy(login, refuse)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0, limit=_MAX_HEAD)
    async with server:
        proxy.port = server.sockets[0].getsockname()[1]
        yield proxy


@asynccontextmanager
async def terminating(context: ssl.SSLContext, place: str) -> AsyncIterator[int]:
    """Take encrypted connections, and pass on what they say to `place` (host:port); yield the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = place.rpartition(":")
        upstream, into = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_pump(reader, into), _pump(upstream, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
