"""Polls of one cluster: what they repeat and when, and what a failed slow poll leaves to the others."""

import asyncio
import json
from collections import Counter

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import DIALECT_SECONDS, Cluster
from bot.clustermgr.scheduler_client import AllowedSchedulers, SchedulerClient
from bot.clustermgr.slow_poll import DISK_LIST_SECONDS, LIST_TRUSTED_SECONDS
from bot.clustermgr.slow_poll_pace import BURST, SlowPollPace
from bot.common.json_object import JsonObject
from bot.playground.clustermgr_sim import SimulatedCluster
from tests.support.raw_server import Request, answer, refusing, serving


async def test_everything_that_is_repeated_asks_if_it_is_due() -> None:
    """Each cluster has its moment of a period: what would not ask for it would be done by all clusters together."""
    asked = Counter[float]()

    def due(_last: float, _now: float, period: float) -> bool:
        asked[period] += 1
        return True

    async with SimulatedCluster(flavour="master") as simulated, ClustermgrClient(simulated.hosts) as api:
        schedulers = SchedulerClient(AllowedSchedulers(("127.0.0.1:1",)))
        cluster = Cluster("prod", "C0OPS", api, simulated.clock.now, 5.0, schedulers=schedulers, due=due)
        await cluster.poll(5.0)
    assert asked.keys() >= {DISK_LIST_SECONDS, DIALECT_SECONDS, LIST_TRUSTED_SECONDS}
    assert asked[60.0] == 2, "the dashboard and the schedulers"


async def test_later_polls_list_the_disks_before_the_hosts_have_answered() -> None:
    """The hosts of the second poll answer `/stat` once the list was asked for."""
    listed, later = asyncio.Event(), False

    async def leader(request: Request, writer: asyncio.StreamWriter) -> None:
        body: JsonObject = {"raft_status": {"nodeId": 1, "term": 3, "leader": 1}}
        if request.target.startswith("/disk/list?"):
            listed.set()
            body = {"disks": [], "marker": 0}
        elif later:
            await listed.wait()
        writer.write(answer(200, "OK", [("Content-Type", "application/json")], json.dumps(body).encode()))
        await writer.drain()

    async with serving(leader) as one, ClustermgrClient([one.host]) as api:
        cluster = Cluster("prod", "C0OPS", api, lambda: 1000.0, 5.0)
        assert (await cluster.poll(5.0)).bad_disks == ()
        listed.clear()
        later = True
        assert (await cluster.poll(5.0)).bad_disks == ()
        assert (await cluster.snapshot(5.0)).bad_disks == ()
        async for snapshot in cluster.snapshots():
            assert snapshot.bad_disks == ()


async def test_new_bad_disk_is_reported_before_its_volumes_are_read() -> None:
    reported: list[int] = []
    async with SimulatedCluster() as simulated, ClustermgrClient(simulated.hosts) as api:
        cluster = Cluster("prod", "C0OPS", api, simulated.clock.now, 5.0)

        def on_bad() -> None:
            reported.append(len(cluster.watched()[1].volumes))

        simulated.break_disk(1)
        await cluster.poll(5.0, on_bad=on_bad)
        await cluster.poll(5.0, on_bad=on_bad)
        assert reported == [], "the first poll finds what was known before"
        known = len(cluster.watched()[1].volumes)
        assert known
        simulated.break_disk(2)
        await cluster.poll(5.0, on_bad=on_bad)
        assert reported == [known]
        assert len(cluster.watched()[1].volumes) > known
        await cluster.poll(5.0, on_bad=on_bad)
        assert reported == [known]
        # Others see it first, or do not list disks.
        simulated.break_disk(3)
        await cluster.snapshot(5.0)
        await cluster.snapshot(5.0, bad_disks=False)
        await cluster.poll(5.0, on_bad=on_bad)
    assert len(reported) == 2


async def test_failed_slow_poll_leaves_its_place_to_others() -> None:
    pace = SlowPollPace(1000, lambda: 0.0)
    async with refusing() as dead, ClustermgrClient([dead]) as api:
        cluster = Cluster("prod", "C0OPS", api, lambda: 1000.0, 5.0, slow_pace=pace)
        for _ in range(3):
            await cluster.poll(0.5)
    assert sum(pace.admits() for _ in range(100)) == BURST
