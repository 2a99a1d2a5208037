"""Limits of the HTTP server: incomplete requests are closed and make room for complete ones."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from socket import create_connection

import aiohttp
import pytest
from aiohttp import web

from bot.telemetry.connection_limits import ConnectionLimits
from bot.telemetry.health import served

Send = Callable[[int, str], Awaitable[asyncio.StreamReader]]


@asynccontextmanager
async def serving(*, limit: int, arrival: float, gate: asyncio.Event | None = None) -> AsyncIterator[int]:
    """Serve an echo of the length of the body, behind the limits; yield the port."""
    limits = ConnectionLimits(limit=limit, arrival=arrival)

    async def answer(request: web.Request) -> web.StreamResponse:
        if gate is not None:
            await gate.wait()
        return web.Response(text=str(len(await request.read())))

    app = web.Application()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, lingering_time=0.0)
    await runner.setup()
    assert runner.server is not None
    limits.around(runner.server)
    accept = partial(limits.accept, runner.server)
    server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
    yield int(server.sockets[0].getsockname()[1])
    server.close()
    await runner.cleanup()


@pytest.fixture
async def send() -> AsyncIterator[Send]:
    """Open connections and send on them; close them at the end."""
    writers: list[asyncio.StreamWriter] = []

    async def send(port: int, words: str) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        writer.write(words.encode())
        await writer.drain()
        return reader

    yield send
    for writer in writers:
        writer.close()


WHOLE = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"
HALVES = {
    "nothing": "",
    "lines": "POST / HTTP/1.1\r\nHost: a\r\nConte",
    "body": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na",
}


@pytest.mark.parametrize("half", HALVES)
async def test_half_a_request_is_closed_in_time(send: Send, half: str) -> None:
    async with serving(limit=10, arrival=0.2) as port, asyncio.timeout(10):
        reader = await send(port, HALVES[half])
        answer = await reader.read()
        assert answer == b"" if half != "body" else answer.startswith(b"HTTP/1.1 408")


async def test_complete_request_replaces_a_half_one(send: Send) -> None:
    async with serving(limit=2, arrival=60.0) as port, asyncio.timeout(10):
        oldest, newer = [await send(port, HALVES["body"]) for _ in range(2)]
        reader = await send(port, WHOLE)
        assert (await reader.read()).endswith(b"3")
        assert await oldest.read() == b""
        assert not newer.at_eof()


async def test_requests_in_progress_are_never_closed_for_new_ones(send: Send) -> None:
    gate = asyncio.Event()
    async with serving(limit=2, arrival=60.0, gate=gate) as port, asyncio.timeout(10):
        busy = [await send(port, WHOLE) for _ in range(2)]
        await asyncio.sleep(0.2)
        refused = await send(port, WHOLE)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await refused.readexactly(1)
        gate.set()
        assert [(await reader.read()).endswith(b"3") for reader in busy] == [True, True]


@pytest.mark.parametrize("turns", range(2, 7))
async def test_who_is_accepted_as_the_server_ends_is_answered(turns: int) -> None:
    """At each turn of the event loop after the connection was accepted."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    app = web.Application()
    app.router.add_post("/", answer)
    async with served(app, "127.0.0.1", 0) as port:
        client = create_connection(("127.0.0.1", port), timeout=5)
        client.sendall(WHOLE.encode())
        for _ in range(turns):
            await asyncio.sleep(0)
    with client:
        assert (await asyncio.to_thread(client.recv, 10_000)).endswith(b"3")


async def test_a_client_that_waits_for_the_go_ahead_gets_it() -> None:
    head, body = WHOLE.removesuffix("abc").replace("Host: a", "Host: a\r\nExpect: 100-continue"), "abc"
    async with serving(limit=10, arrival=60.0) as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head.encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body.encode())
        answer = await reader.read()
        writer.close()
    assert b"HTTP/1.1 200 OK" in answer
    assert answer.endswith(b"3")


async def test_clients_that_keep_their_connection_do_not_hold_up_the_end() -> None:
    app, ended = web.Application(), asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def ask_on(session: aiohttp.ClientSession, port: int) -> None:
        while not ended.is_set():
            async with session.get(f"http://127.0.0.1:{port}/") as answer:
                await answer.read()
            await asyncio.sleep(0.01)

    app.router.add_get("/", answer)
    async with asyncio.timeout(10), aiohttp.ClientSession() as session:
        async with served(app, "127.0.0.1", 0) as port:
            asking = asyncio.create_task(ask_on(session, port))
            await asyncio.sleep(0.1)
        ended.set()
        with suppress(aiohttp.ClientError):
            await asking
