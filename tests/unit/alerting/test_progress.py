"""Progress of repairs and drops: rates and estimates with their basis, and none without one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerting.progress import (
    MAX_COUNTS,
    WINDOW,
    LeftCount,
    WorkProgress,
    total_after,
    with_count,
    work_progress,
)

Steps = list[tuple[float, int]]


def counted(steps: Steps) -> tuple[tuple[LeftCount, ...], int | None]:
    """The counts and the total after these (seconds later, units) in order."""
    counts: tuple[LeftCount, ...] = ()
    total: int | None = None
    at = 1000.0
    for later, left in steps:
        at += later
        total = total_after(total, left)
        counts = with_count(counts, at, left)
    return counts, total


def progress_of(*steps: tuple[float, int]) -> WorkProgress | None:
    return work_progress(*counted(list(steps)))


def test_one_count_has_no_rate_and_no_estimate() -> None:
    found = progress_of((0, 40))
    assert found == WorkProgress(40, 40)
    assert found is not None
    assert (found.share, found.seconds) == (0.0, None)


def test_no_count_is_no_progress() -> None:
    assert work_progress((), 40) is None


def test_rate_has_its_window_and_gives_the_estimate() -> None:
    found = progress_of((0, 120), (60, 118), (60, 112), (60, 108))
    assert found == WorkProgress(108, 120, 4.0, 180.0)
    assert found is not None
    assert found.seconds == 27 * 60.0
    assert found.share == pytest.approx(0.1)


def test_rate_forgets_what_is_older_than_the_window() -> None:
    found = progress_of((0, 1000), *((60, 990 - minute) for minute in range(30)))
    assert found is not None
    assert (found.rate, found.window) == (1.0, WINDOW)


def test_counts_far_apart_still_give_a_rate() -> None:
    found = progress_of((0, 100), (1800, 40))
    assert found == WorkProgress(40, 100, 2.0, 1800.0)


def test_stalled_work_has_no_estimate_but_its_idle_time() -> None:
    found = progress_of((0, 50), (60, 40), *((60, 40) for _ in range(12)))
    assert found == WorkProgress(40, 50, stalled_since=1060.0)
    assert found is not None
    assert found.seconds is None


@pytest.mark.parametrize(
    ("steps", "stalled_since"),
    [
        ([(0, 30), (60, 20), (60, 10), (60, 10)], None),
        ([(0, 30), (60, 20), (60, 10), (60, 10), (60, 10)], 1120.0),
        ([(0, 12), (60, 6), (180, 6)], 1060.0),
        ([(0, 3), (200, 2), (60, 2), (60, 2), (60, 2)], None),
        ([(0, 3), (100, 2), (60, 2), (60, 2), (60, 2), (60, 2)], 1100.0),
        ([(0, 3), (60, 0), (60, 0), (60, 0)], None),
    ],
    ids=["one equal count", "two minutes", "one late count", "slow units", "slow units that stand still", "ended"],
)
def test_estimate_ends_when_no_unit_moved_for_two_minutes(steps: Steps, stalled_since: float | None) -> None:
    """Equal counts lower the rate only slowly: until they fill the window, an estimate would go on."""
    found = progress_of(*steps)
    assert found is not None
    assert found.stalled_since == stalled_since
    assert (found.rate is None) == (stalled_since is not None)


def test_units_that_land_restart_the_basis() -> None:
    found = progress_of((0, 50), (60, 40), (60, 45))
    assert found == WorkProgress(45, 50)
    assert progress_of((0, 50), (60, 40), (60, 45), (60, 43)) == WorkProgress(43, 50, 2.0, 60.0)
    assert progress_of((0, 50), (60, 40), (60, 60)) == WorkProgress(60, 60)


def test_counts_that_swing_do_not_pile_up_work_as_done() -> None:
    found = progress_of((0, 500), *[(60, 0), (60, 500)] * 4)
    assert found == WorkProgress(500, 500)


def test_end_has_no_unit_left() -> None:
    found = progress_of((0, 5), (60, 0))
    assert found is not None
    assert (found.share, found.seconds) == (1.0, 0.0)
    empty = progress_of((0, 0))
    assert empty is not None
    assert (empty.share, empty.seconds) == (1.0, 0.0)


STEPS = st.lists(st.tuples(st.floats(-100, 10_000), st.integers(-5, 20_000)), max_size=60)


@given(STEPS)
def test_progress_is_never_negative_and_bounded(steps: Steps) -> None:
    counts, total = counted(steps)
    assert len(counts) <= MAX_COUNTS
    assert [count.at for count in counts] == sorted({count.at for count in counts})
    assert [count.left for count in counts] == sorted((count.left for count in counts), reverse=True)
    found = work_progress(counts, total)
    if found is None:
        assert not counts
        return
    assert 0 <= found.left <= found.total
    assert 0.0 <= found.share <= 1.0
    assert found.rate is None or found.rate > 0
    assert (found.rate is None) == (found.window is None)
    assert found.seconds is None or found.seconds >= 0
    assert not (found.stalled_since is not None and found.seconds)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40))
def test_share_never_falls_while_units_leave(moved: list[int]) -> None:
    left = sum(moved)
    steps: Steps = [(0.0, left)]
    shares = []
    for units in moved:
        left -= units
        steps.append((60.0, left))
        found = work_progress(*counted(steps))
        assert found is not None
        shares.append(found.share)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@given(st.integers(1, 30), st.integers(2, 30))
def test_steady_work_is_estimated_right(per_minute: int, minutes: int) -> None:
    start = per_minute * 100
    found = progress_of((0, start), *((60, start - per_minute * (each + 1)) for each in range(minutes)))
    assert found is not None
    assert found.rate == pytest.approx(per_minute)
    assert found.seconds == pytest.approx((100 - minutes) * 60)
