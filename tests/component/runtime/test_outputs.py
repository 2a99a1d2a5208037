"""Wiring of outputs and inputs: the outage of Slack as the worker sees it, and reports that another replica took."""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from bot.alerting.details import ExternalReport
from bot.alerting.external import ExternalAlert
from bot.alerting.model import Alert, AlertState, Severity
from bot.alerting.receivers import Receiver, ReceiverKind
from bot.delivery.worker import Outbox
from bot.integrations.worker import SlackDown
from bot.runtime.outputs import BEFORE_SECONDS, NEWS_SECONDS, SlackReach, notice_reports
from bot.runtime.parts import App
from bot.store.database import Store
from bot.store.repositories.outbox import OutboxHealth
from bot.views.alert_text.table import alert_text
from bot.watch.output_rows import reconcile
from tests.support.databases import Clock

NOW = 10_000.0
FIRING = Alert(
    "prod",
    "disk_broken",
    "",
    AlertState.FIRING,
    Severity.CRITICAL,
    ExternalReport("HighLatency"),
    since=NOW,
    fired_at=NOW,
    version=1,
)


@pytest.mark.parametrize(
    ("failing", "success", "oldest", "dead", "seen"),
    [
        (0.0, 9_000.0, 0.0, 500.0, None),
        (9_900.0, 9_000.0, 90.0, 0.0, SlackDown(9_900.0, 9_900.0 - BEFORE_SECONDS)),
        (9_900.0, 9_000.0, 150.0, 500.0, SlackDown(9_500.0, 9_850.0 - BEFORE_SECONDS)),
        (9_900.0, 9_000.0, 8_000.0, 0.0, SlackDown(9_900.0, 9_000.0 - BEFORE_SECONDS)),
        (9_900.0, 0.0, 3_600.0, 0.0, SlackDown(9_900.0, 6_400.0 - BEFORE_SECONDS)),
    ],
    ids=["reached", "first failure", "connection lost before", "an old refusal waits", "after a restart"],
)
async def test_an_outage_begins_with_what_failed_first(
    failing: float, success: float, oldest: float, dead: float, seen: SlackDown | None
) -> None:
    async def health() -> OutboxHealth:
        return OutboxHealth(1, oldest, 0)

    outbox = SimpleNamespace(failing_since=failing, last_success=success, health=health)
    assert await SlackReach(cast("Outbox", outbox), lambda: dead).down(NOW) == seen


async def test_reports_that_another_replica_took_are_noticed(store: Store, clock: Clock) -> None:
    """Only those of clusters that are watched here, and only news."""
    noticed: list[str] = []
    watches = {name: SimpleNamespace(invalidate=lambda name=name: noticed.append(name)) for name in ("prod", "test")}
    app = cast("App", SimpleNamespace(intake=object(), clock=clock, watches=watches))
    reports = [
        ExternalAlert("prod", "a" * 16, firing=True, name="Now", received_at=clock.now - 1, expires_at=clock.now + 60),
        ExternalAlert("gone", "a" * 16, firing=True, name="Now", received_at=clock.now - 1, expires_at=clock.now + 60),
        ExternalAlert(
            "test", "a" * 16, firing=True, name="Old", received_at=clock.now - NEWS_SECONDS, expires_at=clock.now + 60
        ),
    ]
    async with store.begin() as uow:
        await uow.external_alerts.put(reports)
    async with store.read() as uow:
        await notice_reports(app, uow)
    assert noticed == ["prod"]


async def test_a_receiver_that_was_away_hears_of_the_ends_it_missed(store: Store, clock: Clock) -> None:
    """While no receiver was in the settings, nothing was put for it: an Alertmanager would hold the alerts for good."""
    receivers = (Receiver("pager", ReceiverKind.ALERTMANAGER),)
    async with store.begin() as uow:
        first, second = [
            await uow.alerts.save(replace(FIRING, subject=subject), alert_text(FIRING)) for subject in ("a", "b")
        ]
    await reconcile(store, receivers)
    store.receivers = ()
    ended = replace(first, state=AlertState.RESOLVED, resolved_at=clock.now, version=first.version + 1)
    async with store.begin() as uow:
        await uow.alerts.save(ended, alert_text(ended))
    await reconcile(store, receivers)
    async with store.begin() as uow:
        claims = await uow.outputs.claim("pager", "me", clock.now, 60.0, 10)
    assert {claim.alert.id: claim.alert.open for claim in claims} == {first.id: False, second.id: True}


async def test_a_start_sends_again_what_the_former_settings_were_refused_for(store: Store, clock: Clock) -> None:
    pager = Receiver("pager", ReceiverKind.PAGERDUTY)

    async def owed() -> list[str]:
        async with store.begin() as uow:
            claims = await uow.outputs.claim("pager", "me", clock.now, 60.0, 10)
            await uow.outputs.failed(claims, "me", clock.now, error="no", retry_at=None, refusals=3)
        return [claim.event for claim in claims]

    async with store.begin() as uow:
        await uow.alerts.save(FIRING, alert_text(FIRING))
    await reconcile(store, (pager,), ["pager"])
    first = await owed()
    await reconcile(store, (pager,))
    assert await owed() == [], "only a start or a reload changes the settings"
    await reconcile(store, (pager,), ["pager"])
    assert (await owed(), len(first)) == (first, 1)
