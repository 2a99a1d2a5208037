"""HTTP to many hosts: a few kept connections for each origin, bounded answers, one translation of exceptions.

A pool that many keep-alive hosts share scans all its connections at each request, so each origin has its own. A write
uses a new connection: a stale kept one could leave its outcome unknown. Requests go to a transport, not to the
library's client: our hosts need no redirects, cookies, proxies or logins, and it would double the cost.
"""

import asyncio
import base64
import hashlib
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from types import TracebackType
from typing import Self

import httpx

from bot.clustermgr.call_outcome import CallOutcome, outcome_of, outcome_of_status
from bot.clustermgr.plain_transport import PlainTransport
from bot.clustermgr.status_codes import Answer, one_line
from bot.clustermgr.transport_errors import CONNECTION_LOST, REQUEST_ERRORS, Unbounded, read_error, write_error
from bot.common.addresses import place
from bot.common.errors import ClusterError, ClusterUnreachable
from bot.telemetry.tracer import NO_TRACER, Tracer

HEADER = "BLOB-STORE-AUTH-TOKEN"


def request_token(secret: str, path: str, raw_query: str, at: int) -> str:
    """Return the token for one request: URL-safe base64 of `ts8 || md5(path || rawquery || ts8 || secret)`.

    `path` is the decoded URL path, `raw_query` the query as sent without "?", `at` Unix seconds. The token does
    not cover the body, and the server does not check the time (docs/clustermgr.md).
    """
    stamp = at.to_bytes(8, "little")
    digest = hashlib.md5(path.encode() + raw_query.encode() + stamp + secret.encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(stamp + digest).decode()


MAX_CONNECTIONS = 64
"""Connections to one host; linear reads that hang for ten seconds must not delay `/stat`."""
IDLE_CONNECTIONS = 2
"""Idle connections kept for each host; a poll reads two lists from the leader in parallel."""
KEPT_URLS = 5
"""URLs kept for each cluster beside one for each host, about 0.5 kB each: a poll asks the same ones again, and each
takes 30 µs to parse."""
MAX_ERROR_BYTES = 1 << 16
"""Limit of bytes read from an error, or from the answer to a write."""
MAX_PIECES = 10_000
"""Limit of pieces of one answer; 4 MB in packets of 1,460 bytes are 3,000 pieces."""
_PIECES_AT_ONCE = 64
_DIGITS = 20
_NO_BODY = httpx.ByteStream(b"")
_TRACE = b"blobstore-tracer-traceid"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds of each phase; `read_total` and `write_total` limit a whole request."""

    connect: float = 3.0
    read: float = 12.0
    write: float = 5.0
    pool: float = 5.0
    read_total: float = 15.0
    write_read: float = 15.0
    write_total: float = 25.0
    keep_alive: float = 120.0

    def phases(self, *, writing: bool) -> Mapping[str, float]:
        """The timeouts in the form of the HTTP library's transport."""
        read = self.write_read if writing else self.read
        return {"connect": self.connect, "read": read, "write": self.write, "pool": self.pool}


_ORIGIN = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z._-]{1,253}):([0-9]{1,5})")
_PORTS = range(1, 1 << 16)


def origin_of(host: str) -> str:
    """Return the origin of a configured host: `name:port` is plain HTTP, `https://name:port` is TLS.

    Raises ClusterUnreachable for any other form: a path or a query would change the request.
    """
    origin = host.removesuffix("/") if "://" in host else f"http://{host}"
    match = _ORIGIN.fullmatch(origin)
    if match is None or int(match[3]) not in _PORTS:
        raise ClusterUnreachable(f"{host[:80]!r} is not a host address; write name:port.", host=host)
    return origin


def _url(host: str, target: str) -> httpx.URL:
    return httpx.URL(origin_of(host) + target)


def _endpoint_key(host: str) -> tuple[bool, str]:
    """(TLS, address): the two values by which a host is compared with the settings."""
    origin = host if "://" in host else f"http://{host}"
    return origin.startswith("https://"), place(origin)


@dataclass(slots=True)
class _Pools:
    """One transport for each origin; all transports share one TLS context."""

    context: ssl.SSLContext
    keep_alive: float
    _held: dict[tuple[str, str, int | None], httpx.AsyncBaseTransport] = field(default_factory=dict)

    def fresh(self) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=IDLE_CONNECTIONS,
            keepalive_expiry=self.keep_alive,
        )
        return httpx.AsyncHTTPTransport(verify=self.context, trust_env=False, limits=limits)

    def of(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        origin = (url.scheme, url.host, url.port)
        if origin not in self._held:
            self._held[origin] = self.fresh() if url.scheme == "https" else self.plain()
        return self._held[origin]

    def plain(self) -> PlainTransport:
        return PlainTransport(most=MAX_CONNECTIONS, kept=IDLE_CONNECTIONS, keep_alive=self.keep_alive)

    async def aclose(self) -> None:
        for transport in self._held.values():
            await transport.aclose()
        self._held.clear()


OnCall = Callable[[str, str, float], None]
"""Called after each request with its path, its CallOutcome and its seconds."""


def ignore_call(call: str, outcome: str, seconds: float) -> None:
    """Do nothing: calls are not measured."""


class Transport:
    """Sends requests of one cluster; `get` for reads, `post` for writes. An async context manager.

    `secret` is the request token's secret or None; tokens go to `hosts` only. `new_id` makes the X-Reqid that
    logs on both sides share. Without a `context` no certificate is trusted: loading the system's certificates takes
    20 ms and megabytes, which plain HTTP does not need.
    """

    def __init__(
        self,
        *,
        new_id: Callable[[], str],
        timeouts: Timeouts | None = None,
        secret: str | None = None,
        hosts: Collection[str] = (),
        clock: Callable[[], float] = time.time,
        max_bytes: int = 8 << 20,
        context: ssl.SSLContext | None = None,
        on_call: OnCall = ignore_call,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._on_call, self._tracer = on_call, tracer
        self._timeouts = timeouts or Timeouts()
        self._secret = secret
        self._trusted = frozenset(map(_endpoint_key, hosts)) if secret is not None else frozenset()
        self._clock = clock
        self._new_id = new_id
        self._max_bytes = max_bytes
        self._url = lru_cache(KEPT_URLS + len(hosts))(_url)
        self._pools = _Pools(context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), self._timeouts.keep_alive)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pools.aclose()

    async def get(self, host: str, target: str, limit: int | None = None) -> Answer:
        """Read `target` (path and query) from `host`; raises ClusterUnreachable, ClusterTimeout, ClusterBadAnswer.

        `limit` is the limit of bytes of a body; of an error only the head is read.
        """
        limit = self._max_bytes if limit is None else min(limit, self._max_bytes)
        return await self._measured("GET", host, target, self._get(host, target, limit))

    async def post(self, host: str, target: str, body: bytes) -> Answer:
        """Write once; raises ClusterUnreachable if nothing was sent, OutcomeUnknown if that is uncertain."""
        return await self._measured("POST", host, target, self._post(host, target, body))

    async def _measured(self, method: str, host: str, target: str, call: Awaitable[Answer]) -> Answer:
        began, outcome, path = time.monotonic(), CallOutcome.CANCELLED, target.partition("?")[0]
        with self._tracer.span(f"{method} {path}", "client", method=method, path=path, host=host) as span:
            try:
                answer = await call
                outcome = outcome_of_status(answer.status)
                span.note(status=answer.status, size=len(answer.body))
            except ClusterError as error:
                outcome = outcome_of(error)
                raise
            finally:
                self._on_call(path, outcome, time.monotonic() - began)
            if outcome is not CallOutcome.OK:
                span.fail(outcome.value)
        return answer

    async def _get(self, host: str, target: str, limit: int) -> Answer:
        try:
            async with asyncio.timeout(self._timeouts.read_total):
                return await self._get_with_retry(host, target, limit)
        except REQUEST_ERRORS as error:
            raise read_error(host, error) from error

    async def _get_with_retry(self, host: str, target: str, limit: int) -> Answer:
        """Read over a kept connection, and once more over a new one if the kept one was cut.

        A host that closes after each answer may close while the next request is on its way.
        """
        request = self._request(host, "GET", target, None)
        try:
            return await self._send(self._pools.of(request.url), host, request, limit)
        except CONNECTION_LOST:
            again = self._request(host, "GET", target, None)
            async with self._pools.fresh() as transport:
                return await self._send(transport, host, again, limit)

    async def _post(self, host: str, target: str, body: bytes) -> Answer:
        try:
            async with AsyncExitStack() as stack:
                request = self._request(host, "POST", target, body)
                transport = await stack.enter_async_context(self._pools.fresh())
                await stack.enter_async_context(asyncio.timeout(self._timeouts.write_total))
                return await self._send(transport, host, request, MAX_ERROR_BYTES)
        except REQUEST_ERRORS as error:
            raise write_error(host, error) from error

    def _request(self, host: str, method: str, target: str, body: bytes | None) -> httpx.Request:
        url, writing = self._url(host, target), body is not None
        headers, extensions = self._headers(url, writing=writing), {"timeout": self._timeouts.phases(writing=writing)}
        if writing:
            return httpx.Request(method, url, content=body, headers=headers, extensions=extensions)
        # With a stream the library takes the headers as they are, which takes half the time.
        headers = {"Host": url.netloc.decode(), **headers}
        return httpx.Request(method, url, stream=_NO_BODY, headers=headers, extensions=extensions)

    async def _send(self, transport: httpx.AsyncBaseTransport, host: str, request: httpx.Request, limit: int) -> Answer:
        start = time.monotonic()
        response = await transport.handle_async_request(request)
        try:
            content = await _body(response, limit)
        finally:
            await _stream(response).aclose()
        return Answer(
            host=host,
            status=response.status_code,
            body=content,
            trace_id=one_line(_header(response, _TRACE), 64),
            took=time.monotonic() - start,
            is_json="json" in _header(response, b"content-type"),
        )

    def _headers(self, url: httpx.URL, *, writing: bool) -> Mapping[str, str]:
        # Identity: a compressed answer could expand to any size. Servers require a JSON type and a length.
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "cmbot", "X-Reqid": self._new_id()}
        if writing:
            headers["Content-Type"] = "application/json"
        if self._secret is not None and _endpoint_key(f"{url.scheme}://{url.netloc.decode()}") in self._trusted:
            headers[HEADER] = request_token(self._secret, url.path, url.query.decode(), int(self._clock()))
        return headers


async def _body(response: httpx.Response, limit: int) -> bytes:
    """Read the body, at limit `limit` bytes; of an error only the head, because no more is shown. Raises Unbounded."""
    length = _header(response, b"content-length")
    well = response.status_code == HTTPStatus.OK
    if well and length.isdecimal() and len(length) < _DIGITS and int(length) > limit:
        raise _oversized(limit)
    content = bytearray()
    chunks = 0
    async for chunk in _stream(response):
        content += chunk
        chunks += 1
        if well and len(content) > limit:
            raise _oversized(limit)
        if not well and len(content) >= MAX_ERROR_BYTES:
            return bytes(content[:MAX_ERROR_BYTES])
        if chunks > MAX_PIECES:
            raise Unbounded(f"sent its answer in more than {MAX_PIECES:,} pieces")
        if chunks % _PIECES_AT_ONCE == 0:
            # One packet may hold thousands of tiny chunks: let other tasks run in between.
            await asyncio.sleep(0)
    return bytes(content)


def _stream(response: httpx.Response) -> httpx.AsyncByteStream:
    """The stream of the transport: the response's own iterator copies each piece once more."""
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - an asynchronous transport has no other
    return response.stream


def _header(response: httpx.Response, name: bytes) -> str:
    """The first header of that name (in lower case), "" if there is none."""
    return next((value.decode("latin-1") for key, value in response.headers.raw if key.lower() == name), "")


def _oversized(limit: int) -> Unbounded:
    return Unbounded(f"sent more than {limit:,} bytes")
