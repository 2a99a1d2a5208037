"""Code modes that users defined: read rarely, used in every judgement, unknown if in doubt."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.alerting.volume_risk import risks_of
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.operations.requests import DiskBroken
from bot.playground.clustermgr_sim import SimulatedCluster
from bot.workflow.evaluation import evaluate
from tests.support.in_memory_ports import typed
from tests.support.view_samples import seen

MODE = {"code_mode": 250, "name": "EC4P2", "n": 4, "m": 2, "l": 0, "az_count": 1, "put_quorum": 5, "get_quorum": 0}


@pytest.fixture
async def simulated() -> AsyncIterator[SimulatedCluster]:
    async with SimulatedCluster(schedulers=1) as cluster:
        for task in ("disk_drop", "disk_repair", "shard_repair"):
            cluster.set_switch(task, "true")
        yield cluster


@pytest.fixture
async def cluster(simulated: SimulatedCluster) -> AsyncIterator[Cluster]:
    async with ClustermgrClient(simulated.hosts) as api:
        yield Cluster("prod", "C0OPS", api, simulated.clock.now, 5.0)


def defined(simulated: SimulatedCluster, *modes: dict[str, object]) -> int:
    """Give a volume with six units, one of them on disk 1, a mode that users define so; return the volume."""
    volumes = simulated.data.volumes
    vid = next(unit.vid for unit in volumes.units_of(1) if len(volumes.get(unit.vid).units) == 6)
    volumes.put(replace(volumes.get(vid), code_mode=250))
    simulated.data.file_config["code_mode_extend"] = json.dumps(modes)
    return vid


def asked(simulated: SimulatedCluster) -> int:
    return sum("code_mode_extend" in seen.target for seen in simulated.log.matching("GET", "/config/get"))


async def left_of(cluster: Cluster, vid: int) -> int | None:
    snapshot, survey = await cluster.survey(3.0)
    return next(risk.left for risk in risks_of(survey, snapshot.expired_disks) if risk.vid == vid)


async def test_volume_of_a_defined_mode_is_judged_by_it(simulated: SimulatedCluster, cluster: Cluster) -> None:
    vid = defined(simulated, MODE)
    simulated.break_disk(1)
    assert await left_of(cluster, vid) == 1
    *_, last = await typed("risk", cluster)
    assert "EC4P2" in seen(last.message)
    for _ in range(3):
        assert await left_of(cluster, vid) == 1
    assert asked(simulated) == 1


@pytest.mark.parametrize(
    "modes",
    [(), (MODE, MODE | {"m": 4, "put_quorum": 7}), (MODE | {"m": 4, "put_quorum": 7},), (MODE | {"put_quorum": 99},)],
    ids=["missing", "two definitions", "other units", "not usable"],
)
async def test_mode_that_is_missing_or_contradicted_stays_unknown(
    simulated: SimulatedCluster, cluster: Cluster, modes: tuple[dict[str, object], ...]
) -> None:
    vid = defined(simulated, *modes)
    simulated.break_disk(1)
    assert await left_of(cluster, vid) is None
    *_, last = await typed("risk", cluster)
    assert "unknown (250)" in seen(last.message)


@pytest.mark.parametrize("flavour", ["v1", "v3.5"])
async def test_release_without_the_key_leaves_the_mode_unknown(flavour: str) -> None:
    async with SimulatedCluster(flavour=flavour) as simulated, ClustermgrClient(simulated.hosts) as api:
        cluster = Cluster("prod", "C0OPS", api, simulated.clock.now, 5.0)
        vid = defined(simulated)
        del simulated.data.file_config["code_mode_extend"]
        simulated.break_disk(1)
        assert await left_of(cluster, vid) is None


async def test_cluster_without_such_a_volume_is_not_asked(simulated: SimulatedCluster, cluster: Cluster) -> None:
    simulated.break_disk(1)
    await cluster.survey(3.0)
    await cluster.poll(5.0)
    assert not asked(simulated)


async def test_unread_key_leaves_the_mode_unknown_and_is_asked_again_later(
    simulated: SimulatedCluster, cluster: Cluster
) -> None:
    vid = defined(simulated, MODE)
    simulated.break_disk(1)
    simulated.fail_next(500, 1, "/config/get")
    assert await left_of(cluster, vid) is None
    assert await left_of(cluster, vid) is None
    assert asked(simulated) == 1
    cluster.clock = lambda: simulated.clock.now() + 61.0
    assert await left_of(cluster, vid) == 1


async def test_preflight_and_facts_use_the_defined_mode(simulated: SimulatedCluster, cluster: Cluster) -> None:
    defined(simulated)
    made = await evaluate(cluster, DiskBroken(1), ())
    assert made.verdict.check("code_modes") is not None
    simulated.data.file_config["code_mode_extend"] = json.dumps([MODE])
    cluster.clock = lambda: simulated.clock.now() + 301.0
    made = await evaluate(cluster, DiskBroken(1), ())
    assert made.verdict.check("code_modes") is None
    assert made.verdict.fingerprint.least_left == 2
