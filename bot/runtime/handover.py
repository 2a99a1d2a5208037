"""What outlives a reload: the listening sockets, and the connection over which Slack delivers.

Requests and deliveries that come while the program is built again wait for it, instead of being refused.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.slack.handover import KeptConnection


@dataclass(slots=True)
class KeptOpen:
    """Owned by the process; `close` ends it."""

    slack: KeptConnection = field(default_factory=KeptConnection)
    _bound: dict[tuple[str, int], tuple[socket.socket, ...]] = field(default_factory=dict)

    async def sockets(self, host: str, port: int) -> Sequence[socket.socket]:
        """Return sockets that are bound to the address, the same ones each time. Raises OSError."""
        if (host, port) not in self._bound:
            loop = asyncio.get_running_loop()
            opened = await loop.create_server(asyncio.Protocol, host, port, start_serving=False)
            # Copies: the server closes its own.
            self._bound[host, port] = tuple(each.dup() for each in opened.sockets)
            opened.close()
            await opened.wait_closed()
        return self._bound[host, port]

    def keep_only(self, host: str, port: int) -> None:
        """Close the sockets of every other address."""
        for address in [each for each in self._bound if each != (host, port)]:
            for bound in self._bound.pop(address):
                bound.close()

    async def close(self) -> None:
        """Close what no build of the program took."""
        await self.slack.close()
        self.keep_only("", -1)
