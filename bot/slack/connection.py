"""One WebSocket connection of Socket Mode: the SDK's client, which reports its end instead of reconnecting."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.common.errors import SlackRetryable
from bot.common.json_object import JsonObject
from bot.slack.errors import PROXY_ERRORS, behind_proxy, unsafe

log = structlog.get_logger(__name__)

Handle = Callable[[SocketModeRequest], Awaitable[BoltResponse]]

_ACK_SECONDS = 3.0


class Connection(SocketModeClient):
    """One connection; `spent` is set when a new one is needed.

    The SDK by itself closes the old connection before it has a new one, and retries one used-up address without end.
    """

    def __init__(
        self,
        address: str,
        handle: Handle,
        on_frame: Callable[[], None],
        on_hello: Callable[[str], None],
        *,
        ping: float,
        proxy: str | None = None,
    ) -> None:
        logger = logging.getLogger("slack_sdk.cmbot.socket")
        # We log one line a failure; the SDK prints a traceback at every attempt.
        logger.setLevel(logging.CRITICAL)
        super().__init__(app_token="", logger=logger, ping_interval=ping)
        self.wss_uri = address
        self.proxy = proxy  # the SDK by itself takes one from the environment, for the loopback too
        self.spent = asyncio.Event()
        self._handle, self._on_frame, self._on_hello = handle, on_frame, on_hello
        self._hello, self._idle, self._in_flight = asyncio.Event(), asyncio.Event(), 0
        self._idle.set()
        self.on_message_listeners.append(self._framed)
        self.message_listeners.append(self._greeted)
        self.socket_mode_request_listeners.append(self._requested)

    def pass_to(self, handle: Handle) -> None:
        """Let another handler answer the deliveries that come from now on."""
        self._handle = handle

    def watched_by(self, on_frame: Callable[[], None], on_hello: Callable[[str], None]) -> None:
        """Report frames and hellos to others from now on."""
        self._on_frame, self._on_hello = on_frame, on_hello

    async def open(self, within: float) -> None:
        """Connect and wait for Slack's hello; raises SlackRetryable after closing what was opened."""
        try:
            async with asyncio.timeout(within):
                await self.connect()
                await self._hello.wait()
        except aiohttp.ClientSSLError as error:
            await self.close()
            raise unsafe(error, "its WebSocket") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            await self.close()
            if isinstance(error, PROXY_ERRORS):
                raise behind_proxy(error, "the WebSocket", self.proxy) from error
            words = f"Slack's WebSocket could not be opened ({type(error).__name__})."
            raise SlackRetryable(words, code="no_socket") from error
        except asyncio.CancelledError:
            await self.close()
            raise

    async def connect(self) -> None:
        """Open the WebSocket and start the SDK's tasks; raises what aiohttp raises."""
        self.current_session = await self.aiohttp_client_session.ws_connect(
            self.wss_uri or "",
            autoping=False,
            heartbeat=self.ping_interval,
            proxy=self.proxy,
            timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
        )
        self.current_session_monitor = asyncio.ensure_future(self.monitor_current_session())
        self.message_receiver = asyncio.ensure_future(self.receive_messages())

    async def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: ARG002 - the signature is the SDK's
        """Report that a new connection is needed: Slack announced the end of this one, or it is dead."""
        self.spent.set()

    async def close_when_idle(self) -> None:
        """Close once all deliveries are acknowledged, at the latest when Slack stops waiting for that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_ACK_SECONDS):
                await self._idle.wait()
        await self.close()

    async def close(self) -> None:
        """Close everything and wait for the SDK's tasks to end."""
        await super().close()  # type: ignore[no-untyped-call] # the SDK leaves it unannotated
        tasks = (self.message_processor, self.current_session_monitor, self.message_receiver)
        await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)

    async def _framed(self, _: Any) -> None:
        self._on_frame()

    async def _greeted(self, _: AsyncBaseSocketModeClient, message: JsonObject, __: str | None = None) -> None:
        if message.get("type") == "hello":
            info = message.get("connection_info")
            app_id = info.get("app_id") if isinstance(info, dict) else None
            self._on_hello(app_id if isinstance(app_id, str) else "")
            self._hello.set()

    async def _requested(self, _: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        self._in_flight += 1
        self._idle.clear()
        try:
            await send_async_response(self, request, await self._handle(request), 0.0)
        except (aiohttp.ClientError, OSError) as error:
            # Not acknowledged: Slack delivers an event again, and shows an error to the person who typed or clicked.
            log.warning("socket.ack_lost", kind=request.type, error=type(error).__name__)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._idle.set()
