"""Socket Mode: one live connection to Slack, watched and replaced.

A connection is alive after Slack's hello while pings return and the SDK reports it as connected. It is replaced when it
is dead, when Slack announces its end, and after a long time without deliveries. The new connection is opened first, so
that no command is lost. Source: Slack's page "Using Socket Mode" (hello, disconnect,
up to ten connections).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.common.errors import SlackError
from bot.common.events import wait_for_event
from bot.common.frozen import frozen
from bot.slack.connection import Connection
from bot.slack.handover import KeptConnection

log = structlog.get_logger(__name__)

Address = Callable[[], Awaitable[str]]
"""A fresh WebSocket address (apps.connections.open); raises SlackError."""


@frozen
class Timing:
    """Seconds: between pings, until Slack's hello, between checks, and without deliveries until a renewal."""

    ping: float = 5.0
    hello: float = 10.0
    check: float = 1.0
    quiet: float = 1800.0
    first_wait: float = 1.0
    longest_wait: float = 30.0

    def wait(self, failures: int, random: float) -> float:
        """Return the wait after a number of failures: it doubles, with jitter; `random` is in [0, 1)."""
        longest = min(self.longest_wait, self.first_wait * 2.0 ** min(failures - 1, 10))
        return longest * (0.5 + 0.5 * random)


class SocketMode:
    """Keeps a connection alive while `run()` runs; `random` gives numbers in [0, 1).

    `on_hello` gets the app's id, as Slack says it on each new connection.
    """

    def __init__(
        self,
        app: AsyncApp,
        address: Address,
        *,
        random: Callable[[], float],
        on_hello: Callable[[str], None] = lambda _app_id: None,
        timing: Timing | None = None,
        proxy_of: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._app, self._address, self._on_hello = app, address, on_hello
        self._timing, self._random, self._proxy_of = timing or Timing(), random, proxy_of
        self._connection: Connection | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._alive_at = self._frame_at = time.monotonic()
        self.connected = False
        self.last_error = self.last_code = ""
        self._left_to: KeptConnection | None = None
        self._handling, self._idle = 0, asyncio.Event()
        self._idle.set()

    @property
    def dead_for(self) -> float:
        """Seconds since there last was a live connection (since the start when there never was), 0 while there is."""
        return 0.0 if self.connected else time.monotonic() - self._alive_at

    @property
    def quiet_for(self) -> float:
        """Seconds since Slack last delivered anything or said hello."""
        return time.monotonic() - self._frame_at

    def take_over(self, kept: KeptConnection) -> None:
        """Take the connection of the build before this one, if there is one; call it before `run`."""
        self._connection = kept.take(self._handle)
        if self._connection is not None:
            self._connection.watched_by(self._framed, self._on_hello)

    def leave_to(self, kept: KeptConnection) -> None:
        """Leave the connection to the next build when `run` ends, instead of closing it."""
        self._left_to = kept

    async def run(self) -> None:
        """Hold a connection until cancelled; then close it, or leave it."""
        failures = 0
        try:
            if self._connection is not None:
                await self._look()
                await self._watch()
            while True:
                if await self._replace():
                    failures = 0
                    await self._watch()
                else:
                    failures += 1
                    await self._rest(self._timing.wait(failures, self._random()))
        finally:
            await self._end()

    async def _replace(self) -> bool:
        """Open a new connection, then close the old one; False if no new one was opened."""
        try:
            address = await self._address()
            timing = self._timing
            proxy = self._proxy_of(address)
            new = Connection(address, self._handle, self._framed, self._on_hello, ping=timing.ping, proxy=proxy)
            await new.open(timing.hello)
        except SlackError as error:
            # Logged once: an outage of hours or a rejected token would be a line every half a minute.
            say = log.debug if str(error) == self.last_error else log.warning
            say("socket.not_opened", error=str(error), code=error.code, dead_for=round(self.dead_for))
            self.last_error, self.last_code = str(error), error.code
            return False
        old, self._connection = self._connection, new
        self.last_error = self.last_code = ""
        self._let_go(old)
        self._framed()
        await self._look()
        log.info("socket.opened", instead_of_another=old is not None)
        return True

    async def _handle(self, request: SocketModeRequest) -> BoltResponse:
        self._handling += 1
        self._idle.clear()
        try:
            response: BoltResponse = await run_async_bolt_app(self._app, request)
        finally:
            self._handling -= 1
            if not self._handling:
                self._idle.set()
        return response

    async def _watch(self) -> None:
        """Check the connection until it must be replaced."""
        while (connection := self._connection) is not None:
            await wait_for_event(connection.spent, self._timing.check)
            await self._look()
            if not self.connected or connection.spent.is_set() or self.quiet_for > self._timing.quiet:
                log.info("socket.renewing", alive=self.connected, quiet_for=round(self.quiet_for))
                return

    async def _rest(self, seconds: float) -> None:
        """Wait before the next attempt and check the old connection, which is used while it is alive."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            await self._look()
            await asyncio.sleep(min(left, self._timing.check))

    async def _look(self) -> None:
        self.connected = self._connection is not None and await self._connection.is_connected()
        if self.connected:
            self._alive_at = time.monotonic()

    def _framed(self) -> None:
        self._frame_at = time.monotonic()

    def _let_go(self, connection: Connection | None) -> None:
        if connection is not None:
            task = asyncio.create_task(connection.close_when_idle(), name="socket closing")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _end(self) -> None:
        if self._left_to is not None and self._connection is not None:
            self._left_to.keep(self._connection)
            # What came before is acknowledged while the parts that store it still run.
            await self._idle.wait()
        else:
            self._let_go(self._connection)
        self._connection, self.connected = None, False
        await asyncio.gather(*self._closing)
