"""The rules about volumes over a simulated cluster and real sockets: what a channel sees as disks break."""

import pytest

from tests.support.alert_words import lines
from tests.support.cluster_world import World, watched

EC3P3 = 11
FLAVOURS = pytest.mark.parametrize("flavour", ["v1", "v3.5", "master"])


def disks_of_one_volume(world: World) -> tuple[int, list[int]]:
    """Choose a volume of EC3P3; return its vid and the disks of its units."""
    volume = next(each for each in world.cluster.data.volumes if each.code_mode == EC3P3)
    return volume.vid, [unit.disk_id for unit in volume.units]


def about_volumes(posted: list[str]) -> list[str]:
    """The messages about volumes among those posted."""
    return [each for each in posted if "volume" in each]


@FLAVOURS
async def test_disks_of_one_volume_that_break_are_announced_step_by_step(flavour: str) -> None:
    async with watched({"volumes_low": {"enabled": False}}, flavour=flavour) as world:
        vid, disks = disks_of_one_volume(world)
        await world.ticks(3)
        world.cluster.set_switch("disk_repair", "Disable" if flavour == "v1" else "false")
        world.cluster.break_disk(disks[0])
        assert about_volumes(await world.ticks(2)) == []
        world.cluster.break_disk(disks[1])
        [warned] = about_volumes(await world.ticks(2))
        assert warned.startswith("Warning in prod: ")
        assert "can lose 1 more unit" in warned
        world.cluster.break_disk(disks[2])
        critical = about_volumes(await world.ticks(2))
        assert critical[0].startswith("Critical")
        assert "data if one more unit is lost" in critical[0]
        [alert] = [each for each in world.store.firing() if each.rule == "volumes_at_risk"]
        assert any(line.startswith(f"volume #{vid} (EC3P3): 3 units lost") for line in lines(alert))
        world.cluster.break_disk(disks[3])
        lost = [each for each in await world.ticks(2) if "is lost" in each]
        assert lost[0].startswith("Critical in prod: Data of ")


@FLAVOURS
async def test_repair_ends_the_alert(flavour: str) -> None:
    async with watched(flavour=flavour) as world:
        _, disks = disks_of_one_volume(world)
        for disk in disks[:2]:
            world.cluster.break_disk(disk)
        await world.ticks(3)
        assert "volumes_at_risk" in {alert.rule for alert in world.store.firing()}
        for disk in disks[:2]:
            world.cluster.repair_disk(disk, "repaired")
        ended = [each for each in await world.ticks(30, apart=60) if "lost units" in each]
        assert ended == [
            f"Resolved in prod after {ended[0].split('after ')[1].split(':')[0]}: No volume of prod has lost units."
        ]


async def test_unit_left_on_a_repaired_disk_still_counts_as_lost() -> None:
    async with watched() as world:
        vid, disks = disks_of_one_volume(world)
        for disk in disks[:3]:
            world.cluster.break_disk(disk)
        await world.ticks(3)
        for disk in disks[:3]:
            world.cluster.move_chunks(disk, 0)
            world.cluster.repair_disk(disk, "repaired")
        await world.ticks(30, apart=60)
        assert "volumes_at_risk" not in {alert.rule for alert in world.store.firing()}
        volume = world.cluster.data.volumes.get(vid)
        for unit, disk in zip(volume.units[:2], disks[:2], strict=True):
            world.cluster.data.volumes.move(unit, disk)
            volume = world.cluster.data.volumes.get(vid)
        [posted] = [each for each in await world.ticks(30, apart=60) if "can lose 1 more unit" in each]
        assert posted == "Warning in prod: 1 volume of prod can lose 1 more unit."


async def test_disks_that_are_dropped_lose_nothing() -> None:
    async with watched() as world:
        _, disks = disks_of_one_volume(world)
        for disk in disks[:4]:
            world.cluster.drop_disk(disk)
        assert about_volumes(await world.ticks(20, apart=60)) == []


async def test_lost_heartbeats_are_unreachable_and_not_lost() -> None:
    """Three disks broken at most lose nothing more; with two away too many are missing, in other words."""
    async with watched({"disk_expired": {"enabled": False}, "volumes_low": {"enabled": False}}) as world:
        _, disks = disks_of_one_volume(world)
        world.cluster.set_switch("disk_repair", "false")
        for disk in disks[:2]:
            world.cluster.break_disk(disk)
        for disk in disks[2:4]:
            world.cluster.expire_disk(disk)
        posted = await world.ticks(20, apart=60)
        [away] = [each for each in posted if "cannot be read now" in each]
        assert away.startswith("Critical in prod: ")
        assert "unreachable, not lost" in away
        assert not [each for each in posted if "Data of" in each]


@pytest.mark.fast_time
async def test_cluster_without_a_leader_is_not_read() -> None:
    async with watched() as world:
        _, disks = disks_of_one_volume(world)
        world.cluster.break_disk(disks[0])
        await world.cluster.lose_quorum()
        world.cluster.log.clear()
        await world.ticks(3)
        assert not [call for call in world.cluster.log if "/volume/" in call.path]


@FLAVOURS
async def test_unit_that_lands_on_a_repaired_disk_is_announced_and_ends(flavour: str) -> None:
    async with watched(flavour=flavour) as world:
        world.cluster.break_disk(7)
        await world.ticks(2)
        world.cluster.repair_disk(7, "repaired")
        assert not [each for each in await world.ticks(10, apart=60) if "Do not pull" in each]
        world.cluster.land_unit(7)
        [posted] = [each for each in await world.ticks(7, apart=60) if "Do not pull" in each]
        assert posted.startswith("Critical in prod: Do not pull 1 disk of prod: it is listed as repaired or dropped")
        world.cluster.move_chunks(7, 0)
        [ended] = [each for each in await world.ticks(7, apart=60) if "no unit any more" in each]
        assert ended.endswith("Disk #7 of prod holds no unit any more.")
