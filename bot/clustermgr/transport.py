"""HTTP to many hosts: a few kept connections for each origin, bounded answers, one translation of exceptions.

A pool that many keep-alive hosts share scans all its connections at each request, so each origin has its own. A write
uses a new connection: a stale kept one could leave its outcome unknown. Reads over plain HTTP are ours (`plain_pool`);
all other requests go to a transport of the library, not to its client: our hosts need no redirects, cookies, proxies or
logins.
"""

import asyncio
import base64
import hashlib
import ipaddress
import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import unquote

import httpx

from bot.clustermgr.call_outcome import CallOutcome, outcome_of, outcome_of_status
from bot.clustermgr.plain_connection import Headers
from bot.clustermgr.plain_pool import PlainPool
from bot.clustermgr.status_codes import Answer, one_line
from bot.clustermgr.tls_contexts import trusts_nothing, trusts_system
from bot.clustermgr.transport_errors import CONNECTION_LOST, REQUEST_ERRORS, Unbounded, read_error, write_error
from bot.common.addresses import place
from bot.common.errors import ClusterError, ClusterUnreachable
from bot.common.frozen import frozen
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
MAX_ERROR_BYTES = 1 << 16
"""Limit of bytes read from an error, or from the answer to a write."""
MAX_PIECES = 10_000
"""Limit of pieces of one answer; 4 MB in packets of 1,460 bytes are 3,000 pieces."""
_PIECES_AT_ONCE = 64
_DIGITS = 20
_TRACE = b"blobstore-tracer-traceid"


@frozen
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
_FOUR_NUMBERS = re.compile(r"[0-9]+(\.[0-9]+){3}")


@frozen
class HostOrigin:
    """Where a host is: its `name` is in lower case, an IPv6 address in brackets."""

    tls: bool
    name: str
    port: int

    @property
    def authority(self) -> str:
        """`name:port`, without the port that the scheme implies."""
        return self.name if self.port == (443 if self.tls else 80) else f"{self.name}:{self.port}"

    def __str__(self) -> str:
        return f"http{'s' if self.tls else ''}://{self.authority}"


@lru_cache(maxsize=1 << 14)
def origin_of(host: str) -> HostOrigin:
    """Return the origin of a configured host: `name:port` is plain HTTP, `https://name:port` is TLS.

    Raises ClusterUnreachable for any other form: a path or a query would change the request.
    """
    match = _ORIGIN.fullmatch(host.removesuffix("/") if "://" in host else f"http://{host}")
    if match is None or int(match[3]) not in _PORTS or _is_odd(match[2]):
        raise ClusterUnreachable(f"{host[:80]!r} is not a host address; write name:port.", host=host)
    return HostOrigin(match[1] == "https", match[2].lower(), int(match[3]))


def _is_odd(name: str) -> bool:
    """True for what looks like an address and is none: libraries differ in what `010.0.0.1` is."""
    bracketed = name.startswith("[")
    if not bracketed and not _FOUR_NUMBERS.fullmatch(name):
        return False
    try:
        (ipaddress.IPv6Address if bracketed else ipaddress.IPv4Address)(name.strip("[]"))
    except ValueError:
        return True
    return False


def _endpoint_key(host: str) -> tuple[bool, str]:
    """(TLS, address): the two values by which a host is compared with the settings."""
    origin = host if "://" in host else f"http://{host}"
    return origin.startswith("https://"), place(origin)


@dataclass(slots=True)
class _Pools:
    """The connections to each origin; without a `context` the certificates of the system are trusted."""

    context: ssl.SSLContext | None
    keep_alive: float
    _plain: dict[HostOrigin, PlainPool] = field(default_factory=dict)
    _tls: dict[HostOrigin, httpx.AsyncHTTPTransport] = field(default_factory=dict)

    def fresh(self, *, tls: bool) -> httpx.AsyncHTTPTransport:
        context = self.context or (trusts_system() if tls else trusts_nothing())
        limits = httpx.Limits(
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=IDLE_CONNECTIONS,
            keepalive_expiry=self.keep_alive,
        )
        return httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits)

    def fresh_plain(self, origin: HostOrigin) -> PlainPool:
        name, kept = origin.name.strip("[]"), IDLE_CONNECTIONS
        return PlainPool(name, origin.port, most=MAX_CONNECTIONS, kept=kept, keep_alive=self.keep_alive)

    def plain(self, origin: HostOrigin) -> PlainPool:
        if origin not in self._plain:
            self._plain[origin] = self.fresh_plain(origin)
        return self._plain[origin]

    def tls(self, origin: HostOrigin) -> httpx.AsyncHTTPTransport:
        if origin not in self._tls:
            self._tls[origin] = self.fresh(tls=True)
        return self._tls[origin]

    async def aclose(self) -> None:
        for pool in list(self._plain.values()):
            await pool.aclose()
        for transport in list(self._tls.values()):
            await transport.aclose()
        self._plain.clear()
        self._tls.clear()


OnCall = Callable[[str, str, float], None]
"""Called after each request with its path, its CallOutcome and its seconds."""


def ignore_call(call: str, outcome: str, seconds: float) -> None:
    """Do nothing: calls are not measured."""


class Transport:
    """Sends requests of one cluster; `get` for reads, `post` for writes. An async context manager.

    `secret` is the request token's secret or None; tokens go to `hosts` only. `new_id` makes the X-Reqid that
    logs on both sides share. Without a `context` the certificates of the system are trusted.
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
        self._read_phases = self._timeouts.phases(writing=False)
        self._pools = _Pools(context, self._timeouts.keep_alive)

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
        origin = origin_of(host)
        try:
            if origin.tls:
                request = self._request(origin, "GET", target, None)
                return await self._send(self._pools.tls(origin), host, request, limit)
            return await self._get_plain(self._pools.plain(origin), origin, host, target, limit)
        except CONNECTION_LOST:
            if origin.tls:
                again = self._request(origin, "GET", target, None)
                async with self._pools.fresh(tls=True) as transport:
                    return await self._send(transport, host, again, limit)
            async with aclosing(self._pools.fresh_plain(origin)) as pool:
                return await self._get_plain(pool, origin, host, target, limit)

    async def _get_plain(self, pool: PlainPool, origin: HostOrigin, host: str, target: str, limit: int) -> Answer:
        start = time.monotonic()
        named = {"Host": origin.authority, **self._headers(origin, target, writing=False)}
        headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in named.items()]
        answer = await pool.ask(target.encode("ascii"), headers, self._read_phases)
        try:
            content = await _body(answer.status, answer.headers, answer, limit)
        finally:
            await answer.aclose()
        return _answer(host, answer.status, answer.headers, content, time.monotonic() - start)

    async def _post(self, host: str, target: str, body: bytes) -> Answer:
        try:
            async with AsyncExitStack() as stack:
                origin = origin_of(host)
                request = self._request(origin, "POST", target, body)
                transport = await stack.enter_async_context(self._pools.fresh(tls=origin.tls))
                await stack.enter_async_context(asyncio.timeout(self._timeouts.write_total))
                return await self._send(transport, host, request, MAX_ERROR_BYTES)
        except REQUEST_ERRORS as error:
            raise write_error(host, error) from error

    def _request(self, origin: HostOrigin, method: str, target: str, body: bytes | None) -> httpx.Request:
        writing = body is not None
        headers = self._headers(origin, target, writing=writing)
        extensions = {"timeout": self._timeouts.phases(writing=writing)}
        return httpx.Request(method, f"{origin}{target}", content=body, headers=headers, extensions=extensions)

    async def _send(self, transport: httpx.AsyncBaseTransport, host: str, request: httpx.Request, limit: int) -> Answer:
        start = time.monotonic()
        response = await transport.handle_async_request(request)
        headers = [(name.lower(), value) for name, value in response.headers.raw]
        # The response's own iterator copies each piece once more.
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101 - an asynchronous transport has no other
        try:
            content = await _body(response.status_code, headers, aiter(stream), limit)
        finally:
            await stream.aclose()
        return _answer(host, response.status_code, headers, content, time.monotonic() - start)

    def _headers(self, origin: HostOrigin, target: str, *, writing: bool) -> Mapping[str, str]:
        # Identity: a compressed answer could expand to any size. Servers require a JSON type and a length.
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "cmbot", "X-Reqid": self._new_id()}
        if writing:
            headers["Content-Type"] = "application/json"
        if self._secret is not None and _endpoint_key(str(origin)) in self._trusted:
            path, _, query = target.partition("?")
            headers[HEADER] = request_token(self._secret, unquote(path), query, int(self._clock()))
        return headers


async def _body(status: int, headers: Headers, pieces: AsyncIterator[bytes], limit: int) -> bytes:
    """Read the body, at limit `limit` bytes; of an error only the head, because no more is shown. Raises Unbounded."""
    length = _header(headers, b"content-length")
    well = status == HTTPStatus.OK
    if well and length.isdecimal() and len(length) < _DIGITS and int(length) > limit:
        raise _oversized(limit)
    content = bytearray()
    number = 0
    async for piece in pieces:
        content += piece
        number += 1
        if well and len(content) > limit:
            raise _oversized(limit)
        if not well and len(content) >= MAX_ERROR_BYTES:
            return bytes(content[:MAX_ERROR_BYTES])
        if number > MAX_PIECES:
            raise Unbounded(f"sent its answer in more than {MAX_PIECES:,} pieces")
        if number % _PIECES_AT_ONCE == 0:
            # One packet may hold thousands of tiny chunks: let other tasks run in between.
            await asyncio.sleep(0)
    return bytes(content)


def _answer(host: str, status: int, headers: Headers, body: bytes, took: float) -> Answer:
    trace = one_line(_header(headers, _TRACE), 64)
    return Answer(host, status, body, trace, took, is_json="json" in _header(headers, b"content-type"))


def _header(headers: Headers, name: bytes) -> str:
    """The first header of that name (in lower case), "" if there is none."""
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return ""


def _oversized(limit: int) -> Unbounded:
    return Unbounded(f"sent more than {limit:,} bytes")
