"""Volumes: where their units lie, what their health says, and how units move."""

import json
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.clustermgr import code_modes
from bot.playground.clustermgr_sim import Data, Disk, NotPossible, Volume, Volumes, demo_data
from bot.playground.clustermgr_sim.answer import ApiError
from bot.playground.clustermgr_sim.demo import add_volumes
from bot.playground.clustermgr_sim.flavour import FLAVOURS, MASTER
from bot.playground.clustermgr_sim.volumes import ACTIVE, CODE_MODES, EC3P3, EC6P6, make_units


def units_on(caller: Any, disk_id: int) -> int:
    count: int = caller.cluster.data.volumes.count_on(disk_id)
    return count


async def volume(caller: Any, vid: int, node: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await caller.get(node, f"/volume/get?vid={vid}"))[1])
    return found


def volume_on(caller: Any, disk_id: int) -> int:
    """The first volume with a unit on the disk."""
    vid: int = min(unit.vid for unit in caller.cluster.data.volumes.units_of(disk_id))
    return vid


def check_places(data: Data) -> None:
    """Each unit is indexed once, on a disk that holds no other unit of its volume."""
    for each in data.volumes:
        assert len(each.disks()) == len(each.units)
        assert [unit.index for unit in each.units] == list(range(len(each.units)))
        for unit in each.units:
            assert data.volumes.on_disk[unit.disk_id][unit.vuid] == unit
    total = sum(len(each.units) for each in data.volumes)
    assert sum(map(len, data.volumes.on_disk.values())) == total


def zones_of(data: Data) -> dict[int, Counter[str]]:
    return {each.vid: Counter(data.disks[unit.disk_id].idc for unit in each.units) for each in data.volumes}


def test_code_modes_are_those_that_the_program_judges_by() -> None:
    assert {(number, mode.name, mode.units) for number, mode in CODE_MODES.items()} == {
        (mode.id, mode.name, mode.units) for mode in code_modes.CODE_MODES.values()
    }


def test_demo_volumes_fill_all_disks_alike_and_respect_zones() -> None:
    data = demo_data(MASTER, now=0.0, rng=random.Random(1))
    check_places(data)
    assert {data.volumes.count_on(disk_id) for disk_id in data.disks} == {42}
    for each in data.volumes:
        zones = zones_of(data)[each.vid]
        assert (each.code_mode, tuple(zones.values())) in {(EC3P3, (6,)), (EC6P6, (4, 4, 4))}
    counters = data.volumes.counters()
    states = (counters["idle_volume"], counters["active_volume"], counters["lock_volume"])
    assert (sum(states), states[2]) == (counters["total_volume"], 1)
    assert 0 < counters["can_alloc_volume"] <= counters["idle_volume"]


def test_volumes_of_a_large_cluster_are_spread_alike() -> None:
    data = Data()
    for number in range(1, 301):
        data.disks[number] = Disk(number, idc=f"z{number % 3}")
    add_volumes(data, in_each_zone=500, over_all_zones=100)
    check_places(data)
    assert (len(data.volumes), data.volumes.counters()["lock_volume"]) == (1600, 1)
    assert {data.volumes.count_on(number) for number in data.disks} == {34}


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 24), st.integers(0, 64), st.booleans()), max_size=12))
def test_units_stay_one_to_a_disk_in_their_zone(moves: list[tuple[int, int, bool]]) -> None:
    data = demo_data(MASTER, now=0.0, rng=random.Random(1))
    before, chunks = zones_of(data), sum(disk.free_chunks for disk in data.disks.values())
    for disk_id, left, broken in moves:
        data.disks[disk_id].status = 2 if broken else 1
        data.land_units(disk_id, left - data.volumes.count_on(disk_id))
        zone = [disk for disk in data.disks.values() if disk.idc == data.disks[disk_id].idc and disk.status == 1]
        if len(zone) > 6:
            data.thin_out(disk_id, left)
            assert data.volumes.count_on(disk_id) <= max(left, 0)
            assert zones_of(data) == before
    check_places(data)
    assert sum(disk.free_chunks for disk in data.disks.values()) == chunks
    assert [disk.used_chunks for disk in data.disks.values()] == list(map(data.volumes.count_on, data.disks))


async def test_health_counts_each_unit_that_cannot_be_written_once(caller: Any) -> None:
    cluster, vid = caller.cluster, 2
    disks = [unit["disk_id"] for unit in (await volume(caller, vid))["units"]]
    for number, change in enumerate(
        (cluster.break_disk, cluster.expire_disk, cluster.set_disk_readonly, cluster.drop_disk), start=1
    ):
        change(disks[number])
        assert (await volume(caller, vid, node=2))["health_score"] == -number
    cluster.set_compacting(vid, 2)
    assert (await volume(caller, vid))["health_score"] == -5
    cluster.set_compacting(vid, 0)
    cluster.repair_disk(disks[1], "repairing")
    assert (await volume(caller, vid))["health_score"] == -4
    with pytest.raises(NotPossible, match="no volume 9999"):
        cluster.set_compacting(9999)


async def test_blobnode_without_heartbeats_lowers_the_health_of_its_volumes(caller: Any) -> None:
    host = caller.cluster.data.disks[5].host
    before = await volume(caller, 1)
    own = sum(unit["host"] == host for unit in before["units"])
    caller.cluster.expire_host(host)
    assert (await volume(caller, 1))["health_score"] == -own < 0
    caller.cluster.recount()
    assert sum(row["expired"] for row in (await caller.stat(1))["space_stat"]["disk_stat_infos"]) == 4
    caller.cluster.expire_host(host, expired=False)
    assert await volume(caller, 1) == before
    with pytest.raises(NotPossible, match="no host nowhere"):
        caller.cluster.expire_host("nowhere")


async def test_moved_unit_gets_a_new_epoch_on_a_free_disk_of_its_zone(caller: Any) -> None:
    vid = volume_on(caller, 7)
    before = (await volume(caller, vid))["units"]
    caller.cluster.repair_disk(7, "repaired")
    after = (await volume(caller, vid))["units"]
    [(old, new)] = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert (old["disk_id"], new["vuid"]) == (7, old["vuid"] + 1)
    assert new["disk_id"] not in {unit["disk_id"] for unit in before}
    assert new["host"] == caller.cluster.data.disks[new["disk_id"]].host
    assert (await caller.get(1, "/volume/unit/list?disk_id=7"))[1] == '{"volume_unit_infos":[]}'


async def test_unit_can_land_on_a_repaired_disk(caller: Any) -> None:
    caller.cluster.repair_disk(7, "repaired")
    caller.cluster.land_unit(7)
    listed = json.loads((await caller.get(1, "/volume/unit/list?disk_id=7"))[1])["volume_unit_infos"]
    assert [unit["disk_id"] for unit in listed] == [7]
    assert json.loads((await caller.get(1, "/disk/info?disk_id=7"))[1])["status"] == 4
    check_places(caller.cluster.data)


async def test_more_units_than_volumes_of_the_zone_are_refused(caller: Any) -> None:
    caller.cluster.move_chunks(7, 60)
    assert units_on(caller, 7) == 60
    with pytest.raises(NotPossible, match="disk 7 can hold at most 64 units"):
        caller.cluster.move_chunks(7, 65)
    with pytest.raises(NotPossible, match="no unit can move to disk 7"):
        caller.cluster.land_unit(7)
    check_places(caller.cluster.data)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/volume/get?vid=0", 904),
        ("/volume/get?vid=9999", 904),
        ("/volume/get?vid=x", 400),
        ("/volume/get?vid=4294967296", 400),
        ("/volume/list", 400),
        ("/v2/volume/list?status=0", 400),
        ("/v2/volume/list?status=1", 931),
        ("/v2/volume/list?status=5", 400),
    ],
)
async def test_bad_question_about_volumes_is_refused(caller: Any, target: str, status: int) -> None:
    assert (await caller.get(1, target))[0] == status


async def test_pages_of_volumes_end_with_an_empty_body(caller: Any) -> None:
    vids: list[int] = []
    marker = 0
    while body := (await caller.get(2, f"/volume/list?count=50&marker={marker}"))[1]:
        page = json.loads(body)
        vids += [each["vid"] for each in page["volumes"]]
        marker = page["marker"]
    assert vids == list(range(1, 145))
    for count in (0, -1):
        assert await caller.get(1, f"/volume/list?count={count}") == (200, "")


async def test_allocated_volume_is_active_and_a_missing_mode_is_refused(caller: Any) -> None:
    status, body = await caller.post(2, "/volume/alloc", code_mode=EC3P3, count=2)
    vids = [row["vid"] for row in json.loads(body)["alloc_volume_infos"]]
    assert (status, len(vids)) == (200, 2)
    assert {(await volume(caller, vid))["status"] for vid in vids} == {ACTIVE}
    assert (await caller.post(1, "/volume/alloc", code_mode=1, count=1))[0] == 917


async def test_unit_moves_by_allocation_and_update(caller: Any) -> None:
    unit = caller.cluster.data.volumes.units_of(3)[0]
    place = json.loads((await caller.post(1, "/volume/unit/alloc", vuid=unit.vuid))[1])
    update = {"new_vuid": place["vuid"], "new_disk_id": place["disk_id"], "old_vuid": unit.vuid}
    assert (await caller.post(2, "/volume/update", **update))[0] == 200
    assert units_on(caller, 3) == 41
    assert (await caller.post(1, "/volume/update", **update))[0] == 918
    assert (await caller.post(1, "/volume/update", **update | {"old_vuid": place["vuid"]}))[0] == 919
    check_places(caller.cluster.data)


async def test_node_is_dropped_once_its_disks_are(make: Any) -> None:
    caller = await make()
    assert (await caller.post(1, "/node/drop", node_id=9))[0] == 934
    assert (await caller.post(1, "/node/drop", node_id=1))[0] == 926
    for disk_id in (1, 2, 3, 4):
        caller.cluster.set_disk_readonly(disk_id)
    assert (await caller.post(1, "/node/drop", node_id=1))[0] == 200
    for disk_id in (1, 2, 3, 4):
        assert json.loads((await caller.get(1, "/node/info?node_id=1"))[1])["status"] == 1
        caller.cluster.move_chunks(disk_id, 0)
        assert (await caller.post(1, "/disk/dropped", disk_id=disk_id))[0] == 200
    assert json.loads((await caller.get(1, "/node/info?node_id=1"))[1])["status"] == 1
    caller.cluster.recount()
    assert json.loads((await caller.get(1, "/node/info?node_id=1"))[1])["status"] == 2
    caller.cluster.recount()
    assert (await caller.stat(1))["space_stat"]["total_blob_node"] == 5


async def test_older_release_refuses_to_drop_a_node_in_use(make: Any) -> None:
    caller = await make(flavour="v3.5")
    for disk_id in (1, 2, 3, 4):
        caller.cluster.set_disk_readonly(disk_id)
    assert (await caller.post(1, "/node/drop", node_id=1))[0] == 935
    for disk_id in (1, 2, 3, 4):
        caller.cluster.repair_disk(disk_id, "repaired")
    assert (await caller.post(1, "/node/drop", node_id=1))[0] == 200
    assert (await (await make(flavour="v1")).post(1, "/node/drop", node_id=1))[0] == 404


async def test_cut_off_node_keeps_its_view_of_volumes(caller: Any) -> None:
    vid = volume_on(caller, 7)
    data = caller.cluster.data.copy()
    caller.cluster.repair_disk(7, "repaired")
    caller.cluster.set_switch("balance", "false")
    assert {unit.disk_id for unit in data.volumes.get(vid).units} == data.volumes.get(vid).disks()
    assert (data.volumes.count_on(7), data.disks[7].status, data.kv["balance"]) == (42, 1, "true")


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_epoch_of_volumes_is_shown_by_the_newest_release(make: Any, flavour: str) -> None:
    caller = await make(flavour=flavour)
    assert ("epoch" in await volume(caller, 1)) == (flavour == "master")


def test_unit_of_an_unknown_volume_or_epoch_is_refused() -> None:
    volumes = Volumes()
    volumes.put(Volume(5, EC3P3, units=make_units(5, range(1, 7), epoch=3)))
    with pytest.raises(ApiError, match="volume not exist"):
        volumes.unit(6 << 32)
    with pytest.raises(ApiError, match="old vuid not match"):
        volumes.unit(5 << 32 | 2)
    assert volumes.unit(5 << 32 | 3).disk_id == 1
