"""Lines that are logged while another one is counted: by a destructor in the same thread, or by another thread."""

import gc
import logging
import subprocess
import sys
import threading
from collections.abc import Callable

from bot.telemetry.log_throttle import FIRST
from tests.unit.telemetry.test_log_throttle import Log


class Logging:
    """Logs when it is destroyed; in a cycle, so that only the garbage collector does it."""

    def __init__(self, said: Callable[[], object]) -> None:
        self.said, self.cycle = said, self

    def __del__(self) -> None:
        self.said()


def ends(work: Callable[[], None]) -> bool:
    """True if `work` ends in a separate thread: one that hangs must not hold the tests."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(20)
    return not thread.is_alive()


def test_destructor_that_logs_within_does_not_hang() -> None:
    """The garbage collector runs at each place of the throttle at which it can, and a destructor logs there."""
    log, destroyed, written = Log(), [0], [0]
    before = gc.get_threshold()

    def said() -> None:
        destroyed[0] += 1
        written[0] += log.throttle.admits(logging.ERROR, "asyncio", {"why": f"lost {chr(103 + destroyed[0] % 15)}"})

    def work() -> None:
        for number in range(200):
            gc.disable()
            Logging(said)
            # It runs after this many allocations.
            gc.set_threshold(1 + number % 40)
            gc.enable()
            log.line(cluster=f"c{number}", error="timeout")
            if number % 9 == 0:
                log.throttle.sum_up()

    gc.collect()
    try:
        assert ends(work)
    finally:
        gc.enable()
        gc.set_threshold(*before)
    gc.collect()
    log.throttle.sum_up()
    counted = sum(counted.left for (_, event, _, _), counted in log.summaries if event == "asyncio")
    assert destroyed[0] == 200
    assert counted + written[0] == destroyed[0]


def test_thousands_of_destructors_within_one_line_stay_within_the_bound() -> None:
    log, written = Log(), [0]

    def said() -> None:
        written[0] += log.throttle.admits(logging.ERROR, "asyncio", {"why": "never retrieved"})

    class Text(str):
        """A name that logs while its kind is looked for, as a destructor does that runs there."""

        __slots__ = ()

        def __hash__(self) -> int:
            for _ in range(1000):
                said()
            return super().__hash__()

    def work() -> None:
        log.line(Text("poll.failed"))

    assert ends(work)
    log.throttle.sum_up()
    assert written[0] <= FIRST
    assert written[0] + sum(counted.left for _, counted in log.summaries) > 1000


def test_thread_that_stands_within_holds_no_other_line() -> None:
    """It may wait for a lock that the other one holds: that of the handler, while a destructor logs."""
    log, within, over = Log(), threading.Event(), threading.Event()

    class Standing(str):
        """A name that takes long to be looked for, but the first time, which is before."""

        __slots__ = ("_found",)

        def __hash__(self) -> int:
            if hasattr(self, "_found"):
                within.set()
                over.wait(30)
            self._found = True
            return super().__hash__()

    standing = threading.Thread(target=lambda: log.line(Standing("poll.failed")), daemon=True)
    standing.start()
    assert within.wait(30)

    def work() -> None:
        for _ in range(FIRST + 1):
            log.line("store.down")

    assert ends(work)
    over.set()
    standing.join(30)
    log.throttle.sum_up()
    assert log.written == FIRST + 1
    assert [counted.left for _, counted in log.summaries] == [1]


def test_task_whose_error_was_not_taken_does_not_hang_the_program() -> None:
    """The real parts: asyncio logs it from a destructor, at any place of a line that is written."""
    found = subprocess.run(  # noqa: S603 - this program
        [sys.executable, "-c", LOST_TASKS], capture_output=True, text=True, timeout=60, check=False
    )
    assert (found.returncode, found.stdout) == (0, "over\n"), found.stderr[-2000:]
    assert "Task exception was never retrieved" in found.stderr


LOST_TASKS = """
import asyncio, faulthandler, gc
import structlog
from bot.telemetry.logs import set_up
from bot.telemetry.python_faults import logged_faults

async def fail():
    raise ValueError("x")

async def main():
    gc.disable()
    lost = []
    for _ in range(60):
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        box = [task]
        box.append(box)
        lost.append(box)
        del task, box
    gc.set_threshold(1)
    gc.enable()
    while lost:
        lost.pop()
        structlog.get_logger("x").warning("poll.failed", cluster=f"c{len(lost)}", error="x")

faulthandler.dump_traceback_later(30, exit=True)
set_up("info", ("secretsecret",), as_json=True)
with logged_faults():
    asyncio.run(main())
print("over")
"""
