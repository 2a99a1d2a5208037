"""Disks: the steps of their lives, their lists and their counters."""

import json
from typing import Any

import pytest

from bot.playground.clustermgr_sim import NotPossible, Timing


def counters(stat: dict[str, Any], name: str) -> int:
    return sum(row[name] for row in stat["space_stat"]["disk_stat_infos"])


async def test_counters_lag_and_the_disk_list_is_immediate(make: Any) -> None:
    caller = await make(timing=Timing(refresh=300))
    caller.wait(299)
    caller.cluster.break_disk(5)
    listed = json.loads((await caller.get(2, "/disk/list?status=2"))[1])
    assert [disk["disk_id"] for disk in listed["disks"]] == [5]
    assert counters(await caller.stat(1), "broken") == 0
    caller.wait(1)
    assert counters(await caller.stat(1), "broken") == 1
    assert counters(await caller.stat(2), "broken") == 1


async def test_a_disk_goes_forward_one_step_at_a_time(caller: Any) -> None:
    for status, answer in ((3, 913), (2, 200), (2, 200), (1, 913), (4, 913), (3, 200), (4, 200), (5, 912)):
        assert (await caller.post(1, "/disk/set", disk_id=1, status=status))[0] == answer


async def test_drop_requires_read_only_except_on_oldest_release(make: Any) -> None:
    for flavour, answer in (("v1", 200), ("v3.5", 926), ("master", 926)):
        caller = await make(flavour=flavour)
        assert (await caller.post(1, "/disk/drop", disk_id=2))[0] == answer
    await caller.post(1, "/disk/access", disk_id=2, readonly=True)
    assert (await caller.post(1, "/disk/drop", disk_id=2))[0] == 200
    assert (await caller.post(1, "/disk/access", disk_id=2, readonly=False))[0] == 932
    assert (await caller.post(1, "/disk/dropped", disk_id=2))[0] == 930
    caller.cluster.move_chunks(2, 0)
    assert (await caller.post(1, "/disk/dropped", disk_id=3))[0] == 913
    assert (await caller.post(2, "/disk/dropped", disk_id=2))[0] == 200
    assert json.loads((await caller.get(1, "/disk/info?disk_id=2"))[1])["status"] == 5


async def test_pages_of_disks_end_with_an_empty_one(caller: Any) -> None:
    ids: list[int] = []
    marker = 0
    while True:
        page = json.loads((await caller.get(3, f"/disk/list?marker={marker}"))[1])
        if not page["disks"]:
            break
        ids += [disk["disk_id"] for disk in page["disks"]]
        marker = page["marker"]
    assert ids == list(range(1, 25))
    assert page == {"disks": None, "marker": 0}


async def test_an_empty_list_is_null_on_the_newest_release_only(make: Any) -> None:
    for flavour, empty in (("v1", []), ("v3.5", []), ("master", None)):
        caller = await make(flavour=flavour)
        assert json.loads((await caller.get(1, "/disk/list?idc=nowhere"))[1]) == {"disks": empty, "marker": 0}


async def test_the_demo_begins_with_three_zones_and_sixty_percent_used(make: Any) -> None:
    for flavour, on in (("v1", "Enable"), ("v3.5", "true"), ("master", "true")):
        caller = await make(flavour=flavour)
        space = (await caller.stat(1))["space_stat"]
        assert [(row["idc"], row["available"]) for row in space["disk_stat_infos"]] == [("z0", 8), ("z1", 8), ("z2", 8)]
        assert space["used_space"] / space["total_space"] == pytest.approx(0.6, abs=0.04)
        assert await caller.get(2, "/config/get?key=balance") == (200, f'"{on}"')


async def test_fill_expire_read_only_and_recount(caller: Any) -> None:
    caller.cluster.fill_space(0.95)
    caller.cluster.expire_disk(3)
    caller.cluster.set_disk_readonly(4)
    caller.cluster.drop_disk(5)
    caller.cluster.set_read_only(True)
    caller.cluster.recount()
    stat = await caller.stat(1)
    space = stat["space_stat"]
    assert (stat["read_only"], counters(stat, "expired"), counters(stat, "readonly"), counters(stat, "dropping")) == (
        True, 1, 2, 1,
    )  # fmt: skip
    assert space["used_space"] / space["total_space"] == pytest.approx(0.95, abs=0.01)


async def test_a_repair_goes_on_and_nonsense_is_refused(caller: Any) -> None:
    for step, status in (("repairing", 3), ("repaired", 4), ("dropped", 5), ("normal", 1)):
        caller.cluster.repair_disk(7, step)
        assert caller.cluster.data.disks[7].status == status
    with pytest.raises(NotPossible, match="eaten"):
        caller.cluster.repair_disk(7, "eaten")
    with pytest.raises(NotPossible, match="no disk 99"):
        caller.cluster.break_disk(99)


async def test_hostile_names_arrive_as_they_are(make: Any) -> None:
    caller = await make(disk_hosts=["http://<!channel>:1"], disk_paths=["/a&b`*_"])
    text = (await caller.get(1, "/disk/info?disk_id=1"))[1]
    assert "<!channel>" not in text
    disk = json.loads(text)
    assert (disk["host"], disk["path"]) == ("http://<!channel>:1", "/a&b`*_")
    caller.cluster.rename_disk(1, path="</disk>")
    assert json.loads((await caller.get(1, "/disk/info?disk_id=1"))[1])["path"] == "</disk>"


async def test_volume_is_put_at_risk_step_by_step(caller: Any) -> None:
    cluster = caller.cluster
    first, second = cluster.risk_volume()
    assert cluster.data.volumes.get(1).disks() >= {first, second}
    assert cluster.data.volumes.get(1).health(cluster.data.is_writable) == -2
    assert len(cluster.risk_volume()) == 1
    assert min(cluster.data.health(volume) for volume in cluster.data.volumes if volume.code_mode == 11) == -3
    for disk in cluster.data.disks:
        cluster.break_disk(disk)
    with pytest.raises(NotPossible, match="there is no EC3P3 volume that can lose a unit more"):
        cluster.risk_volume()
