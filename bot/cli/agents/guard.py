"""What stands before the tools over HTTP: the name asked for, the token, and bounds, checked before a body is read.

An application of ASGI around another one; it needs no package.
"""

import asyncio
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any

import structlog

from bot.common.frozen import frozen

log = structlog.get_logger(__name__)

PATH = "/mcp"
MAX_BODY = 64 * 1024
"""Bytes of one request."""
MAX_BODY_SECONDS = 10.0
"""Seconds in which a body must arrive."""
MAX_ANSWER_SECONDS = 150.0
"""Seconds in which an answer must be made and taken: a client that does not read holds a request no longer."""
MAX_REQUESTS = 32
"""Requests that are answered at once; more get 503."""
_MAX_DIGITS = 12
_HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


@frozen
class _Refusal:
    status: int
    words: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


_REBOUND = _Refusal(421, "The Host header names another server. mcp.names lists further names of this one.")
_BROWSER = _Refusal(403, "Requests of web pages (with an Origin header) are refused.")
_UNKNOWN = _Refusal(401, "Send the token of cmbot: Authorization: Bearer …", ((b"www-authenticate", b"Bearer"),))
_ELSEWHERE = _Refusal(404, f"The tools are at {PATH}.")
_POST_ONLY = _Refusal(405, "Only POST is answered.", ((b"allow", b"POST"),))
_TOO_LARGE = _Refusal(413, f"A request has at most {MAX_BODY} bytes.", ((b"connection", b"close"),))
_TOO_SLOW = _Refusal(408, "The request did not arrive in time.", ((b"connection", b"close"),))
_BUSY = _Refusal(503, "Too many requests at once.", ((b"retry-after", b"5"),))


class _Gone(Exception):
    """The client went away before its request was complete."""


class AgentGuard:
    """Pass on only requests with the token, for a known name, of bounded size, and not from web pages."""

    def __init__(
        self,
        inner: Application,
        token: str,
        names: Collection[str],
        *,
        body_seconds: float = MAX_BODY_SECONDS,
        answer_seconds: float = MAX_ANSWER_SECONDS,
    ) -> None:
        self._inner, self._names = inner, frozenset(names)
        self._expected = f"bearer {token}".encode()
        self._body_seconds, self._answer_seconds = body_seconds, answer_seconds
        self._answering = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request; anything else than HTTP (the lifespan) is passed on."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        if refusal := self._refusal(scope):
            await self._refuse(refusal, scope, send)
            return
        self._answering += 1
        try:
            body = await self._body(receive)
            if isinstance(body, _Refusal):
                await self._refuse(body, scope, send)
                return
            async with asyncio.timeout(self._answer_seconds):
                await self._inner(scope, _replay(body, receive), send)
        except _Gone:
            return
        except TimeoutError:
            log.warning("agents.not_taken", seconds=self._answer_seconds)
        finally:
            self._answering -= 1

    def _refusal(self, scope: Mapping[str, Any]) -> _Refusal | None:
        headers = scope["headers"]
        if refusal := self._stranger(headers):
            return refusal
        if scope["path"] != PATH:
            return _ELSEWHERE
        if scope["method"] != "POST":
            return _POST_ONLY
        if any(name == b"content-length" and _size(value) > MAX_BODY for name, value in headers):
            return _TOO_LARGE
        return _BUSY if self._answering >= MAX_REQUESTS else None

    def _stranger(self, headers: Collection[tuple[bytes, bytes]]) -> _Refusal | None:
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1 or _name(hosts[0]) not in self._names:
            return _REBOUND
        if any(name == b"origin" for name, _ in headers):
            return _BROWSER
        return None if self._authorised(headers) else _UNKNOWN

    def _authorised(self, headers: Collection[tuple[bytes, bytes]]) -> bool:
        given = [value for name, value in headers if name == b"authorization"]
        if len(given) != 1:
            return False
        scheme, _, token = given[0].partition(b" ")
        return hmac.compare_digest(scheme.lower() + b" " + token.strip(), self._expected)

    async def _body(self, receive: Receive) -> bytes | _Refusal:
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_seconds):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise _Gone
                    body += message.get("body", b"")
                    if len(body) > MAX_BODY:
                        return _TOO_LARGE
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            return _TOO_SLOW

    async def _refuse(self, refusal: _Refusal, scope: Mapping[str, Any], send: Send) -> None:
        log.warning("agents.refused", status=refusal.status, client=str((scope.get("client") or ("",))[0]))
        body = json.dumps({"error": refusal.words}, ensure_ascii=False).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send(
            {"type": "http.response.start", "status": refusal.status, "headers": [*headers, *refusal.headers]},
        )
        await send({"type": "http.response.body", "body": body})


def _name(host: bytes) -> str:
    match = _HOST.fullmatch(host.decode("latin-1").lower())
    return match[1].rstrip(".") if match else ""


def _size(value: bytes) -> int:
    return int(value) if value.isdigit() and len(value) < _MAX_DIGITS else MAX_BODY + 1


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hand over the body that was read, then what else arrives."""
    held: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return held.pop() if held else await receive()

    return replayed
