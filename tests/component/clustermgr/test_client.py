"""The client over real sockets: writes are sent once, reads find another host, nothing hostile gets through."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from bot.clustermgr import bulkhead, transport
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.transport import Timeouts
from bot.common.errors import (
    AuthRejected,
    ClusterBadAnswer,
    ClusterError,
    ClusterRefused,
    ClusterTimeout,
    ClusterUnreachable,
    NoLeader,
    OutcomeUnknown,
)
from tests.support.raw_server import Handler, Request, answer, cuts, hangs, refusing, says, serving

pytestmark = pytest.mark.fast_time

QUICK = Timeouts(connect=5.0, read=0.3, write=0.5, read_total=1.5, write_read=0.3, write_total=1.5)
STAT = json.dumps({"leader_host": "", "raft_status": {"nodeId": 2, "term": 3, "leader": 2}})


async def garbles(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    await writer.drain()


async def cuts_midway(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()
    writer.close()


async def drips(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def floods(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


UNKNOWN: list[Handler] = [
    cuts,
    hangs,
    garbles,
    cuts_midway,
    drips,
    says(200, "<html>log in</html>", kind="text/html"),
    says(204),
    says(301),
    says(303),
    says(307),
    says(408),
    says(499),
    says(500, '{"error": "context deadline exceeded"}'),
    says(502),
    says(906, '{"error": "raft propose error"}'),
    says(908, '{"error": "raft read index error"}'),
    says(909, '{"error": "what is this"}'),
]


@pytest.mark.parametrize("handler", UNKNOWN)
async def test_a_write_in_doubt_is_sent_once(handler: Handler) -> None:
    """An uncertain outcome is unknown, and no host gets a second request."""
    async with serving(handler) as bad, serving(says(200)) as good:
        async with ClustermgrClient([bad.host, good.host], timeouts=QUICK) as api:
            with pytest.raises(OutcomeUnknown):
                await api.member_remove(3)
        assert (len(bad.requests), len(good.requests)) == (1, 0)


async def test_a_slow_refusal_is_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A 4xx after a time-out of the server's may still be applied (v1 answers 400 after ten seconds)."""
    monkeypatch.setattr("bot.clustermgr.status_codes.SLOW_REFUSAL", -1.0)
    async with serving(says(400, '{"error":"Illegal Arguments"}')) as host, ClustermgrClient([host.host]) as api:
        with pytest.raises(OutcomeUnknown):
            await api.config_set("balance", "true")


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (says(400, '{"error":"Illegal Arguments"}'), ClusterRefused),
        (says(403), AuthRejected),
        (says(404, "404 page not found", kind="text/plain"), ClusterRefused),
        (says(907, '{"Status":907,"Code":"","Err":{}}'), NoLeader),
        (says(910, '{"error":"duplicated member info"}'), ClusterRefused),
    ],
)
async def test_a_refused_write_is_final(handler: Handler, error: type[ClusterError]) -> None:
    """A refusal is reported as one, and no other host is tried."""
    async with serving(handler) as first, serving(says(200)) as second:
        async with ClustermgrClient([first.host, second.host]) as api:
            with pytest.raises(error):
                await api.leadership_transfer(2)
        assert (len(first.requests), len(second.requests)) == (1, 0)


async def test_a_refused_connection_means_nothing_was_sent() -> None:
    """Then, and only then, the next host gets the write."""
    async with refusing() as dead, serving(says(200)) as alive, ClustermgrClient([dead, alive.host]) as api:
        await api.config_set("balance", "true")
    assert [json.loads(request.body) for request in alive.requests] == [{"key": "balance", "value": "true"}]


async def test_no_host_at_all() -> None:
    """With every host down the error says that nothing was sent, and where."""
    async with refusing() as dead, ClustermgrClient([dead]) as api:
        with pytest.raises(ClusterUnreachable, match=f"Nothing was sent: {dead}"):
            await api.config_set("balance", "true")
        with pytest.raises(ClusterUnreachable):
            await api.config_get("balance")


async def test_write_at_a_host_is_sent_there_only() -> None:
    """`at` decides who gets a write; a name that is not configured is never contacted."""
    async with serving(says(200)) as one, serving(says(200)) as two, ClustermgrClient([one.host, two.host]) as api:
        await api.config_set("balance", "true", at=two.host)
        with pytest.raises(ClusterUnreachable, match=r"Nothing was sent: 192\.0\.2\.1:1 is not one of"):
            await api.config_set("balance", "true", at="192.0.2.1:1")
    assert (len(one.requests), len(two.requests)) == (0, 1)


WRITES: tuple[Callable[[ClustermgrClient, str], Awaitable[None]], ...] = (
    lambda api, at: api.config_set("balance", "true", at=at),
    lambda api, at: api.member_add(4, "10.0.0.4:10110", learner=True, at=at),
    lambda api, at: api.member_remove(3, at=at),
    lambda api, at: api.leadership_transfer(2, at=at),
)


@pytest.mark.parametrize("write", WRITES)
async def test_write_at_a_gone_leader_is_not_sent_elsewhere(
    write: Callable[[ClustermgrClient, str], Awaitable[None]],
) -> None:
    """A follower would forward the write to a leader that was not checked."""
    async with refusing() as gone, serving(says(200)) as other, ClustermgrClient([gone, other.host]) as api:
        with pytest.raises(ClusterUnreachable, match=f"Nothing was sent: {gone} refuses connections"):
            await write(api, gone)
    assert other.requests == []


ABSENCES: tuple[Callable[[ClustermgrClient, str], Awaitable[object]], ...] = (
    lambda api, at: api.disk_list(at=at),
    lambda api, at: api.disk_dropping(at=at),
    lambda api, at: api.disk_units(7, at=at),
    lambda api, at: api.disk_chunks(7, at=at),
    lambda api, at: api.disk_info(7, at=at),
    lambda api, at: api.volume(7, at=at),
    lambda api, at: api.volumes(at=at),
)


@pytest.mark.parametrize("read", ABSENCES)
@pytest.mark.parametrize("handler", [hangs, says(502), cuts])
async def test_read_at_a_host_that_fails_takes_no_answer_of_another_host(
    read: Callable[[ClustermgrClient, str], Awaitable[object]], handler: Handler
) -> None:
    """An empty answer of a host that does not know a disk would look like proof that the disk is empty."""
    async with serving(handler) as leader, serving(says(200, "{}")) as other:
        async with ClustermgrClient([leader.host, other.host], timeouts=QUICK) as api:
            with pytest.raises(ClusterError):
                await read(api, leader.host)
            with pytest.raises(ClusterUnreachable, match=r"Nothing was asked: 192\.0\.2\.1:1 is not one of"):
                await read(api, "192.0.2.1:1")
    assert other.requests == []


async def test_answer_about_another_disk_is_refused() -> None:
    async with serving(says(200, '{"disk_id": 8, "status": 4}')) as host, ClustermgrClient([host.host]) as api:
        with pytest.raises(ClusterBadAnswer, match="answered about disk 8, not about 7"):
            await api.disk_info(7)


async def test_write_has_the_form_that_servers_require() -> None:
    """JSON type, a length, no chunks, our request id; each over a new connection."""
    async with serving(says(200)) as host, ClustermgrClient([host.host], new_id=lambda: "req-1") as api:
        await api.member_add(4, "10.0.0.4:10110", learner=True, node_host="10.0.0.4:9998")
    (request,) = host.requests
    assert request.headers["content-type"] == "application/json"
    assert int(request.headers["content-length"]) == len(request.body)
    assert "transfer-encoding" not in request.headers
    assert request.headers["x-reqid"] == "req-1"
    assert json.loads(request.body) == {
        "peer_id": 4,
        "host": "10.0.0.4:10110",
        "member_type": 1,
        "node_host": "10.0.0.4:9998",
    }


@pytest.mark.parametrize("handler", [cuts, hangs, garbles, cuts_midway, drips, says(500), says(908), says(302)])
async def test_a_read_finds_another_host(handler: Handler) -> None:
    """Silence, rubbish and server failures of one host do not keep a read from its answer."""
    async with serving(handler) as bad, serving(says(200, '"true"')) as good:
        async with ClustermgrClient([bad.host, good.host], timeouts=QUICK) as api:
            assert await api.config_get("balance") == "true"


async def test_a_host_that_hangs_holds_no_read_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next host is asked beside one that keeps us waiting, and the first answer counts."""
    monkeypatch.setattr("bot.clustermgr.hedging.HEDGE_SECONDS", 0.01)
    async with serving(hangs) as slow, serving(says(200, '"true"')) as quick:
        async with ClustermgrClient([slow.host, quick.host]) as api:
            assert await api.config_get("balance") == "true"


async def test_no_host_configured() -> None:
    """Even that is an error with a sentence."""
    async with ClustermgrClient([]) as api:
        with pytest.raises(ClusterUnreachable, match="No host is configured"):
            await api.disk_info(1)


async def test_a_refused_read_is_final() -> None:
    """A host that says no speaks for the cluster."""
    async with serving(says(400, '{"error":"no"}')) as first, serving(says(200, '"x"')) as second:
        async with ClustermgrClient([first.host, second.host]) as api:
            with pytest.raises(ClusterRefused):
                await api.config_get("balance")
        assert second.requests == []


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (hangs, ClusterTimeout),
        (drips, ClusterTimeout),
        (cuts, ClusterBadAnswer),
        (garbles, ClusterBadAnswer),
        (floods, ClusterBadAnswer),
        (says(200, ""), ClusterBadAnswer),
        (says(200, "[" * 100_000), ClusterBadAnswer),
        (says(200, '{"raft_status": {"nodeId": NaN}}'), ClusterBadAnswer),
        (says(200, '{"raft_status": {"nodeId": 1e999}}'), ClusterBadAnswer),
        (says(200, '{"raft_status": {"nodeId": 99999999999999999999999}}'), ClusterBadAnswer),
        (says(200, '{"raft_status": []}'), ClusterBadAnswer),
        (says(200, '{"raft_status": {"peers": [1]}}'), ClusterBadAnswer),
        (says(200, '{"leader_host": "\\ud800", "raft_status": {}}'), ClusterBadAnswer),
    ],
)
async def test_a_hostile_answer_becomes_an_error(handler: Handler, error: type[ClusterError]) -> None:
    """Nothing a host sends can crash us, hold us or fill our memory."""
    async with serving(handler) as host, ClustermgrClient([host.host], timeouts=QUICK, max_bytes=1 << 20) as api:
        with pytest.raises(error):
            await api.stat(host.host)


async def test_reads_share_a_connection() -> None:
    """Polling keeps its connection; the answer is that of the host asked."""
    ports: set[object] = set()

    async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
        ports.add(writer.get_extra_info("peername"))
        writer.write(answer(200, "OK", [("Content-Type", "application/json")], STAT.encode()))
        await writer.drain()

    async with serving(handle) as host, ClustermgrClient([host.host]) as api:
        for _ in range(5):
            assert (await api.stat(host.host)).raft_status.node_id == 2
    assert len(ports) == 1


async def test_reads_that_hang_do_not_hold_stat_up() -> None:
    """Without a quorum linear reads hang for ten seconds; /stat of the same host is answered meanwhile."""
    held = asyncio.Semaphore(0)

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        held.release()
        await (says(200, STAT) if request.target == "/stat" else hangs)(request, writer)

    async with serving(handle) as host, ClustermgrClient([host.host]) as api:
        reads = [asyncio.create_task(api.config_get(f"key{number}", host=host.host)) for number in range(20)]
        for _ in reads:
            await held.acquire()
        assert (await api.stat(host.host)).raft_status.node_id == 2
        for read in reads:
            read.cancel()
        await asyncio.gather(*reads, return_exceptions=True)


async def test_stat_passes_any_number_of_hanging_reads() -> None:
    """People who ask on and on while a cluster has no quorum must not make its hosts look unreachable."""
    held = asyncio.Semaphore(0)

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        held.release()
        await (says(200, STAT) if request.target == "/stat" else hangs)(request, writer)

    assert bulkhead.MAX_READS < transport.MAX_CONNECTIONS
    async with serving(handle) as host, ClustermgrClient([host.host]) as api:
        number = transport.MAX_CONNECTIONS + 10
        reads = [asyncio.create_task(api.config_get(f"key{n}", host=host.host)) for n in range(number)]
        for _ in range(bulkhead.MAX_READS):
            await held.acquire()
        assert (await api.stat(host.host)).raft_status.node_id == 2
        for read in reads:
            read.cancel()
        await asyncio.gather(*reads, return_exceptions=True)


async def test_read_waits_for_a_free_slot_with_a_limit() -> None:
    """A free slot goes to a waiting read; a read without a slot gets the reason."""
    held = bulkhead.Bulkhead(limit=1, wait=0.05)
    async with held.slot("a:1"):
        async with held.slot("b:1"):
            pass
        with pytest.raises(ClusterTimeout, match="a:1 has not answered 1 earlier read"):
            async with held.slot("a:1"):
                raise AssertionError("there was no free slot")
    async with held.slot("a:1"):
        pass


async def test_paging_ends_with_any_server() -> None:
    """All pages are read; a marker that does not move, or a page that brings nothing new, ends the list."""
    pages = {"0": ([1, 2], 2), "2": ([3, 3], 3), "3": ([3], 9)}

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        marker = request.target.partition("marker=")[2] or "0"
        ids, following = pages[marker]
        body = json.dumps({"disks": [{"disk_id": one, "status": 2} for one in ids], "marker": following})
        writer.write(answer(200, "OK", [("Content-Type", "application/json")], body.encode()))
        await writer.drain()

    async with serving(handle) as host, ClustermgrClient([host.host]) as api:
        disks = await api.disk_list(status=2)
    assert [disk.disk_id for disk in disks] == [1, 2, 3]
    assert len(host.requests) == 3


async def test_the_request_token_is_sent_and_never_shown() -> None:
    """The token covers path and query; no error repeats it or its secret."""
    async with serving(says(403)) as host:
        async with ClustermgrClient([host.host], secret="testsecret", clock=lambda: 1_700_000_000.0) as api:
            with pytest.raises(AuthRejected) as caught:
                await api.stat(host.host)
    token = host.requests[0].headers["blob-store-auth-token"]
    assert token == "APFTZQAAAACHT8VHY5ieS7Py-0BWC1tt"
    assert token not in str(caught.value)
    assert "testsecret" not in repr(caught.value)
