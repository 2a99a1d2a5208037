"""What the watch commits for receivers outside Slack, and what it makes of the alerts of an Alertmanager."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.alerting.external import ExternalAlert
from bot.alerting.model import AlertState, Severity, Silence
from bot.alerting.receivers import OutputAlert, Receiver, ReceiverKind
from bot.alerting.rules.thresholds import configure
from bot.watch.decommission import close_gone
from bot.watch.output_rows import reconcile
from tests.support.observed_store import ObservedStore
from tests.support.watch_builders import disk
from tests.support.watch_harness import World, with_disks

HOOK = Receiver("hook", ReceiverKind.WEBHOOK)
RULES = configure({"disk_broken": {"hold": 0, "clear": 0}})


async def owed(store: ObservedStore, receiver: str = "hook") -> list[OutputAlert]:
    """What the receiver must get, oldest first; it counts as delivered then."""
    async with store.begin() as uow:
        claims = await uow.outputs.claim(receiver, "test", 2e9, 60.0, 100)
        await uow.outputs.delivered(claims, "test", 2e9, 0.0)
    return [each.alert for each in claims]


def facts(alerts: Sequence[OutputAlert]) -> list[tuple[str, str]]:
    return [(alert.rule, alert.state.value) for alert in alerts]


@pytest.fixture
def world(store: ObservedStore) -> World:
    store.receivers = (HOOK,)
    made = World(store)
    made.watched = replace(made.watched, rules=RULES, external=True)
    made.start()
    return made


async def test_an_alert_and_its_end_are_owed_with_it(world: World) -> None:
    await world.ticks(2)
    world.see = with_disks(disk(7))
    await world.ticks(2)
    (alert,) = await owed(world.store)
    assert (alert.cluster, alert.rule, alert.state) == ("prod", "disk_broken", AlertState.FIRING)
    assert alert.summary.startswith("1 disk of prod is broken")
    assert "`" not in alert.summary
    world.see = with_disks()
    await world.ticks(3)
    (over,) = await owed(world.store)
    assert (over.key, over.state) == (alert.key, AlertState.RESOLVED)
    assert over.resolved_at > over.since
    assert over.outcome


async def test_a_lost_transaction_owes_nothing_and_the_next_tick_does(world: World) -> None:
    await world.ticks(2)
    world.see = with_disks(disk(7))
    world.store.fail_commit = True
    await world.ticks(1)
    assert await owed(world.store) == []
    await world.ticks(1)
    assert facts(await owed(world.store)) == [("disk_broken", "firing")]


async def test_what_a_silence_keeps_back_is_not_owed(world: World) -> None:
    await world.ticks(2)
    await world.store.silence(Silence("prod", "disk_broken", "", world.now + 3600, "U1", created_at=world.now))
    world.see = with_disks(disk(7))
    await world.ticks(3)
    assert await owed(world.store) == []


async def test_a_new_receiver_gets_the_open_alerts(world: World) -> None:
    await world.ticks(2)
    world.see = with_disks(disk(7))
    await world.ticks(2)
    other = replace(HOOK, name="other")
    await reconcile(world.store, [HOOK, other])
    assert facts(await owed(world.store, "other")) == [("disk_broken", "firing")]
    await reconcile(world.store, [HOOK, other])
    assert await owed(world.store, "other") == []


async def test_the_end_of_a_removed_cluster_is_owed(world: World) -> None:
    await world.ticks(2)
    world.see = with_disks(disk(7))
    await world.ticks(2)
    await owed(world.store)
    await close_gone(world.store, {"other"}, {"C1"}, world.now + 60)
    assert facts(await owed(world.store)) == [("disk_broken", "resolved")]


def reported(number: int, now: float, **changed: object) -> ExternalAlert:
    alert = ExternalAlert(
        "prod",
        f"{number:016x}",
        firing=True,
        name="HighLatency",
        severity="page",
        summary="<!channel> `p99` is 2 s",
        labels=(("job", "access"),),
        received_at=now,
        expires_at=now + 3600,
    )
    return replace(alert, **changed)  # type: ignore[arg-type]  # a table of fields


async def receive(world: World, *alerts: ExternalAlert) -> None:
    async with world.store.begin() as uow:
        await uow.external_alerts.put(alerts)
    world.watch.invalidate()


async def test_a_reported_alert_fires_with_the_next_poll_and_ends_with_its_report(world: World) -> None:
    await world.ticks(2)
    await receive(world, reported(1, world.now))
    (posted,) = await world.ticks(1)
    assert "HighLatency" in posted
    assert "<!channel>" not in posted
    (alert,) = world.store.firing()
    assert (alert.rule, alert.subject, alert.severity) == ("external", f"{1:016x}", Severity.CRITICAL)
    assert await world.ticks(2) == []  # the same report is no news
    await receive(world, reported(1, world.now, firing=False))
    await world.ticks(1)
    assert world.store.firing() == []
    assert facts(await owed(world.store)) == [("external", "resolved")]


async def test_a_report_that_is_not_repeated_expires(world: World) -> None:
    await world.ticks(2)
    await receive(world, reported(1, world.now))
    await world.ticks(1)
    world.now += 3600
    posted = await world.ticks(2)
    assert any("has not reported" in text for text in posted)
    assert world.store.firing() == []


async def test_many_reports_are_a_storm(world: World) -> None:
    """They share one message from the seventh on, as those of the rules do."""
    await world.ticks(2)
    await receive(world, *(reported(number, world.now) for number in range(1, 21)))
    await world.ticks(1)
    grouped = [alert for alert in world.store.firing() if alert.notes.group]
    assert len(world.store.firing()) == 20
    assert len(grouped) == 14


async def test_a_restart_between_two_reports_repeats_nothing(world: World) -> None:
    await world.ticks(2)
    await receive(world, reported(1, world.now))
    await world.ticks(1)
    world.start()
    assert await world.ticks(3) == []
    assert len(world.store.firing()) == 1


async def test_without_the_setting_nothing_is_taken_and_what_is_open_ends(world: World) -> None:
    await world.ticks(2)
    await receive(world, reported(1, world.now))
    await world.ticks(1)
    world.watched = replace(world.watched, external=False)
    world.start()
    await world.ticks(3)
    assert world.store.firing() == []
