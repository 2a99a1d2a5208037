"""The tick of the watch over a real store, and what a channel sees of it."""

from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.alerting.holding import hold
from bot.alerting.model import AlertState, Silence
from bot.alerting.transition import Transition
from bot.clustermgr.models import Disk, Snapshot
from bot.views.alert_text.table import alert_text
from bot.watch.publisher import publish_one
from tests.support.observed_store import ObservedStore
from tests.support.watch_builders import dark, disk, polled
from tests.support.watch_harness import World, with_disks


@pytest.fixture
async def world(store: ObservedStore) -> World:
    """A healthy cluster, watched for a while."""
    made = World(store)
    assert await made.ticks(3) == []
    return made


async def test_broken_disk_fires_with_the_next_poll(world: World) -> None:
    world.see = with_disks(disk(7))
    assert await world.ticks() == ["Warning in prod: 1 disk of prod is broken."]
    assert world.woken == 1
    channel, shown, parent, _ = world.store.state.outbox["alert:1"]
    assert (channel, parent) == ("C1", None)
    assert "disk #7 on `http://10.0.1.7:8889`, path `/data/7`, zone `z0`: broken" in str(shown["blocks"])


async def test_broken_disk_is_one_message_with_its_thread(world: World) -> None:
    world.see = with_disks(disk(7))
    await world.ticks(4)
    world.see = with_disks(disk(7), disk(9))
    assert await world.ticks(3) == [
        "Warning in prod: 2 disks of prod are broken.",
        "Warning, worse than before in prod: 2 disks of prod are broken.",
    ]
    world.see = with_disks(disk(9, 3))
    assert await world.ticks(3) == ["Warning in prod: 1 disk of prod is being repaired."]
    world.see = lambda at: replace(polled(at), chunks={9: 0})
    ended = "Resolved in prod after 2 min 30 s: Disk #9 of prod was repaired."
    assert await world.ticks(3) == [ended, ended]
    assert set(world.store.state.outbox) == {"alert:1", "alert:1:line:2", "alert:1:line:4"}
    assert world.store.state.outbox["alert:1:line:2"][2:] == ("alert:1", True)


async def test_new_leader_is_announced_but_not_a_new_term(world: World) -> None:
    world.see = lambda at: polled(at, term=9)
    assert await world.ticks(3) == []
    world.see = lambda at: polled(at, leader=2, term=10)
    assert await world.ticks(3) == ["Warning in prod: The leader of prod changed from peer 1 to peer 2 in term 10."]
    ended = await world.ticks(60)
    assert ended[0] == (
        "Resolved in prod after 10 min: The leader of prod has not changed again: peer 2 has led for 10 min."
    )


async def test_member_removed_elsewhere_fires(world: World) -> None:
    world.causes[3] = (12, "U1")
    world.see = lambda at: polled(at, members=(1, 2, 4))
    assert await world.ticks(3) == [
        ("Warning in prod: The members of prod changed outside cmbot: peer 4 (`10.0.0.4:10110`) joined as a voter.")
    ]
    assert [change["op"] for change in world.store.state.cluster_states["prod"]["member_changes"]] == [12, 0]


async def test_change_while_down_is_announced_once(world: World) -> None:
    world.now += 7200
    world.see = lambda at: polled(at, leader=3, term=8)
    world.start()
    assert await world.ticks(5) == [
        (
            "Warning in prod: While cmbot did not poll (for 2 h at most), the leader of prod changed from "
            "peer 1 to peer 3 in term 8."
        )
    ]
    world.start()
    assert await world.ticks(5) == []


async def test_change_during_a_short_restart_is_announced(world: World) -> None:
    """The change was not observed, however soon the next process polls."""
    world.see = lambda at: polled(at, leader=3, term=8)
    world.start()
    assert await world.ticks(3) == [
        (
            "Warning in prod: While cmbot did not poll (for 45 s at most), the leader of prod changed from "
            "peer 1 to peer 3 in term 8."
        )
    ]


async def test_restart_repeats_and_loses_nothing(world: World) -> None:
    world.see = with_disks(disk(7))
    await world.ticks(2)
    for _ in range(3):
        world.start()
        assert await world.ticks(3) == []
    world.see = with_disks(disk(7), disk(8))
    world.start()
    assert len(await world.ticks(3)) == 2
    world.see = polled
    world.start()
    assert (await world.ticks(3))[0].startswith("Resolved in prod")


async def test_unchanged_poll_writes_once_a_minute(world: World) -> None:
    await world.ticks(4)
    before = world.store.writes
    await world.ticks(40)
    assert world.store.writes - before == 10
    assert world.store.state.cluster_states["prod"]["at"] > world.now - 60


async def test_lost_transaction_is_repeated_by_the_next_poll(world: World) -> None:
    world.see = with_disks(disk(7))
    world.store.fail_commit = True
    with capture_logs() as logs:
        assert await world.ticks() == []
    assert [(entry["event"], entry["cluster"]) for entry in logs] == [("tick_failed", "prod")]
    assert (world.watch.health.failures, world.woken) == (1, 0)
    assert await world.ticks() == ["Warning in prod: 1 disk of prod is broken."]
    assert world.watch.health.failures == 0


async def test_leader_change_during_store_outage_is_announced_later(world: World) -> None:
    world.store.down = True
    world.see = lambda at: polled(at, leader=2, term=6)
    with capture_logs():
        assert await world.ticks(3) == []
    assert world.watch.health.failed_total == 3
    world.store.down = False
    assert len(await world.ticks(3)) == 1


async def test_watch_survives_a_failing_poll(world: World) -> None:
    def broken(_: float) -> Snapshot:
        raise ValueError("a mistake of ours")

    world.see = broken
    with capture_logs() as logs:
        await world.ticks(2)
    assert [entry["failures"] for entry in logs] == [1, 2]
    world.see = with_disks(disk(7))
    assert len(await world.ticks()) == 1


async def test_unreachable_cluster_keeps_its_disk_alerts(world: World) -> None:
    world.see = with_disks(disk(7))
    await world.ticks()
    world.see = dark
    assert await world.ticks(20) == [
        "Critical in prod: prod is unreachable: none of its 3 hosts gave a usable answer. Its state is unknown."
    ]
    world.see = with_disks(disk(7))
    ended = await world.ticks(20)
    assert {text.partition(":")[2] for text in ended} == {" prod answers again: 3 of 3 hosts."}


async def test_no_leader_inhibits_its_consequences(world: World) -> None:
    dead = {2: {"active": False}, 3: {"active": False}}
    world.see = lambda at: polled(at, peers=dead)
    await world.ticks(2)
    world.see = lambda at: polled(at, leader=0, silent=(2,))
    posted = await world.ticks(10)
    assert posted[0].startswith("Critical in prod: prod accepts no writes: it has no leader. 2 of 3 hosts answer")
    assert [text for text in posted if "down" in text or "quorum" in text] == []


async def test_counters_alone_never_resolve_and_never_take_names_away(world: World) -> None:
    world.see = with_disks(disk(7), disk(8))
    await world.ticks()
    for broken in (0, 1, 2):
        world.see = lambda at, broken=broken: polled(at, bad=None, broken=broken)  # type: ignore[misc]
        assert await world.ticks(50) == []
    world.see = lambda at: polled(at, bad=None, broken=3)
    assert "3 disks of prod are broken, by the leader's counters" in (await world.ticks())[0]


async def test_muted_alert_is_announced_when_the_silence_ends(world: World) -> None:
    await world.store.silence(Silence("prod", "disk_broken", "", world.now + 100, "U1"))
    world.see = with_disks(disk(7))
    assert await world.ticks(5) == []
    assert len(await world.ticks(3)) == 2


async def test_acknowledgement_between_polls_is_kept(world: World) -> None:
    world.see = with_disks(disk(7), disk(8))
    await world.ticks()
    async with world.store.begin() as uow:
        [alert] = await uow.alerts.open("prod")
        transition = hold(alert, "U1", world.now)
        assert isinstance(transition, Transition)
        await publish_one(
            uow, replace(transition, new=await uow.alerts.save(transition.new, alert_text(transition.new))), "C1"
        )
    world.see = with_disks(disk(8))
    assert len(await world.ticks(3)) == 1
    [held] = world.store.firing()
    assert held.state is AlertState.ACKNOWLEDGED
    assert "acknowledged by <@U1>" in str(world.store.state.outbox["alert:1"][1])


async def test_fast_polls_still_prove_a_voter_over_three_seconds(store: ObservedStore) -> None:
    world = World(store)
    await world.ticks(10, apart=0.5)
    world.see = lambda at: polled(at, peers={3: {"active": False}})
    posted = await world.ticks(120, apart=0.5)
    assert any("prod is one failure from losing writes" in text for text in posted)
    assert len(world.watch._snapshots) < 10


async def test_measurements_are_kept_every_ten_minutes(world: World) -> None:
    await world.ticks(100)
    times = [at for _, at, _ in world.store.state.samples]
    assert [time - times[0] for time in times] == [0, 600, 1200]
    assert world.store.state.samples[0][2].bad_disks == 0


async def test_foreign_keys_of_the_stored_state_are_kept(world: World) -> None:
    await world.store.edit_cluster_state("prod", other={"kept": True})
    await world.ticks(8)
    kept: Any = world.store.state.cluster_states["prod"]["other"]
    assert kept == {"kept": True}


async def test_hostile_text_reaches_the_channel_harmless(world: World) -> None:
    evil = Disk(disk_id=7, status=2, host="<!channel>&", path="\n*all*", idc="<@U1>")
    world.see = with_disks(evil)
    await world.ticks()
    shown = str(world.store.state.outbox["alert:1"][1]["blocks"])
    assert "<!channel>" not in shown
    assert "<@U1>" not in shown
    assert "&lt;!channel&gt;&amp;" in shown
