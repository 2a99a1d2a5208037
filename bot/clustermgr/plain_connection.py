"""HTTP/1.1 over one stream, for reads: one request after the other.

What an answer may be is decided by h11, the parser of the HTTP library. Each request has its own: between two
of them a connection keeps its stream only.
"""

import time
from collections.abc import Mapping
from contextlib import suppress

import h11
import httpcore

from bot.clustermgr.transport_errors import Unbounded

MAX_HEAD_BYTES = 100 * 1024
"""Limit of bytes of a head, of a chunk's head and of trailers; the same as in the HTTP library."""
MAX_INTERIM = 8
"""Limit of answers with a status of 1xx before the answer itself."""
READ_BYTES = 1 << 16
"""Limit of bytes that the parser gets at once."""

Headers = list[tuple[bytes, bytes]]
"""Names and values; the names of an answer are in lower case."""


class PlainConnection:
    """Asks over `stream`: `ask`, then `piece` until it gives None; then `is_kept` says if it may be used again.

    All methods raise the exceptions of httpcore; `ask` also Unbounded.
    """

    __slots__ = ("_http", "_idle_until", "_keep_alive", "_read_limit", "_stream")

    def __init__(self, stream: httpcore.AsyncNetworkStream, keep_alive: float) -> None:
        self._stream, self._keep_alive = stream, keep_alive
        self._http: h11.Connection | None = None
        self._idle_until = self._read_limit = 0.0

    async def ask(self, target: bytes, headers: Headers, phases: Mapping[str, float]) -> h11.Response:
        """Send a GET and return the head of its answer; `phases` are the limits in seconds as httpx names them.

        Raises Unbounded after too many answers with a status of 1xx.
        """
        self._read_limit = phases["read"]
        self._http = http = h11.Connection(h11.CLIENT, MAX_HEAD_BYTES)
        head = h11.Request(method=b"GET", target=target, headers=headers)
        sent = (http.send(head) or b"") + (http.send(h11.EndOfMessage()) or b"")
        # A host may close early and still have said why: reading tells.
        with suppress(httpcore.WriteError):
            await self._stream.write(sent, phases["write"])
        for _ in range(1 + MAX_INTERIM):
            event = await self._event(http)
            if isinstance(event, h11.Response):
                return event
        raise Unbounded(f"sent more than {MAX_INTERIM} answers with a status of 1xx")

    async def piece(self) -> bytes | None:
        """The next bytes of the body, None at its end."""
        assert self._http is not None  # noqa: S101 - after ask()
        event = await self._event(self._http)
        return bytes(event.data) if isinstance(event, h11.Data) else None

    def is_kept(self) -> bool:
        """True if the answer is whole, neither side ends the connection, and nothing came after it; it is idle then."""
        http, self._http = self._http, None
        self._idle_until = time.monotonic() + self._keep_alive
        if http is None or http.our_state is not h11.DONE or http.their_state is not h11.DONE:
            return False
        return not http.trailing_data[0]

    def has_expired(self) -> bool:
        """True if it was idle for too long, or the host has sent something or closed it meanwhile."""
        return time.monotonic() > self._idle_until or bool(self._stream.get_extra_info("is_readable"))

    async def aclose(self) -> None:
        """Close the connection; a read that runs fails."""
        await self._stream.aclose()

    async def _event(self, http: h11.Connection) -> object:
        """The parser's next event, with as many bytes as it needs."""
        try:
            while (event := http.next_event()) is h11.NEED_DATA:
                http.receive_data(await self._stream.read(READ_BYTES, self._read_limit))
        except h11.RemoteProtocolError as error:
            raise httpcore.RemoteProtocolError(str(error)) from error
        return event
