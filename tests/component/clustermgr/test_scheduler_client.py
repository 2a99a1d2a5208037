"""The client of schedulers over real sockets: who is asked, what is sent, and answers that are odd or missing."""

import asyncio
import ipaddress
from collections.abc import Mapping

import pytest

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.models import Service
from bot.clustermgr.scheduler_client import MAX_SCHEDULERS, AllowedSchedulers, SchedulerClient
from bot.clustermgr.scheduler_survey import SchedulerFault, SchedulerSurvey
from bot.clustermgr.transport import HEADER
from bot.playground.clustermgr_sim import SimulatedCluster, Timing
from tests.support.raw_server import Handler, Request, answer, cuts, refusing, says, serving

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
GOOD = '{"shard_repair": {"enable": true, "failed_per_min": "[0 7 1]", "err_stats": ["EOF: 100.00%[8]"]}, "x": 1}'


def registered(host: str, name: str = "SCHEDULER") -> Service:
    return Service(cluster_id=1, name=name, host=host, idc="z0")


async def asked(handler: Handler) -> SchedulerSurvey:
    async with serving(handler) as server:
        return await SchedulerClient(AllowedSchedulers((server.host,))).survey((), 1000.0)


@pytest.mark.parametrize("flavour", ["v3.5", "master"])
async def test_two_schedulers_are_asked_and_the_leader_counts_disks(flavour: str) -> None:
    async with SimulatedCluster(flavour=flavour, schedulers=2, timing=Timing(collect=0)) as simulated:
        simulated.break_disk(7)
        await simulated.until(lambda: simulated.data.disks[7].status == 3)
        simulated.fail_tasks("blob_delete", 4, "EOF")
        hosts = (simulated.scheduler_host(2), simulated.scheduler_host(1))
        survey = await SchedulerClient(AllowedSchedulers(hosts)).survey((), 1000.0)
        only_follower = await SchedulerClient(AllowedSchedulers(hosts[:1])).survey((), 1000.0)
        stats = survey.task("disk_repair")
        assert stats is not None
        assert stats.disks == (7,)
        assert only_follower.task("disk_repair") is not None
        deletes = survey.task("blob_delete")
        assert deletes is not None
        assert deletes.errors == ("EOF",)
        assert not [seen for seen in simulated.scheduler_log if seen.method != "GET"]


async def test_first_release_has_no_statistics_and_is_not_silent() -> None:
    async with SimulatedCluster(flavour="v1", schedulers=1) as simulated:
        allowed = AllowedSchedulers((simulated.scheduler_host(),))
        survey = await SchedulerClient(allowed).survey((), 1000.0)
    assert [each.fault for each in survey.answers] == [SchedulerFault.NO_STATISTICS]
    assert (survey.silent, survey.leader, survey.task("shard_repair")) == ((), None, None)


async def test_leader_of_v3_2_is_asked_on_its_own_path() -> None:
    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        bodies: Mapping[str, str] = {"/stats": GOOD, "/leader/stats": '{"disk_drop": {"dropping_disks": [4]}}'}
        body = bodies.get(request.target)
        await says(200 if body else 404, body or "404 page not found")(request, writer)

    async with serving(handle) as server:
        survey = await SchedulerClient(AllowedSchedulers((server.host,))).survey((), 1000.0)
        assert [request.target for request in server.requests] == ["/stats", "/stats/leader", "/leader/stats"]
    assert survey.leader is not None
    assert survey.leader["disk_drop"].disks == (4,)


async def test_registered_address_is_never_contacted_by_itself() -> None:
    async with serving(says(200, GOOD)) as server:
        services = (registered(f"http://{server.host}"),)
        for allowed in (
            AllowedSchedulers(),
            AllowedSchedulers(networks=(ipaddress.ip_network("10.0.0.0/8"),)),
        ):
            assert not (await SchedulerClient(allowed).survey(services, 1000.0)).answers
        assert not server.requests
        survey = await SchedulerClient(AllowedSchedulers(networks=(LOOPBACK,))).survey(services, 1000.0)
        assert [each.fault for each in survey.answers] == [None]
        assert next(request.target for request in server.requests) == "/stats"


@pytest.mark.parametrize(
    "host",
    [
        "scheduler.example:9800",
        "http://127.0.0.1:9800/redirect",
        "http://evil@127.0.0.1:9800",
        "ftp://127.0.0.1:9800",
        "127.0.0.1",
        "127.0.0.1:0",
        "127.0.0.1.:9800",
        "http://127.0.0.1.:9800",
        "169.254.169.254:80",
        "",
        "x" * 5000,
    ],
)
def test_odd_registered_address_is_not_asked(host: str) -> None:
    assert AllowedSchedulers(networks=(LOOPBACK,)).among([registered(host)]) == ()


def test_address_mapped_into_ipv6_is_within_its_network() -> None:
    assert AllowedSchedulers(networks=(LOOPBACK,)).among([registered("[::ffff:127.0.0.1]:9800")])


def test_other_services_and_surplus_schedulers_are_not_asked() -> None:
    allowed = AllowedSchedulers(("127.0.0.1:1", "http://127.0.0.1:2"), (LOOPBACK,))
    services = [registered(f"http://127.0.0.1:{port}") for port in range(2, 40)]
    found = allowed.among([registered("http://127.0.0.1:99", "PROXY"), *services])
    assert found[:3] == ("127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3")
    assert len(found) == MAX_SCHEDULERS


@pytest.mark.parametrize("secret", [None, "hush"])
async def test_token_goes_to_named_schedulers_only(secret: str | None) -> None:
    async with serving(says(200, GOOD)) as named, serving(says(200, GOOD)) as allowed:
        client = SchedulerClient(AllowedSchedulers((named.host,), (LOOPBACK,)), secret)
        await client.survey((registered(allowed.host),), 1000.0)
        assert {HEADER.lower() in request.headers for request in named.requests} == {secret is not None}
        assert {HEADER.lower() in request.headers for request in allowed.requests} == {False}


async def test_redirect_is_not_followed() -> None:
    async with serving(says(200, GOOD)) as other:

        async def handle(_request: Request, writer: asyncio.StreamWriter) -> None:
            writer.write(answer(302, "Found", [("Location", f"http://{other.host}/stats")], b""))
            await writer.drain()

        survey = await asked(handle)
        assert not other.requests
    assert [each.fault for each in survey.answers] == [SchedulerFault.UNREADABLE]


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (200, GOOD, None),
        (200, "null", SchedulerFault.UNREADABLE),
        (200, "{}", SchedulerFault.UNREADABLE),
        (200, '{"blobnode": null, "shard": null}', SchedulerFault.UNREADABLE),
        (200, '{"shard_repair": {"total_tasks_cnt": -1}}', SchedulerFault.UNREADABLE),
        (200, '{"shard_repair": {"err_stats": {"a": 1}}}', SchedulerFault.UNREADABLE),
        (200, '{"disk_repair": {"repairing_disks": [' + ",".join(["1"] * 200_000) + "]}}", SchedulerFault.CUT),
        (200, '{"disk_repair": {"repairing_disks": [' + ",".join(["1"] * 1_100) + "]}}", SchedulerFault.UNREADABLE),
        (200, "<html>", SchedulerFault.UNREADABLE),
        (403, "", SchedulerFault.REFUSED),
        (404, "404 page not found", SchedulerFault.NO_STATISTICS),
        (502, "", SchedulerFault.FAILED),
    ],
)
async def test_odd_answers_are_named_faults(status: int, body: str, fault: SchedulerFault | None) -> None:
    survey = await asked(says(status, body))
    assert [each.fault for each in survey.answers] == [fault]
    assert bool(survey.silent) is (fault in {SchedulerFault.CUT, SchedulerFault.FAILED})


async def test_lost_connections_are_silent() -> None:
    assert [each.fault for each in (await asked(cuts)).silent] == [SchedulerFault.CUT]
    async with refusing() as host:
        survey = await SchedulerClient(AllowedSchedulers((host,))).survey((), 1000.0)
    assert [each.fault for each in survey.silent] == [SchedulerFault.UNREACHABLE]


@pytest.mark.fast_time
async def test_hanging_scheduler_does_not_hold_up_the_others() -> None:
    async def hangs(_request: Request, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with serving(hangs) as silent, serving(says(200, GOOD)) as good:
        client = SchedulerClient(AllowedSchedulers((silent.host, good.host)))
        survey = await client.survey((), 1000.0)
    assert [each.fault for each in survey.answers] == [SchedulerFault.TIMEOUT, None]
    shards = survey.task("shard_repair")
    assert shards is not None
    assert (shards.failing, shards.errors, shards.on) == (7, ("EOF",), True)


async def test_watch_reads_services_and_statistics_once_a_minute() -> None:
    async with SimulatedCluster(schedulers=1) as simulated, ClustermgrClient(simulated.hosts) as api:
        now = 1000.0
        client = SchedulerClient(AllowedSchedulers(networks=(LOOPBACK,)))
        cluster = Cluster("prod", "C1", api, lambda: now, 5.0, schedulers=client)
        first = await cluster.poll(5.0)
        now += 15
        second = await cluster.poll(5.0)
        now += 60
        third = await cluster.poll(5.0)
    assert [each.services is not None for each in (first, second, third)] == [True, False, True]
    assert [each.schedulers is not None for each in (first, second, third)] == [True, False, True]
    assert first.services is not None
    assert "SCHEDULER" in {each.name for each in first.services}
    assert first.schedulers is not None
    assert first.schedulers.leader is not None
