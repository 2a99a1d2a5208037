"""The rules about disks, space and switches over a simulated cluster and real sockets: what a channel sees."""

from collections.abc import Sequence

import pytest

from bot.alerting.cluster_state.state import Causes, Change
from bot.playground.clustermgr_sim import Data
from tests.support.alert_words import lines
from tests.support.cluster_world import HOUR, watched

FLAVOURS = pytest.mark.parametrize("flavour", ["v1", "v3.5", "master"])


@FLAVOURS
async def test_healthy_cluster_has_no_alert_for_days(flavour: str) -> None:
    async with watched(flavour=flavour) as world:
        assert await world.ticks(30, apart=HOUR) == []


@FLAVOURS
async def test_empty_new_cluster_has_no_alert(flavour: str) -> None:
    async with watched(flavour=flavour, data=Data()) as world:
        assert await world.ticks(20, apart=HOUR) == []


@FLAVOURS
async def test_lost_heartbeat_fires_after_its_hold_and_resolves(flavour: str) -> None:
    async with watched(flavour=flavour) as world:
        for disk in (1, 2, 9):
            world.cluster.expire_disk(disk)
        assert await world.ticks(5, apart=60) == []
        assert await world.ticks(2, apart=60) == ["Warning in prod: 3 disks of prod have lost their heartbeat."]
        for disk in range(1, 9):
            world.cluster.expire_disk(disk)
        [worse, _] = await world.ticks()
        assert (
            worse
            == "Critical in prod: 9 disks of prod have lost their heartbeat, among them every writable disk of z0."
        )
        for disk in range(1, 10):
            world.cluster.expire_disk(disk, expired=False)
        [ended] = [posted for posted in await world.ticks(3) if "Resolved" in posted]
        assert ended.endswith("Every disk of prod reports again or is marked broken.")


async def test_new_leader_without_heartbeats_is_no_alert() -> None:
    """What it shows for its first minutes is what it counted when it was a follower: every disk is silent."""
    async with watched({"leader_changed": {"enabled": False}}) as world:
        await world.cluster.elect(2)
        for disk in world.cluster.data.disks:
            world.cluster.expire_disk(disk)
        assert await world.ticks(20) == []
        for disk in world.cluster.data.disks:
            world.cluster.expire_disk(disk, expired=False)
        assert await world.ticks(100) == []


async def test_stalled_repair_fires_until_chunks_move() -> None:
    async with watched() as world:
        world.cluster.break_disk(7)
        world.cluster.repair_disk(7, "repairing")
        await world.ticks()
        for left in (40, 30, 20):
            world.cluster.move_chunks(7, left)
            # The alert of the disk is edited, because it affects fewer volumes; nothing else is posted.
            assert {text for text in await world.ticks(5, apart=HOUR) if "1 disk of prod is being" not in text} == set()
        [posted] = [text for text in await world.ticks(3, apart=HOUR) if "same cause (#" in text]
        assert posted == "Warning in prod, of the same cause (#2): The repair of 1 disk of prod makes no progress."
        [alert] = [alert for alert in world.store.firing() if alert.rule == "repair_stuck"]
        assert any("being repaired since" in line for line in lines(alert))
        assert any("20 chunks left, none moved since" in line for line in lines(alert))
        world.cluster.move_chunks(7, 19)
        [moves] = [posted for posted in await world.ticks(1, apart=HOUR) if "Resolved" in posted]
        assert moves.endswith("Disks of prod are being repaired again; 1 disk to go.")


async def test_repair_that_does_not_begin_fires() -> None:
    async with watched({"disk_broken": {"remind": 0}}) as world:
        world.cluster.break_disk(7)
        await world.ticks()
        assert await world.ticks(1, apart=HOUR) == []
        posted = await world.ticks(1, apart=HOUR)
        assert "Warning in prod, of the same cause (#2): The repair of 1 disk of prod makes no progress." in posted
        assert any("its repair has not begun" in line for line in lines(world.store.firing()[-1]))


async def test_stalled_drop_fires() -> None:
    async with watched() as world:
        world.cluster.drop_disk(3)
        assert await world.ticks(6, apart=HOUR) == [
            "Warning in prod: The drop of 1 disk of prod was begun past cmbot: no operation did it."
        ]
        assert await world.ticks(2, apart=HOUR) == ["Warning in prod: The drop of 1 disk of prod makes no progress."]
        world.cluster.repair_disk(3, "dropped")
        ended = await world.ticks(1, apart=60)
        assert any(text.endswith("No disk of prod is being dropped.") for text in ended)
        assert any("disk #3: dropped; safe to pull: no unit left" in text for text in ended)


async def test_full_disks_are_one_space_alert() -> None:
    async with watched() as world:
        world.cluster.fill_space(0.93)
        assert await world.ticks(5, apart=60) == []
        assert await world.ticks(10, apart=60) == ["Critical in prod: 3 % of the space of prod is writable."]
        world.cluster.fill_space(0.5)
        ended = await world.ticks(40, apart=60)
        assert len(ended) == 1
        assert ended[0].endswith("prod has enough writable space again: 25 % of its space.")


async def test_shrinking_space_fires_before_it_is_low() -> None:
    async with watched() as world:
        posted: list[str] = []
        for hours in range(0, 5 * 24, 2):
            world.cluster.fill_space(0.1 + 0.5 * hours / (5 * 24))
            posted += await world.ticks(2, apart=HOUR)
        [first] = [each for each in posted if "writable" in each][:1]
        assert first.startswith("Warning in prod: ")
        assert "of the space of prod is writable; at the pace of the last days it is full in" in first


async def test_volumes_running_out_fires() -> None:
    async with watched() as world:
        world.cluster.set_allocatable(0)
        posted = await world.ticks(20, apart=60)
        assert posted == ["Critical in prod: No volume of prod can be allocated; it has 144 volumes in all."]


@pytest.mark.parametrize(("flavour", "word"), [("v1", "Disable"), ("v3.5", "false")])
async def test_task_off_with_waiting_disks_names_the_fix(flavour: str, word: str) -> None:
    async with watched({"switch_changed": {"enabled": False}}, flavour=flavour) as world:
        world.cluster.set_switch("disk_repair", word)
        assert await world.ticks(20) == []
        world.cluster.break_disk(7)
        posted = await world.ticks(20)
        waits = "1 disk of prod waits to be repaired: background task `disk_repair` is off."
        assert posted[-1] == f"Warning in prod: 1 disk of prod is broken. Of the same cause: {waits}"
        # The alert of the disk and that of the task both offer it.
        assert world.fixes() == ["task enable disk_repair prod"] * 2
        world.cluster.set_switch("disk_repair", "true" if word == "false" else "Enable")
        ended = [text for text in await world.ticks(5) if text.startswith("Resolved")]
        assert ended[0].endswith("Background task `disk_repair` of prod is on again.")


async def test_forgotten_disabled_task_fires_after_a_day() -> None:
    async with watched({"switch_changed": {"enabled": False}}) as world:
        world.cluster.set_switch("balance", "false")
        assert await world.ticks(24, apart=HOUR) == []
        assert await world.ticks(2, apart=HOUR) == [
            "Warning in prod: Background task `balance` of prod has been off for more than 1 d."
        ]
        assert world.fixes() == ["task enable balance prod"]


async def test_switch_value_of_the_old_manual_is_explained() -> None:
    async with watched({"switch_changed": {"enabled": False}}) as world:
        world.cluster.set_switch("balance", "Enable")
        assert await world.ticks(5) == [
            (
                "Warning in prod: The value stored for background task `balance` of prod is invalid: services "
                "treat it as off."
            )
        ]
        assert world.fixes() == ["task enable balance prod"]
        world.cluster.set_switch("balance", "true")
        assert (await world.ticks(5))[0].endswith("Background task `balance` of prod is on now.")


async def test_switch_changed_elsewhere_is_announced() -> None:
    async with watched() as world:
        world.cluster.set_switch("balance", "false")
        assert await world.ticks(5) == [
            ("Warning in prod: Background task `balance` of prod was switched from on to off outside cmbot.")
        ]
        ended = await world.ticks(2, apart=HOUR)
        assert ended[-1].endswith("The switches of prod have not changed again; see `/cm tasks`.")


async def test_switch_changed_by_an_operation_has_no_alert() -> None:
    async def by_operation(changes: Sequence[Change]) -> Causes:
        return dict.fromkeys(changes, (12, "U0AVA"))

    async with watched() as world:
        world.explain = by_operation
        world.cluster.set_switch("balance", "false")
        assert await world.ticks(30, apart=60) == []
        [change] = world.store.state.cluster_states["prod"]["switch_changes"]
        assert (change["key"], change["op"], change["approved"]) == ("balance", 12, "U0AVA")


async def test_switch_initialised_by_a_service_is_no_change() -> None:
    async with watched(data=Data()) as world:
        for task in ("balance", "disk_drop"):
            world.cluster.set_switch(task, "false")
        assert await world.ticks(5) == []


async def test_hostile_values_reach_the_channel_harmless() -> None:
    async with watched() as world:
        world.cluster.set_switch("balance", "<!channel>\n*all* <@U1>")
        await world.ticks(5)
        shown = str(world.store.state.outbox)
        assert "balance" in shown
        assert "<!channel>" not in shown
        assert "<@U1>" not in shown
