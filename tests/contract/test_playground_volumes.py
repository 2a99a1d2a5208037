"""The simulated cluster answers the recorded requests about volumes, units and disks as the real servers did.

The state before each file is built from the release's own recorded lists of volumes, disks and services;
test_playground_volumes.toml says what differs from them and what happened between the exchanges. It also lists what
is not compared, with the reason.
"""

import asyncio
import inspect
import json
import tomllib
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from bot.playground.clustermgr_sim import (
    Data,
    Disk,
    Role,
    Service,
    SimulatedCluster,
    Unit,
    VirtualClock,
    Volume,
)
from bot.playground.clustermgr_sim.nodes import Member
from bot.playground.clustermgr_sim.volumes import ACTIVE, EC6P3, IDLE, LOCKED, UNLOCKING, make_units
from tests.contract.playground_replay import FLAVOUR_OF, VAGUE, headers_of, readable, send

HERE = Path(__file__).parent
FOLDER = HERE / "recorded_data"
FILES = sorted(FOLDER.glob("*/*.json"))
TABLE: dict[str, Any] = tomllib.loads((HERE / "test_playground_volumes.toml").read_text())
# free and used chunks follow from heartbeats of blobnodes; an expiry time from the clock
CHANCE = VAGUE | {"free_chunk_cnt", "used_chunk_cnt", "expire_time"}
STATES = {"active": ACTIVE, "locked": LOCKED, "unlocking": UNLOCKING}

Exchange = dict[str, Any]


def exchanges(version: str, name: str) -> list[Exchange]:
    return list(json.loads((FOLDER / version / f"{name}.json").read_text()))


def body_of(version: str, name: str, note: str) -> Any:
    """The recorded body whose note begins like this."""
    [found] = [item for item in exchanges(version, name) if item["note"].startswith(note)]
    return json.loads(found["response"]["body"])


# --- the recorded cluster ---------------------------------------------------------------------------------------------


def recorded_volumes(version: str, name: str, note: str) -> list[Volume]:
    return [
        Volume(
            row["vid"],
            row["code_mode"],
            IDLE,
            tuple(Unit(unit["vuid"], unit["disk_id"]) for unit in row["units"]),
            used=row["used"],
            created_by=row["create_by_node_id"],
        )
        for row in body_of(version, name, note)["volumes"]
    ]


def recorded_disks(version: str) -> list[Disk]:
    """All disks of the last recorded list, in their first state."""
    return [
        Disk(
            row["disk_id"],
            row["host"],
            row["path"],
            row["idc"],
            row["rack"],
            size=row["size"],
            used=row["used"],
            max_chunks=row["max_chunk_cnt"],
            free_chunks=row["max_chunk_cnt"] - row["used_chunk_cnt"],
            used_chunks=row["used_chunk_cnt"],
            created=row["create_time"],
            node_id=row.get("node_id") or int(row["host"][-2:]),
            disk_set_id=row.get("disk_set_id", 2),
        )
        for row in body_of(version, "data_disk_list", "16 disks of every status")["disks"]
    ]


def recorded_services(version: str) -> list[Service]:
    rows = body_of(version, "data_service", "two services")["nodes"]
    return [Service(row["name"], row["host"], row["idc"]) for row in rows]


def recorded_keys(version: str) -> dict[str, str]:
    """The keys of the servers' files, out of the recorded answers."""
    found = {}
    for item in exchanges(version, "data_config_keys"):
        if item["response"]["status"] == 200:
            found[item["request"]["target"].partition("key=")[2]] = json.loads(item["response"]["body"])
    return found


def build_data(version: str, name: str, state: dict[str, Any]) -> Data:
    data = Data(file_config=recorded_keys(version), services=recorded_services(version))
    for disk in recorded_disks(version)[: state.get("disks", 12)]:
        data.disks[disk.disk_id] = disk
    for number, status in state.get("status", {}).items():
        data.disks[int(number)].status = status
    for flag in ("readonly", "dropping", "expired"):
        for number in state.get(flag, []):
            setattr(data.disks[number], flag, True)
    data.dropped = set(state.get("dropped_nodes", []))
    add_volumes(data, version, name, state)
    return data


def add_volumes(data: Data, version: str, name: str, state: dict[str, Any]) -> None:
    volumes = recorded_volumes(version, "data_units_of_all", "all, healthy")
    if state.get("known"):
        volumes += [v for v in recorded_volumes(version, "data_break_three", "all volumes") if v.vid > len(volumes)]
    for volume in volumes[: state.get("total", 1000)]:
        data.volumes.put(volume)
    for vid in range(len(data.volumes) + 1, state.get("total", 0) + 1):
        data.volumes.put(Volume(vid, EC6P3, ACTIVE if vid > state["total"] - state.get("active", 0) else IDLE))
    put_into_states(data, version, state)
    for vid, index, disk_id, epoch in state.get("moved", []):
        old = data.volumes.get(vid).units[index]
        data.volumes.replace_unit(old, Unit(vid << 32 | index << 24 | epoch, disk_id))
    if "units_of" in state:
        listed = json.loads(exchanges(version, name)[state["units_of"]]["response"]["body"])["volume_unit_infos"]
        for row in listed:
            unit = Unit(row["vuid"], row["disk_id"])
            if unit.vid not in data.volumes.by_vid:
                data.volumes.put(Volume(unit.vid, EC6P3, units=(unit,)))


def put_into_states(data: Data, version: str, state: dict[str, Any]) -> None:
    """Put volumes into the states of their set; a volume whose unlocking ended is idle, and its epoch is 2."""
    known = state.get("volumes", "")
    for kind, vids in TABLE["sets"][version].items() if known else ():
        for vid in vids:
            status = IDLE if (kind, known) == ("unlocking", "unlocked") else STATES[kind]
            epoch = {"active": 0, "locked": 1, "unlocking": 2}[kind]
            data.volumes.put(replace(data.volumes.get(vid), status=status, epoch=epoch))


def build_cluster(version: str, name: str, scene: dict[str, Any]) -> SimulatedCluster:
    """Three nodes with the recorded ids, addresses and leader."""
    stat = body_of(version, "data_stat", "12 disks, 24 idle volumes, leader")
    raft = stat["raft_status"]
    leader, base = scene.get("leader", raft["leader"]), stat["leader_host"][:-1]
    cluster = SimulatedCluster(
        flavour=FLAVOUR_OF[version],
        clock=VirtualClock(),
        data=build_data(version, name, scene["states"][0]),
        addresses=[f"{base}{node}" for node in (1, 2, 3)],
        leader=leader,
        term=scene.get("term", 1),
        seed=7,
        schedulers=scene.get("schedulers", 0),
    )
    for peer in raft["peers"]:
        cluster.raft.members[peer["id"]] = Member(peer["id"], peer["host"], f"{base}{peer['id']}")
    for node, vote in scene.get("vote", {}).items():
        cluster.raft.nodes[int(node)].vote = vote
    return cluster


# --- what happened between the exchanges ------------------------------------------------------------------------------


def wait(cluster: SimulatedCluster, seconds: str) -> None:
    assert isinstance(cluster.clock, VirtualClock)
    cluster.clock.advance(float(seconds))
    cluster.engine.tick()


def unlocked(cluster: SimulatedCluster, vid: str) -> None:
    cluster.data.volumes.put(replace(cluster.data.volumes.get(int(vid)), status=IDLE))


def only_idle(cluster: SimulatedCluster, vid: str) -> None:
    """Let the allocator find this volume only."""
    for volume in list(cluster.data.volumes):
        if volume.vid != int(vid):
            cluster.data.volumes.put(replace(volume, status=ACTIVE))


def drop_node(cluster: SimulatedCluster, node_id: str) -> None:
    cluster.data.drop_node(int(node_id), cluster.flavour)
    cluster.data.drop_empty_nodes()


def follow_up(cluster: SimulatedCluster, node: str) -> None:
    """Let a node that lost its leader wait longer before it campaigns; real servers wait a random time."""
    follower = cluster.raft.nodes[int(node)]
    follower.role, follower.lost_at = Role.FOLLOWER, cluster.raft.now


def beats(cluster: SimulatedCluster, disk_id: str) -> None:
    cluster.expire_disk(int(disk_id), expired=False)


def move_first(cluster: SimulatedCluster, disk_id: str, number: str) -> None:
    cluster.move_chunks(int(disk_id), cluster.data.volumes.count_on(int(disk_id)) - int(number))


def add_units(cluster: SimulatedCluster, disk_id: str, first_vid: str, number: str) -> None:
    """Add units of volumes that were not recorded to a disk."""
    for vid in range(int(first_vid), int(first_vid) + int(number)):
        cluster.data.volumes.put(Volume(vid, EC6P3, units=make_units(vid, [int(disk_id)])))


def created(cluster: SimulatedCluster, disk_id: str, at: str) -> None:
    cluster.data.disks[int(disk_id)].created = at


def register(cluster: SimulatedCluster, name: str, host: str) -> None:
    """Replace the services of this name that the simulator registered."""
    cluster.data.services[:] = [each for each in cluster.data.services if "2084" in each.host or "2085" in each.host]
    cluster.data.services.append(Service(name, host))


VERBS: dict[str, Callable[..., None]] = {
    verb.__name__: verb
    for verb in (wait, unlocked, only_idle, drop_node, follow_up, beats, move_first, add_units, created, register)
}


async def happen(cluster: SimulatedCluster, verb: str, *words: str) -> None:
    if verb in VERBS:
        VERBS[verb](cluster, *words)
        return
    outcome = getattr(cluster, verb)(*(int(word) if word.isdigit() else word for word in words))
    if inspect.isawaitable(outcome):
        await outcome


def put_into(cluster: SimulatedCluster, data: Data) -> None:
    """Replace the replicated state."""
    for name in ("kv", "file_config", "disks", "volumes", "services", "leaving", "dropped"):
        setattr(cluster.data, name, getattr(data, name))
    cluster.recount()


def take_over(cluster: SimulatedCluster, recorded: Exchange) -> None:
    """Take the commit index and the allocator's count from a recorded /stat."""
    stat = json.loads(recorded["response"]["body"])
    cluster.engine.tick()
    cluster.data.volumes.can_alloc = stat["volume_stat"]["can_alloc_volume"]
    for node in cluster.raft.nodes.values():
        if node.up:
            node.commit = stat["raft_status"]["commit"]


# --- the comparison ---------------------------------------------------------------------------------------------------


def without(value: Any, left_out: AbstractSet[str]) -> Any:
    """The value without the named parts."""
    if isinstance(value, list):
        return [without(item, left_out) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: without(item, left_out) for key, item in value.items() if key not in left_out}


def parsed(recorded: Exchange, body: str, left_out: AbstractSet[str]) -> Any:
    """The body with chance taken out."""
    if not body.startswith("{"):
        return readable(body)
    answer = without(json.loads(body), left_out)
    if recorded["request"]["target"].startswith("/v2/volume/list") and "volumes" in answer:
        answer["volumes"].sort(key=lambda volume: volume["vid"])
    return readable(json.dumps(answer), CHANCE)


def left_out(version: str, name: str, index: int) -> set[str]:
    """The parts of this answer that are not compared: names of JSON keys, or `headers`."""
    return {
        part
        for where, parts in TABLE["left_out"].items()
        if fnmatch(f"{version}/{name}#{index}", where)
        for part in parts
        if part != "because"
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_recorded_request_about_volumes_is_answered_as_recorded(path: Path) -> None:
    version, name = path.parent.name, path.stem
    scene = {"states": [{}]} | TABLE["all"].get(name, {}) | TABLE[version].get(name, {})
    async with build_cluster(version, name, scene) as cluster:
        for index, recorded in enumerate(exchanges(version, name)):
            for state in scene["states"]:
                if state.get("from") == index:
                    put_into(cluster, build_data(version, name, state))
            if recorded["request"]["target"] == "/stat":
                take_over(cluster, recorded)
            for line in scene.get("before", {}).get(str(index), []):
                await happen(cluster, *line.split())
            parts = left_out(version, name, index)
            await compare(cluster, recorded, parts, f"exchange {index} ({recorded['note'][:60]})")


async def compare(cluster: SimulatedCluster, recorded: Exchange, parts: set[str], where: str) -> None:
    """Send one recorded request and compare the answer with the recorded one."""
    of_scheduler = recorded["request"]["target"].startswith("/stats")
    host = cluster.scheduler_host(recorded["node"]) if of_scheduler else cluster.host(recorded["node"])
    port = int(host.rpartition(":")[2])
    status, reason, headers, body = await asyncio.to_thread(send, port, recorded["request"])
    answer = recorded["response"]
    assert (status, reason) == (answer["status"], answer["reason"]), (where, body)
    assert parsed(recorded, body, parts) == parsed(recorded, answer["body"], parts), where
    if "headers" not in parts:
        assert headers_of(headers) == headers_of(answer["headers"]), where


def test_table_of_what_is_left_out_names_recorded_exchanges_only() -> None:
    every = [
        (path.parent.name, path.stem, index)
        for path in FILES
        for index in range(len(exchanges(path.parent.name, path.stem)))
    ]
    assert len(every) == 423
    for where, row in TABLE["left_out"].items():
        assert any(fnmatch(f"{version}/{name}#{index}", where) for version, name, index in every), where
        assert row.keys() > {"because"}, where
    for version in FLAVOUR_OF:
        assert TABLE[version].keys() | TABLE["all"].keys() <= {path.stem for path in FILES}, version
