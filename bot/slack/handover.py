"""The connection of Socket Mode between two builds of the program: its deliveries wait for the next one."""

import asyncio

from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.slack.connection import Connection, Handle


class KeptConnection:
    """Holds the connection that one build leaves to the next; nothing is acknowledged meanwhile.

    `renew` makes the next build open another connection with its own token, before this one is closed.
    """

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._next: asyncio.Future[Handle] | None = None
        self.renew = False

    def keep(self, connection: Connection) -> None:
        """Take the connection; its deliveries wait from now on."""
        self._connection = connection
        self._next = asyncio.get_running_loop().create_future()
        connection.pass_to(self._later)

    def take(self, handle: Handle) -> Connection | None:
        """Give the connection away, None if there is none; what waited goes to `handle`."""
        connection, self._connection = self._connection, None
        if connection is None or self._next is None:
            return None
        connection.pass_to(handle)
        self._next.set_result(handle)
        if self.renew:
            connection.spent.set()
        return connection

    async def close(self) -> None:
        """Close the connection if no build has taken it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _later(self, request: SocketModeRequest) -> BoltResponse:
        if self._next is None:
            raise RuntimeError("a delivery waits for no build")
        handle = await asyncio.shield(self._next)
        return await handle(request)
