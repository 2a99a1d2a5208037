"""The clock of the process, the guard that notices when the system clock is set, and how times are translated."""

from dataclasses import dataclass

import pytest

from bot.runtime.clock import TOLERANCE, ClockGuard, ProcessClock, earliest
from bot.views.notes import clock_set

NOON = 1_700_000_000.0
HOUR = 3600.0


@dataclass
class Time:
    """A machine's clocks: one that is set, one that only goes on."""

    wall: float = NOON
    steady: float = 50.0

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def clock(self) -> ProcessClock:
        return ProcessClock(lambda: self.wall, lambda: self.steady)


@pytest.mark.parametrize("by", [-90.0, -HOUR, 365 * 24 * HOUR])
def test_the_process_clock_goes_on_whatever_is_set(by: float) -> None:
    time = Time()
    clock = time.clock()
    time.passes(10)
    time.wall += by
    time.passes(5)
    assert clock() == NOON + 15
    assert time.clock()() == NOON + 15 + by, "after a restart the system clock decides"


def test_a_jump_is_noted_once_with_its_size() -> None:
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


def test_following_the_server_is_no_jump_of_the_system_clock() -> None:
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


def test_small_corrections_count_only_when_they_add_up() -> None:
    time = Time()
    guard = ClockGuard(time.clock(), lambda: time.wall)
    time.wall += TOLERANCE
    guard.check()
    assert guard.jumps == []
    time.wall += 0.5
    guard.check()
    assert [each.by for each in guard.jumps] == [TOLERANCE + 0.5]


def test_a_time_of_this_process_is_translated_to_the_system_clock() -> None:
    """As a message must be looked for in Slack from the time that Slack's clock showed, or a bit earlier."""
    assert earliest(NOON, NOON + 60, NOON + 60) == NOON
    assert earliest(NOON, NOON + 60, NOON + 60 - HOUR) == NOON - HOUR, "set back: ours is ahead"
    assert earliest(NOON, NOON + 60, NOON + 60 + HOUR) == NOON, "set ahead: earlier does no harm"


def test_a_time_to_come_says_nothing_so_a_day_is_looked_back() -> None:
    """An earlier process had a clock that was ahead."""
    assert earliest(NOON + HOUR, NOON, NOON) == NOON - 24 * HOUR


@pytest.mark.parametrize(
    ("by", "ahead", "words"),
    [
        (-HOUR, -HOUR, ("was set back by 1 h", "1 h ahead of the system clock", "restart cmbot")),
        (90.0, 90.0, ("was set ahead by 1 min", "behind the system clock", "restart cmbot")),
        (HOUR, 0.0, ("was set ahead by 1 h", "Both clocks agree again")),
    ],
)
def test_the_notice_says_what_follows(by: float, ahead: float, words: tuple[str, ...]) -> None:
    shown = str(clock_set("host-1", by, ahead).to_json())
    assert all(word in shown for word in (*words, "The watch goes on without a gap", "host-1")), shown
