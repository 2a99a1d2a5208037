"""The steps of a stop: in the opposite order of the start, each within its time."""

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.runtime.shutdown import Shutdown


async def test_steps_run_in_the_opposite_order_after_the_block() -> None:
    done: list[str] = []

    async def step(name: str) -> None:
        done.append(name)

    stop = Shutdown()
    async with (
        stop.step_after("leave", 1.0, lambda: step("leave")),
        stop.step_after("drain", 1.0, lambda: step("drain")),
    ):
        assert not done
    assert done == ["drain", "leave"]


async def test_hanging_step_is_cut_short_and_the_next_one_runs() -> None:
    done: list[str] = []

    async def hang() -> None:
        await asyncio.Event().wait()

    async def leave() -> None:
        done.append("leave")

    stop = Shutdown()
    with capture_logs() as logs:
        async with stop.step_after("leave", 1.0, leave), stop.step_after("drain", 0.01, hang):
            pass
    assert done == ["leave"]
    assert [(line["event"], line["step"]) for line in logs] == [("end.cut_short", "drain")]


async def test_steps_share_the_total_time() -> None:
    now = [100.0]

    async def slow() -> None:
        now[0] += 60.0

    async def hang() -> None:
        await asyncio.Event().wait()

    stop = Shutdown(monotonic=lambda: now[0])
    with capture_logs() as logs:
        async with stop.step_after("leave", 60.0, hang), stop.step_after("drain", 1.0, slow):
            pass
    assert [(line["step"], line["seconds"]) for line in logs] == [("leave", 0.1)]


async def test_steps_run_although_the_block_raised() -> None:
    done: list[str] = []

    async def leave() -> None:
        done.append("leave")

    with pytest.raises(ValueError, match="a mistake"):
        async with Shutdown().step_after("leave", 1.0, leave):
            raise ValueError("a mistake")
    assert done == ["leave"]
