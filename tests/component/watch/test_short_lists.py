"""Lists that end early, over a simulated cluster and real sockets: what the leader's other answers say still holds."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from bot.playground.clustermgr_sim import api
from bot.playground.clustermgr_sim.disks import Disk, select
from tests.component.watch.test_volume_alerts import NO_OTHERS, asked, disks_of_one_volume
from tests.support.cluster_world import World, watched

BROKEN = 2


def cut(monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    """Let the list of broken disks end after `kept` disks."""

    def answer(disks: Iterable[Disk], args: dict[str, Any]) -> list[Disk]:
        found = select(disks, args)
        return found[:kept] if args["status"] == BROKEN and not args["marker"] else found if not args["status"] else []

    monkeypatch.setattr(api, "select", answer)


def open_rules(world: World) -> set[str]:
    return {alert.rule for alert in world.store.firing()}


@pytest.mark.parametrize("kept", [0, 1])
async def test_list_of_broken_disks_that_ends_early_resolves_no_loss(
    kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched(NO_OTHERS) as world:
        disks = disks_of_one_volume(world)[1][:4]
        world.cluster.set_switch("disk_repair", "false")
        for disk in disks:
            world.cluster.break_disk(disk)
        await world.ticks(4)
        lost = {"volumes_lost", "volumes_at_risk", "disk_broken"}
        assert lost <= open_rules(world)
        with monkeypatch.context() as patched:
            cut(patched, kept)
            posted = await world.ticks(20, apart=60)
            assert not [each for each in posted if "esolved" in each]
            assert lost <= open_rules(world)
            assert "is lost" in await asked(world, "risk")
            assert "4 broken" in await asked(world, "stat")
            survey = world.handle._volume_reader.survey(world.now)
            assert not survey.complete
        for disk in disks:
            world.cluster.repair_disk(disk, "repaired")
            world.cluster.move_chunks(disk, 0)
        await world.ticks(20, apart=60)
        assert not lost & open_rules(world)


async def test_disk_that_only_the_whole_list_calls_broken_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(NO_OTHERS) as world:
        cut(monkeypatch, 0)
        world.cluster.break_disk(7)
        posted = await world.ticks(6, apart=60)
        assert any("1 disk of prod is broken" in each for each in posted)


async def test_asking_for_the_risk_ends_once_no_read_is_due() -> None:
    """The clock of the test stands still, so that only this ends the reads."""
    async with watched(NO_OTHERS) as world:
        world.cluster.expire_disk(7)
        volume = world.cluster.data.volumes.get(5)
        assert volume is not None
        world.cluster.data.volumes.put(replace(volume, units=volume.units[:-1]))
        await world.ticks(4, apart=60)
        await world.ticks(1)
        _, survey = await asyncio.wait_for(world.handle.survey(30.0), 20.0)
    assert not survey.complete


async def test_old_list_of_a_process_that_no_longer_watches_makes_no_disk_bad() -> None:
    async with watched(NO_OTHERS) as world:
        world.cluster.set_switch("disk_repair", "false")
        world.cluster.break_disk(7)
        await world.ticks(8, apart=60)
        world.cluster.repair_disk(7, "repaired")
        world.now += 86_400
        seen = await world.handle.snapshot(5.0)
        assert seen.bad_disks == ()
