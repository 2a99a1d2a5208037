"""The watch's own look over a simulated cluster: what changes slowly is asked once a minute, in the right dialect."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from bot.alerting.cluster_state.state import ClusterState, update
from bot.alerting.rules.chunks import zones_of
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.models import Snapshot
from bot.clustermgr.tasks import Dialect
from bot.playground.clustermgr_sim import SimulatedCluster
from tests.support.raw_server import Request, says, serving

pytestmark = pytest.mark.fast_time


@dataclass
class Scenery:
    """A simulated cluster, the bot's handle of it, and the bot's clock."""

    simulated: SimulatedCluster
    now: float = 1000.0
    cluster: Cluster = field(init=False)

    async def poll(self, later: float = 15.0) -> Snapshot:
        self.now += later
        return await self.cluster.poll(5.0)

    def asked(self) -> list[str]:
        """What was asked since, without /stat."""
        listed = [seen.target for seen in self.simulated.log.entries if seen.target != "/stat"]
        self.simulated.log.entries.clear()
        return listed


@asynccontextmanager
async def scenery(flavour: str = "master") -> AsyncIterator[Scenery]:
    async with SimulatedCluster(flavour=flavour) as simulated, ClustermgrClient(simulated.hosts) as api:
        made = Scenery(simulated)
        made.cluster = Cluster("prod", "C1", api, lambda: made.now, 5.0)
        yield made


@asynccontextmanager
async def odd_answers(world: Scenery, target: str, body: str) -> AsyncIterator[Snapshot]:
    """The first look at a cluster whose every host answers this one target with 200 and that body."""

    async def handle(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.target == target:
            return await says(200, body)(request, writer)
        async with httpx.AsyncClient() as real:
            real_answer = await real.get(f"{world.simulated.hosts[0]}{request.target}")
        return await says(real_answer.status_code, real_answer.text)(request, writer)

    async with serving(handle) as odd, ClustermgrClient([odd.host]) as api:
        world.cluster = Cluster("prod", "C1", api, lambda: world.now, 5.0)
        yield await world.poll()


@pytest.mark.parametrize(
    ("flavour", "dialect", "inspection", "word"),
    [("v1", Dialect.V1, "vol_inspect", "Enable"), ("v3.5", Dialect.V3, "volume_inspect", "true")],
)
async def test_slow_poll_reads_switches_by_the_dialect(
    flavour: str, dialect: Dialect, inspection: str, word: str
) -> None:
    async with scenery(flavour) as world:
        seen = await world.poll()
    assert (seen.dialect, seen.dropping) == (dialect, ())
    assert seen.switches is not None
    assert seen.switches[inspection] == word
    assert "disk_repair" in seen.switches


async def test_disks_being_dropped_are_listed() -> None:
    async with scenery() as world:
        world.simulated.drop_disk(3)
        seen = await world.poll()
    assert [disk.disk_id for disk in seen.dropping or ()] == [3]


async def test_slow_poll_runs_once_a_minute_on_the_leader() -> None:
    async with scenery() as world:
        rounds = [(await world.poll()).switches is not None for _ in range(9)]
        assert rounds == [True, False, False, False, True, False, False, False, True]
        asked = [seen for seen in world.simulated.log.entries if "/service/list" in seen.target]
    assert [seen.node for seen in asked] == [1, 1, 1]


def singly(world: Scenery) -> list[str]:
    """The switches that were read by a separate request each."""
    return [target.partition("=")[2] for target in world.asked() if target.startswith("/config/get")]


async def test_switches_of_v3_are_read_with_one_request() -> None:
    """Once all agreed; then but for those that the list lacks, and for one or two in each hour."""
    async with scenery("v3.5") as world:
        first = (await world.poll()).switches or {}
        assert sorted(singly(world)) == sorted(first)
        unset = {key for key, value in first.items() if value is None}
        assert (await world.poll(61)).switches == first
        assert set(singly(world)) == unset
        samples = []
        for _ in range(2):
            await world.poll(3601)
            samples.append(set(singly(world)) - unset)
    assert len(first) > len(unset) > 0
    assert samples[0] != samples[1]
    assert all(1 <= len(each) <= 2 for each in samples)


async def test_both_values_of_a_list_are_compared() -> None:
    """Most switches have one of two values: one of them would agree with any other list every second time."""
    async with scenery("v3.5") as world:
        await world.cluster.api.config_set("balance", "false")
        await world.poll()
        world.asked()
        for _ in range(3):
            assert ((await world.poll(3601)).switches or {})["balance"] == "false"
            assert "balance" in singly(world)


async def test_a_list_is_compared_again_with_another_leader() -> None:
    async with scenery("v3.5") as world:
        first = (await world.poll()).switches or {}
        world.asked()
        await world.simulated.elect(2)
        await world.poll(61)
        assert sorted(singly(world)) == sorted(first)


async def test_switches_of_v1_are_read_one_by_one() -> None:
    async with scenery("v1") as world:
        for _ in range(2):
            first = (await world.poll(61)).switches
            assert sorted(singly(world)) == sorted(first or ())


async def test_a_switch_that_is_turned_is_seen_in_the_list() -> None:
    async with scenery() as world:
        await world.poll()
        await world.cluster.api.config_set("balance", "false")
        seen = (await world.poll(61)).switches
    assert seen is not None
    assert (seen["balance"], seen["disk_repair"]) == ("false", "true")


@pytest.mark.parametrize(
    "body",
    [
        '{"kvs": [{"key": "balance", "value": "b3RoZXI="}], "marker": ""}',
        '{"kvs": [{"key": "volume_reserve_size", "value": "MTA="}], "marker": ""}',
        '{"kvs": null}',
    ],
    ids=["other value", "no switch", "nothing"],
)
async def test_list_of_another_store_is_not_used_for_switches(body: str) -> None:
    async with scenery() as world, odd_answers(world, "/kv/list?count=1000", body) as first:
        world.asked()
        for _ in range(5):
            # An hour later, all are compared again: one that agrees by chance shows nothing.
            assert (await world.poll(3601)).switches == first.switches
            assert sorted(singly(world)) == sorted(first.switches or ())


async def test_switches_are_read_one_by_one_after_their_list_failed() -> None:
    async with scenery() as world:
        first = await world.poll()
        world.simulated.fail_next(500, path="/kv/list")
        assert (await world.poll(61)).switches is None
        world.asked()
        assert (await world.poll()).switches == first.switches
        assert sorted(singly(world)) == sorted(first.switches or ())


async def test_fast_poll_reads_stats_and_bad_disks_only() -> None:
    async with scenery() as world:
        await world.poll()
        world.asked()
        await world.poll()
        assert [target.partition("&")[0] for target in world.asked()] == ["/disk/list?status=2", "/disk/list?status=3"]


async def test_units_counted_by_the_slow_poll_are_not_listed_again_for_the_volumes() -> None:
    async with scenery() as world:
        world.simulated.data.disks[3].status = 2
        await world.poll()
        world.asked()
        surveys = [(await world.poll()).volumes for _ in range(80)]
        listed = [target for target in world.asked() if target.startswith("/volume/unit/list")]
    assert set(listed) == {"/volume/unit/list?disk_id=3"}
    assert len(listed) == 80 * 15 / 60
    assert len({survey.units[3].at for survey in surveys if survey}) == len(listed) + 1


async def test_the_dialect_is_probed_once_an_hour() -> None:
    async with scenery() as world:
        probes = []
        for _ in range(3):
            await world.poll(1801)
            probes.append(world.asked().count("/kv/list?count=1"))
    assert probes == [3, 0, 3]


async def test_slow_poll_without_answer_is_repeated() -> None:
    async with scenery() as world:
        world.simulated.fail_next(500, path="/disk/droppinglist")
        first = await world.poll()
        assert (first.switches, first.dropping, first.dialect) == (None, None, None)
        assert first.bad_disks == ()
        assert (await world.poll()).switches is not None


async def test_without_a_quorum_nothing_slow_is_known() -> None:
    async with scenery() as world:
        await world.simulated.lose_quorum()
        world.now += 15
        seen = await world.cluster.poll(1.0)
    assert (seen.switches, seen.dropping) == (None, None)


@pytest.mark.parametrize("body", ["[]", "<html>", '{"disks": 7}', '{"disks": [{"disk_id": "1"}]}', ""])
async def test_unreadable_part_of_slow_poll_is_left_out(body: str) -> None:
    async with scenery() as world, odd_answers(world, "/disk/droppinglist", body) as seen:
        assert seen.dropping is None
        assert seen.switches is not None
        assert seen.switches["balance"] == "true"
        assert (await world.poll()).switches is None


async def test_unreadable_switch_is_left_out_alone() -> None:
    async with scenery("v1") as world, odd_answers(world, "/config/get?key=balance", "{}") as seen:
        assert seen.dropping == ()
        assert seen.switches is not None
        assert "balance" not in seen.switches
        assert seen.switches["disk_repair"] == "Enable"


async def test_config_list_without_configs_is_read_as_no_switches() -> None:
    async with serving(says(200, "{}")) as host, ClustermgrClient([host.host]) as api:
        assert await api.config_list(host.host) == {}


FULL = (1, 2, 3)


def spoil(world: Scenery) -> None:
    """Fill three disks; others are broken, repaired, read-only or being dropped, with all their chunks free."""
    simulated = world.simulated
    for number, made in list(simulated.data.disks.items()):
        made.free_chunks = 0 if number in FULL else made.max_chunks
        made.idc = "z0" if number <= 7 else "z1"
    simulated.break_disk(4)
    simulated.repair_disk(5, "repaired")
    simulated.set_disk_readonly(6)
    simulated.set_disk_readonly(7)
    simulated.drop_disk(7)
    simulated.recount()


@pytest.mark.parametrize("flavour", ["v1", "v3.5", "master"])
async def test_chunks_on_disks_that_take_none_do_not_count(flavour: str) -> None:
    async with scenery(flavour) as world:
        spoil(world)
        seen = await world.poll()
    memory = update(ClusterState(), seen)
    assert seen.leader is not None
    counters = next(zone for zone in seen.leader[1].space_stat.disk_stat_infos if zone.idc == "z0")
    usable = zones_of(memory.zones, memory.zones_at, seen.at).usable(counters, seen.bad_disks)
    assert counters.total_free_chunk > 0
    assert usable is not None
    assert (usable.free, usable.total) == (0, sum(world.simulated.data.disks[number].max_chunks for number in FULL))


async def test_whole_disk_list_is_read_every_five_minutes() -> None:
    async with scenery() as world:
        listed = [(await world.poll(60)).zones is not None for _ in range(11)]
    assert listed == [True, False, False, False, False, True, False, False, False, False, True]


async def test_bad_disks_that_the_whole_list_has_too_are_kept_once() -> None:
    async with scenery() as world:
        world.simulated.break_disk(3)
        first, second = await world.poll(), await world.poll()
        world.simulated.repair_disk(3)
        third = await world.poll()
    assert first.bad_disks
    assert second.bad_disks
    assert second.bad_disks[0] is first.bad_disks[0]
    assert [(disk.disk_id, disk.status) for disk in third.bad_disks or ()] == [(3, 3)]


async def test_disks_by_state_are_kept_once_while_they_stay_the_same() -> None:
    async with scenery() as world:
        world.simulated.break_disk(3)
        first, second = await world.poll(), await world.poll()
        world.simulated.break_disk(4)
        third = await world.poll()
    assert first.volumes
    assert second.volumes
    assert third.volumes
    assert first.volumes.disks.bad == {3}
    assert second.volumes.disks is first.volumes.disks
    assert second.volumes.in_use is first.volumes.in_use
    assert third.volumes.disks.bad == {3, 4}
    assert 3 not in third.volumes.in_use


async def test_unreadable_disk_list_leaves_chunks_unknown() -> None:
    async with scenery() as world, odd_answers(world, "/disk/list?count=200", "[]") as seen:
        assert seen.zones is None
        assert seen.bad_disks == ()
        assert seen.switches is not None
