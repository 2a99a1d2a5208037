"""What Python prints by itself: it goes through the log, with its redaction and its bound."""

import logging
import sys
import threading
import warnings

import structlog

from bot.telemetry.log_throttle import FIRST, MAX_KINDS
from bot.telemetry.logs import set_up
from bot.telemetry.python_faults import logged_faults
from tests.support.log_lines import FIRST_MINUTE, log_lines


class Failing:
    """Cannot be destroyed without an error."""

    def __del__(self) -> None:
        raise ValueError("hunter2 is in the text")


def test_errors_that_nothing_catches_are_lines() -> None:
    def fail() -> None:
        raise OSError("hunter2 in a thread")

    before = sys.unraisablehook, threading.excepthook, warnings.showwarning
    with log_lines(secrets=["hunter2"]) as log, warnings.catch_warnings(), logged_faults():
        warnings.simplefilter("always")
        for number in range(100):
            Failing()
            thread = threading.Thread(target=fail, name=f"thread {number}")
            thread.start()
            thread.join()
            warnings.warn(f"hunter2 {number}", UserWarning, stacklevel=1)
        log.sum_up()
    assert before == (sys.unraisablehook, threading.excepthook, warnings.showwarning)
    for event in ("python.unraisable", "python.thread_ended", "python.warning"):
        assert (len(log.of(event)), log.counted(event)) == (FIRST, 100 - FIRST)
    assert "ValueError" in log.of("python.unraisable")[0]["exception"]
    assert log.of("python.warning")[0]["what"] == "UserWarning"
    assert "hunter2" not in log.stream.getvalue()


def test_texts_of_libraries_with_values_are_one_kind_and_a_library_has_few() -> None:
    words = [f"{chr(103 + a)}{chr(103 + b)}{chr(103 + c)}" for a in range(10) for b in range(10) for c in range(10)]
    with log_lines() as log:
        for number, word in enumerate(words):
            logging.getLogger("lib.numbers").error(f"session {number} failed after {number / 7:.2f} s")  # noqa: G004
            logging.getLogger("lib.words").error(f"{word} failed")  # noqa: G004
        log.sum_up()
    assert len([line for line in log.lines if line["logger"] == "lib.numbers"]) == FIRST
    [numbers] = [line for line in log.lines if line.get("of") == "lib.numbers"]
    assert numbers["count"] == len(words) - FIRST
    assert numbers["why"].startswith(f"session {len(words) - 1} failed")
    assert len([line for line in log.lines if line["logger"] == "lib.words"]) <= FIRST_MINUTE
    assert len([line for line in log.lines if line.get("of") == "lib.words"]) <= MAX_KINDS + 1


def test_line_that_cannot_be_rendered_is_said_in_one() -> None:
    with log_lines() as log:
        logging.getLogger("lib").error("%d items", "many")
    [line] = log.lines
    assert (line["event"], line["library"]) == ("log.unrendered", "lib")


def test_what_was_counted_before_a_reload_is_summed_up() -> None:
    with log_lines() as log:
        for _ in range(FIRST + 3):
            structlog.get_logger("bot.some").warning("again")
        set_up("info", (), as_json=True, stream=log.stream)
        for handler in logging.getLogger().handlers:
            handler.close()
    assert log.counted("again") == 3
