"""Disk reader over real sockets: what it reads of the simulated cluster, and what stays unknown."""

# ruff: noqa: ARG002 - a stand-in takes every argument that its port takes

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx
import pytest

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.disk_facts import DiskFacts, DiskLimits
from bot.clustermgr.disk_reader import MAX_TARGETS, PAGED_ABOVE, VOLUMES_NOW, DiskReader
from bot.clustermgr.models import Disk, Snapshot
from bot.clustermgr.volume_models import Volume
from bot.operations.preflight.check import preflight
from bot.operations.preflight.context import PreflightContext
from bot.operations.preflight.disk_targets import targets_of
from bot.operations.preflight.facts.disks import RoomInZones, VolumesUnread
from bot.operations.preflight.verdict import CheckLevel, PreflightResult
from bot.operations.requests import DiskBroken, DiskOffline, DiskRequest, DisksOffline, NodeOffline
from bot.playground.clustermgr_sim.cluster import SimulatedCluster
from bot.playground.clustermgr_sim.data import Data
from bot.playground.clustermgr_sim.demo import add_volumes, demo_data
from bot.playground.clustermgr_sim.flavour import FLAVOURS
from bot.playground.clustermgr_sim.volumes import ACTIVE, EC3P3, Volumes, make_units
from bot.playground.clustermgr_sim.volumes import Volume as SimulatedVolume
from bot.views.preflight_text.table import check_text
from tests.support.in_memory_ports import FakeApi, FakeCluster, typed
from tests.support.raw_server import Request, says, serving

OFFLINE = DiskOffline(7)
WITHIN = 20.0


@dataclass
class Setting:
    """A simulated cluster, and the handle through which cmbot reads it."""

    simulated: SimulatedCluster
    cluster: Cluster
    snapshot: Snapshot

    async def facts(self, request: DiskRequest = OFFLINE, within: float = WITHIN) -> DiskFacts:
        return await self.cluster.disk_facts(self.snapshot, partial(targets_of, request), within)

    async def verdict(self, request: DiskRequest = OFFLINE, within: float = WITHIN) -> PreflightResult:
        facts = PreflightContext(disks=await self.facts(request, within))
        return preflight(request, None, self.snapshot, facts=facts)

    def asked(self, path: str) -> int:
        return sum(seen.target.startswith(path) for seen in self.simulated.log)


@asynccontextmanager
async def setting(
    flavour: str = "master", *, prepare: Callable[[SimulatedCluster], None] = lambda _: None, data: Data | None = None
) -> AsyncIterator[Setting]:
    async with (
        SimulatedCluster(flavour=flavour, schedulers=1, data=data) as simulated,
        ClustermgrClient(simulated.hosts) as api,
    ):
        word = "Enable" if flavour == "v1" else "true"
        for task in ("disk_drop", "disk_repair", "shard_repair"):
            simulated.set_switch(task, word)
        prepare(simulated)
        cluster = Cluster("prod", "C0OPS", api, time.time, 5.0)
        yield Setting(simulated, cluster, await cluster.snapshot(5.0))


@pytest.mark.parametrize("flavour", ["v1", "v3.5", "master"])
async def test_healthy_cluster_is_read_in_full(flavour: str) -> None:
    async with setting(flavour) as here:
        facts, data = await here.facts(), here.simulated.data
        units = data.volumes.units_of(7)
        assert facts.disks is not None
        assert {disk.disk_id for disk in facts.disks} == set(data.disks)
        assert sorted(facts.units[7]) == sorted(unit.vuid for unit in units)
        assert set(facts.volumes) == {unit.vid for unit in units}
        assert (facts.unread, facts.dropping, facts.errors) == ((), frozenset(), ())
        assert {task: meaning.word for task, meaning in facts.switches.items()} == {
            "disk_drop": "on",
            "disk_repair": "on",
            "shard_repair": "on",
        }
        assert facts.schedulers is not None
        assert len(facts.schedulers) == 1
        assert {disk.node_id for disk in facts.disks} == ({None} if flavour == "v1" else {1, 2, 3, 4, 5, 6})


@pytest.mark.parametrize("flavour", ["v1", "v3.5", "master"])
@pytest.mark.parametrize("request_", [OFFLINE, DiskBroken(7), DisksOffline((7, 8))], ids=repr)
async def test_healthy_cluster_lets_a_disk_go(flavour: str, request_: DiskRequest) -> None:
    async with setting(flavour) as here:
        verdict = await here.verdict(request_)
    assert [check.key for check in verdict.of_level(CheckLevel.BLOCK)] == []
    assert verdict.check("consequence") is not None


async def test_disks_of_a_blobnode_are_found_by_its_address() -> None:
    async with setting() as here:
        host = here.simulated.data.disks[7].host.removeprefix("http://").upper()
        facts = await here.facts(NodeOffline(host))
        expected = {number for number, disk in here.simulated.data.disks.items() if disk.host.endswith(host.lower())}
        assert set(facts.targets) == set(facts.units) == expected
        assert len(expected) > 1


async def test_lost_units_are_judged_as_the_servers_show_them() -> None:
    async with setting() as here:
        unit = here.simulated.data.volumes.units_of(7)[0]
        others = sorted(here.simulated.data.volumes.get(unit.vid).disks() - {7})
        for disk in others[:3]:
            here.simulated.break_disk(disk)
        verdict = await here.verdict(DiskBroken(7))
    check = verdict.check("volumes")
    assert check is not None
    assert (check.level, check.forceable) == (CheckLevel.BLOCK, False)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/volume/get", "volumes_unread"),
        ("/volume/unit/list", "volumes_unread"),
        ("/disk/list", "disks"),
        ("/disk/droppinglist", "dropping"),
    ],
)
async def test_part_that_is_not_answered_blocks_and_says_so(path: str, key: str) -> None:
    async with setting() as here:
        here.simulated.fail_next(500, 10_000, path)
        facts, verdict = await here.facts(), await here.verdict()
    check = verdict.check(key)
    assert check is not None
    assert check.level is CheckLevel.BLOCK
    assert facts.errors


@pytest.mark.parametrize(("path", "key"), [("/config/get", "task"), ("/service/list", "scheduler")])
async def test_work_that_is_not_known_needs_break_glass(path: str, key: str) -> None:
    async with setting() as here:
        here.simulated.fail_next(500, 10_000, path)
        verdict = await here.verdict()
    check = verdict.check(key)
    assert check is not None
    assert check.level is CheckLevel.BLOCK
    assert verdict.forceable


@pytest.mark.parametrize("path", ["/volume/get", "/volume/unit/list", "/disk/list", "/disk/droppinglist"])
async def test_part_that_is_garbled_never_passes_as_safe(path: str) -> None:
    async with setting() as here:
        here.simulated.garble(10_000, path)
        verdict = await here.verdict()
    assert verdict.blocked


def many_volumes() -> Data:
    data = demo_data(FLAVOURS["master"], now=0.0, rng=random.Random(1))
    data.volumes = Volumes(0)
    add_volumes(data, in_each_zone=450, over_all_zones=0)
    return data


async def test_many_volumes_are_read_in_pages() -> None:
    async with setting(data=many_volumes()) as here:
        facts = await here.facts()
        assert len(facts.volumes) == here.simulated.data.volumes.count_on(7) > PAGED_ABOVE
        assert facts.unread == ()
        assert here.asked("/volume/list") < 20
        assert not here.asked("/volume/get")


async def test_many_volumes_without_their_pages_are_not_known() -> None:
    async with setting(data=many_volumes()) as here:
        here.simulated.fail_next(500, 10_000, "/volume/list")
        facts = await here.facts()
        assert len(facts.unread) == here.simulated.data.volumes.count_on(7)


async def test_hosts_that_hang_end_in_a_block_and_not_in_a_wait() -> None:
    async with setting() as here:
        for node in (1, 2, 3):
            await here.simulated.pause(node)
        verdict = await here.verdict(within=0.2)
        for node in (1, 2, 3):
            await here.simulated.resume(node)
    check = verdict.check("disks")
    assert check is not None
    assert check.level is CheckLevel.BLOCK


async def test_without_a_leader_nothing_is_read() -> None:
    async with setting() as here:
        await here.simulated.lose_quorum()
        leaderless = Snapshot("prod", 1.0, ())
        before = len(here.simulated.log)
        facts = await here.cluster.disk_facts(leaderless, partial(targets_of, OFFLINE), WITHIN)
        assert (facts.disks, len(here.simulated.log)) == (None, before)


@dataclass
class OtherAnswers(FakeApi):
    """A server that answers each question about a volume with another volume, or never ends its pages."""

    async def volume(self, vid: int, *, first: str | None = None, at: str | None = None) -> Volume:
        """Answer with the next volume."""
        return Volume(vid=vid + 1)

    async def volumes(
        self, *, after: int = 0, count: int = 100, first: str | None = None, at: str | None = None
    ) -> tuple[Volume, ...]:
        """Answer with the same page again and again."""
        return (Volume(vid=1),)


async def read_from(api: FakeApi) -> DiskFacts:
    reader = DiskReader(api, FakeCluster().dialect, "it", 1.0)
    await reader.read(partial(targets_of, OFFLINE), WITHIN)
    return reader.facts(Snapshot("prod", 1.0, ()), DiskLimits())


async def test_answer_about_another_volume_proves_nothing() -> None:
    facts = await read_from(OtherAnswers(disks=(Disk(disk_id=7, status=1),), units=(3 << 32 | 1, 5 << 32 | 1)))
    assert (dict(facts.volumes), facts.unread) == ({}, (3, 5))


async def test_pages_that_never_go_on_leave_the_volumes_unknown() -> None:
    units = tuple(vid << 32 | 1 for vid in range(10, 10 + 2 * PAGED_ABOVE))
    facts = await read_from(OtherAnswers(disks=(Disk(disk_id=7, status=1),), units=units))
    assert len(facts.unread) == 2 * PAGED_ABOVE


OddAnswer = Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]


@asynccontextmanager
async def odd_volumes(here: Setting, odd: OddAnswer) -> AsyncIterator[Cluster]:
    """A cluster whose leader gives other answers to /volume/get than the simulated one."""
    assert here.snapshot.leader is not None
    leader = here.snapshot.leader[0]

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        async with httpx.AsyncClient() as real:
            answer = await real.get(f"{leader}{request.target}")
        if not request.target.startswith("/volume/get"):
            return await says(answer.status_code, answer.text)(request, writer)
        status, body = odd(answer.json())
        return await says(status, json.dumps(body))(request, writer)

    async with serving(handle) as server, ClustermgrClient([server.host]) as api:
        yield Cluster("prod", "C0OPS", api, time.time, 5.0)


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(lambda volume: (200, volume | {"units": None}), id="no units"),
        pytest.param(lambda volume: (200, volume | {"units": volume["units"][4:]}), id="units missing"),
        pytest.param(lambda volume: (200, volume | {"units": volume["units"][-1:] * 6}), id="one unit many times"),
        pytest.param(lambda _: (904, {"error": "volume not exist"}), id="not found"),
    ],
)
async def test_unusable_volume_that_a_unit_list_names_is_unread_and_blocks(odd: OddAnswer) -> None:
    """What is missing from an answer counts neither as safe nor as deleted."""
    async with setting() as here, odd_volumes(here, odd) as cluster:
        snapshot = await cluster.snapshot(5.0)
        facts = await cluster.disk_facts(snapshot, partial(targets_of, DiskBroken(7)), WITHIN)
        verdict = preflight(DiskBroken(7), None, snapshot, facts=PreflightContext(disks=facts))
        assert len(facts.unread) == here.simulated.data.volumes.count_on(7)
    assert not facts.volumes
    check = verdict.check("volumes_unread")
    assert check is not None
    assert check.level is CheckLevel.BLOCK


@dataclass
class Deleting(FakeApi):
    """A server that deletes the one volume of a disk after its units were listed."""

    async def volume(self, vid: int, *, first: str | None = None, at: str | None = None) -> Volume:
        """Refuse, and list its unit no more."""
        self.units = ()
        return await super().volume(vid, first=first, at=at)


async def test_volume_that_no_newer_unit_list_names_is_gone() -> None:
    facts = await read_from(Deleting(disks=(Disk(disk_id=7, status=1),), units=(3 << 32 | 1,)))
    assert (dict(facts.volumes), facts.unread, facts.units) == ({}, (), {7: ()})


async def test_units_of_a_failing_leader_are_not_those_of_a_host_that_knows_no_disk() -> None:
    """Another host answers an empty list: a disk that is full would look empty."""
    async with setting() as here:
        assert here.snapshot.leader is not None
        leader = here.snapshot.leader[0]

        async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
            if request.target.startswith("/volume/unit/list"):
                return await says(502)(request, writer)
            async with httpx.AsyncClient() as real:
                answer = await real.get(f"{leader}{request.target}")
            return await says(answer.status_code, answer.text)(request, writer)

        async with serving(handle) as failing, serving(says(200, "{}")) as fresh:
            async with ClustermgrClient([failing.host, fresh.host]) as api:
                cluster = Cluster("prod", "C0OPS", api, time.time, 5.0)
                facts = await cluster.disk_facts(await cluster.snapshot(5.0), partial(targets_of, OFFLINE), WITHIN)
                [reply] = await typed("disk 7", cluster)
    assert not facts.units
    assert "Do not pull: its units could not be counted" in reply.message.text


@dataclass
class Dense(FakeApi):
    """A server of many volumes that counts what is read of them."""

    pages: int = 0
    single: int = 0

    async def volume(self, vid: int, *, first: str | None = None, at: str | None = None) -> Volume:
        """Answer with that volume, whole."""
        self.single += 1
        return Volume.model_validate(
            {
                "vid": vid,
                "code_mode": 11,
                "units": [{"vuid": vid << 32 | index << 24 | 1, "disk_id": 7 + index} for index in range(6)],
            }
        )

    async def volumes(
        self, *, after: int = 0, count: int = 100, first: str | None = None, at: str | None = None
    ) -> tuple[Volume, ...]:
        """Answer with the next page."""
        self.pages += 1
        return tuple([await self.volume(vid) for vid in range(after + 1, after + 1 + count)])


@pytest.mark.parametrize(
    ("every", "number", "pages"), [(100, 1_000, False), (1, 1_000, True), (10, 5_000, True)], ids=str
)
async def test_dense_disk_is_read_the_cheaper_way(every: int, number: int, pages: bool) -> None:
    """1,000 volumes among 100,000 are cheaper singly than in 500 pages."""
    units = tuple((at + 1) * every << 32 | 1 for at in range(number))
    api = Dense(disks=(Disk(disk_id=7, status=1),), units=units)
    facts = await read_from(api)
    assert (facts.unread, len(facts.volumes)) == ((), number)
    assert (api.pages > 0) is pages
    assert pages or api.single == number


# --- many disks in turns


def dense_node(disks: int, units: int) -> Data:
    """A blobnode of many disks in a zone with room, each with so many units, no two of one volume."""
    data = demo_data(FLAVOURS["master"], now=0.0, rng=random.Random(1))
    data.volumes = Volumes(0)
    whole, others = data.disks[1], [disk for disk in data.disks.values() if disk.host != data.disks[1].host]
    for disk in data.disks.values():
        disk.fill(0.02)
    for number in range(101, 101 + disks):
        data.disks[number] = replace(whole, disk_id=number, host="http://10.9.0.1:8899", path=f"/data/disk{number}")
        data.disks[number].node_id, data.disks[number].used_chunks = 9, units
        data.disks[number].fill(0.001)
    near = [disk.disk_id for disk in others if disk.idc == whole.idc] + [1, 2, 3, 4]
    for at in range(disks * units):
        places = [101 + at // units, *near[at % 3 : at % 3 + 5]]
        data.volumes.put(SimulatedVolume(at + 1, EC3P3, ACTIVE, make_units(at + 1, places)))
    return data


NODE = NodeOffline("10.9.0.1:8899")


async def test_node_of_a_hundred_disks_is_judged_by_sums_and_in_turns() -> None:
    async with setting(data=dense_node(100, 40)) as here:
        here.cluster.disk_limits = DiskLimits(9, 9, 10)
        facts = await here.cluster.disk_facts(here.snapshot, partial(targets_of, NODE), WITHIN, in_turns=True)
        assert (len(facts.targets), facts.unread) == (100, ())
        assert len(facts.volumes) <= VOLUMES_NOW
        assert {*facts.units, *facts.later} == set(facts.targets)
        verdict = preflight(NODE, None, here.snapshot, facts=PreflightContext(disks=facts))
    turns = verdict.check("turns")
    assert turns is not None
    assert "of all 100 disks" in check_text(turns).sentence
    assert verdict.check("volumes_unread") is None
    room = verdict.check("room")
    assert room is not None
    assert isinstance(room.fact, RoomInZones)
    later = sum(here.simulated.data.disks[disk].used_chunks for disk in facts.later)
    assert room.fact.zones[0].chunks == later + sum(map(len, facts.units.values()))


async def test_disks_beyond_the_limit_of_one_change_are_said_to_be_unread() -> None:
    async with setting(data=dense_node(MAX_TARGETS + 2, 1)) as here:
        facts = await here.cluster.disk_facts(here.snapshot, partial(targets_of, NODE), WITHIN, in_turns=True)
        verdict = preflight(NODE, None, here.snapshot, facts=PreflightContext(disks=facts))
    unread = verdict.check("volumes_unread")
    assert unread is not None
    assert unread.level is CheckLevel.BLOCK
    assert isinstance(unread.fact, VolumesUnread)
    assert len(unread.fact.disks) == 2


async def test_first_disk_is_judged_now_however_dense_it_is() -> None:
    async with setting(data=dense_node(2, VOLUMES_NOW + 1)) as here:
        facts = await here.cluster.disk_facts(here.snapshot, partial(targets_of, NODE), WITHIN, in_turns=True)
    assert (list(facts.units), facts.later, facts.unread) == ([101], (102,), ())
    assert len(facts.volumes) == VOLUMES_NOW + 1
