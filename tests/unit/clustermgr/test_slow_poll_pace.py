"""Pace of slow polls: those of many clusters are spread over a minute, those of few begin at once."""

from collections import Counter

import pytest

from bot.clustermgr.slow_poll import INTERVAL_SECONDS
from bot.clustermgr.slow_poll_pace import BURST, SlowPollPace


def rounds_of(clusters: int, minutes: int = 5) -> Counter[int]:
    """Slow polls in each quarter of a minute, of clusters that are first polled within 15 s, every 15 s."""
    now, rounds = 0.0, Counter[int]()
    pace, last = SlowPollPace(clusters, lambda: now), [float("-inf")] * clusters
    for quarter in range(4 * minutes):
        for cluster in range(clusters):
            now = 15 * quarter + cluster * 15 / clusters
            if now - last[cluster] >= INTERVAL_SECONDS and pace.admits():
                last[cluster], rounds[quarter] = now, rounds[quarter] + 1
    return rounds


@pytest.mark.parametrize("clusters", [500, 1000, 3000])
def test_slow_polls_of_many_clusters_are_spread_over_the_minute(clusters: int) -> None:
    rounds = rounds_of(clusters)
    assert sum(rounds[quarter] for quarter in range(4)) == clusters, "each cluster within the first minute"
    assert sum(rounds.values()) > 4.8 * clusters, "one that had to wait is due at the next poll"
    assert max(rounds.values()) <= 0.3 * clusters + BURST


def test_slow_poll_that_failed_takes_no_place() -> None:
    """It is due again at the next poll: dark clusters would take the places of the others."""
    pace = SlowPollPace(1000, lambda: 0.0)
    for _ in range(100):
        assert pace.admits()
        pace.give_back()
    assert sum(pace.admits() for _ in range(100)) == BURST


def test_slow_polls_of_few_clusters_begin_at_once() -> None:
    assert rounds_of(10)[0] == 10
    assert rounds_of(80)[0] == 80, "switches are known soon"
