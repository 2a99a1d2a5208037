"""Retention on both databases: no row is deleted that may still be clicked or edited."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.grouping import AlertGroup, ChannelHistory
from bot.alerting.model import Alert, AlertState, AlertText, LegacyDetail, Severity, Silence
from bot.alerting.reports.trend import Measurement
from bot.audit.chain import AuditEntry
from bot.chatops.audit_log import walk
from bot.common.errors import StoreError
from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.operations.change_request import RequestOptions, Reversion
from bot.operations.model import Operation, OpState
from bot.operations.requests import TaskSwitch
from bot.store import database as stores
from bot.store import retention
from bot.store.database import Store
from bot.store.retention import DAY, Keep, Retention
from bot.store.schema import metadata
from bot.views.alert_text.table import alert_text
from bot.views.step_text import WORDING
from tests.support.databases import Clock
from tests.support.store_filling import everything

RETENTION = {
    "alert_events": "until retention.alerts after the event, and as long as its alert is open",
    "alerts": "until retention.alerts after it was resolved",
    "audit": "without limit",
    "channels": "as long as the channel is used: one row each",
    "codes": "until an admin removes the person, and until the end of a lock: one row each",
    "facts": "without limit: a few rows",
    "external_alerts": "until 1 day after its end",
    "firings": "400 days",
    "holds": "as long as its task exists: one row each",
    "inbound": "1 hour after its arrival, once done",
    "memory": "as long as the cluster is watched: one row each",
    "notes": "until retention.operations after it was kept",
    "operations": "until retention.operations, once it cannot change any more",
    "outputs": "until retention.messages, once its alert has ended",
    "posts": "until retention.messages, once its alert, operation or silence has ended",
    "replicas": "until the replica has stopped or expired",
    "samples": "all for retention.samples, then one an hour, then one a day",
    "silences": "until 7 days after its end at the latest",
    "workspaces": "without limit: one row each",
}
"""Retention of each table, as docs/backup.md shows it."""

KEEP = Keep()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make batches so small that each rule takes several transactions."""
    monkeypatch.setattr(retention, "BATCH", 3)


@pytest.fixture
def keeper(store: Store, clock: Clock) -> Retention:
    return Retention(store, KEEP, clock)


def alert(subject: str, state: AlertState, at: float) -> Alert:
    return Alert(
        cluster="prod",
        rule="disk_broken",
        subject=subject,
        state=state,
        severity=Severity.WARNING,
        detail=LegacyDetail("A disk is broken."),
        since=at,
        fired_at=at,
        changed_at=at,
        resolved_at=at if state is AlertState.RESOLVED else 0.0,
    )


def worded(alert: Alert) -> tuple[Alert, AlertText]:
    return alert, alert_text(alert)


def operation(state: OpState, at: float, *, lease_until: float = 0.0, card: int = 0) -> Operation:
    held = Operation("prod", TaskSwitch("balance", on=False), "U1", at, at + 900.0, channel="C1")
    return replace(held, state=state, lease_until=lease_until, card=card)


async def say(store: Store, at: float, *slots: str) -> None:
    """Save messages of these slots as sent at that time."""
    async with store.begin() as uow:
        for slot in slots:
            await uow.outbox.put(MessageKey.parse(slot), "C1", Message(slot))
    for _ in slots:
        async with store.begin() as uow:
            (claim,) = await uow.outbox.claim("p", 1e12, 1.0, 1)
            await uow.outbox.sent(claim, "p", f"ts {claim.seq}", at, version=claim.version)


async def slots(store: Store) -> set[str]:
    return {row["slot"] for row in (await everything(store))["posts"]}


def test_every_table_has_a_retention_rule() -> None:
    assert set(RETENTION) == set(metadata.tables)


def test_retention_rules_are_documented() -> None:
    page = (Path(__file__).parents[4] / "docs" / "backup.md").read_text()
    for table, rule in RETENTION.items():
        assert f"| `{table}` | {rule} |" in page


async def test_samples_are_thinned_by_hour_and_day_then_deleted(store: Store, keeper: Retention, clock: Clock) -> None:
    today = clock.now // DAY * DAY
    async with store.begin() as uow:
        for cluster in ("prod", "test"):
            for back in (750 * DAY, 100 * DAY, 20 * DAY, 2 * DAY):
                for minute in range(0, 120, 20):
                    await uow.samples.add(cluster, today - back + minute * 60.0, Measurement(used=minute))
    await keeper.apply()
    async with store.read() as uow:
        for cluster in ("prod", "test"):
            found = [((today - at) // DAY, values.used) for at, values in await uow.samples.range(cluster, 0.0)]
            assert found == [(100, 0), (20, 0), (19, 60), (2, 0), *((1, used) for used in range(20, 120, 20))]


async def test_thinning_continues_and_a_new_process_keeps_the_same(
    store: Store, keeper: Retention, clock: Clock
) -> None:
    start = clock.now // DAY * DAY
    async with store.begin() as uow:
        for step in range(24):
            await uow.samples.add("prod", start + step * 600.0, Measurement(used=step))
    for later in range(10):
        clock.now = start + KEEP.samples + later * 1000.0
        await keeper.apply()
        await Retention(store, KEEP, clock).apply()
    clock.now = start + KEEP.samples + DAY
    await keeper.apply()
    async with store.read() as uow:
        assert [values.used for _, values in await uow.samples.range("prod", 0.0)] == [0, 6, 12, 18]


async def test_final_rows_are_deleted_and_changeable_rows_kept(store: Store, keeper: Retention, clock: Clock) -> None:
    old, new = clock.now - 500 * DAY, clock.now - DAY
    async with store.begin() as uow:
        alerts = [
            await uow.alerts.save(*worded(alert("gone", AlertState.RESOLVED, old))),
            await uow.alerts.save(*worded(alert("open", AlertState.FIRING, old))),
            await uow.alerts.save(*worded(alert("late", AlertState.RESOLVED, new))),
        ]
        ended = await uow.operations.add(operation(OpState.VERIFIED, old), WORDING)
        unknown = await uow.operations.add(operation(OpState.UNKNOWN, old), WORDING)
        leased = await uow.operations.add(operation(OpState.VERIFIED, old, lease_until=clock.now + 60.0), WORDING)
        over = await uow.silences.add(Silence("prod", "*", "", old, "U1", "", old))
        held = await uow.silences.add(Silence("prod", "*", "", clock.now + 60.0, "U1", "", old))
        for due in (old, new):
            await uow.scheduled_runs.once("summary", due)
        for key, seen in (("done", old), ("open", old), ("late", clock.now)):
            await uow.inbox.insert_if_new(key, "Click", {}, seen)
        await uow.inbox.done("done")
        await uow.cluster_states.put("prod", ClusterState(term=1))
        await uow.channel_histories.put(ChannelHistory("C1", groups=(AlertGroup(MessageKey.group("C1", 2), 0.0, ()),)))
    gone = [f"alert:{alerts[0].id}", f"alert:{alerts[2].id}:line:3", f"op:{ended.id}", f"op:{ended.id}:line:1.2"]
    gone += [f"silence:{over.id}:over", "summary:job:1", "summary:job:1:0", "handover:job:2"]
    gone += ["digest:C1:1", "digest:C1:1:line:1", "blind:prod:1", "left:prod:C1:1"]
    kept = [f"alert:{alerts[1].id}", f"alert:{alerts[1].id}:line:2", f"op:{unknown.id}", f"op:{leased.id}:line:3.1"]
    kept += [f"silence:{held.id}", "status:C1", "op:x", "digest:C1:2", "digest:C1:2:line:1"]
    await say(store, old, *gone, *kept)
    await say(store, new, "summary:job:9")
    clock.now -= 100 * DAY
    async with store.begin() as uow:
        await uow.outbox.put(MessageKey.parse(f"alert:{alerts[0].id}:unsent"), "C2", Message("waits"))
    clock.now += 100 * DAY
    await keeper.apply()
    rows = await everything(store)
    assert [row["subject"] for row in rows["alerts"]] == ["open", "late"]
    assert [row["id"] for row in rows["operations"]] == [unknown.id, leased.id]
    assert [row["id"] for row in rows["silences"]] == [held.id]
    assert [row["due_at"] for row in rows["firings"]] == [new]
    assert {row["key"] for row in rows["inbound"]} == {"open", "late"}
    assert len(rows["memory"]) == len(rows["channels"]) == 1
    assert await slots(store) == {*kept, "summary:job:9", f"alert:{alerts[0].id}:unsent"}


async def test_card_that_a_later_operation_uses_is_kept(store: Store, keeper: Retention, clock: Clock) -> None:
    old = clock.now - 500 * DAY
    async with store.begin() as uow:
        first = await uow.operations.add(operation(OpState.SUPERSEDED, old), WORDING)
        later = await uow.operations.add(operation(OpState.WAITING, old, card=first.id), WORDING)
        back = replace(operation(OpState.UNKNOWN, old), request=TaskSwitch("disk_drop", on=True))
        options = RequestOptions(reverts=Reversion(76, 77, "false"))
        await uow.operations.add(replace(back, options=options), WORDING)
    await say(store, old, f"op:{first.id}", f"op:{later.id}:line", "op:77", "op:78")
    await keeper.apply()
    assert await slots(store) == {f"op:{first.id}", f"op:{later.id}:line", "op:77"}


async def test_audit_log_is_kept_complete(store: Store, keeper: Retention, clock: Clock) -> None:
    async with store.begin() as uow:
        for number in range(5):
            head = (await uow.audit.append(AuditEntry(clock.now - 5000 * DAY, "U1", "x", op_id=number))).head
    await keeper.apply()
    async with store.read() as uow:
        assert await walk(uow) == (head, None)


async def test_sqlite_returns_free_space(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "cmbot.db"
    async with Store.open(f"sqlite:///{file}", clock=clock) as store:
        await store.migrate()
        async with store.begin() as uow:
            for number in range(400):
                await uow.samples.add("prod", float(number), Measurement(bad=tuple(range(1000, 1400))))
        await store.give_back(1)
        full = await _pages(store)
        await Retention(store, KEEP, clock).apply()
        assert await _pages(store) < full / 2


async def _pages(store: Store) -> int:
    async with store.read() as uow:
        return int(await uow.cluster_states._session.value(text("PRAGMA page_count")))


async def test_locked_file_raises_a_plain_error(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "_BUSY_MS", 10)
    async with Store.open(f"sqlite:///{tmp_path}/cmbot.db", clock=clock) as store:
        await store.migrate()
        with closing(sqlite3.connect(tmp_path / "cmbot.db", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="locked"):
                await store.give_back(10)
