"""The recorded statistics of real schedulers, put through the client: both shapes, leader and follower."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.clustermgr.scheduler_client import AllowedSchedulers, SchedulerClient
from bot.clustermgr.scheduler_survey import EVERY_SCHEDULER, SchedulerSurvey, TaskStats
from tests.contract.recordings import DATA_FILES, Exchange, exchanges, replay
from tests.support.raw_server import Request, serving

FILES = [path for path in DATA_FILES if path.stem.startswith("data_sched_")]
STATS = ("/stats", "/stats/leader")
TASKS = {"disk_repair", "disk_drop", "balance", "manual_migrate", "volume_inspect", *EVERY_SCHEDULER}


def recorded(target: str) -> list[Exchange]:
    return [each for path in FILES for each in exchanges(path) if each.target == target]


async def surveyed(first: Exchange, forwarded: Exchange) -> tuple[SchedulerSurvey, list[str]]:
    """Ask a scheduler that answers `/stats` and `/stats/leader` with these; the survey, and what was asked."""

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(replay(first if request.target == "/stats" else forwarded))
        await writer.drain()

    async with serving(handle) as server:
        client = SchedulerClient(AllowedSchedulers((server.host,)))
        survey = await client.survey((), 1000.0)
        return survey, [request.target for request in server.requests]


def parts(exchange: Exchange) -> dict[str, Any]:
    """The recorded parts by task, in either shape."""
    body: Any = json.loads(exchange.answer)
    flat: dict[str, Any] = body.get("blobnode", body)
    return flat


def test_recordings_have_both_shapes() -> None:
    assert {path.parent.name for path in FILES} == {"master-2025-12", "v3.5.3"}
    assert {"blobnode" in json.loads(each.answer) for each in recorded("/stats")} == {True, False}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_recorded_statistics_become_values(path: Path) -> None:
    found = [each for each in exchanges(path) if each.target in STATS]
    leaders = [each for each in found if "disk_repair" in parts(each)]
    assert leaders
    for exchange in found:
        survey, asked = await surveyed(exchange, leaders[0])
        leads = exchange in leaders
        assert asked == (["/stats"] if leads else ["/stats", "/stats/leader"])
        assert not survey.silent
        check(survey, parts(exchange if leads else leaders[0]))


def check(survey: SchedulerSurvey, sent: dict[str, Any]) -> None:
    """The survey says what the leader's recorded answer says."""
    assert survey.leader is not None
    assert set(survey.leader) >= TASKS
    repair, drop = survey.task("disk_repair"), survey.task("disk_drop")
    assert repair is not None
    assert drop is not None
    assert repair.disks == tuple(sent["disk_repair"]["repairing_disks"])
    assert (repair.total, repair.done) == (
        sent["disk_repair"]["total_tasks_cnt"],
        sent["disk_repair"]["repaired_tasks_cnt"],
    )
    assert (repair.on, repair.working) == (sent["disk_repair"]["enable"], sent["disk_repair"]["worker_doing_cnt"])
    assert (drop.disks, drop.done) == ((), sent["disk_drop"]["dropped_tasks_cnt"])
    minutes = sent["disk_repair"]["stats_per_min"]["finished_cnt"].strip("[]").split()
    assert repair.finished == tuple(map(int, minutes))
    shards = survey.task("shard_repair")
    assert isinstance(shards, TaskStats)
    assert (shards.failing, shards.errors) == (0, ())


@pytest.mark.parametrize("release", ["master-2025-12", "v3.5.3"])
async def test_follower_without_a_leader_leaves_disk_tasks_unknown(release: str) -> None:
    """What a follower does not send is not known, and not zero."""
    [follower, *_] = [
        each
        for path in FILES
        if path.parent.name == release
        for each in exchanges(path)
        if each.target == "/stats" and "disk_repair" not in parts(each)
    ]
    survey, asked = await surveyed(follower, follower)
    assert asked == ["/stats", "/stats/leader", "/leader/stats"]
    assert (survey.leader, survey.task("disk_repair"), survey.task("balance")) == (None, None, None)
    assert survey.task("shard_repair") is not None
