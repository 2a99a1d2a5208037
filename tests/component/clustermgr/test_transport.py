"""The transport over real sockets: deadlines that nothing defeats, bounds, what is sent, and what is never followed."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest

from bot.clustermgr.transport import MAX_ERROR_BYTES, MAX_PIECES, Timeouts, Transport
from bot.common.errors import ClusterBadAnswer, ClusterError, ClusterTimeout, ClusterUnreachable, OutcomeUnknown
from tests.support.raw_server import Handler, Request, answer, says, serving

pytestmark = pytest.mark.fast_time

QUICK = Timeouts(connect=5.0, read=0.3, write=0.5, read_total=1.5, write_read=0.3, write_total=1.5)
JSON = ("Content-Type", "application/json")


@pytest.fixture
async def wire() -> AsyncIterator[Transport]:
    """A wire in a hurry that takes 64 KiB at the most."""
    async with Transport(new_id=lambda: "req-1", timeouts=QUICK, max_bytes=1 << 16) as made:
        yield made


async def drips_its_head(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(1_000_000):
        writer.write(b"X-%d: y\r\n" % number)
        await writer.drain()
        await asyncio.sleep(0.02)


async def endless_head(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X: " + b"y" * 8000 + b"\r\n")
        await writer.drain()


async def endless_hints(_request: Request, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
        await writer.drain()


async def endless_body(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        writer.write(b" " * 4096)
        await writer.drain()


def raw(sent: bytes) -> Handler:
    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()
        writer.close()

    return handle


HOSTILE = [
    (drips_its_head, ClusterTimeout),
    (endless_head, ClusterBadAnswer),
    (endless_body, ClusterBadAnswer),
    (endless_hints, ClusterBadAnswer),
    (raw(b""), ClusterBadAnswer),
    (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Length: 8\r\n\r\n12345678"), ClusterBadAnswer),
    (raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), ClusterBadAnswer),
    (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), ClusterBadAnswer),
    (raw(b"HTTP/1.1 20 OK\r\n\r\n"), ClusterBadAnswer),
    (raw(b"ICY 200 OK\r\n\r\n"), ClusterBadAnswer),
    (raw(b"\x16\x03\x01\x02\x00"), ClusterBadAnswer),
]


@pytest.mark.parametrize(("handler", "error"), HOSTILE)
async def test_faulty_server_never_blocks_a_read(wire: Transport, handler: Handler, error: type[ClusterError]) -> None:
    """Drips, floods, lies about the length and other protocols: one error of the tree, in bounded time and memory."""
    async with serving(handler) as server:
        with pytest.raises(error):
            await wire.get(server.host, "/stat")


@pytest.mark.parametrize("handler", [handler for handler, _ in HOSTILE])
async def test_faulty_server_leaves_a_write_unknown(wire: Transport, handler: Handler) -> None:
    """The request was sent once, so no such answer proves anything."""
    async with serving(handler) as server:
        with pytest.raises(OutcomeUnknown):
            await wire.post(server.host, "/config/set", b"{}")
    assert len(server.requests) == 1


async def test_redirect_is_not_followed(wire: Transport) -> None:
    """A redirect is not followed."""
    async with serving(says(200)) as other:
        sent = answer(301, "Moved", [("Location", f"http://{other.host}/stat")], b"")
        async with serving(raw(sent)) as server:
            assert (await wire.get(server.host, "/stat")).status == 301
    assert other.requests == []


async def test_compressed_answer_is_not_unpacked(wire: Transport) -> None:
    """A few kilobytes that would become a gigabyte stay a few kilobytes."""
    packed = gzip.compress(b" " * 10_000_000)
    async with serving(raw(answer(200, "OK", [JSON, ("Content-Encoding", "gzip")], packed))) as server:
        got = await wire.get(server.host, "/stat")
    assert got.body == packed
    assert server.requests[0].headers["accept-encoding"] == "identity"


async def test_the_bound_is_exact(wire: Transport) -> None:
    """An answer of just the allowed size comes whole, one byte more does not."""
    async with serving(says(200, "x" * (1 << 16))) as server:
        assert len((await wire.get(server.host, "/stat")).body) == 1 << 16
    async with serving(says(200, "x" * ((1 << 16) + 1))) as server:
        with pytest.raises(ClusterBadAnswer, match="more than 65,536 bytes"):
            await wire.get(server.host, "/stat")


async def test_a_trace_id_is_a_short_printable_line(wire: Transport) -> None:
    """It is shown to people, so it is bounded and without direction marks."""
    hostile = "a\u202eb" + "c" * 500
    async with serving(raw(answer(500, "x", [("Blobstore-Tracer-Traceid", hostile)], b""))) as server:
        got = await wire.get(server.host, "/stat")
    assert len(got.trace_id) == 64
    assert got.trace_id.isprintable()


@pytest.mark.parametrize(
    "host",
    [
        "",
        "10.0.0.1",
        "10.0.0.1:0",
        "10.0.0.1:99999",
        "010.0.0.1:80",
        "1.2.3.256:80",
        "[1.2.3.4]:80",
        "[1:2:3]:80",
        "10.0.0.1:-1",
        "a b:80",
        "h:80/path",
        "h:80?q",
        "user@h:80",
        "ftp://h:80",
        "[::1:80",
        "\x00:80",
    ],
)
async def test_invalid_address_is_not_contacted(wire: Transport, host: str) -> None:
    """A path, a user or a port beyond the range is refused before anything is looked up, in a sentence."""
    with pytest.raises(ClusterUnreachable, match="is not a host address"):
        await wire.get(host, "/stat")
    with pytest.raises(ClusterUnreachable, match="is not a host address"):
        await wire.post(host, "/config/set", b"{}")


async def test_an_origin_of_the_settings_is_taken(wire: Transport) -> None:
    """With the scheme, with a slash behind it."""
    async with serving(says(200, "{}")) as server:
        for host in (server.host, f"http://{server.host}", f"http://{server.host}/"):
            assert (await wire.get(host, "/stat")).status == 200
    assert [request.target for request in server.requests] == ["/stat"] * 3


async def test_the_token_travels_with_every_request() -> None:
    """Its value is the protocol's check value; without a secret there is none."""
    async with serving(says(200, "{}")) as server:
        secret, clock = "testsecret", lambda: 1_700_000_000.9
        async with Transport(new_id=lambda: "r", secret=secret, hosts=[server.host], clock=clock) as wire:
            await wire.get(server.host, "/stat")
            await wire.post(server.host, "/stat", b"{}")
        async with Transport(new_id=lambda: "r") as wire:
            await wire.get(server.host, "/stat")
    sent = [request.headers.get("blob-store-auth-token") for request in server.requests]
    assert sent == ["APFTZQAAAACHT8VHY5ieS7Py-0BWC1tt"] * 2 + [None]


async def test_request_token_goes_to_configured_hosts_only() -> None:
    """Another spelling of a configured host is that host; any other address, and the same one over TLS, is not."""
    async with serving(says(200, "{}")) as ours, serving(says(200, "{}")) as other:
        port = ours.host.rpartition(":")[2]
        async with Transport(new_id=lambda: "r", secret="testsecret", hosts=[f"http://{ours.host}/"]) as wire:
            for host in (ours.host, f"[::ffff:127.0.0.1]:{port}", other.host):
                await wire.get(host, "/stat")
        async with Transport(new_id=lambda: "r", secret="testsecret", hosts=[f"https://{ours.host}"]) as wire:
            await wire.get(ours.host, "/stat")
    assert ["blob-store-auth-token" in request.headers for request in ours.requests] == [True, True, False]
    assert ["blob-store-auth-token" in request.headers for request in other.requests] == [False]


async def test_redirected_read_sends_its_token_nowhere_else() -> None:
    async with serving(says(200)) as other:
        redirect = answer(307, "x", [("Location", f"http://{other.host}/stat")], b"")
        async with serving(raw(redirect)) as server:
            async with Transport(new_id=lambda: "r", secret="testsecret", hosts=[server.host, other.host]) as wire:
                assert (await wire.get(server.host, "/stat")).status == 307
    assert other.requests == []


class OnePerConnection:
    """A host that answers one request of each connection and cuts it at the next."""

    def __init__(self) -> None:
        self.answered: set[object] = set()

    async def __call__(self, _request: Request, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        if peer in self.answered:
            writer.transport.abort()
            return
        self.answered.add(peer)
        writer.write(answer(200, "OK", [JSON], b"{}"))
        await writer.drain()


async def test_cut_read_is_repeated_on_a_fresh_connection(wire: Transport) -> None:
    async with serving(OnePerConnection()) as server:
        for _ in range(6):
            assert (await wire.get(server.host, "/stat")).status == 200


async def test_read_that_is_cut_twice_is_an_error(wire: Transport) -> None:
    async with serving(raw(b"")) as server:
        with pytest.raises(ClusterBadAnswer, match="cut the connection"):
            await wire.get(server.host, "/stat")
    assert len(server.requests) == 2


async def test_write_that_was_cut_is_never_sent_again(wire: Transport) -> None:
    async with serving(raw(b"")) as server:
        with pytest.raises(OutcomeUnknown):
            await wire.post(server.host, "/config/set", b"{}")
    assert len(server.requests) == 1


async def test_long_error_body_is_read_in_part(wire: Transport) -> None:
    """Its words are cut anyway; what it means is its status."""
    async with serving(says(910, "x" * 10_000_000)) as server:
        assert len((await wire.get(server.host, "/stat")).body) == MAX_ERROR_BYTES
        assert (await wire.post(server.host, "/config/set", b"{}")).status == 910


async def test_answer_in_too_many_pieces_is_refused() -> None:
    """Each piece costs work, however short it is."""
    sent = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * (MAX_PIECES + 1)
    async with serving(raw(sent)) as server, Transport(new_id=lambda: "r") as patient:
        with pytest.raises(ClusterBadAnswer, match=f"more than {MAX_PIECES:,} pieces"):
            await patient.get(server.host, "/stat")


async def test_a_write_never_goes_over_a_used_connection(wire: Transport) -> None:
    """Two reads share one connection; each write has its own, which is closed after it."""
    ports: list[object] = []

    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        ports.append(writer.get_extra_info("peername"))
        writer.write(answer(200, "OK", [JSON], b"{}"))
        await writer.drain()

    async with serving(handle) as server:
        await wire.get(server.host, "/stat")
        await wire.get(server.host, "/stat")
        await wire.post(server.host, "/config/set", b"{}")
        await wire.post(server.host, "/config/set", b"{}")
    assert ports[0] == ports[1]
    assert len(set(ports)) == 3


async def test_a_connection_the_server_closed_meanwhile_costs_no_read(wire: Transport) -> None:
    """A host that closes after each answer is read again over a new connection."""
    async with serving(raw(answer(200, "OK", [JSON], b"{}"))) as server:
        for _ in range(3):
            assert (await wire.get(server.host, "/stat")).status == 200


async def test_each_call_is_measured_by_path_and_result() -> None:
    """Not by its query, which has as many values as there are disks."""
    sent: list[tuple[str, str]] = []

    def on_call(call: str, outcome: str, seconds: float) -> None:
        assert seconds > 0
        sent.append((call, outcome))

    async with Transport(new_id=lambda: "req-1", timeouts=QUICK, on_call=on_call) as wire:
        async with serving(says(200, "{}")) as server:
            await wire.get(server.host, "/disk/info?disk_id=7")
        async with serving(says(907, "{}")) as server:
            await wire.post(server.host, "/config/set", b"{}")
        with pytest.raises(ClusterUnreachable):
            await wire.get(server.host, "/stat")
    assert sent == [("/disk/info", "ok"), ("/config/set", "no_leader"), ("/stat", "connection_refused")]


async def test_unknown_host_name_is_reported_as_such(wire: Transport) -> None:
    """The name is reserved; "refuses connections" would send an operator to the node."""
    for call in (wire.get("nosuch.invalid:9998", "/stat"), wire.post("nosuch.invalid:9998", "/config/set", b"{}")):
        with pytest.raises(ClusterUnreachable, match=r"nosuch\.invalid:9998 has a name that DNS does not know"):
            await call
