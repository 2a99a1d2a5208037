"""Maintenance over a simulated cluster and real sockets: what a channel sees while a host is stopped."""

from collections.abc import Mapping

import pytest

from bot.alerting.model import Alert, MaintenanceScope
from bot.clustermgr.cluster import Cluster
from bot.common.errors import Refused
from bot.operations.maintenance import StopLevel, StopVerdict, stop_verdict
from bot.views.problem_text.table import problem_text
from bot.watch.alert_actions import AlertActions
from tests.support.cluster_world import World, watched

ALONE = "10.1.0.99"
"""A blobnode with one disk, so that no volume has two units on it."""
RULES: Mapping[str, Mapping[str, object]] = {"volumes_low": {"enabled": False}}


async def judged(world: World, host: str, *others: MaintenanceScope) -> StopVerdict:
    """Judge a host, after the watch has polled often enough to prove voters healthy."""
    cluster = Cluster("prod", "C1", world.api, lambda: world.now, 5.0)
    await cluster.snapshot(5.0)
    world.now += 15
    verdict = stop_verdict(await cluster.host_facts(host, 20.0), others=others)
    assert isinstance(verdict, StopVerdict)
    return verdict


def actions(world: World) -> AlertActions:
    return AlertActions(world.store, lambda: None, lambda: world.now, {"prod": "C1"})


async def start(world: World, host: str, seconds: float = 3600.0) -> StopVerdict:
    """Start the maintenance of a host."""
    verdict = await judged(world, host)
    await actions(world).start_maintenance("prod", verdict.scope, seconds=seconds, by="U1", reason="kernel")
    return verdict


def lifted_parts(world: World) -> str:
    """The blocks of the message that the maintenance, silence #1, ended early."""
    return str(world.store.state.outbox["silence:1:lifted"][1]["blocks"])


async def open_alerts(world: World) -> list[Alert]:
    """The alerts that are not resolved, also those that a maintenance mutes."""
    async with world.store.read() as uow:
        return await uow.alerts.open("prod")


def move_disk(world: World) -> int:
    """Put one disk on its own host; return it."""
    world.cluster.rename_disk(1, host=f"http://{ALONE}:8899")
    return 1


async def test_stopped_member_is_quiet_until_the_end() -> None:
    async with watched(RULES) as world:
        host = world.cluster.host(3)
        verdict = await start(world, host, seconds=780)
        assert verdict.level is StopLevel.CAUTION
        assert verdict.scope.peers == (3,)
        await world.cluster.kill(3)
        assert await world.ticks(10, apart=60) == []
        assert sum((await actions(world).muted()).values()) > 0
        await world.cluster.start(3)
        over = await world.ticks(5, apart=60)
        assert over == [f"Maintenance of `{verdict.host}` of prod ended: it answers again."]
        assert await actions(world).silences() == ()


async def test_member_still_away_at_the_end_is_announced() -> None:
    async with watched(RULES) as world:
        verdict = await start(world, world.cluster.host(3), seconds=600)
        await world.cluster.kill(3)
        posted = await world.ticks(15, apart=60)
        assert f"Maintenance of `{verdict.host}` of prod ended, and the host is still away." in posted
        assert [each for each in posted if each.startswith("Warning in prod: ")]


async def test_other_failure_lifts_it_and_announces_all() -> None:
    async with watched(RULES) as world:
        verdict = await start(world, world.cluster.host(3))
        await world.cluster.kill(3)
        assert await world.ticks(5, apart=60) == []
        world.cluster.break_disk(7)
        posted = await world.ticks(3, apart=60)
        [lifted] = [each for each in posted if "ended early" in each]
        assert "What its maintenance muted is announced now." in lifted_parts(world)
        assert lifted.startswith(f"Maintenance of `{verdict.host}` of prod ended early: something else fails. ")
        assert "disk" in lifted
        assert [each for each in posted if world.cluster.host(3).removeprefix("http://") in each and each != lifted]
        assert await actions(world).silences() == ()
        async with world.store.read() as uow:
            [entry] = await uow.audit.newest(limit=1)
        assert (entry.action, entry.actor) == ("silence.lifted", "")


async def test_maintenance_that_muted_nothing_announces_nothing_when_it_is_lifted() -> None:
    async with watched(RULES) as world:
        await start(world, world.cluster.host(3))
        world.cluster.break_disk(7)
        assert [each for each in await world.ticks(3, apart=60) if "ended early" in each]
        assert "Bring the host back first. Started by" in lifted_parts(world)


async def test_second_member_that_goes_away_lifts_it() -> None:
    async with watched(RULES, nodes=5) as world:
        await start(world, world.cluster.host(3))
        await world.cluster.kill(3)
        assert await world.ticks(5, apart=60) == []
        await world.cluster.kill(4)
        assert [each for each in await world.ticks(5, apart=60) if "ended early: something else fails" in each]


async def test_heartbeats_of_the_host_alone_are_muted() -> None:
    """The cluster's dashboard names the disks."""
    async with watched(RULES, dashboard=True) as world:
        disk = move_disk(world)
        verdict = await start(world, ALONE)
        assert verdict.scope.disks == (disk,)
        assert verdict.data is not None
        assert verdict.data.worst is not None
        assert verdict.scope.margin == verdict.data.worst.left
        world.cluster.expire_host(f"http://{ALONE}:8899")
        assert await world.ticks(20, apart=60) == []
        world.cluster.expire_disk(9)
        posted = await world.ticks(20, apart=60)
        assert [each for each in posted if "ended early" in each]
        assert [each for each in posted if "2 disks" in each and "heartbeat" in each]


@pytest.mark.parametrize("dashboard", [False, True])
async def test_outage_of_another_host_of_the_zone_is_announced(dashboard: bool) -> None:
    async with watched(RULES, dashboard=dashboard) as world:
        host = world.cluster.data.disks[7].host
        verdict = await start(world, host.removeprefix("http://"))
        disks = world.cluster.data.disks.values()
        other = next(disk.host for disk in disks if disk.host != host and disk.idc in verdict.scope.zones)
        world.cluster.expire_host(other)
        posted = await world.ticks(20, apart=60)
        assert [each for each in posted if each == "Warning in prod: 4 disks of prod have lost their heartbeat."]


def blocks_of(world: World, message: str) -> str:
    """The blocks of a message about the maintenance, silence #1."""
    return str(world.store.state.outbox[f"silence:1{message}"][1]["blocks"])


HEARTBEATS = {**RULES, "volumes_unreachable": {"enabled": False}}
LOST = "4 disks of prod have lost their heartbeat"
AWAY, HERE = "and the host is still away", "no disk of it is known to be silent"


@pytest.mark.parametrize(("ticks", "posted"), [(2, False), (8, True)], ids=["pending", "firing"])
@pytest.mark.parametrize(("zone", "dashboard"), [("z0", False), ("z1", True)])
async def test_silent_host_of_another_zone_is_no_part_of_it(
    zone: str, ticks: int, *, posted: bool, dashboard: bool
) -> None:
    """Four disks of z2 were silent before: the alert is neither muted, nor about the host, nor ends it."""
    async with watched(HEARTBEATS, dashboard=dashboard) as world:
        disks = world.cluster.data.disks.values()
        world.cluster.expire_host(next(disk.host for disk in disks if disk.idc == "z2"))
        before = await world.ticks(ticks, apart=60)
        own = next(disk.host for disk in disks if disk.idc == zone).removeprefix("http://")
        begun = await actions(world).start_maintenance(
            "prod", (await judged(world, own)).scope, seconds=7200, by="U1", reason=""
        )
        assert begun.mutes == 0
        assert "It mutes no open alert now." in blocks_of(world, "")
        after = await world.ticks(8, apart=60)
        assert (LOST in "".join(before)) is posted
        assert LOST in "".join((*before, *after))
        assert not any("ended early" in each for each in after)
        [held] = [alert for alert in await open_alerts(world) if alert.rule == "disk_expired"]
        assert held.notes.muted is None
        assert await actions(world).muted() == {1: 0}
        await actions(world).unsilence(1, "U1")
        over = blocks_of(world, ":lifted")
        assert HERE in over
        assert "heartbeat" not in over


@pytest.mark.parametrize(("ticks", "mutes", "listed"), [(2, 0, False), (8, 1, True)], ids=["pending", "firing"])
async def test_alert_about_its_own_disks_is_muted_once_it_is_posted(ticks: int, mutes: int, *, listed: bool) -> None:
    """While the alert is pending nothing is muted or announced, but the host is seen away."""
    async with watched(HEARTBEATS, dashboard=True) as world:
        host = world.cluster.data.disks[7].host
        world.cluster.expire_host(host)
        await world.ticks(ticks, apart=60)
        scope = (await judged(world, host.removeprefix("http://"))).scope
        begun = await actions(world).start_maintenance("prod", scope, seconds=7200, by="U1", reason="")
        assert begun.mutes == mutes
        await world.ticks()
        assert await actions(world).muted() == {1: mutes}
        await actions(world).unsilence(1, "U1")
        over = blocks_of(world, ":lifted")
        assert AWAY in over
        assert (LOST in over) is listed


async def test_heartbeats_that_no_call_names_are_announced_without_an_end() -> None:
    async with watched(RULES) as world:
        move_disk(world)
        await start(world, ALONE)
        world.cluster.fail_next(500, 10_000, "/volume/list")
        world.cluster.expire_host(f"http://{ALONE}:8899")
        posted = await world.ticks(20, apart=60)
        assert posted == ["Warning in prod: 1 disk of prod has lost its heartbeat."]
        assert len(await actions(world).silences()) == 1


async def test_heartbeats_of_an_empty_blobnode_are_muted_while_all_other_disks_are_proven() -> None:
    """No volume names the disk, but each other disk holds a healthy volume; then another one falls silent instead."""
    async with watched(RULES) as world:
        disk = move_disk(world)
        world.cluster.move_chunks(disk, 0)
        await start(world, ALONE, seconds=7200)
        world.cluster.expire_host(f"http://{ALONE}:8899")
        assert await world.ticks(20, apart=60) == []
        world.cluster.expire_disk(disk, expired=False)
        world.cluster.expire_disk(9)
        assert [each for each in await world.ticks(20, apart=60) if "heartbeat" in each]


async def test_space_that_the_stop_takes_is_muted_and_more_is_not() -> None:
    async with watched(RULES, dashboard=True) as world:
        disk = move_disk(world)
        for each in world.cluster.data.disks.values():
            each.fill(0.0 if each.disk_id == disk else 0.84)
        await world.ticks(8, apart=60)
        verdict = await start(world, ALONE, seconds=7200)
        assert verdict.scope.writable == 5
        world.cluster.expire_host(f"http://{ALONE}:8899")
        posted = await world.ticks(30, apart=60)
        assert posted == []
        held = [alert for alert in await open_alerts(world) if alert.rule == "writable_low"]
        assert [alert.notes.muted is not None for alert in held] == [True]
        for each in world.cluster.data.disks.values():
            each.fill(0.97)
        assert [each for each in await world.ticks(30, apart=60) if "ended early" in each]


async def test_restarted_process_keeps_the_maintenance() -> None:
    async with watched(RULES) as world:
        await start(world, world.cluster.host(3))
        await world.cluster.kill(3)
        await world.ticks(3, apart=60)
        world.watch.resume()
        assert await world.ticks(10, apart=60) == []


async def test_maintenance_beside_an_unknown_one_is_refused() -> None:
    async with watched(RULES, nodes=5) as world:
        first = await start(world, world.cluster.host(3))
        second = await judged(world, world.cluster.host(4), first.scope)
        assert second.under_way == (first.host,)
        assert second.level is StopLevel.CAUTION
        assert (await judged(world, world.cluster.host(5), first.scope, second.scope)).level is StopLevel.UNSAFE
        with pytest.raises(Refused) as refused:
            await actions(world).start_maintenance("prod", second.scope, seconds=60, by="U1", reason="")
        assert "began while this host was judged" in problem_text(refused.value.problem)


async def test_slow_cluster_leaves_parts_unjudged() -> None:
    """Volumes that are not read in time are named, and make the host unsafe to stop."""
    async with watched(RULES) as world:
        move_disk(world)
        cluster = Cluster("prod", "C1", world.api, lambda: world.now, 5.0)
        await cluster.snapshot(5.0)
        world.now += 15
        for node in (1, 2, 3):
            world.cluster.slow(node, 0.3)
        facts = await cluster.host_facts(ALONE, 0.9)
        verdict = stop_verdict(facts)
        assert isinstance(verdict, StopVerdict)
        assert verdict.level is StopLevel.UNKNOWN
