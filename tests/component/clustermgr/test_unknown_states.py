"""Disks of the simulated cluster in a state of a later release: shown as it is, never safe, never room."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.alerting.volume_risk import risks_of
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.playground.clustermgr_sim import Disk, Service, SimulatedCluster
from bot.playground.clustermgr_sim.volumes import volume_row
from tests.support.in_memory_ports import typed
from tests.support.view_samples import seen

LATER = 6
"""A disk state that no recorded release has."""


@pytest.fixture
async def simulated() -> AsyncIterator[SimulatedCluster]:
    async with SimulatedCluster() as cluster:
        yield cluster


@pytest.fixture
async def cluster(simulated: SimulatedCluster) -> AsyncIterator[Cluster]:
    async with ClustermgrClient(simulated.hosts) as api:
        yield Cluster("prod", "C0OPS", api, simulated.clock.now, 5.0)


async def answered(cluster: Cluster, text: str) -> str:
    *_, last = await typed(text, cluster)
    return seen(last.message)


async def test_units_on_a_disk_in_an_unknown_state_are_unreachable(
    simulated: SimulatedCluster, cluster: Cluster
) -> None:
    simulated.data.disks[3].status = LATER
    snapshot, survey = await cluster.survey(3.0)
    assert survey.disks.unknown == {3}
    assert survey.complete
    risks = risks_of(survey, snapshot.expired_disks)
    assert len(risks) == simulated.data.volumes.count_on(3)
    assert {risk.unreachable for risk in risks} == {(3,)}
    text = await answered(cluster, "risk")
    assert "Units on disk #3 count as unreachable: cmbot does not know the state that the disk list gives." in text
    assert "inferred from the health" not in text


async def test_disk_in_an_unknown_state_is_listed_first_and_is_no_room(
    simulated: SimulatedCluster, cluster: Cluster
) -> None:
    for disk in simulated.data.disks.values():
        disk.status = LATER if disk.idc == "z1" else disk.status
    text = await answered(cluster, "disks")
    assert "prod has 24 disks: 16 normal, 8 in a state unknown to cmbot." in text
    rows = [line.strip() for line in text.splitlines() if "http://" in line]
    assert all("? state 6 (unknown to cmbot)" in row for row in rows[:8])
    assert "? state" not in rows[8]
    assert "Disk #9 of prod is in state 6 (unknown to cmbot)" in (await typed("disk 9", cluster))[-1].message.text
    balance = await answered(cluster, "balance by=zone")
    assert any(
        line.split() == ["-", "zone", "z1", "none", "z1", "0", "of", "8", "-"] for line in balance.splitlines()
    ), balance
    snapshot = await cluster.poll(5.0)
    assert {zone.idc: zone.free for zone in snapshot.zones or ()}["z1"] == 0


async def test_volumes_in_an_unknown_state_and_mode_are_judged_as_unknown(
    simulated: SimulatedCluster, cluster: Cluster
) -> None:
    volumes = simulated.data.volumes
    odd = volumes.get(volumes.units_of(1)[0].vid)
    volumes.put(replace(odd, code_mode=77))
    simulated.break_disk(1)
    text = await answered(cluster, "risk")
    assert f"#{odd.vid}" in text
    assert "unknown (77)" in text


async def test_expired_disk_is_named_from_the_health_of_volumes(simulated: SimulatedCluster, cluster: Cluster) -> None:
    simulated.expire_disk(5)
    simulated.break_disk(2)
    simulated.recount()
    text = await answered(cluster, "disks status=expired")
    assert "prod has 1 disk with `status=expired`." in text
    assert "✓ normal, no heartbeat (inferred)" in text
    assert "By the leader's counters 1 disk has lost the heartbeat." in text


async def test_dropping_disk_is_listed_by_its_state(simulated: SimulatedCluster, cluster: Cluster) -> None:
    simulated.drop_disk(11)
    text = await answered(cluster, "disks status=dropping")
    assert "prod has 1 disk with `status=dropping`." in text
    assert "✓ normal, dropping, read-only" in text


async def test_disks_are_ordered_by_number_though_servers_compare_text(
    simulated: SimulatedCluster, cluster: Cluster
) -> None:
    for number in range(1, 13):
        simulated.break_disk(number)
    text = await answered(cluster, "disks status=broken")
    rows = [int(line.split()[2]) for line in text.splitlines() if "http://" in line]
    assert rows == list(range(1, 13))


async def test_full_disk_beside_empty_ones_is_named(simulated: SimulatedCluster, cluster: Cluster) -> None:
    simulated.data.disks[4].free_chunks = 7
    text = await answered(cluster, "balance")
    assert "prod is out of balance: 1 disk is much fuller than the others of its zone." in text
    assert "disk #4 on `http://10.1.0.11:8899`: 99.9 % of its chunks used, 7 free" in text
    assert "`balance` is on." in text


# --- fields and switches of a later release


async def test_unknown_fields_are_shown_as_they_are(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Disk.to_wire
    more = {"wear": 3, "note": "<!channel> *x*"}
    monkeypatch.setattr(Disk, "to_wire", lambda disk, flavour: wire(disk, flavour) | more)
    text = await answered(cluster, "disk 9")
    assert "Also reported, and not known to cmbot: `wear` = `3`, `note` = `&lt;!channel&gt; *x*`." in text
    assert "not known to cmbot" not in await answered(cluster, "stat")


async def test_unknown_fields_of_volumes_are_shown_with_their_risk(
    simulated: SimulatedCluster, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {"sealed": True}
    monkeypatch.setattr("bot.playground.clustermgr_sim.volume_api.volume_row", lambda *args: volume_row(*args) | more)
    simulated.break_disk(1)
    assert "Volumes also reported, and not known to cmbot: `sealed` = `true`." in await answered(cluster, "risk")


@pytest.mark.parametrize("flavour", ["v1", "v3.5", "master"])
async def test_unknown_switches_are_listed_and_not_offered(flavour: str) -> None:
    async with SimulatedCluster(flavour=flavour) as simulated, ClustermgrClient(simulated.hosts) as api:
        on = "Enable" if flavour == "v1" else "true"
        simulated.set_switch("cold_tier_move", on)
        simulated.set_switch("volume_chunk_size", "16")
        text = await answered(Cluster("prod", "C0OPS", api, simulated.clock.now, 5.0), "tasks")
        assert f"*Not known to cmbot*: `cold_tier_move` is stored as `{on}`. cmbot does not change them." in text
        assert "volume_chunk_size" not in text


async def test_unknown_fields_of_services_are_shown_with_the_tasks(
    simulated: SimulatedCluster, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Service.to_wire
    monkeypatch.setattr(Service, "to_wire", lambda service: wire(service) | {"version": "3.6.0"})
    simulated.data.services.append(Service("PROXY", "http://10.1.0.9:9600"))
    await cluster.poll(5.0)
    assert "Services also reported, and not known to cmbot: `version` = `3.6.0`." in await answered(cluster, "tasks")


async def test_unread_list_of_stored_keys_is_said(simulated: SimulatedCluster, cluster: Cluster) -> None:
    await cluster.dialect()
    simulated.fail_next(500, 100, "/kv/list")
    text = await answered(cluster, "tasks")
    assert "Switches that cmbot does not know could not be looked for." in text
    assert "Not known to cmbot" not in text
