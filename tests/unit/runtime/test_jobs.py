"""The table of periodic jobs: complete, unambiguous, gated by tasks, and on its page."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from bot.leadership.model import HOUSEKEEPING, Hold, watch_of
from bot.runtime import jobs
from bot.runtime.jobs import Cron, Every, Job, JobProblems, poll_gained, poll_job
from bot.runtime.scheduler import JobProblem, ProblemKind
from bot.telemetry.metrics import Metrics
from tests.docgen.jobs import PAGE, render
from tests.docgen.jobs import jobs as example_jobs


@dataclass
class Recorder:
    """Scheduler, membership and watchdog that record their calls; `held` are the held tasks."""

    held: tuple[str, ...] = ()
    scheduled: dict[str, Any] = field(default_factory=dict)
    now: list[str] = field(default_factory=list)
    reported: list[tuple[str, str]] = field(default_factory=list)

    def every(self, seconds: float, fn: Any, *, name: str, jitter: float = 0.0) -> None:
        self.scheduled[name] = (seconds, jitter, fn)

    def cron(self, expression: str, timezone: str, fn: Any, *, name: str) -> None:
        self.scheduled[name] = (expression, timezone, fn)

    def run_now(self, name: str) -> None:
        self.now.append(name)

    def hold(self, task: str) -> Hold | None:
        return Hold(task, "me", 1, 0.0) if task in self.held else None

    def record_schedule_error(self, cluster: str, text: str) -> None:
        self.reported.append((cluster, text))


@dataclass
class Parts:
    """The parts of the program that the schedule needs."""

    scheduler: Recorder
    membership: Recorder
    settings: Any = None
    report_jobs: tuple[Any, ...] = ()


def test_every_job_has_a_unique_name_and_runner() -> None:
    table = example_jobs()
    assert {name for name, count in Counter(job.name for job in table).items() if count > 1} == set()
    for job in table:
        assert bool(job.task) != bool(job.once), job.name
        assert job.about.endswith("."), job.name


def test_polls_need_the_task_of_their_cluster() -> None:
    tasks = {job.name: job.task for job in example_jobs()}
    assert tasks[poll_job("prod")] == watch_of("prod")
    assert tasks["forget"] == HOUSEKEEPING
    assert not tasks["sweep"]


def test_the_page_shows_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run `make docs`"


@pytest.mark.parametrize(("held", "runs"), [((), 0), ((HOUSEKEEPING,), 1)])
async def test_job_with_a_task_runs_on_its_holder_only(
    monkeypatch: pytest.MonkeyPatch, held: tuple[str, ...], runs: int
) -> None:
    ran: list[object] = []

    async def work(app: object) -> None:
        ran.append(app)

    table = (Job("forget", Every(3600.0, work), "Delete rows.", task=HOUSEKEEPING),)
    monkeypatch.setattr(jobs, "jobs_of", lambda *_: table)
    recorder = Recorder(held)
    jobs.schedule(cast("Any", Parts(recorder, recorder)))
    seconds, jitter, fn = recorder.scheduled["forget"]
    await fn()
    assert (seconds, jitter, len(ran)) == (3600.0, 0.0, runs)


async def test_cron_job_gets_the_time_that_was_due(monkeypatch: pytest.MonkeyPatch) -> None:
    due: list[float] = []

    async def work(_app: object, due_at: float) -> None:
        due.append(due_at)

    table = (Job("summary", Cron("0 9 * * *", "UTC", work), "Post the summary.", once="the first"),)
    monkeypatch.setattr(jobs, "jobs_of", lambda *_: table)
    recorder = Recorder()
    jobs.schedule(cast("Any", Parts(recorder, recorder)))
    expression, timezone, fn = recorder.scheduled["summary"]
    await fn(900.0)
    assert (expression, timezone, due) == ("0 9 * * *", "UTC", [900.0])


def test_gained_clusters_are_polled_at_once() -> None:
    recorder = Recorder()
    poll_gained(cast("Any", recorder), [HOUSEKEEPING, watch_of("prod")])
    assert recorder.now == [poll_job("prod")]


def test_poll_problem_is_counted_and_reported_to_watchdog() -> None:
    recorder, metrics = Recorder(), Metrics()
    problems = JobProblems(metrics, cast("Any", recorder))
    problems.report(JobProblem(poll_job("prod"), ProblemKind.MISSED, 0.0))
    problems.report(JobProblem("sweep", ProblemKind.FAILED, 0.0, ValueError("a mistake")))
    assert [cluster for cluster, _ in recorder.reported] == ["prod"]
    text = metrics.exposed().decode()
    assert 'cmbot_schedule_troubles_total{job="watch prod",kind="missed"} 1.0' in text
    assert 'cmbot_schedule_troubles_total{job="sweep",kind="failed"} 1.0' in text
