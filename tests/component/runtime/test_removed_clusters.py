"""Closing what belongs to removed clusters, while one of several replicas is away for a moment."""

from types import SimpleNamespace
from typing import cast

from bot.alerting.details import ExternalReport
from bot.alerting.model import Alert, AlertState, Severity
from bot.leadership.model import watch_of
from bot.runtime.parts import App, RunState
from bot.runtime.removed_clusters import SETTLED_SECONDS, close_removed_clusters, follow_removed_clusters
from bot.store.database import Store
from bot.views.alert_text.table import alert_text
from tests.support.databases import Clock


class Ended:
    """Stands for the executor: notes for which clusters operations were kept."""

    def __init__(self) -> None:
        self.kept: list[set[str]] = []

    async def close_gone(self, known: set[str]) -> None:
        self.kept.append(known)


def replica(store: Store, clock: Clock, *, alone: bool = False) -> App:
    """A replica whose settings have prod alone."""
    members = SimpleNamespace(active=True, alone=alone, known=frozenset({watch_of("prod")}))
    settings = SimpleNamespace(clusters=(SimpleNamespace(alert_channel="C0"),))
    parts = SimpleNamespace(
        store=store,
        clock=clock,
        clusters={"prod": None},
        settings=settings,
        membership=members,
        executor=Ended(),
        outbox=SimpleNamespace(wake=lambda: None),
        state=RunState(),
    )
    return cast("App", parts)


def others_have(app: App, *clusters: str) -> None:
    app.membership.known = frozenset(map(watch_of, ("prod", *clusters)))


async def fire(store: Store, now: float) -> int:
    """Let a cluster that another replica has alone have an alert."""
    alert = Alert(
        *("archive", "external", "a", AlertState.FIRING, Severity.CRITICAL, ExternalReport("HighLatency")),
        since=now,
        fired_at=now,
        version=1,
    )
    async with store.begin() as uow:
        return (await uow.alerts.save(alert, alert_text(alert))).id


async def open_ids(store: Store) -> list[int]:
    async with store.read() as uow:
        return [alert.id for alert in await uow.alerts.open()]


async def test_a_replica_that_is_away_for_a_moment_loses_no_alert(store: Store, clock: Clock) -> None:
    app, alert = replica(store, clock), await fire(store, clock.now)
    await close_removed_clusters(app)
    await follow_removed_clusters(app)
    clock.now += SETTLED_SECONDS - 1
    others_have(app, "archive")
    await follow_removed_clusters(app)
    clock.now += 10 * SETTLED_SECONDS
    await follow_removed_clusters(app)
    others_have(app)
    for seconds in (1, SETTLED_SECONDS - 1):
        await follow_removed_clusters(app)
        await close_removed_clusters(app)
        clock.now += seconds
    assert await open_ids(store) == [alert]


async def test_what_no_replica_has_for_minutes_is_closed_once(store: Store, clock: Clock) -> None:
    app = replica(store, clock)
    await fire(store, clock.now)
    others_have(app, "archive")
    await follow_removed_clusters(app)
    others_have(app)
    await follow_removed_clusters(app)
    clock.now += SETTLED_SECONDS
    await follow_removed_clusters(app)
    await follow_removed_clusters(app)
    assert await open_ids(store) == []
    assert cast("Ended", app.executor).kept == [{"prod"}]


async def test_a_process_that_is_alone_closes_at_once(store: Store, clock: Clock) -> None:
    app = replica(store, clock, alone=True)
    await fire(store, clock.now)
    await close_removed_clusters(app)
    assert await open_ids(store) == []
