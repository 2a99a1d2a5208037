"""Background work over a simulated cluster and real sockets: progress in place, silent schedulers, failing tasks."""

import ipaddress
import re
from dataclasses import replace
from typing import Any

import pytest

from bot.alerting.cluster_state.state import ClusterNote
from bot.clustermgr.scheduler_client import AllowedSchedulers
from bot.playground.clustermgr_sim import Timing, VirtualClock
from bot.views.alerts import card
from tests.support.alert_words import lines
from tests.support.cluster_world import World, watched
from tests.support.in_memory_ports import FakeCluster, typed
from tests.support.view_samples import seen

LOOPBACK = AllowedSchedulers(networks=(ipaddress.ip_network("127.0.0.0/8"),))
SHAPES = pytest.mark.parametrize("flavour", ["v3.5", "master"])
SLOW = Timing(collect=5, unit_move=30, refresh=0)
"""Two units leave a disk in a minute."""
DISK, UNITS = 7, 42
EC3P3 = 11


def options(**more: Any) -> dict[str, Any]:
    return {"clock": VirtualClock(), "timing": SLOW, "schedulers": 1, "allowed": LOOPBACK, **more}


def progress(world: World) -> str:
    """The line of the disk in its alert."""
    [alert] = [each for each in world.store.firing() if each.rule == "disk_broken"]
    return next(line for line in lines(alert) if f"#{DISK}" in line)


async def asked(world: World, command: str) -> str:
    """All that a person sees of the answer to a command that uses what the watch keeps."""
    state, latest = world.watch.state, world.watch.latest
    assert latest is not None
    switches = {key: note.value for key, note in state.switches.items()}
    cluster = FakeCluster(seen=[replace(latest, switches=switches)], api=world.api)
    [reply] = await typed(command, cluster, remembered={"prod": ClusterNote.of(state)}, now=world.now)
    return seen(reply.message)


def about(posted: list[str], word: str) -> list[str]:
    return [each for each in posted if word in each]


@SHAPES
async def test_repair_shows_its_progress_until_it_is_done(flavour: str) -> None:
    async with watched(**options(flavour=flavour)) as world:
        world.cluster.break_disk(DISK)
        [broken] = about(await world.ticks(1, apart=2), "broken")
        assert broken.startswith("Warning in prod: 1 disk of prod is broken")
        await world.ticks(4)
        assert f"of {UNITS} units left" in progress(world)
        versions = [alert.version for alert in world.store.firing()]
        assert await world.ticks(20, apart=30) == ["Warning in prod: 1 disk of prod is being repaired."]
        shares = re.search(r"(\d+) %", progress(world))
        assert shares is not None
        assert 40 <= int(shares[1]) <= 60
        assert re.search(r"at (1\.9|2|2\.1) units a minute over the last (9|10) min", progress(world))
        assert re.search(r"about \d+ min", progress(world))
        [alert] = world.store.firing()
        # The message is edited about once a minute, although a poll comes every 30 s.
        assert 5 <= alert.version - versions[0] <= 12
        listed = await asked(world, "repairs")
        assert "prod: 1 disk being repaired." in listed
        assert f"of {UNITS} tasks done" in listed
        assert "units a minute over the last" in listed
        assert "on: repairing 1 disk" in await asked(world, "tasks")
        ended = await world.ticks(18, apart=60)
        assert about(ended, f"Disk #{DISK} of prod was repaired.")
        assert "No disk of prod is being repaired or emptied." in await asked(world, "repairs")


async def test_drop_shows_its_progress_to_the_end() -> None:
    async with watched(**options()) as world:
        world.cluster.drop_disk(DISK)
        await world.ticks(10, apart=60)
        listed = await asked(world, "repairs")
        assert "prod: 1 disk being emptied." in listed
        assert "drop" in listed
        assert "units a minute over the last" in listed
        assert "on: emptying 1 disk" in await asked(world, "tasks")
        await world.ticks(20, apart=60)
        assert "No disk of prod is being repaired or emptied." in await asked(world, "repairs")


async def test_stalled_repair_says_so_and_estimates_nothing() -> None:
    async with watched(**options()) as world:
        world.cluster.break_disk(DISK)
        await world.ticks(3, apart=60)
        await world.cluster.stop_scheduler()
        await world.ticks(15, apart=60)
        assert "no unit moved since" in progress(world)
        assert "about" not in progress(world)
        listed = await asked(world, "repairs")
        assert re.search(r"no unit moved for 1\d min", listed)
        assert "`disk_repair` is on, but no scheduler is registered; 1 disk waits to be repaired." in listed


async def test_scheduler_that_is_gone_is_announced_and_ends() -> None:
    async with watched(**options()) as world:
        await world.cluster.stop_scheduler()
        assert not about(await world.ticks(4, apart=60), "scheduler")
        [gone] = about(await world.ticks(3, apart=60), "No scheduler")
        assert gone.startswith("Warning in prod: No scheduler of prod is registered: background tasks `disk_repair`, ")
        assert "on, but no scheduler is registered" in await asked(world, "tasks")
        await world.cluster.start_scheduler()
        [ended] = about(await world.ticks(4, apart=60), "Resolved")
        assert "The schedulers of prod answer again" in ended


async def test_restarted_scheduler_is_not_announced() -> None:
    async with watched(**options()) as world:
        for _ in range(3):
            await world.cluster.stop_scheduler()
            await world.ticks(2, apart=60)
            await world.cluster.start_scheduler()
            await world.ticks(3, apart=60)
        assert not world.store.posted


async def test_registered_scheduler_that_does_not_answer_is_announced() -> None:
    async with watched(**options()) as world:
        await world.cluster.stop_scheduler(registered=True)
        [gone] = about(await world.ticks(7, apart=60), "does not answer")
        assert gone.startswith("Warning in prod: The scheduler of prod does not answer: background tasks ")
        assert "on, but no scheduler answers" in await asked(world, "tasks")


async def test_one_silent_scheduler_of_two_is_an_info() -> None:
    async with watched(**options(schedulers=2)) as world:
        await world.cluster.stop_scheduler(1, registered=True)
        [gone] = about(await world.ticks(7, apart=60), "not answer")
        assert gone == "Info in prod: 1 of 2 schedulers of prod does not answer; others work."


async def test_registered_scheduler_is_not_asked_by_itself() -> None:
    """Without a setting no statistics are read; what is not known is said."""
    async with watched(**options(allowed=AllowedSchedulers())) as world:
        await world.cluster.stop_scheduler(registered=True)
        assert not await world.ticks(7, apart=60)
        assert not len(world.cluster.scheduler_log)
        shown = await asked(world, "tasks")
        assert "on; not known (no scheduler is configured)" in shown
        assert "1 scheduler is registered. None is asked for its statistics" in shown


@pytest.mark.parametrize("flavour", ["v1", "master"])
async def test_no_switch_that_is_on_needs_no_scheduler(flavour: str) -> None:
    async with watched(**options(flavour=flavour)) as world:
        off = "Disable" if flavour == "v1" else "false"
        for key in list(world.cluster.data.kv):
            world.cluster.set_switch(key, off)
        await world.ticks(2, apart=60)
        await world.cluster.stop_scheduler()
        assert not about(await world.ticks(8, apart=60), "scheduler")


@SHAPES
async def test_failing_task_is_announced_with_its_errors_and_ends(flavour: str) -> None:
    async with watched(**options(flavour=flavour)) as world:
        world.cluster.fail_tasks("shard_repair", 12, "disk broken <!channel>")
        assert not about(await world.ticks(3, apart=60), "fails")
        [failing] = about(await world.ticks(3, apart=60), "fails")
        assert failing == "Warning in prod: Background task `shard_repair` of prod fails: 12 failures in a minute."
        [alert] = [each for each in world.store.firing() if each.rule == "tasks_failing"]
        assert (alert.subject, lines(alert)) == ("shard_repair", ("error: `disk broken <!channel>`",))
        assert "<!channel>" not in str(card(alert).to_json())
        assert "on, failing: 12 a minute: disk broken" in await asked(world, "tasks")
        world.cluster.fail_tasks("shard_repair", 0)
        [ended] = about(await world.ticks(6, apart=60), "Resolved")
        assert "Background task `shard_repair` of prod no longer fails" in ended


async def test_margins_may_be_smaller_while_shards_are_not_rebuilt() -> None:
    """The alert of the volumes says so while the task is on and fails, and while no scheduler is registered."""
    async with watched({"volumes_low": {"enabled": False}}, **options()) as world:
        volume = next(each for each in world.cluster.data.volumes if each.code_mode == EC3P3)
        world.cluster.set_switch("disk_repair", "false")
        for unit in volume.units[:2]:
            world.cluster.break_disk(unit.disk_id)
        await world.ticks(3, apart=60)
        assert "smaller" not in margin(world)
        world.cluster.fail_tasks("shard_repair", 12)
        await world.ticks(3, apart=60)
        assert margin(world).startswith("`shard_repair` fails: new blobs may already lack up to 1 unit")
        await world.cluster.stop_scheduler()
        await world.ticks(3, apart=60)
        assert margin(world).startswith("`shard_repair` is on, but no scheduler is registered: new blobs may already")
        asked_disk = await asked(world, f"disk {volume.units[5].disk_id}")
        assert "`shard_repair` is on, but no scheduler is registered" in asked_disk


def margin(world: World) -> str:
    """The first line of the alert about volumes at risk."""
    [alert] = [each for each in world.store.firing() if each.rule == "volumes_at_risk"]
    return lines(alert)[0].replace("`S", "`s")


async def test_few_failures_are_not_announced() -> None:
    async with watched(**options()) as world:
        world.cluster.fail_tasks("blob_delete", 2)
        assert not await world.ticks(8, apart=60)


async def test_progress_and_schedulers_are_known_after_a_restart() -> None:
    async with watched(**options()) as world:
        world.cluster.break_disk(DISK)
        await world.ticks(10, apart=60)
        before = progress(world)
        world.__post_init__()
        await world.ticks(1)
        assert "units a minute over the last" in progress(world)
        assert before.partition(" %")[0][:40] == progress(world).partition(" %")[0][:40]
