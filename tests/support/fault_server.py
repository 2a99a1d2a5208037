"""A server with one named fault, over real sockets: the possible faults of a host, a proxy or an attacker.

`FAULTS` names the ways. It knows nothing of Clustermgr or Slack: any HTTP client may be tried against it.
"""

import asyncio
import gzip
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import cache

import trustme

from tests.support.raw_server import Handler, RawServer, Request, answer, hangs, refusing, says, serving

JSON = ("Content-Type", "application/json")
STATUSES = (101, 201, 204, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 408, 429, 499, 500, 502, 503, 504)
OWN_STATUSES = (904, 906, 907, 908, 910, 911, 999)
"""Statuses that only Clustermgr uses."""
DEPTH = 30_000


async def resets(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Send a TCP reset instead of an answer."""
    own = writer.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def half_closes(_request: Request, writer: asyncio.StreamWriter) -> None:
    """End the sending side without an answer and keep the connection."""
    writer.write_eof()
    await asyncio.Event().wait()


async def drips(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Send an answer byte by byte, slower than any deadline allows."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def floods(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Send a body without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        writer.write(b"[" + b" " * 65536)
        await writer.drain()


async def crumbles(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Send a body without an end, in chunks of one byte."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\n \r\n" * 5000)
        await writer.drain()


def sends(content: bytes) -> Handler:
    """A handler that sends these bytes and closes."""

    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()
        writer.close()

    return handle


HANDLERS: Mapping[str, Handler] = {
    "reset": resets,
    "black hole": hangs,
    "drip": drips,
    "half-closed": half_closes,
    "closed": sends(b""),
    "HTTP on a TLS port of Go": sends(
        b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    ),
    "TLS alert": sends(b"\x15\x03\x01\x00\x02\x02\x28"),
    "garbage": sends(b"\x00\xff\x13SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "truncated": sends(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"),
    "gzip bomb": sends(answer(200, "OK", [JSON, ("Content-Encoding", "gzip")], gzip.compress(b" " * 10_000_000))),
    "web page": says(200, "<html>log in</html>", kind="text/html"),
    "wrong shape": says(200, "[[1]]"),
    "wrong bytes": sends(answer(200, "OK", [JSON], b'{"a": "\xff\xfe"')),
    "huge": floods,
    "huge, said so": sends(answer(200, "OK", [JSON, ("Content-Length", "99999999999")], b"[", length=False)),
    "huge, in crumbs": crumbles,
    "deep": says(200, "[" * DEPTH + "]" * DEPTH),
    **{str(status): says(status, "nothing of JSON", kind="text/plain") for status in STATUSES},
    **{str(status): says(status, '{"error": "its own words"}') for status in OWN_STATUSES},
}
SILENT = frozenset({"black hole", "drip"})
"""The faults that only a deadline ends."""


@cache
def _authority() -> trustme.CA:
    """The certificate authority of this test run; keys are on disk for a moment only."""
    return trustme.CA()


def certified(name: str) -> ssl.SSLContext:
    """A server's TLS with a certificate that is `right`, `expired`, of an `othername`, or self-signed (`alone`)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if name == "alone":
        own = trustme.CA()
        with own.private_key_pem.tempfile() as key, own.cert_pem.tempfile() as certificate:
            context.load_cert_chain(certificate, key)
        return context
    end = datetime(2020, 1, 2, tzinfo=UTC) if name == "expired" else None
    begin = datetime(2020, 1, 1, tzinfo=UTC) if end else None
    names = ("elsewhere.example",) if name == "othername" else ("127.0.0.1", "localhost")
    _authority().issue_cert(*names, not_before=begin, not_after=end).configure_cert(context)
    return context


def trusting() -> ssl.SSLContext:
    """A client's TLS that trusts the certificate authority of this test run."""
    context = ssl.create_default_context()
    _authority().configure_trust(context)
    return context


@asynccontextmanager
async def _over(scheme: str, handler: Handler, certificate: str) -> AsyncIterator[RawServer]:
    async with serving(handler, context=certified(certificate)) as server:
        server.host = f"{scheme}{server.host}"
        yield server


@asynccontextmanager
async def _nothing() -> AsyncIterator[RawServer]:
    async with refusing() as host:
        yield RawServer(host)


@asynccontextmanager
async def _plain() -> AsyncIterator[RawServer]:
    """Serve plain HTTP as servers do that are greeted in TLS: the first line is none of HTTP, so they answer 400."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer(400, "Bad Request", [], b"400 Bad Request"))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        yield RawServer(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")


CERTIFIED: Mapping[str, tuple[str, str]] = {
    "untrusted certificate": ("https://", "alone"),
    "expired certificate": ("https://", "expired"),
    "certificate of another name": ("https://", "othername"),
    "TLS where plain HTTP is asked": ("", "right"),
}
"""The faults of TLS: the scheme in the address, and the certificate that is shown there."""
NOT_TLS = "plain HTTP where TLS is asked"
FAULTS = ("refused", *HANDLERS, *CERTIFIED, NOT_TLS)


def faulty(fault: str) -> AbstractAsyncContextManager[RawServer]:
    """Serve one fault of FAULTS; the server's `host` is the address to ask, with its scheme where it needs one."""
    if fault == "refused":
        return _nothing()
    if fault == NOT_TLS:
        return _plain()
    if fault in CERTIFIED:
        scheme, certificate = CERTIFIED[fault]
        return _over(scheme, says(200, "{}"), certificate)
    return serving(HANDLERS[fault])
