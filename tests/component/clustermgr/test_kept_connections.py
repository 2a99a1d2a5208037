"""Reads over real sockets: which connections they take, what is given back, and what no exception shows."""

import asyncio
import gc
import socket
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from bot.clustermgr.plain_connection import MAX_INTERIM
from bot.clustermgr.plain_pool import PlainPool
from bot.clustermgr.transport import IDLE_CONNECTIONS, MAX_CONNECTIONS, Timeouts, Transport
from bot.common.errors import ClusterBadAnswer, ClusterTimeout, ClusterUnreachable
from tests.support.raw_server import Handler, Request, answer, hangs, says, serving

pytestmark = pytest.mark.fast_time

JSON = ("Content-Type", "application/json")


def descriptors() -> int:
    """Open files of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


Give = Callable[[], Awaitable[None]]


@pytest.fixture
async def wire() -> AsyncIterator[Transport]:
    """A transport with the default limits."""
    async with Transport(new_id=lambda: "req-1") as made:
        yield made


def raw(sent: bytes) -> Handler:
    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()

    return handle


def noting(ports: list[int], before: Give | None = None) -> Handler:
    """Answer `{}` and note the port of each request; wait for `before` first."""

    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        ports.append(writer.get_extra_info("peername")[1])
        if before is not None:
            await before()
        writer.write(answer(200, "OK", [JSON], b"{}"))
        await writer.drain()

    return handle


async def test_two_connections_of_a_host_are_kept(wire: Transport) -> None:
    """Reads beyond them have their own, which is closed: a burst leaves no idle connections at a host."""
    ports: list[int] = []
    together = asyncio.Barrier(5)

    async def all_here() -> None:
        if len(ports) <= 5:
            await together.wait()

    async with serving(noting(ports, all_here)) as server:
        await asyncio.gather(*(wire.get(server.host, "/stat") for _ in range(5)))
        burst = set(ports)
        for _ in range(4):
            await asyncio.gather(*(wire.get(server.host, "/stat") for _ in range(IDLE_CONNECTIONS)))
    assert len(burst) == 5
    assert len(set(ports)) == 5
    assert len(set(ports[5:])) == IDLE_CONNECTIONS


async def test_a_read_that_fails_gives_its_place_back(wire: Transport) -> None:
    """Too large, cancelled or cut: later reads share a kept connection again."""
    ports: list[int] = []

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target == "/hangs":
            await asyncio.Event().wait()
        if request.target == "/cut":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
            await writer.drain()
            writer.close()
            return
        await noting(ports)(request, writer)

    async with serving(handle) as server:
        for _ in range(2 * IDLE_CONNECTIONS):
            with pytest.raises(ClusterBadAnswer):
                await wire.get(server.host, "/stat", limit=1)
            with pytest.raises(ClusterBadAnswer):
                await wire.get(server.host, "/cut")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await wire.get(server.host, "/hangs")
        ports.clear()
        for _ in range(3):
            await wire.get(server.host, "/stat")
    assert len(set(ports)) == 1


async def test_a_cut_read_is_repeated_over_a_new_connection(wire: Transport) -> None:
    """A host that restarted cuts all kept connections, so another kept one would be cut too."""
    used: set[int] = set()
    together = asyncio.Barrier(IDLE_CONNECTIONS)

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        port = writer.get_extra_info("peername")[1]
        if port in used:
            writer.close()
            return
        used.add(port)
        if request.target == "/first":
            await together.wait()
        writer.write(answer(200, "OK", [JSON], b"{}"))
        await writer.drain()

    async with serving(handle) as server:
        await asyncio.gather(*(wire.get(server.host, "/first") for _ in range(IDLE_CONNECTIONS)))
        assert (await wire.get(server.host, "/stat")).status == 200
    assert len(used) == IDLE_CONNECTIONS + 1


async def test_a_read_waits_for_a_place_within_its_limit() -> None:
    """A host that hangs has so many connections at most; the next read says that it got none."""
    async with serving(hangs) as server, Transport(new_id=lambda: "r", timeouts=Timeouts(pool=1.0)) as wire:
        hung = [asyncio.create_task(wire.get(server.host, "/stat")) for _ in range(MAX_CONNECTIONS)]
        while len(server.requests) < MAX_CONNECTIONS:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
        with pytest.raises(ClusterUnreachable, match="accepted no connection in time"):
            await wire.get(server.host, "/stat")
        for task in hung:
            task.cancel()
        await asyncio.gather(*hung, return_exceptions=True)
        with pytest.raises(ClusterTimeout):
            await wire.get(server.host, "/stat")
    assert len(server.requests) == MAX_CONNECTIONS + 1


async def test_a_large_answer_is_read_by_a_slow_reader(wire: Transport) -> None:
    """More than is kept for a reader: the host waits, and goes on."""
    body = b"x" * 5_000_000
    async with serving(raw(answer(200, "OK", [JSON], body))) as server:
        for _ in range(2):
            assert (await wire.get(server.host, "/stat")).body == body


async def test_a_long_header_is_read(wire: Transport) -> None:
    """Clustermgr can send the log of a trace in one."""
    sent = [JSON, ("Blobstore-Tracer-Tracelog", "x" * 40_000)]

    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, "OK", sent, b"{}"))
        await writer.drain()

    async with serving(handle) as server:
        assert (await wire.get(server.host, "/stat")).body == b"{}"


async def test_no_cookie_is_sent_back(wire: Transport) -> None:
    """A host cannot make cmbot carry its words to another one."""

    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, "OK", [JSON, ("Set-Cookie", "a=b; Path=/")], b"{}"))
        await writer.drain()

    async with serving(handle) as server:
        # A jar of the library takes no cookies from addresses, only from names.
        named = server.host.replace("127.0.0.1", "localhost")
        for _ in range(2):
            await wire.get(named, "/stat")
    assert [request.headers.get("cookie") for request in server.requests] == [None, None]


async def test_what_arrives_between_two_reads_is_no_answer(wire: Transport) -> None:
    """A host that says more than it was asked is read over another connection, and keeps no memory of ours."""
    flood = 10_000_000
    sent = 0

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(answer(200, "OK", [JSON], request.target.encode()))
        if request.target == "/first":
            more = answer(200, "OK", [JSON], b"not asked for")
            async with asyncio.timeout(1):
                while sent < flood:
                    writer.write(more)
                    await writer.drain()
                    sent += len(more)

    async with serving(handle) as server:
        assert (await wire.get(server.host, "/first")).body == b"/first"
        await asyncio.sleep(2)
        assert (await wire.get(server.host, "/second")).body == b"/second"
    # What was sent is in the buffers of both kernels but for what is kept for a reader.
    assert sent < flood


async def test_a_second_answer_in_the_same_packet_is_not_the_next_one(wire: Transport) -> None:
    """It belongs to no request: the connection is closed."""
    ports = set()

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        ports.add(writer.get_extra_info("peername")[1])
        more = answer(200, "OK", [JSON], b"not asked for") if request.target == "/first" else b""
        writer.write(answer(200, "OK", [JSON], request.target.encode()) + more)
        await writer.drain()

    async with serving(handle) as server:
        for target in ("/first", "/second"):
            assert (await wire.get(server.host, target)).body == target.encode()
    assert len(ports) == 2


async def test_a_body_that_breaks_later_is_no_timeout(wire: Transport) -> None:
    """A chunk that is none, in another packet than the head: the host is not slow, it speaks no HTTP."""

    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(b"zz\r\n")
        await writer.drain()
        await asyncio.Event().wait()

    async with serving(handle) as server:
        with pytest.raises(ClusterBadAnswer, match="did not speak HTTP"):
            await wire.get(server.host, "/stat")
    assert len(server.requests) == 2


async def test_interim_answers_are_skipped_but_not_without_end(wire: Transport) -> None:
    """A host that sends nothing else would hold up all other reads."""

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        interim = b"HTTP/1.1 103 Early Hints\r\n\r\n"
        writer.write(
            interim * (MAX_INTERIM if request.target == "/few" else 100_000) + answer(200, "OK", [JSON], b"{}")
        )
        await writer.drain()

    async with serving(handle) as server:
        assert (await wire.get(server.host, "/few")).body == b"{}"
        with pytest.raises(ClusterBadAnswer, match="status of 1xx"):
            await wire.get(server.host, "/many")


async def test_the_repeat_of_a_cut_read_is_bounded_too(wire: Transport) -> None:
    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        if len(server.requests) == 1:
            writer.close()
            return
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * (MAX_INTERIM + 1) + answer(200, "OK", [JSON], b"{}"))
        await writer.drain()

    async with serving(handle) as server:
        with pytest.raises(ClusterBadAnswer, match="status of 1xx"):
            await wire.get(server.host, "/stat")


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_is_empty(wire: Transport, status: int) -> None:
    """Such an answer has no length and no chunks."""
    async with serving(raw(b"HTTP/1.1 %d x\r\nDate: now\r\n\r\n" % status)) as server:
        got = await wire.get(server.host, "/stat")
    assert (got.status, got.body) == (status, b"")


@pytest.mark.parametrize("name", ["a" * 64, "a..b", ".a"])
async def test_a_name_that_cannot_be_looked_up_is_unknown(wire: Transport, name: str) -> None:
    """The codec of names refuses them before DNS is asked."""
    with pytest.raises(ClusterUnreachable, match="has a name that DNS does not know"):
        await wire.get(f"{name}:9998", "/stat")


async def test_a_name_is_looked_up_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another form of it may be another host, and reads would go there with the request token."""
    asked: list[object] = []

    async def look_up(host: object, *_: object, **__: object) -> list[object]:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    async with Transport(new_id=lambda: "r", secret="s", hosts=["xn--fa-hia.example:9998"]) as wire:
        with pytest.raises(ClusterUnreachable):
            await wire.get("xn--fa-hia.example:9998", "/stat")
    assert set(asked) == {"xn--fa-hia.example"}


async def test_a_cancelled_read_leaves_no_connection(wire: Transport) -> None:
    """At each turn of the event loop, and without the collector of garbage."""
    async with serving(says(200, "{}")) as server:
        await wire.get(server.host, "/stat")
        before = descriptors()
        gc.disable()
        try:
            for turns in range(16):
                burst = [asyncio.create_task(wire.get(server.host, "/stat")) for _ in range(8)]
                for _ in range(turns):
                    await asyncio.sleep(0)
                for task in burst:
                    task.cancel()
                await asyncio.gather(*burst, return_exceptions=True)
            # The host's side of closed connections ends a little later.
            async with asyncio.timeout(20):
                while descriptors() > before + 2 * IDLE_CONNECTIONS:  # noqa: ASYNC110 - the kernel has no event for it
                    await asyncio.sleep(0.05)
        finally:
            gc.enable()


async def test_an_idle_connection_ends_with_its_time() -> None:
    """Also if another one is used meanwhile: a host that was the leader needs one no more."""
    together = asyncio.Barrier(IDLE_CONNECTIONS)
    alive: set[int] = set()

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        alive.add(writer.get_extra_info("peername")[1])
        if request.target == "/first":
            await together.wait()
        writer.write(answer(200, "OK", [JSON], b"{}"))
        await writer.drain()

    async with serving(handle) as server, Transport(new_id=lambda: "r", timeouts=Timeouts(keep_alive=0.2)) as wire:
        await asyncio.gather(*(wire.get(server.host, "/first") for _ in range(IDLE_CONNECTIONS)))
        assert len(alive) == IDLE_CONNECTIONS
        before = descriptors()
        for _ in range(5):
            # The library keeps this time by the real clock.
            time.sleep(0.1)  # noqa: ASYNC251 - see above
            await wire.get(server.host, "/next")
        async with asyncio.timeout(20):
            while descriptors() >= before:  # noqa: ASYNC110 - the kernel has no event for it
                await asyncio.sleep(0.05)


async def test_a_body_that_we_end_is_not_whole() -> None:
    """A body without a length ends with its connection, but not if that is closed here."""

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target == "/whole":
            return await noting([])(request, writer)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}")
        await writer.drain()
        await asyncio.Event().wait()
        return None

    async with serving(handle) as server:
        name, _, port = server.host.rpartition(":")
        reads = PlainPool(name, int(port), most=2, kept=1, keep_alive=60.0)
        phases = {"connect": 5.0, "read": 60.0, "write": 5.0, "pool": 5.0}
        headers = [(b"Host", server.host.encode())]
        first = await reads.ask(b"/stat", headers, phases)
        assert await anext(first) == b"{}"
        reading = asyncio.ensure_future(anext(first))
        await asyncio.sleep(0.1)
        await reads.aclose()
        with pytest.raises(httpx.ReadError):
            await reading
        await first.aclose()
        # What ends after that is not kept.
        again = await reads.ask(b"/whole", headers, phases)
        assert [piece async for piece in again] == [b"{}"]
        await again.aclose()
        assert not reads._open


async def test_a_dead_address_of_a_name_holds_up_no_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next address is tried beside it; the deadline is for the name, not for each address."""
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect
    alive = True

    async def connect_if_alive(sock: socket.socket, address: tuple[str, int]) -> None:
        if not alive or address[0] != "127.0.0.1":
            await asyncio.Event().wait()
        await connect(sock, address)

    async with serving(says(200, "{}")) as server:
        port = int(server.host.rpartition(":")[2])
        addresses = [*(f"192.0.2.{number}" for number in range(1, 5)), "127.0.0.1"]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

        async def look_up(*_: object, **__: object) -> list[object]:
            return list(found)

        monkeypatch.setattr(loop, "sock_connect", connect_if_alive)
        monkeypatch.setattr(loop, "getaddrinfo", look_up)
        async with Transport(new_id=lambda: "r") as wire:
            assert (await wire.get(f"many.example:{port}", "/stat")).status == 200
        alive = False
        async with Transport(new_id=lambda: "r", timeouts=Timeouts(connect=1.0)) as wire:
            began = loop.time()
            with pytest.raises(ClusterUnreachable, match="accepted no connection in time"):
                await wire.get(f"many.example:{port}", "/stat")
            assert loop.time() - began < 3


async def test_the_path_is_sent_as_it_was_written() -> None:
    """The request token covers these bytes, so nothing may be quoted again."""
    target = "/config/get?key=a%2Db%20c+d%C3%A9&x=%7E"
    async with serving(says(200, "{}")) as server, Transport(new_id=lambda: "r", secret="s") as signed:
        await signed.get(server.host, target)
    assert [request.target for request in server.requests] == [target]


def causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


async def test_no_traceback_shows_the_request_token() -> None:
    """The library's exceptions know all headers of the request."""

    async def nonsense(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"ICY 200 OK\r\n\r\n")
        await writer.drain()
        writer.close()

    async with serving(nonsense) as server:
        async with Transport(new_id=lambda: "r", secret="s", hosts=[server.host]) as signed:
            with pytest.raises(ClusterBadAnswer) as caught:
                await signed.get(server.host, "/stat")
        tokens = [request.headers["blob-store-auth-token"] for request in server.requests]
    assert len(tokens) == 2
    shown = ["".join(traceback.format_exception(caught.value)), *map(repr, causes(caught.value))]
    assert not any(token in text for token in tokens for text in shown)
