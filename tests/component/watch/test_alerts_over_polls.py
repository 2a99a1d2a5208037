"""What a channel sees of an alert that gets new parts, and of alerts beside one another, over several polls."""

from dataclasses import replace

from bot.alerting.grouping import GroupingLimits
from tests.support.observed_store import ObservedStore
from tests.support.watch_builders import dark, disk, polled, switched, with_switches
from tests.support.watch_harness import World, with_disks


async def test_second_leader_crash_is_shown_in_the_channel(store: ObservedStore) -> None:
    world = World(store)
    await world.ticks(3)
    world.see = lambda at: polled(at, leader=2, term=6)
    await world.ticks()
    world.see = lambda at: polled(at, leader=3, term=7)
    posted = await world.ticks()
    assert posted[-1].startswith("Warning, worse than before in prod: The leader of prod changed 2 times")
    assert world.store.state.outbox["alert:1:line:2"][2:] == ("alert:1", True)


async def test_new_warning_in_a_storm_stays_in_the_group_thread(store: ObservedStore) -> None:
    world = World(store)
    world.watched = replace(world.watched, limits=GroupingLimits(cluster=0, channel=10))
    world.start()
    await world.ticks(3)
    world.see = with_disks(disk(7))
    await world.ticks()
    world.see = with_disks(disk(7), disk(9))
    await world.ticks()
    lines = {slot: row for slot, row in world.store.state.outbox.items() if ":line:" in slot}
    assert lines
    assert not [slot for slot, row in lines.items() if row[3]]


async def test_switch_changed_elsewhere_is_not_inhibited_by_another(store: ObservedStore) -> None:
    world = World(store)
    world.see = switched
    await world.ticks(3)
    world.see = lambda at: switched(at, shard_repair="Enable")
    posted = await world.ticks(4)
    meaningless = "The value stored for background task `shard_repair` of prod is invalid: "
    assert posted == [f"Warning in prod: {meaningless}services treat it as off."]
    world.see = lambda at: switched(at, shard_repair="Enable", balance="false")
    switched_off = "Background task `balance` of prod was switched from on to off"
    assert await world.ticks() == [f"Warning in prod: {switched_off} outside cmbot."]


async def test_second_meaningless_value_is_announced(store: ObservedStore) -> None:
    world = World(store)
    world.see = lambda at: switched(at, shard_repair="Enable")
    await world.ticks(3)
    world.see = lambda at: switched(at, shard_repair="Disable")
    assert [text for text in await world.ticks() if "worse than before" in text and "shard_repair" in text]


async def test_unreachable_cluster_adds_no_disk_alert(store: ObservedStore) -> None:
    world = World(store)
    world.see = lambda at: with_switches(polled(at))
    await world.ticks(4)
    world.see = lambda at: with_switches(polled(at, bad=(disk(7),)), disk_repair="false")
    before = await world.ticks(2)
    assert not [text for text in before if "background task `disk_repair` is off" in text]
    world.see = dark
    posted = await world.ticks(40)
    assert posted == [
        "Critical in prod: prod is unreachable: none of its 3 hosts gave a usable answer. Its state is unknown."
    ]
    world.see = lambda at: with_switches(polled(at, bad=(disk(7),)), disk_repair="false")
    after_light = await world.ticks(4)
    assert not [text for text in after_light if "disk_repair" in text]
    assert [
        text
        for text in await world.ticks(6)
        if "1 disk of prod waits to be repaired: background task `disk_repair` is off" in text
    ]
