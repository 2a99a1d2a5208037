"""Delays of the event loop: measured, shown, and dropped after 30 s."""

import asyncio
import time
from contextlib import suppress

from structlog.testing import capture_logs

from bot.telemetry.loop_lag import LoopLag
from bot.telemetry.metrics import Metrics


async def test_blocked_loop_is_measured_by_histogram_and_gauge() -> None:
    metrics = Metrics()
    lag = LoopLag(metrics.loop_lag)
    metrics.watch_loop(lambda: lag.longest)
    task = asyncio.create_task(lag.run())
    await asyncio.sleep(0.1)
    time.sleep(0.4)  # noqa: ASYNC251 - the delay to be measured
    await asyncio.sleep(0.2)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert lag.longest > 0.1
    assert lag.remark().startswith("blocked for up to 0.")
    exposed = metrics.exposed().decode()
    [longest] = [line for line in exposed.splitlines() if line.startswith("cmbot_loop_longest_hold_seconds ")]
    assert float(longest.split()[1]) > 0.1
    [counted] = [line for line in exposed.splitlines() if line.startswith("cmbot_loop_lag_seconds_count ")]
    assert float(counted.split()[1]) > 0


async def test_delay_of_seconds_is_a_problem_for_30_seconds() -> None:
    now = [0.0]
    lag = LoopLag(monotonic=lambda: now[0])
    with capture_logs() as logs:
        lag.note(0.05)
        assert (lag.remark(), await lag.problem()) == ("", "")
        lag.note(0.5)
        assert (bool(lag.remark()), await lag.problem()) == (True, "")
        lag.note(3.6)
    assert await lag.problem() == "the event loop was blocked for up to 3.60 s in the last 30 s"
    assert [line["event"] for line in logs] == ["loop.held"]
    now[0] = 31.0
    assert (lag.remark(), await lag.problem()) == ("", "")


async def test_measuring_goes_on_after_an_error_and_ends_when_it_is_cancelled() -> None:
    noted: list[float] = []
    errors: list[dict[str, object]] = []
    third = asyncio.Event()

    def observe(late: float) -> None:
        noted.append(late)
        if len(noted) == 1:
            raise ValueError("the first one fails")
        if len(noted) == 3:
            third.set()

    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    task = asyncio.create_task(LoopLag(observe).run())
    await asyncio.wait_for(third.wait(), 20)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    number = len(noted)
    await asyncio.sleep(0.2)
    assert (len(noted), len(errors)) == (number, 1)
