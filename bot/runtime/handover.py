"""What outlives a reload: the listening sockets, and the connection over which Slack delivers.

Requests and deliveries that come while the program is built again wait for it, instead of being refused.
"""

import asyncio
import errno
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.common.errors import ConfigError, system_words
from bot.slack.handover import KeptConnection

_OF_THE_PORT = frozenset({errno.EADDRINUSE, errno.EACCES})
"""Errors that another port helps against; every other one is of the host."""


@dataclass(slots=True)
class KeptOpen:
    """Owned by the process; `close` ends it."""

    slack: KeptConnection = field(default_factory=KeptConnection)
    _bound: dict[tuple[str, int], tuple[socket.socket, ...]] = field(default_factory=dict)

    async def sockets(self, host: str, port: int) -> Sequence[socket.socket]:
        """Return sockets that are bound to the address, the same ones each time. Raises OSError."""
        if (host, port) not in self._bound:
            self._bound[host, port] = await self._bind(host, port)
        return self._bound[host, port]

    async def _bind(self, host: str, port: int) -> tuple[socket.socket, ...]:
        try:
            return await _bound_to(host, port)
        except OSError as error:
            own = [each for (_, kept), held in self._bound.items() if kept == port for each in held]
            if error.errno != errno.EADDRINUSE or not own:
                raise
            # The obstacle may be a socket of this process, as 127.0.0.1 is one for 0.0.0.0 of the same port. Until one
            # of them is closed they share the port; a socket of another program, which does not, stays an obstacle.
            _share(own, shared=True)
            try:
                return await _bound_to(host, port, shared=True)
            except OSError:
                _share(own, shared=False)
                raise

    def keep_only(self, host: str, port: int) -> None:
        """Close the sockets of every other address."""
        for address in [each for each in self._bound if each != (host, port)]:
            for bound in self._bound.pop(address):
                bound.close()
        for held in self._bound.values():
            _share(held, shared=False)

    async def close(self) -> None:
        """Close what no build of the program took."""
        await self.slack.close()
        self.keep_only("", -1)


async def _bound_to(host: str, port: int, *, shared: bool = False) -> tuple[socket.socket, ...]:
    loop = asyncio.get_running_loop()
    opened = await loop.create_server(asyncio.Protocol, host, port, start_serving=False, reuse_port=shared)
    # Copies: the server closes its own.
    kept = tuple(each.dup() for each in opened.sockets)
    opened.close()
    await opened.wait_closed()
    return kept


def _share(held: Iterable[socket.socket], *, shared: bool) -> None:
    for each in held:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)


def cannot_listen(host: str, port: int, error: OSError) -> ConfigError:
    """Return the refusal for an address of the pages that cannot be bound; it names the setting to change."""
    key = "http.port" if error.errno in _OF_THE_PORT else "http.host"
    return ConfigError(f"{key}: cannot listen on {host}:{port} ({system_words(error)}); choose another.")
