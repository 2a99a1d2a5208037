"""Work beside the listeners: kept hold of, waited for, cancelled in the end."""

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.slack import task_queue
from bot.slack.task_queue import TaskQueue


async def test_task_starts_only_when_the_loop_runs() -> None:
    background, done = TaskQueue(), []

    async def work() -> None:
        done.append(1)

    background.start(work())
    assert (len(background), done) == (1, [])
    assert await background.drain(10.0) == 0
    assert (len(background), done) == (0, [1])


async def test_work_that_waits_does_not_hold_up_the_next() -> None:
    background, gate, done = TaskQueue(), asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        await gate.wait()

    async def finishes() -> None:
        done.set()

    background.start(waits())
    background.start(finishes())
    await asyncio.wait_for(done.wait(), 10.0)
    gate.set()
    assert await background.drain(10.0) == 0


async def test_work_may_start_more_work_and_both_are_waited_for() -> None:
    background, done = TaskQueue(), []

    async def second() -> None:
        done.append(2)

    async def first() -> None:
        background.start(second())

    background.start(first())
    assert await background.drain(10.0) == 0
    assert done == [2]


async def test_task_that_does_not_end_in_time_is_cancelled() -> None:
    background, ended = TaskQueue(), []

    async def hangs() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    background.start(hangs())
    assert await background.drain(0.05) == 1
    assert (len(background), ended) == (0, [1])


async def test_unstarted_awaitable_is_closed_without_a_warning() -> None:
    background = TaskQueue()

    async def work() -> None:
        raise AssertionError("must not run")

    background.start(work())
    assert await background.drain(0.0) >= 1
    assert len(background) == 0


async def test_a_crash_is_logged_and_the_rest_goes_on() -> None:
    background, done = TaskQueue(), []

    async def crashes() -> None:
        raise ZeroDivisionError

    async def works() -> None:
        done.append(1)

    with capture_logs() as logs:
        background.start(crashes())
        background.start(works())
        await background.drain(10.0)
    assert [line["event"] for line in logs] == ["background.crashed"]
    assert done == [1]


async def test_task_queue_is_reusable_after_it_was_empty() -> None:
    background, done = TaskQueue(), []

    async def work() -> None:
        done.append(1)

    for _ in range(2):
        background.start(work())
        await background.drain(10.0)
    assert done == [1, 1]


async def test_work_presses_while_it_waits_and_when_it_has_just_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that has taken longer waits for something else, and what starts beside it presses for its own time."""
    background, gate, done = TaskQueue(), asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        await gate.wait()

    async def ends() -> None:
        done.set()

    assert not background.pressing
    background.start(waits())
    assert background.pressing
    await asyncio.sleep(0.01)
    assert background.pressing
    monkeypatch.setattr(task_queue, "PRESSING_SECONDS", 0.0)
    assert not background.pressing
    monkeypatch.setattr(task_queue, "PRESSING_SECONDS", 60.0)
    background._running = dict.fromkeys(background._running, float("-inf"))
    background.start(ends())
    assert background.pressing
    await done.wait()
    await asyncio.sleep(0.01)
    assert not background.pressing
    gate.set()
    assert await background.drain(10.0) == 0
