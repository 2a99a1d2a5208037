"""The table of periodic jobs: complete, unambiguous, gated by tasks, and on its page."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from bot.leadership.model import HOUSEKEEPING, Hold, watch_of
from bot.runtime import jobs
from bot.runtime.job_problems import JobProblems
from bot.runtime.jobs import Cron, Every, Job
from bot.runtime.polling import poll_gained, poll_job, spread
from bot.runtime.scheduler import JobProblem, ProblemKind
from bot.telemetry.metrics import Metrics
from bot.watch.admission import Admission
from tests.docgen.jobs import PAGE, render
from tests.docgen.jobs import jobs as example_jobs


@dataclass
class Recorder:
    """Scheduler, membership and watchdog that record their calls; `held` are the held tasks."""

    held: tuple[str, ...] = ()
    scheduled: dict[str, Any] = field(default_factory=dict)
    soon: dict[str, float] = field(default_factory=dict)
    resting: list[str] = field(default_factory=list)
    lapsed: bool = False
    """True while the lease of this process may have ended."""
    reported: list[tuple[str, str]] = field(default_factory=list)

    def every(self, seconds: float, fn: Any, *, name: str, jitter: float = 0.0, after: float = 0.0) -> None:
        self.scheduled[name] = (seconds, jitter + after, fn)

    def cron(self, expression: str, timezone: str, fn: Any, *, name: str) -> None:
        self.scheduled[name] = (expression, timezone, fn)

    def run_soon(self, name: str, after: float = 0.0) -> None:
        self.soon[name] = after

    def rest(self, name: str) -> None:
        self.resting.append(name)

    @property
    def holds(self) -> dict[str, Hold]:
        return {task: Hold(task, "me", 1, 0.0) for task in self.held}

    def hold(self, task: str) -> Hold | None:
        return None if self.lapsed else self.holds.get(task)

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


def test_rows_are_deleted_once_a_start_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start with a thousand clusters needs all of the processor."""
    table = [job for job in example_jobs() if job.name == "forget"]
    monkeypatch.setattr(jobs, "jobs_of", lambda *_: table)
    recorder = Recorder()
    jobs.schedule(cast("Any", Parts(recorder, recorder)))
    seconds, after, _ = recorder.scheduled["forget"]
    assert (seconds, after) == (3600.0, 300.0)


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


@pytest.mark.parametrize(
    ("task", "held", "lapsed", "rests"),
    [
        (watch_of("prod"), (), False, True),
        (watch_of("prod"), (watch_of("prod"),), False, False),
        # Its hold may be renewed at the next heartbeat, without being gained again.
        (watch_of("prod"), (watch_of("prod"),), True, False),
        (HOUSEKEEPING, (), False, False),
    ],
)
async def test_poll_of_a_cluster_that_another_replica_holds_rests(
    monkeypatch: pytest.MonkeyPatch, task: str, held: tuple[str, ...], lapsed: bool, rests: bool
) -> None:
    async def work(_app: object) -> None:
        pass

    table = (Job("a job", Every(15.0, work), "Work.", task=task),)
    monkeypatch.setattr(jobs, "jobs_of", lambda *_: table)
    recorder = Recorder(held, lapsed=lapsed)
    jobs.schedule(cast("Any", Parts(recorder, recorder)))
    *_, fn = recorder.scheduled["a job"]
    await fn()
    assert recorder.resting == (["a job"] if rests else [])


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
    poll_gained(cast("Any", recorder), {"prod": 15.0}, [HOUSEKEEPING, watch_of("prod"), watch_of("of others")])
    assert recorder.soon == {poll_job("prod"): 0.0}


def test_first_polls_of_few_clusters_follow_each_other_closely() -> None:
    assert spread({"a": 15.0, "b": 15.0, "c": 60.0}) == {"a": 0.0, "b": 0.05, "c": 0.1}
    assert spread({}) == {}


def test_first_polls_of_many_clusters_fill_one_interval() -> None:
    after = spread({f"c{n}": 15.0 for n in range(1000)})
    assert max(after.values()) == pytest.approx(15.0, abs=0.02)
    assert len(set(after.values())) == 1000


def test_poll_that_waits_for_its_turn_is_no_fault_of_its_cluster() -> None:
    admission = Admission({"prod": 15.0}, lambda: 0.0)
    admission._waiting.add("prod")
    recorder = Recorder()
    problems = JobProblems(Metrics(), cast("Any", recorder), admission)
    problems.report(JobProblem(poll_job("prod"), ProblemKind.OVERLAPPED, 0.0))
    assert (recorder.reported, admission.skipped) == ([], 1)


def test_poll_problem_is_counted_and_reported_to_watchdog() -> None:
    recorder, metrics = Recorder(), Metrics()
    problems = JobProblems(metrics, cast("Any", recorder), Admission({}, lambda: 0.0))
    problems.report(JobProblem(poll_job("prod"), ProblemKind.MISSED, 0.0))
    problems.report(JobProblem("sweep", ProblemKind.FAILED, 0.0, ValueError("a mistake")))
    assert [cluster for cluster, _ in recorder.reported] == ["prod"]
    text = metrics.exposed().decode()
    assert 'cmbot_job_problems_total{kind="missed",name="watch prod"} 1.0' in text
    assert 'cmbot_job_problems_total{kind="failed",name="sweep"} 1.0' in text
