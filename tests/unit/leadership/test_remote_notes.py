"""Times of other processes, translated to the clock of this one."""

import pytest

from bot.leadership.remote_notes import RemoteTimes

NOW = 1_700_000_000.0
HOUR = 3600.0


@pytest.mark.parametrize("skew", [-HOUR, HOUR, 365 * 24 * HOUR])
def test_time_of_another_clock_becomes_arrival_time(skew: float) -> None:
    heard = RemoteTimes()
    heard.local("prod", NOW - 60 + skew, NOW - 55)
    assert heard.local("prod", NOW + skew, NOW + 5) == NOW + 5
    assert heard.local("prod", NOW + skew, NOW + 300) == NOW + 5, "it gets old"


def test_time_of_the_same_clock_is_kept() -> None:
    heard = RemoteTimes()
    assert heard.local("prod", NOW - 60, NOW - 55) == NOW - 60
    assert heard.local("prod", NOW, NOW + 5) == NOW


def test_first_time_is_never_in_the_future() -> None:
    assert RemoteTimes().local("prod", NOW + HOUR, NOW) == NOW
    assert RemoteTimes().local("prod", 0.0, NOW) == 0.0
