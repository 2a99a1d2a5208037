"""Alerts, silences, cluster state and operations: values round-trip, and no update is lost."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest
from sqlalchemy import Executable, update

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.grouping import ChannelHistory
from bot.alerting.model import Alert, AlertState, AlertText, EnableTask, EngineNotes, LegacyDetail, Severity, Silence
from bot.common.errors import Conflict
from bot.operations.model import ObservedState, Operation, OpState, advance
from bot.operations.requests import TaskSwitch
from bot.operations.step_facts import LegacyWords, PeerLeads
from bot.store import schema
from bot.store.database import Store
from bot.store.session import Session
from bot.views.alert_text.table import alert_text
from bot.views.step_text import WORDING

ALERT = Alert(
    cluster="prod",
    rule="disk_broken",
    subject="",
    state=AlertState.FIRING,
    severity=Severity.CRITICAL,
    detail=LegacyDetail("2 disks are broken.", ("disk 7 on <10.0.0.1>", "disk 9")),
    since=100.5,
    weight=2,
    parts=("7", "9"),
    fix=EnableTask("disk_repair"),
    fired_at=115.0,
    clear_since=0.0,
    changed_at=120.25,
    acked_by="U1",
    version=1,
)
OPERATION = Operation(
    cluster="prod",
    request=TaskSwitch("balance", on=False),
    requester="U1",
    created_at=100.0,
    expires_at=1000.0,
    seen=ObservedState(leader="cm1:9998"),
    channel="C1",
    reason="maintenance",
)


def worded(alert: Alert) -> tuple[Alert, AlertText]:
    return alert, alert_text(alert)


async def test_alert_round_trips(store: Store) -> None:
    async with store.begin() as uow:
        saved = await uow.alerts.save(*worded(ALERT))
    assert saved.id == 1
    async with store.read() as uow:
        assert await uow.alerts.get(saved.id) == saved == replace(ALERT, id=saved.id)
        assert await uow.alerts.get(saved.id + 1) is None


async def test_hostile_text_is_stored_without_refused_characters(store: Store) -> None:
    nasty = "host\x00\ud800<!channel>'; DROP TABLE alerts; --"
    alert = replace(ALERT, detail=LegacyDetail(nasty, (nasty,)), parts=(nasty,), acked_by=nasty)
    async with store.begin() as uow:
        saved = await uow.alerts.save(*worded(alert))
    async with store.read() as uow:
        read = await uow.alerts.get(saved.id)
    clean = "host\ufffd\ufffd<!channel>'; DROP TABLE alerts; --"
    assert read is not None
    assert (read.detail, read.parts, read.acked_by) == (LegacyDetail(clean, (clean,)), (clean,), clean)


async def test_next_version_of_an_alert_is_saved_once(store: Store) -> None:
    async with store.begin() as uow:
        saved = await uow.alerts.save(*worded(ALERT))
    newer = replace(saved, version=saved.version + 1, acked_by="U2", state=AlertState.ACKNOWLEDGED)
    async with store.begin() as uow:
        await uow.alerts.save(*worded(newer))
    with pytest.raises(Conflict):
        async with store.begin() as uow:
            await uow.alerts.save(*worded(replace(newer, acked_by="U3")))
    async with store.read() as uow:
        assert await uow.alerts.get(saved.id) == newer


async def test_touch_keeps_and_checks_the_version(store: Store) -> None:
    async with store.begin() as uow:
        saved = await uow.alerts.save(*worded(ALERT))
        await uow.alerts.touch(*worded(replace(saved, clear_since=130.0)))
    with pytest.raises(Conflict):
        async with store.begin() as uow:
            await uow.alerts.touch(*worded(replace(saved, clear_since=140.0, version=saved.version + 1)))
    async with store.read() as uow:
        assert await uow.alerts.get(saved.id) == replace(saved, clear_since=130.0)


async def test_subject_has_one_open_alert_at_a_time(store: Store) -> None:
    async with store.begin() as uow:
        first = await uow.alerts.save(*worded(ALERT))
        other = await uow.alerts.save(*worded(replace(ALERT, subject="zone-2")))
    with pytest.raises(Conflict):
        async with store.begin() as uow:
            await uow.alerts.save(*worded(ALERT))
    async with store.begin() as uow:
        await uow.alerts.save(*worded(replace(first, state=AlertState.RESOLVED, version=2, resolved_at=200.0)))
        again = await uow.alerts.save(*worded(ALERT))
    async with store.read() as uow:
        assert [alert.id for alert in await uow.alerts.open()] == [other.id, again.id]


async def test_alerts_are_listed_by_cluster_and_time(store: Store) -> None:
    async with store.begin() as uow:
        old = await uow.alerts.save(
            *worded(replace(ALERT, state=AlertState.RESOLVED, changed_at=50.0, resolved_at=50.0))
        )
        here = await uow.alerts.save(*worded(ALERT))
        there = await uow.alerts.save(*worded(replace(ALERT, cluster="test")))
    async with store.begin() as uow:
        assert await uow.alerts.open("prod") == [here]
        assert await uow.alerts.recent(100.0) == [here, there]
        assert await uow.alerts.recent(0.0, "prod") == [old, here]
        assert await uow.expiry.drop_aged("alerts", 100.0, 10) == 1
        assert await uow.alerts.recent(0.0) == [here, there]


async def test_silence_is_active_until_its_end_or_removal(store: Store) -> None:
    async with store.begin() as uow:
        short = await uow.silences.add(Silence("prod", "*", "", until=200.0, by="U1", reason="work", weight=3))
        long = await uow.silences.add(Silence("test", "disk_broken", "7", until=900.0, by="U2", created_at=5.0))
    async with store.begin() as uow:
        assert await uow.silences.active(199.0) == [short, long]
        assert await uow.silences.active(199.0, "test") == [long]
        assert await uow.silences.active(200.0) == [long]
        assert await uow.silences.of_cluster(200.0, "prod") == ([], [short])
        assert await uow.silences.of_cluster(199.0, "prod") == ([short], [])
        assert await uow.silences.of_cluster(200.0, "test") == ([long], [])
        assert await uow.silences.get(short.id) == short
        assert [await uow.silences.remove(long.id), await uow.silences.remove(long.id)] == [True, False]
        assert await uow.silences.active(0.0) == [short]


async def test_alerts_are_found_by_id(store: Store) -> None:
    async with store.begin() as uow:
        made = [await uow.alerts.save(*worded(replace(ALERT, subject=str(number)))) for number in range(3)]
    async with store.read() as uow:
        assert await uow.alerts.some([made[2].id, made[0].id, 99]) == [made[0], made[2]]
        assert await uow.alerts.some([]) == []


async def test_members_of_a_group_are_read_without_their_facts(store: Store) -> None:
    listed = replace(ALERT, severity=Severity.CRITICAL, since=5.0, notes=EngineNotes(group="digest:C1:1"))
    async with store.begin() as uow:
        made = [await uow.alerts.save(*worded(replace(each, subject=str(n)))) for n, each in enumerate((ALERT, listed))]
    async with store.read() as uow:
        first, second = await uow.alerts.members([alert.id for alert in made])
    assert (first.id, first.group, first.open) == (made[0].id, None, True)
    named = (second.cluster, second.rule, second.state, second.severity, second.since, second.group)
    assert named == (ALERT.cluster, ALERT.rule, ALERT.state, Severity.CRITICAL, 5.0, "digest:C1:1")


async def test_history_of_a_channel_is_saved(store: Store) -> None:
    async with store.begin() as uow:
        assert await uow.channel_histories.get("C1") == ChannelHistory("C1")
        await uow.channel_histories.put(ChannelHistory("C1", made=1))
        await uow.channel_histories.put(ChannelHistory("C1", made=2))
    async with store.read() as uow:
        assert [await uow.channel_histories.get("C1"), await uow.channel_histories.get("C2")] == [
            ChannelHistory("C1", made=2),
            ChannelHistory("C2"),
        ]
        assert await uow.channel_histories.known() == ["C1"]


async def test_state_is_saved_by_cluster(store: Store) -> None:
    async with store.begin() as uow:
        assert await uow.cluster_states.get("prod") == ClusterState()
        await uow.cluster_states.put("prod", ClusterState(leader=1, dialect="v3"))
        await uow.cluster_states.put("test", ClusterState(leader=2))
        await uow.cluster_states.put("prod", ClusterState(leader=3))
    async with store.begin() as uow:
        assert (await uow.cluster_states.get("prod"), await uow.cluster_states.get("test")) == (
            ClusterState(leader=3),
            ClusterState(leader=2),
        )
        assert await uow.cluster_states.clusters() == ["prod", "test"]
        await uow.cluster_states.forget("prod")
        assert await uow.cluster_states.clusters() == ["test"]


async def test_state_that_was_read_is_saved_without_a_second_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with store.begin() as uow:
        await uow.cluster_states.put("prod", ClusterState(at=1.0))
    values: list[object] = []
    read = Session.value

    async def counted(self: Session, statement: Executable, named: Mapping[str, object] | None = None) -> object:
        values.append(statement)
        return await read(self, statement, named)

    monkeypatch.setattr(Session, "value", counted)
    async with store.begin() as uow:
        state = await uow.cluster_states.get("prod")
        await uow.cluster_states.put("prod", replace(state, at=2.0))
        assert len(values) == 1
    async with store.read() as uow:
        assert (await uow.cluster_states.get("prod")).at == 2.0


async def test_operation_round_trips_with_its_history(store: Store) -> None:
    async with store.begin() as uow:
        added = await uow.operations.add(OPERATION, WORDING)
        waiting = advance(added, OpState.WAITING, at=101.0, by="U1", fact=LegacyWords("asked"))
        running = advance(
            waiting, OpState.RUNNING, at=102.0, by="U2", fact=PeerLeads(2), seen=ObservedState(leader="cm2:9998")
        )
        await uow.operations.save(waiting, WORDING)
        await uow.operations.save(running, WORDING)
    async with store.read() as uow:
        assert await uow.operations.get(added.id) == running
        assert await uow.operations.get(added.id + 1) is None


async def test_one_of_two_decisions_on_a_version_wins(store: Store) -> None:
    async with store.begin() as uow:
        waiting = advance(await uow.operations.add(OPERATION, WORDING), OpState.WAITING, at=101.0)
        await uow.operations.save(waiting, WORDING)

    async def decide(to: OpState, by: str) -> OpState | None:
        try:
            async with store.begin() as uow:
                return (await uow.operations.save(advance(waiting, to, at=102.0, by=by), WORDING)).state
        except Conflict:
            return None

    decided = await asyncio.gather(
        *(decide(OpState.RUNNING, f"U{n}") for n in range(5)), decide(OpState.REJECTED, "U9")
    )
    winners = [state for state in decided if state is not None]
    async with store.read() as uow:
        held = await uow.operations.get(waiting.id)
    assert held is not None
    assert winners == [held.state]


async def test_operations_are_listed_by_state(store: Store) -> None:
    async with store.begin() as uow:
        proposed = await uow.operations.add(OPERATION, WORDING)
        waiting = await uow.operations.add(
            replace(OPERATION, cluster="test", state=OpState.WAITING, created_at=200.0), WORDING
        )
        unknown = await uow.operations.add(replace(OPERATION, state=OpState.UNKNOWN, created_at=300.0), WORDING)
        done = await uow.operations.add(replace(OPERATION, state=OpState.VERIFIED, created_at=400.0), WORDING)
    async with store.read() as uow:
        assert await uow.operations.open() == [proposed, waiting, unknown]
        assert await uow.operations.open("prod") == [proposed, unknown]
        assert await uow.operations.in_state(OpState.VERIFIED) == [done]
        assert await uow.operations.recent(2) == [done, unknown]
        assert await uow.operations.recent(9, since=200.0, cluster="test") == [waiting]
        assert (await uow.operations.due(999.0), await uow.operations.due(1000.0)) == ([], [waiting])


async def test_concurrent_updates_lose_nothing(store: Store) -> None:
    async with store.begin() as uow:
        await uow.cluster_states.put("prod", ClusterState(term=0))

    async def count() -> None:
        for _ in range(10):
            async with store.begin() as uow:
                held = await uow.cluster_states.get("prod")
                await asyncio.sleep(0)
                await uow.cluster_states.put("prod", ClusterState(term=held.term + 1))

    await asyncio.gather(*(count() for _ in range(20)))
    async with store.read() as uow:
        assert await uow.cluster_states.get("prod") == ClusterState(term=200)


async def test_only_cluster_states_of_another_time_are_read(store: Store) -> None:
    async with store.begin() as uow:
        for name, at in (("same", 5.25), ("later", 1764367000.1), ("whole", 7.0), ("new", 1.5), ("unasked", 3.0)):
            await uow.cluster_states.put(name, ClusterState(at=at))
    known = {"same": 5.25, "later": 1764366990.1, "whole": 7, "new": None, "never polled": 4.0}
    async with store.read() as uow:
        found = await uow.cluster_states.changed(known)
    assert {name: state.at for name, state in found.items()} == {"later": 1764367000.1, "new": 1.5}


@pytest.mark.parametrize("at", ["yesterday", None, "", [1.5]])
async def test_cluster_state_with_a_spoiled_time_is_read_once(store: Store, at: object) -> None:
    async with store.begin() as uow:
        await uow.cluster_states.put("prod", ClusterState(at=5.25))
        spoiled = update(schema.cluster_states).values(data={"at": at, "term": 7})
        await uow.cluster_states._session.change(spoiled)
    async with store.read() as uow:
        for known in (5.25, None):
            assert (await uow.cluster_states.changed({"prod": known}))["prod"].term == 7
        assert await uow.cluster_states.changed({"prod": 0.0}) == {}, "it is read once, and decoded to that time"
