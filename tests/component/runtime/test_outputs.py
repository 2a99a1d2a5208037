"""Wiring of outputs and inputs: the outage of Slack as the worker sees it, and reports that another replica took."""

from types import SimpleNamespace
from typing import cast

import pytest

from bot.alerting.external import ExternalAlert
from bot.delivery.worker import Outbox
from bot.integrations.worker import SlackDown
from bot.runtime.outputs import BEFORE_SECONDS, NEWS_SECONDS, SlackReach, notice_reports
from bot.runtime.parts import App
from bot.store.database import Store
from bot.store.repositories.outbox import OutboxHealth
from tests.support.databases import Clock

NOW = 10_000.0


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
