"""The simulated cluster answers every recorded request, in its recorded state, as the real servers did.

test_playground_cluster.toml sets up each file's state and says what happened between its exchanges; no file may be
missing there. Time is a virtual clock, so the ten-second waits pass at once; requests go over real sockets.
"""

import asyncio
import inspect
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.playground.clustermgr_sim import (
    FLAVOURS,
    Data,
    Disk,
    Role,
    Service,
    SimulatedCluster,
    Timing,
    VirtualClock,
)
from bot.playground.clustermgr_sim.nodes import Member, Progress
from tests.contract.playground_replay import FLAVOUR_OF, framing, headers_of, readable, send
from tests.support.simulated_volumes import counted_volumes

HERE = Path(__file__).parent
SCENES: dict[str, Any] = tomllib.loads((HERE / "test_playground_cluster.toml").read_text())
FILES = sorted((HERE / "recorded").glob("*/*.json"))
ADDRESSES = ("127.0.0.1:9998", "127.0.0.1:9999", "127.0.0.1:10000", "127.0.0.1:10001")
Exchange = dict[str, Any]


def exchanges(path: Path) -> list[Exchange]:
    return list(json.loads(path.read_text()))


def build_data(version: str, scene: dict[str, Any]) -> Data:
    flavour = FLAVOURS[FLAVOUR_OF[version]]
    data = Data(kv=dict(scene.get("kv", {})), file_config=dict(flavour.file_config) | scene.get("file", {}))
    data.volumes = counted_volumes(**scene.get("volumes", {}))
    data.services = [Service(*row) for row in scene.get("services", [])]
    rows = SCENES["disks"][version] if scene.get("disks") else []
    for number, (name, used, free_chunks, created) in enumerate(rows, start=1):
        disk = Disk(number, path=SCENES["folders"][version] + name, used=used, free_chunks=free_chunks, created=created)
        data.disks[number] = disk
    for number, status in scene.get("status", {}).items():
        data.disks[int(number)].status = status
    for flag in ("readonly", "dropping", "expired"):
        for number in scene.get(flag, []):
            setattr(data.disks[number], flag, True)
    for number, free_chunks in scene.get("free_chunks", {}).items():
        data.disks[int(number)].free_chunks = free_chunks
    return data


def build_cluster(version: str, scene: dict[str, Any]) -> SimulatedCluster:
    cluster = SimulatedCluster(
        flavour=FLAVOUR_OF[version],
        timing=Timing(election=scene.get("election", 10.0)),
        clock=VirtualClock(),
        secret=scene.get("secret", ""),
        data=build_data(version, scene),
        addresses=ADDRESSES[:3],
        leader=scene.get("leader", 1),
        term=scene.get("term", 1),
        commit=scene.get("commit", 3),
        seed=7,
    )
    leader = cluster.raft.nodes[scene.get("leader", 1)]
    if scene.get("fresh"):
        leader.elected_at = cluster.clock.now()
    for peer_id, host, learner, following in scene.get("members", []):
        cluster.raft.members[peer_id] = Member(peer_id, host, "127.0.0.1:10001", learner)
        heard = cluster.clock.now() if scene.get("members_heard") else float("-inf")
        leader.progress[peer_id] = Progress(0, following, probing=True, heard=heard)
    for node, vote in scene.get("vote", {}).items():
        cluster.raft.nodes[int(node)].vote = vote
    return cluster


def wait(cluster: SimulatedCluster, seconds: str) -> None:
    assert isinstance(cluster.clock, VirtualClock)
    cluster.clock.advance(float(seconds))
    cluster.engine.tick()


def commit(cluster: SimulatedCluster, index: str) -> None:
    leader = cluster.raft.leader()
    assert leader is not None
    leader.commit = int(index)
    cluster.raft.settle()


def member(cluster: SimulatedCluster, peer_id: str, host: str, kind: str = "voter") -> None:
    cluster.raft.add_member(Member(int(peer_id), host, learner=kind == "learner"))


def unheard(cluster: SimulatedCluster, leader: str, peer_id: str) -> None:
    cluster.raft.nodes[int(leader)].progress[int(peer_id)].heard = float("-inf")


def settled(cluster: SimulatedCluster, leader: str) -> None:
    cluster.raft.nodes[int(leader)].elected_at = float("-inf")


def set_key(cluster: SimulatedCluster, key: str, value: str) -> None:
    cluster.data.kv[key] = value


def repaired(cluster: SimulatedCluster, disk_id: str) -> None:
    cluster.repair_disk(int(disk_id), "repaired")
    cluster.data.disks[int(disk_id)].free_chunks = 6493


def disks(cluster: SimulatedCluster) -> None:
    version = next(version for version, name in FLAVOUR_OF.items() if name == cluster.flavour.name)
    cluster.data.disks.update(build_data(version, {"disks": True}).disks)


VERBS: dict[str, Callable[..., None]] = {
    verb.__name__: verb for verb in (wait, commit, member, unheard, settled, set_key, repaired, disks)
}


async def happen(cluster: SimulatedCluster, verb: str, *words: str) -> None:
    """One line of the table: something that happened to the servers between two requests."""
    if verb in VERBS:
        VERBS[verb](cluster, *words)
        return
    outcome = getattr(cluster, verb)(*map(int, words))
    if inspect.isawaitable(outcome):
        await outcome


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_every_recorded_request_is_answered_as_recorded(path: Path) -> None:
    scene = SCENES[path.parent.name][path.stem]
    async with build_cluster(path.parent.name, scene) as cluster:
        for index, exchange in enumerate(exchanges(path)):
            for line in scene.get("before", {}).get(str(index), []):
                await happen(cluster, *line.split())
            port = int(cluster.host(exchange["node"]).rpartition(":")[2])
            status, reason, headers, body = await asyncio.to_thread(send, port, exchange["request"])
            where, recorded = f"exchange {index} ({exchange['note'][:60]})", exchange["response"]
            assert (status, reason) == (recorded["status"], recorded["reason"]), (where, body)
            assert headers_of(headers) == headers_of(recorded["headers"]), where
            if exchange["request"]["target"] == "/metrics" and status == 200:
                assert body.startswith(recorded["body"]), where
                assert framing(headers) == "chunked"
                continue
            assert framing(headers) == "length" or exchange["request"]["method"] == "HEAD", where
            assert readable(body) == readable(recorded["body"]), where


def test_no_exchange_is_left_out() -> None:
    assert sum(len(exchanges(path)) for path in FILES) == 750
    scenes_named = {(version, name) for version in FLAVOUR_OF for name in SCENES[version]}
    assert scenes_named == {(path.parent.name, path.stem) for path in FILES}


def test_a_role_is_spelled_as_in_the_recordings() -> None:
    spelled = set()
    for path in FILES:
        for exchange in exchanges(path):
            if exchange["request"]["target"] == "/stat" and exchange["response"]["body"].startswith('{"leader_host'):
                raft = json.loads(exchange["response"]["body"])["raft_status"]
                spelled.add(raft.get("raftState") or raft.get("raft_state"))
    assert spelled == {str(role) for role in Role}
