"""Work of many clusters that is repeated: often enough for each, and not for all of them at once."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bot.common.periods import elapsed, staggered

START = 1_700_000_000.0
PERIODS = st.sampled_from([60.0, 300.0, 3600.0])
NAMES = st.text(min_size=1, max_size=20)


@given(NAMES, PERIODS, st.floats(0, 1e6), st.floats(0, 1), st.floats(1, 10))
def test_work_is_due_at_most_a_period_after_the_last_time(
    name: str, period: float, at: float, share: float, later: float
) -> None:
    due, last = staggered(name), START + at
    assert due(last, last + period * later, period)
    assert due(0.0, last, period)
    if due(last, last + share * period, period):
        assert due(last, last + share * later * period, period), "what is due stays due"


@given(NAMES, PERIODS, st.floats(0, 1e6), st.integers(2, 50))
def test_work_is_done_once_in_each_period(name: str, period: float, at: float, periods: int) -> None:
    """Polls come four times in a period; the first time comes from the start, the others from the schedule."""
    due, last, done = staggered(name), START + at, 0
    for poll in range(1, 4 * periods + 1):
        if due(last, now := START + at + poll * period / 4, period):
            last, done = now, done + 1
    assert periods - 1 <= done <= periods + 1


def test_clusters_that_begin_together_do_not_repeat_their_work_together() -> None:
    """A thousand clusters, first polled within 15 s, every 15 s: each round has about a quarter of the work."""
    last = {f"cluster-{n}": START + n * 0.015 for n in range(1000)}
    rounds = Counter[int]()
    dues = {name: staggered(name) for name in last}
    for turn in range(1, 41):
        for name, due in dues.items():
            now = START + int(name[8:]) * 0.015 + 15 * turn
            if due(last[name], now, 60.0):
                last[name], rounds[turn] = now, rounds[turn] + 1
    assert set(rounds) == set(range(1, 41))
    assert all(200 < number < 300 for number in rounds.values())


def test_clock_that_is_set_back_does_not_stop_the_work() -> None:
    assert staggered("prod")(START, START - 3600.0, 60.0)


def test_without_a_name_the_period_counts_from_the_last_time() -> None:
    assert [elapsed(START, START + after, 60.0) for after in (0.0, 59.9, 60.0)] == [False, False, True]
    assert elapsed(0.0, 10.0, 60.0), "never done"
