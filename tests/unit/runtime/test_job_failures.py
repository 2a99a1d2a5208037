"""Periodic jobs while the database does not answer: they are logged, raise nothing, and run again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NoReturn, cast

import pytest
from structlog.testing import capture_logs

from bot.clustermgr.read_pace import ReadPace
from bot.common.errors import StoreError
from bot.runtime import jobs, polling
from bot.runtime.parts import App
from bot.runtime.removed_clusters import close_removed_clusters
from bot.telemetry.metrics import Metrics
from bot.watch.admission import Admission


class Down:
    """Any part of the program whose database does not answer."""

    active = True
    active_replicas = 1
    holds: frozenset[str] = frozenset()
    known = frozenset({"watch prod"})
    alone = True

    def _raise(self, *_: object) -> NoReturn:
        raise StoreError("The database is locked.")

    begin = read = _raise

    async def _fail(self, *_: object) -> NoReturn:
        raise StoreError("The database is locked.")

    fire = catch_up = resume = apply = check = expire_undecided = close_gone = _fail

    def hold(self, _task: str) -> None:
        """Hold nothing."""

    check_of_cluster = hold


@dataclass
class Parts:
    """The parts of the program that the jobs use, without a database."""

    summaries: Down = field(default_factory=Down)
    dispatcher: Down = field(default_factory=Down)
    executor: Down = field(default_factory=Down)
    retention: Down = field(default_factory=Down)
    watchdog: Any = field(default_factory=lambda: SimpleNamespace(check=Down().check, stale={}))
    membership: Down = field(default_factory=Down)
    store: Down = field(default_factory=Down)
    settings: Any = field(default_factory=lambda: SimpleNamespace(clusters=()))
    report_jobs: tuple[Any, ...] = (SimpleNamespace(job="summary C0"),)
    metrics: Metrics = field(default_factory=Metrics)
    admission: Admission = field(default_factory=lambda: Admission({"prod": 15.0}, lambda: 0.0))
    read_pace: ReadPace = field(default_factory=lambda: ReadPace(lambda: 0.0))
    clusters: dict[str, Any] = field(default_factory=dict)
    watches: dict[str, Any] = field(default_factory=dict)
    receivers: None = None

    def clock(self) -> float:
        return 0.0

    wall = clock


async def report(app: App) -> None:
    await jobs.post_report(app, 0.0, app.report_jobs[0])


@pytest.mark.parametrize(
    ("job", "event"),
    [
        (report, "summary.store_down"),
        (jobs.catch_up, "summary.store_down"),
        (jobs.sweep, "sweep.store_down"),
        (jobs._resume, "resume.store_down"),
        (jobs.check_watchdog, "sentry.store_down"),
        (jobs.housekeeping, "forget.store_down"),
        (close_removed_clusters, "close_gone.store_down"),
    ],
)
async def test_job_without_a_database_is_logged(job: Callable[[App], Awaitable[None]], event: str) -> None:
    with capture_logs() as logs:
        await job(cast("App", Parts()))
    assert (logs[-1]["event"], logs[-1]["error"]) == (event, "The database is locked.")


async def test_poll_without_the_lease_does_nothing() -> None:
    await polling.poll(cast("App", Parts()), "prod")


async def test_standby_replica_closes_no_removed_cluster() -> None:
    parts = Parts()
    parts.membership.active = False
    with capture_logs() as logs:
        await close_removed_clusters(cast("App", parts))
    assert logs == []
