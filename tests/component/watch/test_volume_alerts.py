"""The rules about volumes over a simulated cluster and real sockets: what a channel sees as disks break."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from bot.alerting.cluster_state.state import ClusterNote
from bot.playground.clustermgr_sim.disks import Disk
from bot.views.handover import handover
from bot.views.summary import summary
from bot.watch.report_builder import Reports
from bot.workflow.reporting import OperationReport
from tests.support.alert_words import lines
from tests.support.cluster_world import World, watched
from tests.support.in_memory_ports import typed
from tests.support.view_samples import seen

EC3P3 = 11
NO_OTHERS = {"volumes_low": {"enabled": False}, "chunks_low": {"enabled": False}}
FLAVOURS = pytest.mark.parametrize("flavour", ["v1", "v3.5", "master"])


class _Cut(dict[int, Disk]):
    """Disks whose list lacks one that `/disk/info` knows."""

    def __init__(self, disks: Mapping[int, Disk], hidden: Disk) -> None:
        super().__init__(disks)
        self._hidden = hidden

    def __contains__(self, disk_id: object) -> bool:
        return disk_id == self._hidden.disk_id or super().__contains__(disk_id)

    def __getitem__(self, disk_id: int) -> Disk:
        return self._hidden if disk_id == self._hidden.disk_id else super().__getitem__(disk_id)

    def get(self, disk_id: int, default: Any = None) -> Any:
        return self._hidden if disk_id == self._hidden.disk_id else super().get(disk_id, default)


def disks_of_one_volume(world: World) -> tuple[int, list[int]]:
    """Choose a volume of EC3P3; return its vid and the disks of its units."""
    volume = next(each for each in world.cluster.data.volumes if each.code_mode == EC3P3)
    return volume.vid, [unit.disk_id for unit in volume.units]


async def asked(world: World, command: str) -> str:
    """Everything that the last answer to a command shows, as text."""
    known = {"prod": ClusterNote.of(world.watch.state)}
    reply = (await typed(command, world.handle, remembered=known, now=world.now))[-1]
    return f"{reply.message.text}\n{seen(reply.message)}"


async def reported(world: World) -> tuple[str, str]:
    """The summary and the hand-over of the last hour, as text."""
    operations = OperationReport(world.store)
    reports = Reports(world.store, lambda: world.now, operations.ended_since, operations.pending, ())
    built = await reports.summary(["prod"], world.now - 3600), await reports.handover(["prod"], world.now - 3600)
    return seen(summary(built[0]).message), seen(handover(built[1]).message)


def lines_of(world: World, rule: str) -> tuple[str, ...]:
    """The lines of the open alert of a rule."""
    [alert] = [each for each in world.store.firing() if each.rule == rule]
    return lines(alert)


def about_volumes(posted: list[str]) -> list[str]:
    """The messages about volumes among those posted, without edits of the message that carries them."""
    return [each for each in posted if "volume" in each and "Of the same cause" not in each]


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
        assert warned.startswith("Warning in prod, of the same cause")
        assert "can lose 1 more unit" in warned
        world.cluster.break_disk(disks[2])
        critical = about_volumes(await world.ticks(2))
        assert critical[0].startswith("Critical")
        assert "data if one more unit is lost" in critical[0]
        [alert] = [each for each in world.store.firing() if each.rule == "volumes_at_risk"]
        assert any(line.startswith(f"volume #{vid} (EC3P3): 3 units lost") for line in lines(alert))
        world.cluster.break_disk(disks[3])
        lost = [each for each in await world.ticks(2) if "Data of" in each]
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
        await world.ticks(30, apart=60)
        assert world.store.firing() == []
        shown = [json.dumps(content, ensure_ascii=False) for _, content, _, _ in world.store.state.outbox.values()]
        [ended] = [each for each in shown if "No volume of prod has lost units." in each]
        assert "Resolved after" in ended


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


async def test_volume_with_only_unreachable_units_is_found_by_its_health() -> None:
    """Four disks of a volume of EC3P3 lose their heartbeat, no other disk is bad, and no dashboard names them."""
    async with watched(NO_OTHERS) as world:
        vid, disks = disks_of_one_volume(world)
        for disk in disks[:4]:
            world.cluster.expire_disk(disk)
        posted = await world.ticks(20, apart=60)
        [away] = [each for each in about_volumes(posted) if "cannot be read now" in each]
        assert away.startswith("Critical in prod")
        assert any(line.startswith(f"volume #{vid} (EC3P3): ") for line in lines_of(world, "volumes_unreachable"))
        shown = await asked(world, "risk")
        assert f"#{vid}" in shown
        assert "🟢" not in shown
        for disk in disks[:4]:
            world.cluster.expire_disk(disk, expired=False)
        await world.ticks(20, apart=60)
        assert "volumes_unreachable" not in {alert.rule for alert in world.store.firing()}


async def test_headline_is_at_once_as_bad_as_the_volumes_that_cannot_be_read() -> None:
    async with watched(NO_OTHERS) as world:
        _, disks = disks_of_one_volume(world)
        await world.ticks(3)
        for disk in disks[:4]:
            world.cluster.expire_disk(disk)
        for _ in range(40):
            await world.ticks(1)
            shown = await asked(world, "stat")
            if "cannot be read now" in shown:
                break
        assert "volumes_unreachable" not in {alert.rule for alert in world.store.firing()}
        assert "prod is critical: " in shown
        assert "is healthy" not in shown
        assert world.watch.state.level == "critical"
        assert "cannot be read now" in world.watch.state.verdict
        assert "0 of 1 cluster" in await asked(world, "clusters")


@pytest.mark.fast_time
async def test_cluster_without_a_leader_is_not_read() -> None:
    async with watched(dashboard=True) as world:
        _, disks = disks_of_one_volume(world)
        world.cluster.break_disk(disks[0])
        await world.cluster.lose_quorum()
        world.cluster.log.clear()
        await world.ticks(1, apart=300)
        assert not [call for call in world.cluster.log if "/volume/" in call.path or "dashboard" in call.path]


@pytest.mark.parametrize("path", ["/volume/unit/list", "/volume/get"])
async def test_reads_that_fail_for_an_hour_are_said_to_be_old_everywhere(path: str) -> None:
    """The disks are repaired meanwhile; nothing resolves before their units could be counted."""
    async with watched(NO_OTHERS) as world:
        _, disks = disks_of_one_volume(world)
        world.cluster.break_disk(disks[0])
        world.cluster.break_disk(disks[1])
        await world.ticks(3)
        assert "could not be read again" not in await asked(world, "risk")
        world.cluster.fail_next(500, 100_000, path)
        await world.ticks(20, apart=60)
        assert "volumes_at_risk" in {alert.rule for alert in world.store.firing()}
        texts = [await asked(world, "risk"), await asked(world, "stat"), *await reported(world)]
        texts.append("\n".join(lines_of(world, "volumes_at_risk")))
        for text in texts:
            assert "could not be read again since" in text


async def test_disk_list_that_is_cut_is_said_and_recovers() -> None:
    async with watched(NO_OTHERS) as world:
        world.cluster.break_disk(7)
        await world.ticks(2)
        world.cluster.repair_disk(7, "repaired")
        world.cluster.move_chunks(7, 0)
        await world.ticks(2, apart=60)
        assert "🟢" in await asked(world, "risk")
        disks = world.cluster.data.disks
        last = disks.pop(max(disks))
        world.cluster.data.disks = _Cut(disks, last)
        await world.ticks(7, apart=60)
        cut = await asked(world, "risk")
        assert "the disk list lacks 1 disk that it had before" in cut
        assert "🟢" not in cut
        world.cluster.data.disks = {**disks, last.disk_id: last}
        await world.ticks(7, apart=60)
        assert "🟢" in await asked(world, "risk")
        # A disk that the leader does not know any more is missing from no list.
        del world.cluster.data.disks[last.disk_id]
        await world.ticks(7, apart=60)
        assert "🟢" in await asked(world, "risk")


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


async def test_disk_shows_its_volumes_and_its_heartbeat() -> None:
    async with watched(NO_OTHERS) as world:
        _, disks = disks_of_one_volume(world)
        assert "ffects" not in await asked(world, f"disk {disks[0]}")
        world.cluster.break_disk(disks[0])
        await world.ticks(3)
        shown = await asked(world, f"disk {disks[0]}")
        assert "volumes; the worst can lose 2 more units." in shown
        assert "heartbeat" not in shown
        for disk in disks[1:3]:
            world.cluster.expire_disk(disk)
        await world.ticks(20, apart=60)
        assert "heartbeat" in await asked(world, f"disk {disks[1]}")
        assert "heartbeat" not in await asked(world, f"disk {disks[0]}")


async def test_unit_that_a_command_finds_on_a_repaired_disk_is_at_risk_at_once() -> None:
    async with watched(NO_OTHERS) as world:
        world.cluster.break_disk(7)
        await world.ticks(2)
        world.cluster.repair_disk(7, "repaired")
        await world.ticks(10, apart=60)
        assert "Units of repaired and dropped disks as of" in await asked(world, "risk")
        world.cluster.land_unit(7)
        assert "1 unit" in await asked(world, "disk 7")
        shown = await asked(world, "risk")
        assert "🟢" not in shown
        assert "1 volume of prod has lost units" in shown


@pytest.mark.parametrize(("status", "state"), [(1, "in use"), (2, "broken or being repaired")])
async def test_disk_with_units_that_is_in_use_or_broken_again_ends_the_alert(status: int, state: str) -> None:
    async with watched(NO_OTHERS) as world:
        world.cluster.break_disk(7)
        await world.ticks(2)
        world.cluster.repair_disk(7, "repaired")
        world.cluster.land_unit(7)
        assert [each for each in await world.ticks(8, apart=60) if "Do not pull" in each]
        disk = world.cluster.data.disks[7]
        disk.status, disk.readonly = status, False
        ended = [each for each in await world.ticks(12, apart=60) if each.startswith("Resolved")]
        assert [each for each in ended if each.endswith(f"Disk #7 of prod is {state} again.")]
        assert "disk_not_empty" not in {alert.rule for alert in world.store.firing()}
        assert "by the last count" not in await asked(world, "risk")


@pytest.mark.parametrize("shown", [9, None], ids=["unknown state", "not in the list"])
async def test_disk_with_units_stays_announced_until_a_count_finds_none(shown: int | None) -> None:
    """A repaired disk that holds a unit is listed in a state of a later release, or a list ends before it."""
    async with watched(NO_OTHERS) as world:
        world.cluster.break_disk(7)
        await world.ticks(2)
        world.cluster.repair_disk(7, "repaired")
        world.cluster.land_unit(7)
        assert [each for each in await world.ticks(8, apart=60) if "Do not pull" in each]
        disks = world.cluster.data.disks
        disk = disks[7]
        if shown is None:
            del disks[7]
        else:
            disk.status = shown
        assert not [each for each in await world.ticks(12, apart=60) if "no unit" in each or "holds units" in each]
        assert "disk_not_empty" in {alert.rule for alert in world.store.firing()}
        if shown is None:
            assert "1 disk holds units by the last count, but it is not listed" in await asked(world, "risk")
            disks[7] = disk
        world.cluster.move_chunks(7, 0)
        [ended] = [each for each in await world.ticks(12, apart=60) if "no unit any more" in each]
        assert ended.endswith("Disk #7 of prod holds no unit any more.")


STEPS = (
    (1, "can lose 2 more units", "can still lose 2 or more units"),
    (2, "can lose 1 more unit", "can lose 1 more unit"),
    (3, "can lose no more", "can lose no more units"),
    (4, "data of the worst is lost", "lost data"),
)


@FLAVOURS
async def test_each_broken_disk_is_said_in_every_place(flavour: str) -> None:
    """Disks of a volume of EC3P3 break one after another: alert of the disks, /cm stat, /cm risk, both reports."""
    async with watched(NO_OTHERS, flavour=flavour) as world:
        vid, disks = disks_of_one_volume(world)
        world.cluster.set_switch("disk_repair", "Disable" if flavour == "v1" else "false")
        for lost, of_disks, of_volumes in STEPS:
            world.cluster.break_disk(disks[lost - 1])
            broke = world.now + 15
            await world.ticks(2)
            assert any(of_disks in line for line in lines_of(world, "disk_broken"))
            assert f"{of_volumes}" in await asked(world, "stat")
            table = await asked(world, "risk")
            assert f"#{vid}" in table
            assert all(f"#{disk}" in table for disk in disks[:lost])
            assert any(note.since == broke and note.seen for note in world.watch.state.lost_disks)
            # The state is stored with the alerts that it changes, and once a minute.
            await world.ticks(4)
            for report in await reported(world):
                assert of_volumes in report


async def test_shard_repair_that_is_off_is_said_in_every_place() -> None:
    async with watched(NO_OTHERS) as world:
        _, disks = disks_of_one_volume(world)
        for key in ("disk_repair", "shard_repair"):
            world.cluster.set_switch(key, "false")
        for disk in disks[:2]:
            world.cluster.break_disk(disk)
        await world.ticks(6)
        smaller = "`shard_repair` is off: new blobs may already lack up to 1 unit"
        for rule in ("disk_broken", "volumes_at_risk"):
            assert any(line.startswith(smaller) for line in lines_of(world, rule))
        for text in (await asked(world, "risk"), await asked(world, "stat"), *await reported(world)):
            assert "new blobs may already lack up to 1 unit" in text
        assert "each margin may be smaller" in await asked(world, f"disk {disks[0]}")


async def test_repaired_disk_is_never_taken_for_empty_between_two_lists() -> None:
    """The list of all disks is read every five minutes, but at once when a disk leaves the broken ones."""
    async with watched(NO_OTHERS) as world:
        _, disks = disks_of_one_volume(world)
        for disk in disks[:2]:
            world.cluster.break_disk(disk)
        await world.ticks(3)
        for disk in disks[:2]:
            world.cluster.data.disks[disk].status = 4
        posted = await world.ticks(10)
        assert not [each for each in posted if "No volume of prod has lost units" in each]
        assert "volumes_at_risk" in {alert.rule for alert in world.store.firing()}
        for disk in disks[:2]:
            assert any(line.startswith(f"disk #{disk}: ") for line in lines_of(world, "disk_not_empty"))


async def test_disk_that_is_not_empty_names_its_volumes() -> None:
    async with watched(NO_OTHERS) as world:
        world.cluster.break_disk(7)
        await world.ticks(2)
        world.cluster.repair_disk(7, "repaired")
        await world.ticks(6, apart=60)
        assert "Safe to pull: no unit left" in await asked(world, "disk 7")
        world.cluster.land_unit(7)
        await world.ticks(7, apart=60)
        [unit] = world.cluster.data.volumes.units_of(7)
        assert f"disk #7: 1 unit of volume #{unit.vid}" in lines_of(world, "disk_not_empty")
        assert f"Do not pull: 1 unit of 1 volume is still on it (#{unit.vid})" in await asked(world, "disk 7")
        [note] = [note for note in world.watch.state.lost_disks if note.id == 7]
        assert (note.units, note.seen) == (1, True)


async def test_times_of_lost_disks_survive_a_restart() -> None:
    async with watched(NO_OTHERS) as world:
        _, disks = disks_of_one_volume(world)
        world.cluster.set_switch("disk_repair", "false")
        world.cluster.break_disk(disks[0])
        await world.ticks(6)
        before = world.watch.state.lost_disks
        restarted = World(world.cluster, world.api, world.rules, world.store, now=world.now + 60)
        await restarted.ticks(2)
        assert restarted.watch.state.lost_disks == before
        assert "at least since" not in await asked(restarted, "risk")


async def test_dashboard_of_the_cluster_names_disks_and_is_compared() -> None:
    """Heartbeats that no volume shows are known by name, and other counts are said."""
    async with watched(NO_OTHERS | {"disk_expired": {"hold": 0}}, dashboard=True) as world:
        _, disks = disks_of_one_volume(world)
        for disk in disks[:4]:
            world.cluster.expire_disk(disk)
        posted = await world.ticks(60, apart=15)
        [away] = [each for each in about_volumes(posted) if "cannot be read now" in each]
        assert "unreachable, not lost" in away
        names = ", ".join(f"#{disk}" for disk in sorted(disks[:4])[:3])
        assert any(line.startswith(f"named by the cluster: disks {names}") for line in lines_of(world, "disk_expired"))
        differs = "the cluster's own dashboard differs: it counts 0 with lost data, 0 at risk and 0 degraded"
        assert any(line.startswith(differs) for line in lines_of(world, "volumes_unreachable"))
        assert "dashboard differs" in await asked(world, "risk")
        asks = [call.at for call in world.cluster.log if call.path == "/cluster/dashboard"]
        assert len(asks) >= 2


async def test_dashboard_is_asked_once_where_there_is_none() -> None:
    async with watched() as world:
        await world.ticks(20, apart=60)
        assert len(world.cluster.log.matching(path="/cluster/dashboard")) == 1


async def test_first_rows_of_many_volumes_are_shown_and_the_rest_counted() -> None:
    async with watched(NO_OTHERS) as world:
        world.cluster.set_switch("disk_repair", "false")
        for disk in (1, 2):
            world.cluster.break_disk(disk)
        await world.ticks(4)
        table = await asked(world, "risk")
        assert "Not shown: " in table
        shown = [line for line in table.splitlines() if line.lstrip().startswith("#")]
        assert len(shown) <= 20
