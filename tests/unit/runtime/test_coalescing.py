"""Timer coalescing: jobs begin together, near the time at which they are due."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.runtime.coalescing import LONGEST, TOGETHER, Coalescing
from bot.runtime.scheduler import _Interval

START = 1_764_000_000.0


def filled(jobs: int, seconds: float = 15.0, phase: float = 0.3) -> Coalescing:
    coalescing = Coalescing(phase)
    for number in range(jobs):
        coalescing.add(f"watch c{number}", seconds)
    return coalescing


@given(st.integers(0, 3000), st.floats(0.5, 3600.0), st.floats(0.0, 1.0), st.floats(0.0, 1e6), st.floats(0.001, 400.0))
def test_moment_is_near_the_time_of_the_job(jobs: int, seconds: float, phase: float, after: float, most: float) -> None:
    coalescing = Coalescing(phase)
    for number in range(min(jobs, 50)):
        coalescing.add(str(number), seconds)
    due = START + after
    assert abs(coalescing.nearest(due, most) - due) <= min(LONGEST, most) / 2 + 1e-6


@pytest.mark.parametrize("jobs", [1, 100, 240, 1000, 10_000])
def test_a_few_jobs_begin_together(jobs: int) -> None:
    """Of all runs of fifteen seconds, at the moments for so many jobs."""
    coalescing = filled(jobs)
    moments = {coalescing.nearest(START + 15.0 * number / jobs, 0.75) for number in range(jobs)}
    at_once = jobs / len(moments)
    assert at_once <= TOGETHER + 1
    assert at_once >= min(TOGETHER, jobs * LONGEST / 15) * 0.9


def moments(coalescing: Coalescing) -> list[float]:
    return [coalescing.nearest(START + number / 100, 9.0) - START for number in range(500)]


def test_jobs_that_rest_do_not_count() -> None:
    """Of three replicas each has the jobs of all clusters, and runs those of a third."""
    third, all_of_them = filled(480), filled(1440)
    assert moments(all_of_them) != pytest.approx(moments(third), abs=1e-5, rel=0)
    for number in range(480, 1440):
        all_of_them.rest(f"watch c{number}")
        all_of_them.rest(f"watch c{number}")
    assert moments(all_of_them) == pytest.approx(moments(third), abs=1e-5, rel=0)
    for number in range(480, 500):
        all_of_them.resume(f"watch c{number}")
        all_of_them.resume(f"watch c{number}")
    all_of_them.resume("no such job")
    assert moments(all_of_them) == pytest.approx(moments(filled(500)), abs=1e-5, rel=0)
    assert moments(all_of_them) != pytest.approx(moments(third), abs=1e-5, rel=0)


@given(st.floats(0.5, 3600.0), st.floats(0.01, 0.1), st.integers(1, 3000), st.floats(-30.0, 30.0))
def test_job_runs_at_its_interval_give_or_take_the_jitter(seconds: float, share: float, jobs: int, away: float) -> None:
    jitter = seconds * share
    trigger = _Interval(seconds, jitter, filled(min(jobs, 50), seconds).nearest)
    before = datetime.fromtimestamp(START, UTC)
    now = before + timedelta(seconds=min(away, seconds * 0.9 - jitter))
    due = trigger.get_next_fire_time(before, now)
    assert due > now
    assert abs((due - before).total_seconds() - seconds) <= jitter + 1e-5


def test_mean_interval_is_not_longer() -> None:
    """Moments lie before and after the time at which a job is due."""
    trigger = _Interval(15.0, 1.5, filled(260).nearest)
    at = datetime.fromtimestamp(START, UTC)
    for _ in range(2000):
        at = trigger.get_next_fire_time(at, at)
    assert (at.timestamp() - START) / 2000 == pytest.approx(15.0, abs=0.07)


def test_two_processes_begin_at_other_moments() -> None:
    assert filled(260, phase=0.0).nearest(START, 0.75) != filled(260, phase=0.1).nearest(START, 0.75)
