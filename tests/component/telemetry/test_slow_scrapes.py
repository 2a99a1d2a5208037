"""Clients that ask for the metrics and do not read them: they are disconnected, and the probes are answered."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from bot.telemetry.connection_limits import ConnectionLimits
from bot.telemetry.health import Health, served
from bot.telemetry.metrics import Metrics
from bot.telemetry.metrics_page import ScrapeLimits

LARGE = f"# {'x' * 200_000}\n"
PARTS = 60
"""More than the buffers of both ends take, as of some hundred clusters."""
LIMIT = 8

Open = Callable[[int], Awaitable[tuple[socket.socket, bytes]]]


async def well() -> str:
    return ""


@asynccontextmanager
async def pages(scrapes: ScrapeLimits) -> AsyncIterator[int]:
    """Serve the pages with a large one of metrics to at most LIMIT connections; yield the port."""
    metrics = Metrics()
    metrics.read_clusters(lambda: (LARGE for _ in range(PARTS)))
    server = Health(metrics, live={}, ready={}, alive={"parts": well}, scrapes=scrapes).server()
    async with served(server, "127.0.0.1", 0, limits=ConnectionLimits(limit=LIMIT)) as port:
        yield port


@pytest.fixture
async def scrape() -> AsyncIterator[Open]:
    """Ask for the metrics and read the status alone; the connections are closed at the end."""
    held: list[socket.socket] = []

    async def scrape(port: int) -> tuple[socket.socket, bytes]:
        client = socket.socket()
        held.append(client)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(0)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, ("127.0.0.1", port))
        await loop.sock_sendall(client, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        return client, await loop.sock_recv(client, len("HTTP/1.1 200"))

    yield scrape
    for client in held:
        client.close()


async def get(port: int, path: str) -> tuple[int, str, str]:
    """The status, the header Retry-After and the text of a page."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status, answer.headers.get("Retry-After", ""), await answer.text()


async def test_probes_are_answered_beside_readers_that_do_not_read(scrape: Open) -> None:
    async with pages(ScrapeLimits(stalled=60.0, longest=60.0)) as port, asyncio.timeout(20):
        taken = [(await scrape(port))[1] for _ in range(2 * LIMIT)]
        assert taken == [b"HTTP/1.1 200"] * 4 + [b"HTTP/1.1 503"] * (2 * LIMIT - 4)
        assert await get(port, "/metrics") == (
            503,
            "10",
            "4 scrapes are running, and no more are answered at once. Try again in 10 s.\n",
        )
        assert (await get(port, "/livez"))[0] == 200


@pytest.mark.parametrize("limits", [ScrapeLimits(1, 0.2, 60.0), ScrapeLimits(1, 60.0, 0.2)])
async def test_reader_that_does_not_read_is_disconnected(scrape: Open, limits: ScrapeLimits) -> None:
    async with pages(limits) as port, asyncio.timeout(20):
        stalled, _ = await scrape(port)
        while (found := await get(port, "/metrics"))[0] == 503:  # noqa: ASYNC110 - a deadline of the server wakes no one
            await asyncio.sleep(0.05)
        assert found[2].count(LARGE) == PARTS
        seen = 0
        while part := await asyncio.get_running_loop().sock_recv(stalled, 1 << 20):
            seen += len(part)
        assert seen < len(LARGE) * PARTS


async def test_reader_that_goes_away_leaves_no_traceback(scrape: Open, caplog: pytest.LogCaptureFixture) -> None:
    async with pages(ScrapeLimits(1, 60.0, 60.0)) as port, asyncio.timeout(20):
        stalled, _ = await scrape(port)
        stalled.close()
        while (await get(port, "/metrics"))[0] == 503:  # noqa: ASYNC110 - the end of another request wakes no one
            await asyncio.sleep(0.05)
    assert caplog.text == ""
