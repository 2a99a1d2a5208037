"""People act on a message with several alerts of one cause: acknowledge, silence; and the calls of a folded one."""

import json
from collections.abc import Callable
from typing import Any

from bot.alerting.escalation import Escalation
from bot.alerting.model import AlertState
from bot.clustermgr.models import Snapshot
from bot.watch.alert_actions import AlertActions
from bot.watch.decommission import close_gone
from tests.support.observed_store import ObservedStore
from tests.support.watch_builders import disk, polled, switched, with_switches
from tests.support.watch_harness import World

DEAD = {"active": False}


def actions(world: World) -> AlertActions:
    return AlertActions(world.store, lambda: None, lambda: world.now, {"prod": "C1"})


def killed(at: float) -> Snapshot:
    return polled(at, leader=2, term=6, silent=(1,), peers={1: {"state": "StateProbe", "match": 0, **DEAD}})


def waiting(at: float) -> Snapshot:
    """A broken disk, and its repair switched off."""
    return switched(at, disk_repair="false")


async def watched(store: ObservedStore, see: Callable[[float], Snapshot], times: int, **changes: Any) -> World:
    world = World(store)
    for name, value in changes.items():
        object.__setattr__(world.watched, name, value)
    world.see = lambda at: with_switches(polled(at))
    await world.ticks(3)
    world.see = see
    await world.ticks(times)
    return world


def by_rule(world: World) -> dict[str, Any]:
    return {alert.rule: alert for alert in world.store.state.alerts.values() if alert.open and alert.fired_at}


async def test_acknowledgement_of_the_message_is_for_all_its_alerts(store: ObservedStore) -> None:
    world = await watched(store, waiting, 12)
    held = by_rule(world)
    first, other = held["disk_broken"], held["task_off_with_work"]
    assert other.notes.folded == first.pair
    done = await actions(world).acknowledge(first.id, "U1")
    assert [each.id for each in await actions(world).acknowledged_with(done)] == [other.id]
    assert {by_rule(world)[name].state for name in ("disk_broken", "task_off_with_work")} == {AlertState.ACKNOWLEDGED}
    async with store.read() as uow:
        rows = [row for row in await uow.audit.newest(limit=10) if row.action == "alert.acknowledged"]
    assert sorted(json.loads(row.detail)["alert"] for row in rows) == sorted([first.id, other.id])
    assert f"alert:{other.id}" not in store.state.outbox
    again = await world.ticks(4)
    assert again == []


async def test_silence_of_the_message_mutes_all_its_alerts_until_they_end(store: ObservedStore) -> None:
    world = await watched(store, waiting, 12)
    first = by_rule(world)["disk_broken"]
    await actions(world).silence_alert(first.id, seconds=None, by="U1", key="k")
    assert all(alert.notes.muted for name, alert in by_rule(world).items() if name != "switch_changed")
    assert len(await actions(world).silences()) == 2
    assert await world.ticks(4) == []
    world.see = lambda at: with_switches(polled(at, bad=(disk(7),)), disk_repair="true")
    await world.ticks(2)
    assert "task_off_with_work" not in by_rule(world)
    assert len(await actions(world).silences()) == 1


async def test_alert_that_must_be_named_gets_its_own_message_when_the_first_is_silenced(store: ObservedStore) -> None:
    world = await watched(store, killed, 8)
    held = by_rule(world)
    assert held["quorum_at_risk"].notes.folded == ("leader_changed", "")
    await actions(world).silence_alert(held["leader_changed"].id, seconds=3600, by="U1", key="k")
    posted = await world.ticks(1)
    assert any(text.startswith("Critical in prod: prod is one failure from losing writes") for text in posted)
    risk = by_rule(world)["quorum_at_risk"]
    assert (risk.notes.folded, risk.fired_at) == (None, held["quorum_at_risk"].fired_at)
    assert f"alert:{risk.id}" in store.state.outbox
    assert any("has a separate message now" in text for text in posted)


async def test_folded_alert_calls_by_its_own_severity(store: ObservedStore) -> None:
    world = await watched(store, killed, 8, escalation=Escalation("S0ONCALL", 60))
    await world.ticks(2)
    called = [text for text in store.posted if "<!subteam^S0ONCALL>" in text]
    assert len(called) == 1
    assert "one failure from losing writes" in called[0]
    risk, first = by_rule(world)["quorum_at_risk"], by_rule(world)["leader_changed"]
    replies = [row for key, row in store.state.outbox.items() if key.startswith(f"alert:{risk.id}:line:")]
    assert {row[2] for row in replies} == {f"alert:{first.id}"}


async def test_removed_cluster_closes_folded_alerts_in_their_message(store: ObservedStore) -> None:
    world = await watched(store, waiting, 12)
    first, other = by_rule(world)["disk_broken"], by_rule(world)["task_off_with_work"]
    number = len(by_rule(world))
    assert await close_gone(store, (), (), world.now)
    assert store.posted[-1].endswith(f"Closed: {number} alerts.")
    assert f"alert:{other.id}" not in store.state.outbox
    shown = json.dumps(store.state.outbox[f"alert:{first.id}"][1], ensure_ascii=False)
    assert f"✅ #{other.id}: " in shown
    assert store.state.outbox[f"alert:{other.id}:line:{other.version + 1}"][2] == f"alert:{first.id}"
