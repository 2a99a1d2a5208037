"""The schedule on a running event loop."""

import asyncio
import logging
from datetime import UTC, datetime

import pytest
import time_machine

from bot.runtime.scheduler import Scheduler, Trouble, TroubleKind


async def test_a_job_runs_at_once_and_again() -> None:
    ran = asyncio.Semaphore(0)

    async def job() -> None:
        ran.release()

    scheduler = Scheduler()
    scheduler.every(0.01, job, name="watch prod")
    scheduler.start()
    for _ in range(3):
        await asyncio.wait_for(ran.acquire(), 20)
    await scheduler.stop()


async def test_stopping_waits_for_what_runs_and_starts_nothing_more() -> None:
    begun, go_on, log = asyncio.Event(), asyncio.Event(), []

    async def job() -> None:
        log.append("begun")
        begun.set()
        await go_on.wait()
        log.append("ended")

    scheduler = Scheduler()
    scheduler.every(0.01, job, name="watch prod")
    scheduler.start()
    await asyncio.wait_for(begun.wait(), 20)
    stopping = asyncio.create_task(scheduler.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    go_on.set()
    await asyncio.wait_for(stopping, 20)
    assert log == ["begun", "ended"]


async def test_a_job_never_overlaps_itself_and_that_is_told() -> None:
    troubled, running, most = asyncio.Event(), 0, 0
    told: list[Trouble] = []

    async def job() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await troubled.wait()
        running -= 1

    def on_trouble(trouble: Trouble) -> None:
        told.append(trouble)
        troubled.set()

    scheduler = Scheduler(on_trouble)
    scheduler.every(0.01, job, name="watch prod")
    scheduler.start()
    await asyncio.wait_for(troubled.wait(), 20)
    await scheduler.stop()
    assert most == 1
    assert (told[0].name, told[0].kind) == ("watch prod", TroubleKind.OVERLAPPED)
    assert scheduler.troubles["watch prod", TroubleKind.OVERLAPPED] >= 1


async def test_a_job_that_raises_is_told_and_runs_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="apscheduler")
    twice, told = asyncio.Event(), []

    async def job() -> None:
        raise ValueError("a mistake")

    def on_trouble(trouble: Trouble) -> None:
        told.append(trouble)
        if len(told) > 1:
            twice.set()

    scheduler = Scheduler(on_trouble)
    scheduler.every(0.01, job, name="watch prod")
    scheduler.start()
    await asyncio.wait_for(twice.wait(), 20)
    await scheduler.stop()
    assert {(trouble.kind, str(trouble.error)) for trouble in told} == {(TroubleKind.FAILED, "a mistake")}


async def test_a_crontab_fires_with_the_time_that_was_due() -> None:
    fired: asyncio.Queue[float] = asyncio.Queue()

    async def job(due_at: float) -> None:
        await fired.put(due_at)

    with time_machine.travel(datetime(2026, 10, 24, 22, 59, 59, 900_000, UTC), tick=True):
        scheduler = Scheduler()
        scheduler.cron("0 1 * * 0", "Europe/Berlin", job, name="summary")
        scheduler.start()
        due = await asyncio.wait_for(fired.get(), 20)
        await scheduler.stop()
    assert datetime.fromtimestamp(due, UTC) == datetime(2026, 10, 24, 23, 0, 0, tzinfo=UTC)


async def test_stopping_what_never_started_is_fine() -> None:
    await Scheduler().stop()
