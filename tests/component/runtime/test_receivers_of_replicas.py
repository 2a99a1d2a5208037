"""Replicas with different receivers, as while settings are rolled out: nothing that one put is lost by the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.alerting.details import ExternalReport
from bot.alerting.model import Alert, AlertState, Severity
from bot.alerting.receivers import Receiver, ReceiverKind, When
from bot.store.database import Store
from bot.views.alert_text.table import alert_text
from bot.watch.output_rows import FRESH_SECONDS, KEEP_SECONDS, LOOK_SECONDS, ReceiversInUse, put_outputs, reconcile
from tests.support.databases import Clock

PAGER = Receiver("pager", ReceiverKind.PAGERDUTY)
HOOK = Receiver("hook", ReceiverKind.WEBHOOK, frozenset({"prod"}), Severity.CRITICAL, When.SLACK_DOWN)


def replica(store: Store, clock: Clock, *own: Receiver, alone: bool = False, older: bool = False) -> ReceiversInUse:
    return ReceiversInUse(store, own, clock, alone=lambda: alone, older=lambda: older)


@asynccontextmanager
async def another(database_url: str) -> AsyncIterator[Store]:
    """The database as another replica has it."""
    async with Store.open(database_url) as store:
        yield store


async def fire(store: Store, now: float, subject: str) -> Alert:
    """Announce an alert as a watch does."""
    alert = Alert(
        *("prod", "external", subject, AlertState.FIRING, Severity.CRITICAL, ExternalReport("HighLatency")),
        since=now,
        fired_at=now,
        version=1,
    )
    async with store.begin() as uow:
        saved = await uow.alerts.save(alert, alert_text(alert))
        await put_outputs(uow, [saved])
    return saved


async def end(store: Store, alert: Alert, now: float) -> None:
    ended = replace(alert, state=AlertState.RESOLVED, resolved_at=now, version=alert.version + 1)
    async with store.begin() as uow:
        await uow.alerts.save(ended, alert_text(ended))
        await put_outputs(uow, [ended])


async def rows(store: Store) -> set[tuple[str, int]]:
    async with store.read() as uow:
        return await uow.outputs.known()


async def owed(store: Store, receiver: Receiver, now: float) -> list[tuple[str, bool]]:
    """What a receiver must get: subjects, and whether the alert is open; it counts as delivered then."""
    async with store.begin() as uow:
        claims = await uow.outputs.claim(receiver.name, "me", now, 60.0, 100)
        await uow.outputs.delivered(claims, "me", now, 0.0)
    return sorted((each.alert.subject, each.alert.open) for each in claims)


def test_a_receiver_is_read_back_as_it_was_reported() -> None:
    assert [Receiver.from_json(each.name, each.to_json()) for each in (PAGER, HOOK)] == [PAGER, HOOK]


async def test_a_replica_leaves_the_rows_of_receivers_that_it_does_not_know(
    store: Store, clock: Clock, database_url: str
) -> None:
    async with another(database_url) as second:
        await reconcile(store, (PAGER,))
        alert = await fire(store, clock.now, "a")
        await reconcile(second, (HOOK,))
        assert ("pager", alert.id) in await rows(store)
        await reconcile(second, ())
        assert ("pager", alert.id) in await rows(store)


async def test_alerts_are_put_for_the_receivers_of_every_replica(store: Store, clock: Clock, database_url: str) -> None:
    """Whichever replica watches the cluster: those without any receiver too."""
    async with another(database_url) as second:
        first, other = replica(store, clock, PAGER), replica(second, clock)
        await first.adopt()
        await other.refresh()
        alert = await fire(second, clock.now, "a")
        assert await owed(store, PAGER, clock.now) == [("a", True)]
        await end(second, alert, clock.now)
        assert await owed(store, PAGER, clock.now) == [("a", False)]
        clock.now += FRESH_SECONDS
        await other.refresh()
        await fire(second, clock.now, "b")
        assert await owed(store, PAGER, clock.now) == [], "no replica has it any more"


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_change_that_is_committed_meanwhile_is_not_undone(
    store: Store, clock: Clock, database_url: str
) -> None:
    """The other replica has the row; the one that adopts has read the alert already."""
    async with another(database_url) as second:
        await reconcile(store, (PAGER,))
        alert = await fire(store, clock.now, "a")
        async with store.begin() as uow:
            milder = replace(alert, severity=Severity.WARNING, version=alert.version + 1)
            await uow.alerts.save(milder, alert_text(milder))
            await put_outputs(uow, [milder])
            adopting = asyncio.create_task(reconcile(second, (PAGER,)))
            await asyncio.wait({adopting}, timeout=0.5)
        await adopting
        async with store.begin() as uow:
            [claim] = await uow.outputs.claim(PAGER.name, "me", clock.now, 60.0, 100)
        assert claim.alert.severity is Severity.WARNING


async def test_what_a_replica_put_before_it_read_of_a_receiver_comes_later(
    store: Store, clock: Clock, database_url: str
) -> None:
    async with another(database_url) as second:
        first, other = replica(store, clock, PAGER), replica(second, clock, HOOK)
        await other.adopt()
        await first.adopt()
        await fire(second, clock.now, "a")
        clock.now += LOOK_SECONDS
        await other.refresh()
        await first.refresh()
        clock.now += LOOK_SECONDS
        await first.refresh()
        assert await owed(store, PAGER, clock.now) == [("a", True)]


async def test_a_release_without_receivers_is_made_up_for(store: Store, clock: Clock, database_url: str) -> None:
    async with another(database_url) as old:
        first = replica(store, clock, PAGER, older=True)
        await first.adopt()
        for subject in "abc":
            await fire(old, clock.now, subject)
            clock.now += LOOK_SECONDS
            await first.refresh()
            assert await owed(store, PAGER, clock.now) == [(subject, True)]


async def test_one_process_puts_alerts_for_its_own_receivers_only(store: Store, clock: Clock) -> None:
    await replica(store, clock, PAGER).adopt()
    after = replica(store, clock, HOOK, alone=True)
    await after.adopt()
    alert = await fire(store, clock.now, "a")
    assert await rows(store) == {("hook", alert.id)}


@pytest.mark.parametrize("reported", [True, False], ids=["reported", "put by a release that reports nothing"])
async def test_rows_of_a_receiver_end_a_day_after_the_last_report(store: Store, clock: Clock, reported: bool) -> None:
    first = replica(store, clock, PAGER)
    if reported:
        await first.adopt()
    else:
        store.receivers = (PAGER,)
    alert = await fire(store, clock.now, "a")
    after = replica(store, clock)
    await after.forget()
    clock.now += KEEP_SECONDS - 1
    await after.forget()
    assert await rows(store) == {("pager", alert.id)}
    await first.forget()
    clock.now += 1
    await first.forget()
    assert await rows(store) == {("pager", alert.id)}, "a replica keeps its own"
    await after.forget()
    assert await rows(store) == set()
    async with store.read() as uow:
        assert await uow.facts.receivers() == {}


async def test_a_receiver_of_a_later_release_is_left_to_its_replicas(store: Store, clock: Clock) -> None:
    async with store.begin() as uow:
        await uow.facts.report_receivers(
            {"new": '{"kind": "telepathy", "clusters": [], "severity": 1, "when": "always"}'}, clock.now
        )
    mine = replica(store, clock, PAGER)
    await mine.adopt()
    assert [each.name for each in store.receivers] == ["pager"]
