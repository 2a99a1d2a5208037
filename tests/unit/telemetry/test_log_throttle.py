"""Bounded logs: the first lines of a kind, then their number; the bound that docs/logs.md states."""

import logging
import threading
from typing import Any

import pytest
import structlog

from bot.telemetry import log_throttle
from bot.telemetry.log_throttle import FIRST, MAX_EVENTS, MAX_KINDS, LogThrottle, Summary, cause_of
from tests.support.log_lines import FIRST_MINUTE, log_lines

EACH_MINUTE = 2 * (MAX_KINDS + 1)


class Log:
    """A throttle whose minutes the test ends; `written` counts whole lines, `summaries` has the others."""

    def __init__(self) -> None:
        self.written, self.summaries = 0, list[Summary]()
        self.throttle = LogThrottle(self.summaries.append, timed=False)

    def line(self, event: str = "store.down", level: int = logging.WARNING, **fields: Any) -> bool:
        admitted = self.throttle.admits(level, event, fields)
        self.written += admitted
        return admitted

    def minute(self) -> tuple[int, int]:
        """End the minute; return how many whole lines and summaries it had."""
        self.throttle.sum_up()
        found = self.written, len(self.summaries)
        self.written = 0
        self.summaries.clear()
        return found


def test_first_lines_are_written_and_the_others_counted() -> None:
    log = Log()
    assert [log.line(error="refused") for _ in range(FIRST + 3)] == [True] * FIRST + [False] * 3
    log.throttle.sum_up()
    [((level, event, _, cause), counted)] = log.summaries
    assert (level, event, cause, counted.left) == (logging.WARNING, "store.down", "refused", 3)
    assert counted.newest == {"error": "refused"}


def test_kind_that_goes_on_has_one_whole_line_and_one_summary_a_minute() -> None:
    log = Log()
    minutes = []
    for _ in range(3):
        for _ in range(10_000):
            log.line()
        minutes.append(log.minute())
    assert minutes == [(FIRST, 1), (1, 1), (1, 1)]


def test_kind_that_was_quiet_for_a_minute_begins_again() -> None:
    log = Log()
    for _ in range(FIRST + 1):
        log.line()
    log.minute()
    log.minute()
    assert all(log.line() for _ in range(FIRST))


def test_quiet_kinds_begin_again_without_a_summary() -> None:
    log = Log()
    for _ in range(FIRST):
        log.line()
    assert log.minute() == (FIRST, 0)
    assert log.minute() == (0, 0)
    assert all(log.line() for _ in range(FIRST))
    assert log.summaries == []


@pytest.mark.parametrize("rate", [1, 2, 4, FIRST])
def test_fault_that_goes_on_slowly_is_counted_until_it_is_quiet_for_a_minute(rate: int) -> None:
    """A cluster that is polled every 15 s has 4 lines a minute: it never has more than the first lines in one."""
    log = Log()
    minutes = []
    for _ in range(FIRST + 3):
        for _ in range(rate):
            log.line(cluster="prod", error="timeout")
        minutes.append(log.minute())
    assert sum(whole for whole, _ in minutes) <= FIRST + len(minutes)
    assert minutes[-1] == (1, rate > 1)
    log.minute()
    assert all(log.line(cluster="prod", error="timeout") for _ in range(FIRST))


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
def test_few_lines_of_what_was_done_are_always_whole(level: int) -> None:
    """A person who works on for hours: no line is a fault that goes on."""
    log = Log()
    for _ in range(20):
        assert all(log.line("code.checked", level, user="U1") for _ in range(FIRST))
        assert log.minute() == (FIRST, 0)


def test_bound_of_a_minute_holds_while_a_fault_goes_on() -> None:
    """Each of 25 clusters fails as often as is still written whole, at its own times, some with quiet minutes."""
    log = Log()
    minutes = []
    for minute in range(60):
        for number in range(25):
            for _ in range(FIRST if (minute + number) % 3 or number % 2 else 0):
                log.line("poll.failed", cluster=f"c{number}", error="timeout")
        minutes.append(log.minute())
    first, *later = minutes
    assert first[0] <= FIRST_MINUTE
    assert sum(whole for whole, _ in minutes) <= FIRST_MINUTE + (MAX_KINDS + 1) * len(minutes)
    assert all(sum(each) <= EACH_MINUTE for each in later[3:])


def test_level_event_cluster_and_cause_tell_kinds_apart() -> None:
    log = Log()
    for _ in range(FIRST):
        log.line(cluster="prod", code="ratelimited")
    assert not log.line(cluster="prod", code="ratelimited")
    assert log.line(cluster="archive", code="ratelimited")
    assert log.line(cluster="prod", code="fatal_error")
    assert log.line("store.back", cluster="prod", code="ratelimited")
    assert log.line(level=logging.ERROR, cluster="prod", code="ratelimited")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"error": "10.0.0.1:80 refused after 3.2 s"}, {"error": "10.0.0.7:80 refused after 0.9 s"}),
        ({"error": "id 4bf92f3577b34da6"}, {"error": "id 00f067aa0ba902b7"}),
        ({"exc_info": ValueError("a")}, {"exc_info": ValueError("b")}),
    ],
)
def test_causes_that_differ_in_numbers_are_one(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert cause_of(one) == cause_of(other) != ""


def test_codes_with_other_numbers_are_other_causes() -> None:
    assert cause_of({"code": "907"}) != cause_of({"code": "908"})


def test_three_hundred_clusters_at_once_stay_within_the_bound() -> None:
    log = Log()
    for _ in range(100):
        for number in range(300):
            log.line("tick_failed", cluster=f"c{number}", why="no answer")
    assert log.written == FIRST_MINUTE
    log.throttle.sum_up()
    [many] = [counted for (_, _, cluster, _), counted in log.summaries if not cluster]
    assert len(many.clusters) == 300 - MAX_KINDS
    assert len(log.summaries) == MAX_KINDS + 1
    log.written = 0
    log.summaries.clear()
    for number in range(300):
        log.line("tick_failed", cluster=f"c{number}", why="no answer")
        log.line("tick_failed", cluster=f"c{number}", why="no answer")
    assert sum(log.minute()) <= EACH_MINUTE


def test_forged_events_and_causes_do_not_fill_memory_or_log() -> None:
    log = Log()
    words = [f"{chr(97 + a)}{chr(103 + b)}{chr(110 + c)}" for a in range(20) for b in range(10) for c in range(10)]
    for word in words:
        log.line(f"lib: {word}")
        log.line("delivery.unsigned", error=word)
    assert log.written <= MAX_EVENTS + FIRST_MINUTE * 2
    assert len(log.throttle._events) <= MAX_EVENTS + 1


def test_heads_of_the_audit_log_are_always_written() -> None:
    log = Log()
    assert all(log.line("audit.noted", head=f"{n}:abc") for n in range(100))


def test_newest_line_keeps_no_exception_alive() -> None:
    log = Log()
    for _ in range(FIRST + 1):
        log.line(exc_info=ValueError("x"), error="y" * 1000)
    log.throttle.sum_up()
    [(_, counted)] = log.summaries
    assert counted.newest == {"error": "y" * log_throttle._KEPT_CHARS}


def test_summary_comes_by_itself_from_a_thread() -> None:
    came = threading.Event()
    found: list[Summary] = []

    def write(summary: Summary) -> None:
        found.append(summary)
        came.set()

    throttle = LogThrottle(write, window=0.05)
    for _ in range(FIRST + 7):
        throttle.admits(logging.ERROR, "store.down", {})
    assert came.wait(30)
    throttle.close()
    assert found[0][1].left == 7


def test_flood_becomes_first_lines_and_a_summary_at_the_end() -> None:
    with log_lines(secrets=["hunter2"]) as log:
        for number in range(17_000):
            structlog.get_logger("bot.some").error("store.down", error=f"refused {number} hunter2", cluster="prod")
        log.sum_up()
    *whole, summary = log.lines
    assert len(whole) == FIRST
    assert summary["event"] == "log.more"
    assert (summary["of"], summary["count"], summary["cluster"]) == ("store.down", 17_000 - FIRST, "prod")
    assert (summary["says"], summary["level"]) == ("16,995 more of this kind", "error")
    assert "refused 16999" in summary["error"]
    assert "hunter2" not in log.stream.getvalue()


def test_lines_of_libraries_are_bounded_too() -> None:
    with log_lines() as log:
        for number in range(1000):
            logging.getLogger("asyncio").error("Task %s was destroyed", number)
            logging.getLogger("other").warning("again")
        log.sum_up()
    assert len(log.lines) == 2 * (FIRST + 1)
    assert {each["count"] for each in log.lines if each["event"] == "log.more"} == {1000 - FIRST}


def test_handler_that_was_replaced_writes_no_summary() -> None:
    with log_lines() as log:
        for _ in range(FIRST + 1):
            structlog.get_logger("bot.some").warning("again")
    assert len(log.lines) == FIRST
