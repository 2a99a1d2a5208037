"""The scheduler while the system clock is set: intervals go on, crontabs follow the clock, each time is due once."""

import asyncio
import time
from datetime import UTC, datetime

import pytest
import time_machine

from bot.runtime.scheduler import JobProblem, ProblemKind, Scheduler, _Interval
from tests.component.runtime.test_scheduler import ignore

YEAR = 365 * 86400.0
NOON = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("by", [-3600.0, -90.0, YEAR])
async def test_interval_continues_when_the_clock_is_set(by: float) -> None:
    """The job neither stops for the length of the jump nor runs once for each interval in it."""
    ran = 0
    again = asyncio.Semaphore(0)
    problems: list[JobProblem] = []

    async def job() -> None:
        nonlocal ran
        ran += 1
        again.release()

    with time_machine.travel(NOON, tick=True) as clock:
        scheduler = Scheduler(problems.append)
        scheduler.every(0.2, job, name="watch prod")
        scheduler.start()
        await asyncio.wait_for(again.acquire(), 20)
        clock.shift(by)
        for _ in range(3):
            await asyncio.wait_for(again.acquire(), 20)
        await scheduler.stop()
    assert ran <= 6
    assert not problems


async def test_late_loop_runs_an_interval_once() -> None:
    """All runs that a blocked process missed become one run."""
    ran = 0
    problems: list[JobProblem] = []
    twice = asyncio.Event()

    async def job() -> None:
        nonlocal ran
        ran += 1
        if ran == 1:
            asyncio.get_running_loop().call_later(0.01, time.sleep, 1.6)
        else:
            twice.set()

    scheduler = Scheduler(problems.append)
    scheduler.every(0.1, job, name="watch prod")
    scheduler.start()
    await asyncio.wait_for(twice.wait(), 20)
    await scheduler.stop()
    assert ran == 2
    assert [(each.job, each.kind) for each in problems] == [("watch prod", ProblemKind.MISSED)]


async def test_a_clock_one_year_ahead_asks_the_trigger_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """A jump costs bounded work: the library asks for each missed run and gets one."""
    asked = 0
    given = _Interval.get_next_fire_time

    def terms(self: _Interval, previous: datetime | None, now: datetime) -> datetime:
        nonlocal asked
        asked += 1
        return given(self, previous, now)

    monkeypatch.setattr(_Interval, "get_next_fire_time", terms)
    ran = asyncio.Semaphore(0)

    async def job() -> None:
        ran.release()

    with time_machine.travel(NOON, tick=True) as clock:
        scheduler = Scheduler(ignore)
        scheduler.every(0.2, job, name="watch prod")
        scheduler.start()
        await asyncio.wait_for(ran.acquire(), 20)
        clock.shift(YEAR)
        for _ in range(3):
            await asyncio.wait_for(ran.acquire(), 20)
        await scheduler.stop()
    assert asked < 30


async def crontab(*walls: float) -> list[float]:
    """Times at which an hourly job was due, on a system clock that is set to each of `walls` in turn."""
    fired: list[float] = []

    async def job(due_at: float) -> None:
        fired.append(due_at)

    with time_machine.travel(NOON, tick=True) as clock:
        scheduler = Scheduler(ignore)
        scheduler.cron("0 * * * *", "UTC", job, name="summary")
        scheduler.start()
        for wall in walls:
            await asyncio.sleep(0.05)
            clock.move_to(wall, tick=True)
            # The library checks for due jobs when a timer ends, the guard once a second: the test waits for neither.
            scheduler._scheduler.wakeup()
            await asyncio.sleep(0.05)
            scheduler.check_clock()
        await asyncio.sleep(0.05)
        await scheduler.stop()
    return fired


ONE = datetime(2026, 11, 24, 13, 0, 0, tzinfo=UTC).timestamp()


async def test_crontab_uses_the_system_clock() -> None:
    assert await crontab(ONE - 1.5, ONE + 0.01) == [ONE]


async def test_clock_a_year_ahead_makes_one_run_due() -> None:
    assert await crontab(ONE + YEAR + 60, ONE + YEAR + 61) == [ONE + YEAR]


async def test_clock_set_back_keeps_the_crontab_due() -> None:
    """After one year ahead and back, the next hour does not take a year."""
    assert await crontab(ONE + YEAR + 60, NOON + 60, ONE + 2) == [ONE + YEAR, ONE]


async def test_repeated_time_is_due_again() -> None:
    """The job itself saves the times that it ran for, so that a summary is posted once."""
    assert await crontab(ONE + 1, ONE - 600, ONE + 1) == [ONE, ONE]
