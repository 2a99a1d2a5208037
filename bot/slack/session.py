"""The HTTP session of all calls to Slack: answers are bounded in size and depth, and no redirect is followed."""

import zlib
from typing import Any

import aiohttp

MAX_READ = 4 * 1024 * 1024
"""Bytes of an answer that are taken, before and after it is unpacked: a page of a channel's history is below that."""
_PACKED = frozenset({"gzip", "deflate"})
_EITHER_HEADER = 47
"""zlib's code for: a gzip or a zlib header, whichever there is."""
_MOVED = range(300, 400)


class Redirected(aiohttp.ClientError):
    """A proxy in front of Slack redirects the call; Slack itself never does."""


class TooLarge(ValueError):
    """The answer is larger than any of Slack's."""


class BoundedAnswer(aiohttp.ClientResponse):
    """An answer that is read up to MAX_READ bytes; the session must not unpack it."""

    async def read(self) -> bytes:
        """Read the body, unpacked; raises TooLarge, zlib.error or what aiohttp raises."""
        if self._body is None:
            packed = await self._taken()
            encoding = self.headers.get("Content-Encoding", "").strip().lower()
            self._body = _unpacked(packed) if encoding in _PACKED else packed
        return await super().read()

    async def _taken(self) -> bytes:
        held = bytearray()
        async for chunk in self.content.iter_any():
            held += chunk
            if len(held) > MAX_READ:
                self.close()
                raise TooLarge
        return bytes(held)

    async def json(self, **options: Any) -> Any:
        """Parse the body; raises ValueError for one that is nested too deep."""
        try:
            return await super().json(**options)
        except RecursionError as error:
            raise ValueError("nested too deep") from error


def _unpacked(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj(_EITHER_HEADER)
    try:
        held = unpacker.decompress(packed, MAX_READ)
    except zlib.error as error:
        raise ValueError("not what its header says") from error
    if unpacker.unconsumed_tail:
        raise TooLarge
    return held


async def _stay(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    answer = await handler(request)
    if answer.status in _MOVED:
        answer.close()
        raise Redirected
    return answer


def opened(timeout: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
    """Return a session for Slack; its owner closes it."""
    return aiohttp.ClientSession(
        timeout=timeout, response_class=BoundedAnswer, auto_decompress=False, middlewares=(_stay,)
    )
