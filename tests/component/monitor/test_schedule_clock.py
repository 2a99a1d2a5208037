"""The schedule while the system clock is set: intervals go on, crontabs follow it, and each time is due once."""

import asyncio
import time
from datetime import UTC, datetime

import pytest
import time_machine

from bot.schedule import Scheduler, TroubleKind

YEAR = 365 * 86400.0
NOON = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("by", [-3600.0, -90.0, YEAR])
async def test_an_interval_goes_on_when_the_clock_is_set(by: float) -> None:
    """Neither stopped for the length of the jump nor run for each interval between."""
    ran = 0
    again = asyncio.Semaphore(0)

    async def job() -> None:
        nonlocal ran
        ran += 1
        again.release()

    with time_machine.travel(NOON, tick=True) as clock:
        scheduler = Scheduler()
        scheduler.every(0.2, job, name="watch prod")
        scheduler.start()
        await asyncio.wait_for(again.acquire(), 20)
        clock.shift(by)
        for _ in range(3):
            await asyncio.wait_for(again.acquire(), 20)
        await scheduler.stop()
    assert ran == 4
    assert not scheduler.troubles


async def test_a_late_loop_runs_an_interval_once_and_reports_it() -> None:
    """However long the process stood still, what it missed is one run."""
    ran = 0
    twice = asyncio.Event()

    async def job() -> None:
        nonlocal ran
        ran += 1
        if ran == 1:
            asyncio.get_running_loop().call_later(0.01, time.sleep, 1.6)
        else:
            twice.set()

    scheduler = Scheduler()
    scheduler.every(0.1, job, name="watch prod")
    scheduler.start()
    await asyncio.wait_for(twice.wait(), 20)
    await scheduler.stop()
    assert ran == 2
    assert scheduler.troubles["watch prod", TroubleKind.MISSED] == 1


async def crontab(*walls: float) -> tuple[list[float], Scheduler]:
    """What an hourly job was due at, on a system clock that shows one of `walls` after the other."""
    shown, fired = [NOON], []

    async def job(due_at: float) -> None:
        fired.append(due_at)

    scheduler = Scheduler(wall=lambda: shown[0])
    scheduler.cron("0 * * * *", "UTC", job, name="summary")
    scheduler.start()
    for wall in walls:
        await asyncio.sleep(0)
        shown[0] = wall
        scheduler.soon("summary")
        for _ in range(5):
            await asyncio.sleep(0)
    await scheduler.stop()
    return fired, scheduler


ONE = datetime(2026, 11, 24, 13, 0, 0, tzinfo=UTC).timestamp()


async def test_a_crontab_is_due_when_the_system_clock_says_so() -> None:
    assert (await crontab(ONE - 1, ONE, ONE + 1))[0] == [ONE]


async def test_a_clock_a_year_ahead_makes_one_run_due() -> None:
    fired, _ = await crontab(ONE + YEAR + 60, ONE + YEAR + 120)
    assert fired == [ONE + YEAR]


async def test_a_clock_that_comes_back_leaves_the_crontab_due() -> None:
    """A year ahead and back again: the next hour is not waited for a year."""
    fired, _ = await crontab(ONE + YEAR + 60, NOON + 60, ONE + 2)
    assert fired == [ONE + YEAR, ONE]


async def test_a_time_that_comes_again_is_due_again() -> None:
    """The job knows what it did: a summary notes each time that it was posted for."""
    assert (await crontab(ONE + 1, ONE - 600, ONE + 1))[0] == [ONE, ONE]


async def test_a_run_that_is_hours_late_is_reported_and_left_out() -> None:
    """What is made good after hours is not the schedule's to decide."""
    shown, fired = [NOON], []

    async def job(due_at: float) -> None:
        fired.append(due_at)

    scheduler = Scheduler(wall=lambda: shown[0])
    scheduler.cron("0 13 * * *", "UTC", job, name="summary")
    scheduler.start()
    await asyncio.sleep(0)
    shown[0] = ONE + 7200
    scheduler.soon("summary")
    for _ in range(5):
        await asyncio.sleep(0)
    await scheduler.stop()
    assert fired == []
    assert scheduler.troubles["summary", TroubleKind.MISSED] == 1
