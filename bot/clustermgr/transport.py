"""HTTP to many hosts: one small connection pool per origin, bounded answers, foreign exceptions translated once.

One pool shared by many keep-alive hosts scans all its connections at every request, so each origin has its own. A
write goes over a connection of its own, so that a stale kept-alive one cannot leave its outcome in doubt. Requests are
given to the library's transport, not to its client: redirects, cookies, proxies and log-ins are none of our hosts', and
cost as much again as the request.
"""

import asyncio
import base64
import hashlib
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Self

import httpx

from bot.clustermgr.status_codes import Answer, one_line
from bot.clustermgr.transport_errors import CUT, TROUBLES, Unbounded, read_trouble, write_trouble
from bot.common.addresses import place
from bot.common.errors import ClusterError, ClusterUnreachable

HEADER = "BLOB-STORE-AUTH-TOKEN"


def request_token(secret: str, path: str, raw_query: str, at: int) -> str:
    """The token for one request: URL-safe base64 of `ts8 || md5(path || rawquery || ts8 || secret)`.

    `path` is the decoded URL path, `raw_query` the query as sent without "?", `at` Unix seconds. The body is not
    covered and the server does not check the time (docs/clustermgr.md).
    """
    stamp = at.to_bytes(8, "little")
    digest = hashlib.md5(path.encode() + raw_query.encode() + stamp + secret.encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(stamp + digest).decode()


MOST_CONNECTIONS = 64
"""Connections to one host at once: linear reads that hang for ten seconds must not keep /stat waiting behind them."""
KEPT_ALIVE = 2
"""Idle connections to one host that are kept: a look asks the leader two lists at the same time."""
MOST_WORDS = 1 << 16
"""Bytes of an error's body, or of a write's answer, that are read."""
MOST_CHUNKS = 10_000
"""Pieces in which an answer may come: 4 MB in packets of 1,460 bytes are 3,000."""
_CHUNKS_AT_ONCE = 64
_DIGITS = 20
_TRACE = "Blobstore-Tracer-Traceid"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds per phase; `read_total` and `write_total` bound a whole request, whatever its phases do."""

    connect: float = 3.0
    read: float = 12.0
    write: float = 5.0
    pool: float = 5.0
    read_total: float = 15.0
    write_read: float = 15.0
    write_total: float = 25.0
    keep_alive: float = 120.0

    def phases(self, *, writing: bool) -> Mapping[str, float]:
        """The same as the HTTP library's transport takes them."""
        read = self.write_read if writing else self.read
        return {"connect": self.connect, "read": read, "write": self.write, "pool": self.pool}


_ORIGIN = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z._-]{1,253}):([0-9]{1,5})")
_PORTS = range(1, 1 << 16)


def origin_of(host: str) -> str:
    """The origin of a configured host: `name:port` speaks plain HTTP, `https://name:port` TLS.

    Raises ClusterUnreachable for what is neither: a path or a query in it would change what is asked.
    """
    origin = host.removesuffix("/") if "://" in host else f"http://{host}"
    match = _ORIGIN.fullmatch(origin)
    if match is None or int(match[3]) not in _PORTS:
        raise ClusterUnreachable(f"{host[:80]!r} is no address of a host: write name:port.", host=host)
    return origin


def _spot(host: str) -> tuple[bool, str]:
    """Whether that is TLS, and the place: what must agree for a host to be one of the settings."""
    origin = host if "://" in host else f"http://{host}"
    return origin.startswith("https://"), place(origin)


@dataclass(slots=True)
class _Pools:
    """One transport per origin; every transport shares one TLS context."""

    context: ssl.SSLContext
    keep_alive: float
    _held: dict[tuple[str, str, int | None], httpx.AsyncHTTPTransport] = field(default_factory=dict)

    def fresh(self) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(
            max_connections=MOST_CONNECTIONS, max_keepalive_connections=KEPT_ALIVE, keepalive_expiry=self.keep_alive
        )
        return httpx.AsyncHTTPTransport(verify=self.context, trust_env=False, limits=limits)

    def of(self, url: httpx.URL) -> httpx.AsyncHTTPTransport:
        origin = (url.scheme, url.host, url.port)
        if origin not in self._held:
            self._held[origin] = self.fresh()
        return self._held[origin]

    async def aclose(self) -> None:
        for transport in self._held.values():
            await transport.aclose()
        self._held.clear()


OnCall = Callable[[str, str, float], None]
"""Told of each call that ended: its path, `ok`, the status or the name of our error, and its seconds."""


def untold(call: str, outcome: str, seconds: float) -> None:
    """Nobody measures."""


class Transport:
    """Sends requests of one cluster; `get` for reads, `post` for writes. An async context manager.

    `secret` is the request token's secret or None; tokens go to `hosts` only, whichever address is asked. `new_id`
    makes the X-Reqid that logs on both sides share. Without a `context` no certificate is trusted: loading the
    system's takes 20 ms and megabytes, for nothing over plain HTTP.
    """

    def __init__(
        self,
        *,
        new_id: Callable[[], str],
        timeouts: Timeouts | None = None,
        secret: str | None = None,
        hosts: Iterable[str] = (),
        clock: Callable[[], float] = time.time,
        max_bytes: int = 8 << 20,
        context: ssl.SSLContext | None = None,
        on_call: OnCall = untold,
    ) -> None:
        self._on_call = on_call
        self._timeouts = timeouts or Timeouts()
        self._secret = secret
        self._trusted = frozenset(map(_spot, hosts)) if secret is not None else frozenset()
        self._clock = clock
        self._new_id = new_id
        self._max_bytes = max_bytes
        self._pools = _Pools(context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), self._timeouts.keep_alive)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pools.aclose()

    async def get(self, host: str, target: str, most: int | None = None) -> Answer:
        """Read `target` (path and query) from `host`; raises ClusterUnreachable, ClusterTimeout, ClusterBadAnswer.

        `most` bytes of a body are taken, of an error's body its head only.
        """
        most = self._max_bytes if most is None else min(most, self._max_bytes)
        return await self._told(target, self._get(host, target, most))

    async def post(self, host: str, target: str, body: bytes) -> Answer:
        """Write once; raises ClusterUnreachable when nothing was sent, OutcomeUnknown when that is not certain."""
        return await self._told(target, self._post(host, target, body))

    async def _told(self, target: str, call: Awaitable[Answer]) -> Answer:
        began, outcome = time.monotonic(), "cancelled"
        try:
            answer = await call
            outcome = "ok" if answer.status == HTTPStatus.OK else str(answer.status)
        except ClusterError as error:
            outcome = type(error).__name__
            raise
        finally:
            self._on_call(target.partition("?")[0], outcome, time.monotonic() - began)
        return answer

    async def _get(self, host: str, target: str, most: int) -> Answer:
        try:
            async with asyncio.timeout(self._timeouts.read_total):
                return await self._asked(host, target, most)
        except TROUBLES as error:
            raise read_trouble(host, error) from error

    async def _asked(self, host: str, target: str, most: int) -> Answer:
        """Ask over a kept connection, and once more over a fresh one when that was cut.

        A host that closes after each answer may do so just when the next question is on its way.
        """
        request = self._request(host, "GET", target, None)
        try:
            return await self._send(self._pools.of(request.url), host, request, most)
        except CUT:
            again = self._request(host, "GET", target, None)
            async with self._pools.fresh() as transport:
                return await self._send(transport, host, again, most)

    async def _post(self, host: str, target: str, body: bytes) -> Answer:
        try:
            async with AsyncExitStack() as stack:
                request = self._request(host, "POST", target, body)
                transport = await stack.enter_async_context(self._pools.fresh())
                await stack.enter_async_context(asyncio.timeout(self._timeouts.write_total))
                return await self._send(transport, host, request, MOST_WORDS)
        except TROUBLES as error:
            raise write_trouble(host, error) from error

    def _request(self, host: str, method: str, target: str, body: bytes | None) -> httpx.Request:
        url, writing = httpx.URL(origin_of(host) + target), body is not None
        return httpx.Request(
            method,
            url,
            content=body,
            headers=self._headers(url, writing=writing),
            extensions={"timeout": self._timeouts.phases(writing=writing)},
        )

    async def _send(self, transport: httpx.AsyncHTTPTransport, host: str, request: httpx.Request, most: int) -> Answer:
        start = time.monotonic()
        response = await transport.handle_async_request(request)
        try:
            content = await _body(response, most)
        finally:
            await response.aclose()
        return Answer(
            host=host,
            status=response.status_code,
            body=content,
            trace_id=one_line(response.headers.get(_TRACE, ""), 64),
            took=time.monotonic() - start,
            is_json="json" in response.headers.get("content-type", ""),
        )

    def _headers(self, url: httpx.URL, *, writing: bool) -> Mapping[str, str]:
        # Identity: a compressed answer could unfold to any size. A JSON type and a length are what servers insist on.
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "cmbot", "X-Reqid": self._new_id()}
        if writing:
            headers["Content-Type"] = "application/json"
        if self._secret is not None and _spot(f"{url.scheme}://{url.netloc.decode()}") in self._trusted:
            headers[HEADER] = request_token(self._secret, url.path, url.query.decode(), int(self._clock()))
        return headers


async def _body(response: httpx.Response, most: int) -> bytes:
    """The body, `most` bytes of it; of an error the head, since no more of its words is shown. Raises Unbounded."""
    length = response.headers.get("content-length", "")
    well = response.status_code == HTTPStatus.OK
    if well and length.isdecimal() and len(length) < _DIGITS and int(length) > most:
        raise _too_long(most)
    content = bytearray()
    chunks = 0
    async for chunk in response.aiter_raw():
        content += chunk
        chunks += 1
        if well and len(content) > most:
            raise _too_long(most)
        if not well and len(content) >= MOST_WORDS:
            return bytes(content[:MOST_WORDS])
        if chunks > MOST_CHUNKS:
            raise Unbounded(f"sent its answer in more than {MOST_CHUNKS:,} pieces")
        if chunks % _CHUNKS_AT_ONCE == 0:
            # Thousands of tiny chunks may lie in one packet: let the others have their turn between them.
            await asyncio.sleep(0)
    return bytes(content)


def _too_long(most: int) -> Unbounded:
    return Unbounded(f"sent more than {most:,} bytes")
