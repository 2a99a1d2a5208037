"""One WebSocket to Slack: an untrusted certificate, a silent server and a cancelled start leave nothing open."""

import asyncio

import pytest

from bot.common.errors import SlackError, SlackRetryable
from bot.slack.connection import Connection
from tests.support.fault_server import faulty
from tests.support.raw_server import hangs, serving


async def never(_request: object) -> object:
    raise AssertionError("nothing was delivered")


def connection(address: str) -> Connection:
    return Connection(address, never, lambda: None, lambda _app: None, ping=5.0)  # type: ignore[arg-type]


async def test_untrusted_certificate_of_the_socket_is_named() -> None:
    async with faulty("untrusted certificate") as server:
        made = connection(server.host.replace("https://", "wss://"))
        with pytest.raises(SlackError, match="certificate"):
            await made.open(5.0)
    assert made.aiohttp_client_session.closed


async def test_refused_socket_may_be_tried_again() -> None:
    async with faulty("refused") as server:
        made = connection(f"ws://{server.host}")
        with pytest.raises(SlackRetryable, match=r"^Slack's WebSocket could not be opened \(Client"):
            await made.open(5.0)
    assert made.aiohttp_client_session.closed


async def test_cancelled_start_closes_the_socket() -> None:
    async with serving(hangs) as server:
        made = connection(f"ws://{server.host}")
        opening = asyncio.create_task(made.open(60.0))
        while not server.requests:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    assert made.aiohttp_client_session.closed
