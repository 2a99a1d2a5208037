"""Log lines: one pipeline, no secrets, libraries from warnings on."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from bot.telemetry.log_throttle import FIRST
from bot.telemetry.logs import context, set_up
from bot.telemetry.trace import Trace, joined, within
from tests.support.log_lines import log_lines

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Set up logging as JSON with the secret `hunter2`, and yield a reader of the lines written so far."""
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    stream = io.StringIO()
    set_up("info", ["hunter2"], as_json=True, stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    for handler in set(root.handlers) - set(before[1]):
        handler.close()
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def test_line_has_time_level_logger_and_fields(lines: Lines) -> None:
    context(cluster="prod")
    structlog.get_logger("bot.some").warning("alert.fired", disk=7)
    [line] = lines()
    assert (line["event"], line["level"], line["logger"], line["disk"], line["cluster"]) == (
        "alert.fired",
        "warning",
        "bot.some",
        7,
        "prod",
    )
    assert line["timestamp"].endswith("Z")


def test_lines_below_the_level_are_dropped(lines: Lines) -> None:
    structlog.get_logger("bot.some").debug("not.shown")
    structlog.get_logger("bot.some").info("shown")
    assert [line["event"] for line in lines()] == ["shown"]


def test_secrets_in_fields_and_nested_values_are_redacted(lines: Lines) -> None:
    structlog.get_logger("bot.some").info("call hunter2", url="x://u:pw@h", headers={"Authorization": "Bearer abc"})
    written = json.dumps(lines())
    assert not any(secret in written for secret in ("hunter2", "pw", "abc"))


def test_secrets_in_tracebacks_are_redacted(lines: Lines) -> None:
    try:
        dict[str, str]()["xoxb-1-2-3"]
    except KeyError:
        structlog.get_logger("bot.some").exception("call.failed")
        logging.getLogger("foreign").exception("failed")
    ours, theirs = lines()
    for line in (ours, theirs):
        assert "KeyError" in json.dumps(line)
        assert "xoxb-1" not in json.dumps(line)


def test_exception_in_a_field_is_redacted(lines: Lines) -> None:
    structlog.get_logger("bot.some").error("crashed", exc_info=ValueError("hunter2"))
    [line] = lines()
    assert "ValueError" in line["exception"]
    assert "hunter2" not in json.dumps(line)


def test_arguments_and_extras_of_a_library_are_redacted(lines: Lines) -> None:
    logging.getLogger("foreign").warning("sent %s to %r", "hunter2", {"token": "abc"}, extra={"secret": "def"})
    [line] = lines()
    assert not any(secret in json.dumps(line) for secret in ("hunter2", "def"))
    assert line["level"] == "warning"


def test_libraries_log_from_warning_on(lines: Lines) -> None:
    for name in ("slack_sdk.web", "httpx", "apscheduler.executors", "sqlalchemy.engine"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("failed")
    assert [line["event"] for line in lines()] == ["failed"] * 4


def test_plain_lines_are_redacted_too(capsys: pytest.CaptureFixture[str], lines: Lines) -> None:
    set_up("info", ["hunter2"], as_json=False, stream=sys.stdout)
    structlog.get_logger("bot.some").info("said", word="hunter2")
    out = capsys.readouterr().out
    assert "said" in out
    assert "hunter2" not in out
    assert lines() == []


def test_line_has_the_trace_of_the_work_and_its_cause(lines: Lines) -> None:
    with within(Trace("b" * 32)), joined("a" * 32):
        structlog.get_logger("bot.some").info("approved")
        logging.getLogger("foreign").warning("slow")
    structlog.get_logger("bot.some").info("idle")
    ours, theirs, idle = lines()
    assert (ours["trace"], ours["cause"]) == ("a" * 32, "b" * 32)
    assert theirs["trace"] == "a" * 32
    assert "trace" not in idle


def test_summary_shows_no_half_of_a_secret() -> None:
    """A long text is cut for the summary: a secret at the cut is removed before."""
    secret = "a-secret-of-many-characters"
    with log_lines("info", [secret]) as log:
        for _ in range(FIRST + 2):
            structlog.get_logger("bot.some").warning("call.failed", error=f"{'x' * 190}{secret}")
            logging.getLogger("some.library").warning(f"{'y' * 50}{secret}")  # noqa: G004 - as some libraries do
        log.sum_up()
    written = log.stream.getvalue()
    assert written.count("log.more") == 2
    assert "a-sec" not in written
