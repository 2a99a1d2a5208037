"""Schedulers: repairs and drops that take time, and the statistics of both shapes."""

import json
from typing import Any

import aiohttp
import pytest

from bot.playground.clustermgr_sim import NotPossible, Timing

TIMING = Timing(collect=5, unit_move=2, refresh=0)
UNITS = 42


@pytest.fixture
async def working(make: Any) -> Any:
    """Three nodes of the newest release with one scheduler."""
    return await make(timing=TIMING, schedulers=1)


def seen(caller: Any, disk_id: int) -> tuple[int, int]:
    """The state of a disk, and its units."""
    return caller.cluster.data.disks[disk_id].status, caller.cluster.data.volumes.count_on(disk_id)


async def asked(caller: Any, target: str, number: int = 1) -> tuple[int, Any]:
    async with caller.session.get(caller.cluster.scheduler_host(number) + target) as response:
        text = await response.text()
        return response.status, json.loads(text) if response.content_type == "application/json" else text


async def test_broken_disk_is_repaired_unit_by_unit(working: Any) -> None:
    working.cluster.break_disk(7)
    assert seen(working, 7) == (2, UNITS)
    working.wait(4.9)
    assert seen(working, 7) == (2, UNITS)
    working.wait(0.1)
    assert seen(working, 7) == (3, UNITS)
    working.wait(20)
    assert seen(working, 7) == (3, UNITS - 10)
    working.wait(62)
    assert seen(working, 7) == (3, 1)
    working.wait(2)
    assert seen(working, 7) == (4, 0)


async def test_one_long_wait_ends_where_many_short_ones_do(make: Any) -> None:
    ends = []
    for steps in (1, 200):
        caller = await make(timing=TIMING, schedulers=1)
        for disk_id in (7, 8, 15):
            caller.cluster.break_disk(disk_id)
        for _ in range(steps):
            caller.wait(60 / steps)
        ends.append([seen(caller, disk_id) for disk_id in range(1, 25)])
    assert ends[0] == ends[1]
    assert [ends[0][disk_id - 1] for disk_id in (7, 8, 15)] == [(3, UNITS - 27)] * 3


async def test_dropping_disk_empties_then_is_dropped(working: Any) -> None:
    assert (await working.post(1, "/disk/access", disk_id=7, readonly=True))[0] == 200
    assert (await working.post(1, "/disk/drop", disk_id=7))[0] == 200
    working.wait(5 + 2 * UNITS - 2)
    assert seen(working, 7) == (1, 1)
    working.wait(2)
    assert seen(working, 7) == (5, 0)
    assert (await working.get(1, "/disk/droppinglist"))[1] == '{"disks":null,"marker":0}'


@pytest.mark.parametrize("flavour", ["v1", "v3.5", "master"])
async def test_nothing_moves_without_a_scheduler_or_switch(make: Any, flavour: str) -> None:
    caller = await make(flavour=flavour, timing=TIMING)
    caller.cluster.break_disk(7)
    caller.cluster.drop_disk(8)
    caller.wait(600)
    assert (seen(caller, 7), seen(caller, 8)) == ((2, UNITS), (1, UNITS))
    on = caller.cluster.data.kv["disk_repair"]
    caller.cluster.set_switch("disk_repair", "off")
    await caller.cluster.start_scheduler()
    caller.wait(5 + 2 * UNITS)
    assert (seen(caller, 7), seen(caller, 8)) == ((2, UNITS), (5, 0))
    caller.cluster.set_switch("disk_repair", on)
    caller.wait(5 + 2 * UNITS)
    assert seen(caller, 7)[0] == 4


async def test_repair_waits_while_its_switch_or_the_quorum_is_lost(working: Any) -> None:
    working.cluster.break_disk(7)
    working.wait(25)
    working.cluster.set_switch("disk_repair", "false")
    working.wait(500)
    assert seen(working, 7) == (3, UNITS - 10)
    working.cluster.set_switch("disk_repair", "true")
    working.wait(4)
    assert seen(working, 7) == (3, UNITS - 12)
    await working.cluster.lose_quorum()
    working.wait(500)
    assert seen(working, 7) == (3, UNITS - 12)
    await working.cluster.restore()
    working.wait(100)
    assert seen(working, 7) == (4, 0)


async def test_repair_waits_while_no_disk_of_the_zone_has_a_place(working: Any) -> None:
    for disk_id in (1, 2, 3, 4, 5, 6, 8):
        working.cluster.set_disk_readonly(disk_id)
    working.cluster.break_disk(7)
    working.wait(500)
    assert seen(working, 7) == (3, UNITS)
    for disk_id in (1, 2, 3, 4, 5, 6, 8):
        working.cluster.set_disk_readonly(disk_id, value=False)
    working.wait(200)
    assert seen(working, 7) == (4, 0)


async def test_stopped_scheduler_can_stay_registered(working: Any) -> None:
    host = working.cluster.scheduler_host()
    listed = json.loads((await working.get(1, "/service/get?name=SCHEDULER"))[1])["nodes"]
    assert [each["host"] for each in listed] == [host]
    await working.cluster.stop_scheduler(registered=True)
    with pytest.raises(aiohttp.ClientConnectionError):
        await asked(working, "/stats")
    working.cluster.break_disk(7)
    working.wait(100)
    assert seen(working, 7) == (2, UNITS)
    assert host in (await working.get(1, "/service/list"))[1]
    await working.cluster.stop_scheduler()
    assert host not in (await working.get(1, "/service/list"))[1]
    assert await working.cluster.start_scheduler() == host
    working.wait(100)
    assert seen(working, 7) == (4, 0)
    with pytest.raises(NotPossible, match="no scheduler 3"):
        await working.cluster.stop_scheduler(3)


@pytest.mark.parametrize("flavour", ["v3.5", "master"])
async def test_statistics_follow_a_repair(make: Any, flavour: str) -> None:
    caller = await make(flavour=flavour, timing=TIMING, schedulers=2)
    caller.cluster.break_disk(7)
    caller.wait(25)
    stats = (await asked(caller, "/stats"))[1]
    repair = (stats["blobnode"] if flavour == "master" else stats)["disk_repair"]
    assert (repair["enable"], repair["repairing_disks"]) == (True, [7])
    counted = (repair["total_tasks_cnt"], repair["repaired_tasks_cnt"], repair["worker_doing_cnt"])
    assert counted == (UNITS, 10, UNITS - 10)
    assert repair["stats_per_min"]["finished_cnt"] == f"[{'0 ' * 19}10]"
    migrating = "/stats/disk/migrating?task_type=disk_repair&disk_id=7"
    assert await asked(caller, migrating, 2) == (200, {"total_tasks_cnt": UNITS, "migrated_tasks_cnt": 10})
    follower = (await asked(caller, "/stats", 2))[1]
    expected = {"blobnode", "shard"} if flavour == "master" else {"shard_repair", "blob_delete"}
    assert follower.keys() == expected
    assert await asked(caller, "/stats/leader", 2) == (200, stats)
    await caller.cluster.stop_scheduler(1)
    assert await asked(caller, "/stats", 2) == (200, stats)
    caller.wait(120)
    assert (await asked(caller, migrating, 2))[0] == 500


async def test_migrating_count_of_a_drop_misleads(working: Any) -> None:
    migrating = "/stats/disk/migrating?task_type=disk_drop&disk_id=7"
    assert (await asked(working, migrating))[0] == 500
    working.cluster.move_chunks(7, 18)
    working.cluster.drop_disk(7)
    working.wait(5)
    assert seen(working, 7) == (1, 18)
    assert await asked(working, migrating) == (200, {"total_tasks_cnt": 18, "migrated_tasks_cnt": 12})
    working.wait(36)
    assert seen(working, 7) == (5, 0)
    assert await asked(working, migrating) == (200, {"total_tasks_cnt": 18, "migrated_tasks_cnt": 18})


async def test_failing_tasks_are_counted_by_the_minute(working: Any) -> None:
    working.cluster.fail_tasks("shard_repair", 12, "disk broken")
    working.wait(60)
    stats = (await asked(working, "/stats"))[1]["blobnode"]
    assert stats["shard_repair"] == {
        "enable": True,
        "success_per_min": f"[{' '.join(['0'] * 20)}]",
        "failed_per_min": f"[{'0 ' * 18}12 12]",
        "total_err_cnt": 24,
        "err_stats": ["disk broken: 100.00%[24]"],
    }
    assert stats["blob_delete"]["err_stats"] is None
    working.cluster.fail_tasks("shard_repair", 0)
    assert (await asked(working, "/stats"))[1]["blobnode"]["shard_repair"]["total_err_cnt"] == 0
    with pytest.raises(NotPossible, match="not balance"):
        working.cluster.fail_tasks("balance", 1)


async def test_moved_bytes_are_printed_in_their_unit(working: Any) -> None:
    working.cluster.break_disk(7)
    working.wait(5 + 2 * UNITS)
    stats = (await asked(working, "/stats"))[1]["blobnode"]["disk_repair"]["stats_per_min"]
    sizes = stats["data_amount_byte"].strip("[]").split()
    assert (len(sizes), sizes[0], sizes[-1][-2:]) == (20, "0.000B", "MB")
    assert sum(map(int, stats["finished_cnt"].strip("[]").split())) == UNITS


async def test_requests_to_schedulers_have_their_own_log(working: Any) -> None:
    await asked(working, "/stats")
    await asked(working, "/nothing")
    assert [(each.node, each.path, each.status) for each in working.cluster.scheduler_log] == [
        (1, "/stats", 200),
        (1, "/nothing", 404),
    ]
    assert not len(working.cluster.log)


async def test_unknown_path_of_a_scheduler_is_not_found(make: Any) -> None:
    caller = await make(flavour="v1", timing=TIMING, schedulers=1)
    assert await asked(caller, "/stats") == (404, "404 page not found\n")
    caller = await make(timing=TIMING, schedulers=1)
    assert await asked(caller, "/nothing") == (404, "404 page not found\n")
    assert (await asked(caller, "/stats/disk/migrating?task_type=disk_drop&disk_id=x"))[0] == 400
    async with caller.session.post(caller.cluster.scheduler_host() + "/stats") as response:
        assert response.status == 405


async def test_counters_of_a_long_wait_show_the_end_of_a_repair(make: Any) -> None:
    caller = await make(timing=Timing(collect=5, unit_move=2, refresh=60), schedulers=1)
    caller.cluster.break_disk(7)
    caller.wait(600)
    [zone] = [row for row in (await caller.stat(1))["space_stat"]["disk_stat_infos"] if row["idc"] == "z0"]
    assert (zone["broken"], zone["repairing"], zone["repaired"]) == (0, 0, 1)


async def test_repair_without_duration_still_waits_for_its_switch(make: Any) -> None:
    caller = await make(timing=Timing(collect=0, unit_move=0, refresh=0), schedulers=1)
    caller.cluster.set_switch("disk_repair", "false")
    caller.cluster.break_disk(7)
    caller.wait(1)
    assert seen(caller, 7) == (2, UNITS)
    caller.cluster.set_switch("disk_repair", "true")
    caller.wait(1)
    assert seen(caller, 7) == (4, 0)
