"""The scheduler on a running event loop."""

import asyncio
import logging
from datetime import UTC, datetime

import pytest
import time_machine

from bot.runtime.coalescing import Coalescing
from bot.runtime.scheduler import JobProblem, ProblemKind, Scheduler


def ignore(_: JobProblem) -> None:
    """Ignore problems: a loaded machine may miss a run."""


async def test_job_runs_at_once_and_again() -> None:
    ran = asyncio.Semaphore(0)

    async def job() -> None:
        ran.release()

    scheduler = Scheduler(ignore)
    scheduler.every(0.01, job, name="watch prod")
    scheduler.start()
    for _ in range(3):
        await asyncio.wait_for(ran.acquire(), 20)
    await scheduler.stop()


async def test_job_that_rests_runs_again_only_when_it_is_asked_for() -> None:
    ran, others = asyncio.Semaphore(0), asyncio.Semaphore(0)
    rests = True

    async def job() -> None:
        ran.release()
        if rests:
            scheduler.rest("watch prod")

    async def other() -> None:
        others.release()

    scheduler = Scheduler(ignore)
    scheduler.every(0.01, job, name="watch prod")
    scheduler.every(0.01, other, name="sweep")
    scheduler.start()
    await asyncio.wait_for(ran.acquire(), 20)
    for _ in range(20):
        await asyncio.wait_for(others.acquire(), 20)
    assert ran.locked()
    rests = False
    scheduler.run_soon("watch prod")
    for _ in range(3):
        await asyncio.wait_for(ran.acquire(), 20)
    await scheduler.stop()


async def test_rest_before_start_does_nothing() -> None:
    Scheduler(ignore).rest("watch prod")


async def test_stop_waits_for_running_jobs_and_starts_none() -> None:
    begun, go_on, log = asyncio.Event(), asyncio.Event(), []

    async def job() -> None:
        log.append("begun")
        begun.set()
        await go_on.wait()
        log.append("ended")

    scheduler = Scheduler(ignore)
    scheduler.every(0.01, job, name="watch prod")
    scheduler.start()
    await asyncio.wait_for(begun.wait(), 20)
    stopping = asyncio.create_task(scheduler.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    go_on.set()
    await asyncio.wait_for(stopping, 20)
    assert log == ["begun", "ended"]


@pytest.mark.parametrize("turns", range(1, 7))
async def test_job_that_a_stop_cuts_short_has_no_problem(turns: int, caplog: pytest.LogCaptureFixture) -> None:
    begun, cancelled, problems = asyncio.Event(), asyncio.Event(), list[JobProblem]()

    async def job() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    scheduler = Scheduler(problems.append)
    scheduler.every(3600, job, name="watch prod")
    scheduler.start()
    await asyncio.wait_for(begun.wait(), 20)
    stopping = asyncio.create_task(scheduler.stop())
    for _ in range(turns):
        await asyncio.sleep(0)
    stopping.cancel()
    await asyncio.wait_for(cancelled.wait(), 20)
    await asyncio.gather(stopping, return_exceptions=True)
    assert problems == []
    assert caplog.records == []


async def test_a_job_never_overlaps_itself_and_is_reported() -> None:
    overlapped, running, most = asyncio.Event(), 0, 0
    problems: list[JobProblem] = []

    async def job() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await overlapped.wait()
        running -= 1

    def on_problem(problem: JobProblem) -> None:
        problems.append(problem)
        overlapped.set()

    scheduler = Scheduler(on_problem)
    scheduler.every(0.01, job, name="watch prod")
    scheduler.start()
    await asyncio.wait_for(overlapped.wait(), 20)
    await scheduler.stop()
    assert most == 1
    assert (problems[0].job, problems[0].kind) == ("watch prod", ProblemKind.OVERLAPPED)


async def test_a_job_that_raises_is_reported_and_runs_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="apscheduler")
    twice = asyncio.Event()
    problems: list[JobProblem] = []

    async def job() -> None:
        raise ValueError("a mistake")

    def on_problem(problem: JobProblem) -> None:
        problems.append(problem)
        if len(problems) > 1:
            twice.set()

    scheduler = Scheduler(on_problem)
    scheduler.every(0.01, job, name="watch prod")
    scheduler.start()
    await asyncio.wait_for(twice.wait(), 20)
    await scheduler.stop()
    assert {(problem.kind, str(problem.error)) for problem in problems} == {(ProblemKind.FAILED, "a mistake")}


async def test_crontab_job_gets_its_due_time() -> None:
    fired: asyncio.Queue[float] = asyncio.Queue()

    async def job(due_at: float) -> None:
        await fired.put(due_at)

    with time_machine.travel(datetime(2026, 10, 24, 22, 59, 59, 900_000, UTC), tick=True):
        scheduler = Scheduler(ignore)
        scheduler.cron("0 1 * * 0", "Europe/Berlin", job, name="summary")
        scheduler.start()
        due = await asyncio.wait_for(fired.get(), 20)
        await scheduler.stop()
    assert datetime.fromtimestamp(due, UTC) == datetime(2026, 10, 24, 23, 0, 0, tzinfo=UTC)


async def test_stop_before_start_does_nothing() -> None:
    await Scheduler(ignore).stop()


async def test_jobs_with_jitter_begin_together_while_few_run() -> None:
    """Those that rest do not count, until they are asked for: else sixteen of a thousand polls would begin at once."""

    async def job() -> None:
        return

    scheduler = Scheduler(ignore)
    names = [f"watch c{number}" for number in range(960)]
    for name in names:
        scheduler.every(15.0, job, name=name, jitter=1.5, after=600.0)
    scheduler.every(5.0, job, name="sweep")
    together, phase = scheduler._coalescing, scheduler._coalescing.phase

    def expected(number: int) -> list[float]:
        others = Coalescing(phase)
        for name in names[:number]:
            others.add(name, 15.0)
        return [others.nearest(1e9 + at / 100, 9.0) for at in range(100)]

    def found() -> list[float]:
        return [together.nearest(1e9 + at / 100, 9.0) for at in range(100)]

    scheduler.start()
    assert found() == pytest.approx(expected(960), abs=1e-4, rel=0)
    for name in names[480:]:
        scheduler.rest(name)
    assert found() == pytest.approx(expected(480), abs=1e-4, rel=0)
    for name in names[480:720]:
        scheduler.run_soon(name, after=600.0)
    assert found() == pytest.approx(expected(720), abs=1e-4, rel=0)
    await scheduler.stop()
