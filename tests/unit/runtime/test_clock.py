"""Clock of the process, guard of the system clock, and translation of times between the two."""

from dataclasses import dataclass

import pytest

from bot.runtime.clock import TOLERANCE, ClockGuard, ProcessClock, RemoteTimes, earliest
from bot.views.notices import clock_set

NOON = 1_700_000_000.0
HOUR = 3600.0


@dataclass
class Time:
    """Clocks of a machine: the system clock, which is set, and the steady clock."""

    wall: float = NOON
    steady: float = 50.0

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def clock(self) -> ProcessClock:
        return ProcessClock(lambda: self.wall, lambda: self.steady)


@pytest.mark.parametrize("by", [-90.0, -HOUR, 365 * 24 * HOUR])
def test_process_clock_ignores_a_set_system_clock(by: float) -> None:
    time = Time()
    clock = time.clock()
    time.passes(10)
    time.wall += by
    time.passes(5)
    assert clock() == NOON + 15
    assert time.clock()() == NOON + 15 + by, "a new process starts from the system clock"


def test_jump_is_noted_once_with_its_size() -> None:
    time = Time()
    guard = ClockGuard(time.clock(), lambda: time.wall)
    time.wall -= HOUR
    for _ in range(3):
        time.passes(2)
        guard.check()
    [jump] = guard.jumps
    assert (jump.by, jump.ahead) == (-HOUR, -HOUR)
    time.wall += HOUR
    guard.check()
    assert [(each.by, each.ahead) for each in guard.jumps] == [(-HOUR, -HOUR), (HOUR, 0.0)]


def test_following_the_server_is_no_jump() -> None:
    time = Time()
    clock = time.clock()
    clock.follow(NOON - HOUR)
    guard = ClockGuard(clock, lambda: time.wall)
    time.passes(2)
    guard.check()
    assert clock() == NOON - HOUR + 2
    assert guard.jumps == []
    time.wall += 90
    guard.check()
    assert [(each.by, each.ahead) for each in guard.jumps] == [(90.0, HOUR + 90)]


def test_small_corrections_count_when_they_add_up() -> None:
    time = Time()
    guard = ClockGuard(time.clock(), lambda: time.wall)
    time.wall += TOLERANCE
    guard.check()
    assert guard.jumps == []
    time.wall += 0.5
    guard.check()
    assert [each.by for each in guard.jumps] == [TOLERANCE + 0.5]


def test_time_of_the_process_is_translated_to_the_system_clock() -> None:
    """The search for a message in Slack must begin at the time on the clock of Slack, or earlier."""
    assert earliest(NOON, NOON + 60, NOON + 60) == NOON
    assert earliest(NOON, NOON + 60, NOON + 60 - HOUR) == NOON - HOUR, "set back: the process is ahead"
    assert earliest(NOON, NOON + 60, NOON + 60 + HOUR) == NOON, "set forward: an earlier time does no harm"


def test_time_in_the_future_goes_back_one_day() -> None:
    """An earlier process saved it with a clock that was ahead."""
    assert earliest(NOON + HOUR, NOON, NOON) == NOON - 24 * HOUR


@pytest.mark.parametrize(
    ("by", "ahead", "words"),
    [
        (-HOUR, -HOUR, ("was set back by 1 h", "1 h ahead of the system clock", "restart cmbot")),
        (90.0, 90.0, ("was set ahead by 1 min", "behind the system clock", "restart cmbot")),
        (HOUR, 0.0, ("was set ahead by 1 h", "Both clocks agree again")),
    ],
)
def test_notice_names_the_jump_and_its_consequence(by: float, ahead: float, words: tuple[str, ...]) -> None:
    shown = str(clock_set("host-1", by, ahead).to_json())
    assert all(word in shown for word in (*words, "Polling continues without a gap", "host-1")), shown


@pytest.mark.parametrize("skew", [-HOUR, HOUR, 365 * 24 * HOUR])
def test_time_of_another_clock_becomes_arrival_time(skew: float) -> None:
    heard = RemoteTimes()
    heard.local("prod", NOON - 60 + skew, NOON - 55)
    assert heard.local("prod", NOON + skew, NOON + 5) == NOON + 5
    assert heard.local("prod", NOON + skew, NOON + 300) == NOON + 5, "it gets old"


def test_time_of_the_same_clock_is_kept() -> None:
    heard = RemoteTimes()
    assert heard.local("prod", NOON - 60, NOON - 55) == NOON - 60
    assert heard.local("prod", NOON, NOON + 5) == NOON


def test_first_time_is_never_in_the_future() -> None:
    assert RemoteTimes().local("prod", NOON + HOUR, NOON) == NOON
    assert RemoteTimes().local("prod", 0.0, NOON) == 0.0
