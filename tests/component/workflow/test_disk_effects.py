"""Disk operations on the simulated cluster: evaluated, sent once to the leader, and their effect observed."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.common.errors import ClusterRefused
from bot.operations.change_request import RequestOptions
from bot.operations.model import Operation
from bot.operations.preflight.verdict import CheckLevel
from bot.operations.requests import DiskAccess, DiskBroken, DiskOffline, NodeDrop, Request
from bot.playground.clustermgr_sim import SimulatedCluster
from bot.views.step_text import step_text
from bot.workflow.actions import observe, send
from bot.workflow.evaluation import evaluate

READONLY, WRITABLE = DiskAccess(7, readonly=True), DiskAccess(7, readonly=False)


@asynccontextmanager
async def running(flavour: str = "master") -> AsyncIterator[tuple[SimulatedCluster, Cluster]]:
    async with (
        SimulatedCluster(flavour=flavour, schedulers=1) as simulated,
        ClustermgrClient(simulated.hosts) as api,
    ):
        for task in ("disk_drop", "disk_repair", "shard_repair"):
            simulated.set_switch(task, "Enable" if flavour == "v1" else "true")
        yield simulated, Cluster("prod", "C0OPS", api, time.time, 5.0)


async def evaluated(cluster: Cluster, request: Request) -> Operation:
    made = await evaluate(cluster, request, ())
    return Operation("prod", request, "U0ANNA", 1.0, 2.0, seen=made.seen, id=12)


@pytest.mark.parametrize("flavour", ["v1", "v3.5", "master"])
@pytest.mark.parametrize(
    ("request_", "path", "text"),
    [
        (READONLY, "/disk/access", "disk #7 is normal and read-only"),
        (DiskBroken(7), "/disk/set", "disk #7 is broken"),
    ],
    ids=["readonly", "broken"],
)
async def test_change_of_a_disk_is_sent_once_and_seen(flavour: str, request_: Request, path: str, text: str) -> None:
    async with running(flavour) as (simulated, cluster):
        op = await evaluated(cluster, request_)
        assert op.seen.verdict is not None
        assert not op.seen.verdict.blocked
        assert not (await observe(cluster, op)).done
        await send(cluster.api, op)
        found = await observe(cluster, op)
        assert (found.done, step_text(found.sight)) == (True, text)
        assert [seen.node for seen in simulated.log.matching("POST", path)] == [simulated.leader]


@pytest.mark.parametrize(
    ("request_", "already"), [(READONLY, False), (WRITABLE, True), (DiskOffline(7), False), (DiskBroken(7), False)]
)
async def test_disk_that_is_as_requested_needs_nothing(request_: Request, already: bool) -> None:
    async with running() as (_, cluster):
        made = await evaluate(cluster, request_, ())
        assert made.verdict.already_so is already


async def test_disk_that_is_being_dropped_is_seen_as_offline() -> None:
    async with running() as (simulated, cluster):
        op = await evaluated(cluster, DiskOffline(7))
        simulated.set_disk_readonly(7)
        assert not (await observe(cluster, op)).done
        simulated.drop_disk(7)
        assert (await observe(cluster, op)).done
        assert (await evaluate(cluster, op.request, ())).verdict.already_so
        assert (await evaluate(cluster, WRITABLE, ())).verdict.blocked


async def test_refusal_of_the_server_says_what_to_do() -> None:
    async with running() as (simulated, cluster):
        op = await evaluated(cluster, WRITABLE)
        simulated.set_disk_readonly(7)
        simulated.drop_disk(7)
        with pytest.raises(ClusterRefused) as refused:
            await send(cluster.api, op)
        assert refused.value.sentence.endswith("a drop cannot be cancelled: let it end.")


async def test_node_whose_disks_are_in_use_is_not_dropped() -> None:
    async with running("v3.5") as (simulated, cluster):
        made = await evaluate(cluster, NodeDrop(simulated.data.disks[7].node_id), ())
        assert made.verdict.blocked
        assert not simulated.log.matching("POST")


async def test_cluster_without_a_leader_is_asked_for_no_disk() -> None:
    async with running() as (simulated, cluster):
        for node in (1, 2, 3):
            await simulated.kill(node)
        made = await evaluate(cluster, DiskOffline(7), ())
        assert made.verdict.blocked
        assert not simulated.log.matching("GET", "/disk/list")


@pytest.mark.parametrize("forced", [False, True])
async def test_missing_scheduler_blocks_unless_it_is_forced(forced: bool) -> None:
    async with running() as (simulated, cluster):
        await simulated.stop_scheduler()
        made = await evaluate(cluster, DiskOffline(7), (), RequestOptions(forced=forced))
        check = made.verdict.check("scheduler")
        assert check is not None
        assert (check.level is CheckLevel.BLOCK, check.forced, made.forces) == (not forced, forced, forced)
