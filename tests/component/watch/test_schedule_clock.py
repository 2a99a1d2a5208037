"""The schedule while the system clock is set: intervals go on, crontabs follow it, and each time is due once."""

import asyncio
import time
from datetime import UTC, datetime

import pytest
import time_machine

from bot.runtime.scheduler import Scheduler, TroubleKind, _Interval

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
    assert ran <= 6
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


async def test_a_clock_a_year_ahead_asks_the_trigger_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work of a jump is bounded: the library asks for each missed run, and is given one."""
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
        scheduler = Scheduler()
        scheduler.every(0.2, job, name="watch prod")
        scheduler.start()
        await asyncio.wait_for(ran.acquire(), 20)
        clock.shift(YEAR)
        for _ in range(3):
            await asyncio.wait_for(ran.acquire(), 20)
        await scheduler.stop()
    assert asked < 30


async def crontab(*walls: float) -> list[float]:
    """What an hourly job was due at, on a system clock that is set to one of `walls` after the other."""
    fired: list[float] = []

    async def job(due_at: float) -> None:
        fired.append(due_at)

    with time_machine.travel(NOON, tick=True) as clock:
        scheduler = Scheduler()
        scheduler.cron("0 * * * *", "UTC", job, name="summary")
        scheduler.start()
        for wall in walls:
            await asyncio.sleep(0.05)
            clock.move_to(wall, tick=True)
            # Due jobs are looked at when a timer ends, the clock once a second: neither is waited for here.
            scheduler.wake()
            await asyncio.sleep(0.05)
            scheduler.look_at_clock()
        await asyncio.sleep(0.05)
        await scheduler.stop()
    return fired


ONE = datetime(2026, 11, 24, 13, 0, 0, tzinfo=UTC).timestamp()


async def test_a_crontab_is_due_when_the_system_clock_says_so() -> None:
    assert await crontab(ONE - 1.5, ONE + 0.01) == [ONE]


async def test_a_clock_a_year_ahead_makes_one_run_due() -> None:
    assert await crontab(ONE + YEAR + 60, ONE + YEAR + 61) == [ONE + YEAR]


async def test_a_clock_that_comes_back_leaves_the_crontab_due() -> None:
    """A year ahead and back again: the next hour is not waited for a year."""
    assert await crontab(ONE + YEAR + 60, NOON + 60, ONE + 2) == [ONE + YEAR, ONE]


async def test_a_time_that_comes_again_is_due_again() -> None:
    """The job knows what it did: a summary notes each time that it was posted for."""
    assert await crontab(ONE + 1, ONE - 600, ONE + 1) == [ONE, ONE]
