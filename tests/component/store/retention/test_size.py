"""Size of the database after one year of 100 clusters: real rows at the rates of docs/backup.md."""

import re
from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from bot.alerting.model import Alert, AlertState, LegacyDetail, LegacyOutcome, Severity
from bot.audit.chain import AuditEntry
from bot.common.json_object import JsonValue
from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.operations.model import Event, ObservedState, Operation, OpState
from bot.operations.preflight.facts.tasks import RepairStops
from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.preflight.verdict import Check, CheckLevel, PreflightResult
from bot.operations.requests import TaskSwitch
from bot.operations.step_facts import LegacyWords
from bot.store.database import Store
from bot.store.retention import DAY, Keep
from bot.store.state_codec import decode_measurement
from bot.views.alert_text.table import alert_text, sentence_of
from bot.views.alerts import card
from bot.views.operations import card as op_card
from bot.views.step_text import WORDING
from tests.support.databases import Clock

KEEP = Keep()
PAGE = (Path(__file__).parents[4] / "docs" / "backup.md").read_text()
SHARE = 100
"""The test fills in one hundredth: the year of one cluster."""
YEAR = 365 * DAY
ALERTS, OPERATIONS, AUDIT = 5, 0.2, 2
"""Rows per day and cluster: alerts, operations, audit rows; ten audit rows per operation are included."""


def _stated() -> int:
    (megabytes,) = re.findall(r"stays under \*\*(\d+) MB\*\*", PAGE)
    return int(megabytes) * 1_000_000


async def _size(store: Store) -> int:
    async with store.read() as uow:
        session = uow.cluster_states._session
        if session.postgres:
            return int(await session.value(text("SELECT pg_database_size(current_database())")))
        return int(await session.value(text("PRAGMA page_count"))) * int(await session.value(text("PRAGMA page_size")))


def _times(now: float) -> list[float]:
    """Times of the samples that are kept after one year."""
    raw = [now - each * 600.0 for each in range(int(KEEP.samples / 600.0))]
    hourly = [now - KEEP.samples - each * 3600.0 for each in range(int((KEEP.hourly_samples - KEEP.samples) / 3600.0))]
    return (
        raw
        + hourly
        + [now - KEEP.hourly_samples - each * DAY for each in range(int((YEAR - KEEP.hourly_samples) / DAY))]
    )


SAMPLE = {
    "term": 1234,
    "leader": 12,
    "total": 123_456_789_012_345,
    "used": 98_765_432_109_876,
    "writable": 24_691_356_902_469,
    "bad_disks": 12,
    "disks": 1440,
    "members": 5,
    "free_chunks": 123_456,
    "volumes": 123_456,
}


def _alert(number: int, now: float) -> Alert:
    lines = tuple(f"disk {number}{each} on 10.123.45.67:8889, rack r{each}, broken for 3 h 12 min" for each in range(5))
    return Alert(
        cluster="production-eu-west",
        rule="disk_broken",
        subject=str(number),
        state=AlertState.RESOLVED,
        severity=Severity.CRITICAL,
        detail=LegacyDetail("5 disks of production-eu-west are broken, and their repair has not begun.", lines),
        since=now,
        weight=5,
        parts=tuple(str(each) for each in range(5)),
        fired_at=now,
        resolved_at=now,
        changed_at=now,
        acked_by="U0123456789",
        outcome=LegacyOutcome("The disks are gone from the list."),
    )


def _operation(now: float) -> Operation:
    held = Operation("prod", TaskSwitch("balance", on=False), "U0123456", now, now + 900.0)
    events = tuple(
        Event(now + each, OpState.RUNNING, "U0123456", LegacyWords("the switch reads false " * 4)) for each in range(10)
    )
    check = Check("disks", CheckLevel.WARN, RepairStops(12))
    seen = ObservedState(verdict=PreflightResult((check,) * 6, Fingerprint()))
    return replace(held, state=OpState.VERIFIED, history=events, seen=seen, channel="C0123456", reason="maintenance")


async def _fill(store: Store, now: float) -> None:
    async with store.begin() as uow:
        for at in _times(now):
            await uow.samples.add("production-eu-west", at, decode_measurement(SAMPLE))
        for number in range(int(ALERTS * KEEP.alerts / DAY)):
            made = _alert(number, now)
            held = await uow.alerts.save(made, alert_text(made))
            if number < ALERTS * KEEP.messages / DAY:
                await uow.outbox.put(MessageKey.parse(f"alert:{held.id}"), "C0123456", card(held))
                for line in range(3):
                    words = Message(sentence_of(held) * 2)
                    await uow.outbox.put(
                        MessageKey.parse(f"alert:{held.id}:line:{line}"),
                        "C0123456",
                        words,
                        parent=MessageKey.parse(f"alert:{held.id}"),
                    )
        for number in range(int(OPERATIONS * KEEP.operations / DAY)):
            op = await uow.operations.add(_operation(now), WORDING)
            if number < OPERATIONS * KEEP.messages / DAY:
                await uow.outbox.put(MessageKey.parse(f"op:{op.id}"), "C0123456", op_card(op))
        for number in range(int(AUDIT * YEAR / DAY)):
            detail: dict[str, JsonValue] = {
                "words": "the switch reads false " * 20,
                "request": {"task": "balance", "on": False},
            }
            await uow.audit.append(
                AuditEntry(now, "U0123456", "operation.running", "production-eu-west", number, detail)
            )


async def test_size_of_a_year_stays_below_the_documented_one(store: Store, clock: Clock) -> None:
    empty = await _size(store)
    await _fill(store, clock.now)
    year = empty + (await _size(store) - empty) * SHARE
    assert _stated() / 4 < year < _stated(), f"a year comes to {year / 1e6:.0f} MB"


def test_rates_are_the_documented_ones() -> None:
    for words in (f"{ALERTS} alerts", f"{OPERATIONS} operations", f"{AUDIT} rows of the audit log"):
        assert words in PAGE
