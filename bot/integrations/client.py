"""The HTTP client of receivers: one deadline, no redirects, bounded answers, no address in any error."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from ssl import SSLContext
from typing import Any, Self

import aiohttp

from bot.common.errors import CmbotError
from bot.common.frozen import frozen
from bot.telemetry.http_faults import FAULTS, fault_words

CALL_SECONDS = 10.0
"""Deadline of one call."""
MAX_ANSWER = 64 * 1024
"""Most bytes of an answer that are read."""
_MAX_WAIT = 600.0
_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY})
"""Statuses that may be about the content; any other one is about the receiver, the settings or the network."""


class DeliveryFailed(CmbotError):
    """An alert was not delivered.

    `refused`: it seems to refuse this content; `retry_after`: seconds that it asks to wait; `answer`: what it said,
    which is never shown.
    """

    def __init__(self, sentence: str, *, refused: bool = False, retry_after: float = 0.0, answer: bytes = b"") -> None:
        super().__init__(sentence)
        self.refused = refused
        self.retry_after = retry_after
        self.answer = answer


@frozen
class HttpAnswer:
    """The status of an answer, and its body as JSON (None if it has none)."""

    status: int
    data: Any = None


class HttpClient:
    """Sends requests; use `opened`."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    @classmethod
    @asynccontextmanager
    async def opened(cls, seconds: float = CALL_SECONDS) -> AsyncIterator[Self]:
        """Open the client until the block ends; a call takes at most so many seconds."""
        # No proxy of the environment, no cookies, and no compressed answers, which could unfold to gigabytes.
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"Accept-Encoding": "identity", "User-Agent": "cmbot"},
        ) as session:
            yield cls(session)

    async def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str] | None = None, context: SSLContext | None = None
    ) -> HttpAnswer:
        """Send JSON; raises DeliveryFailed unless the answer is a success (2xx)."""
        return await self._call("POST", url, body, {"Content-Type": "application/json", **(headers or {})}, context)

    async def get(self, url: str, *, headers: Mapping[str, str], context: SSLContext | None = None) -> HttpAnswer:
        """Read; raises DeliveryFailed unless the answer is a success (2xx)."""
        return await self._call("GET", url, None, headers, context)

    async def _call(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], context: SSLContext | None
    ) -> HttpAnswer:
        try:
            async with self._session.request(
                method, url, data=body, headers=dict(headers), ssl=context or True, allow_redirects=False
            ) as answer:
                held = await _bounded(answer.content)
                status, wait = answer.status, answer.headers.get("Retry-After", "")
        except FAULTS as error:
            raise DeliveryFailed(f"it cannot be reached ({fault_words(error)})") from error
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise DeliveryFailed(
                f"it answers with status {status}",
                refused=status in _REFUSED,
                retry_after=_seconds(wait),
                answer=held,
            )
        return HttpAnswer(status, _json(held))


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    held = b""
    while len(held) < MAX_ANSWER and (part := await content.read(MAX_ANSWER - len(held))):
        held += part
    return held


def _json(held: bytes) -> Any:
    try:
        return json.loads(held)
    except (ValueError, RecursionError):
        return None


def _seconds(written: str) -> float:
    """The seconds of a Retry-After header; 0 for a date or nonsense."""
    return min(float(written), _MAX_WAIT) if written.isascii() and written.isdigit() else 0.0


def encoded(value: object) -> bytes:
    """JSON as it is sent and signed."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
