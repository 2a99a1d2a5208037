"""Memory: what exists costs no garbage collection, garbage is freed by time, and free pages are given back."""

import asyncio
import ctypes
import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.runtime import memory
from bot.runtime.memory import FULL_AFTER, collect_and_spare, collected_by_time, spare
from bot.runtime.parts import App
from bot.runtime.program import Program
from bot.slack.task_queue import TaskQueue

glibc = pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_stats"), reason="only glibc has these functions")


@pytest.fixture
def restored() -> Iterator[None]:
    """Leave the collector as it was."""
    thresholds = gc.get_threshold()
    yield
    gc.enable()
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("restored")
def test_objects_of_the_start_are_left_out_of_later_collections() -> None:
    kept = {"of": {"the": "start"}}
    collect_and_spare()
    assert gc.get_freeze_count() > 0
    assert not any(each is kept for each in gc.get_objects())
    gc.unfreeze()
    assert any(each is kept for each in gc.get_objects())


@pytest.mark.usefixtures("restored")
def test_full_collections_are_seldom_and_young_ones_as_before() -> None:
    before = gc.get_threshold()
    spare()
    assert gc.get_threshold() == (*before[:2], FULL_AFTER)


@pytest.mark.usefixtures("restored")
def test_start_looks_for_no_garbage_and_a_reload_does() -> None:
    program = Program(cast("Any", None), cast("Any", None), 0.0)
    gc.disable()
    part = Part()
    seen = weakref.ref(part)
    del part
    program._started(cast("App", SimpleNamespace(clusters={})))
    assert gc.get_threshold()[2] == FULL_AFTER
    assert seen() is not None
    program._stopped_at = 1.0
    program._started(cast("App", SimpleNamespace(clusters={})))
    assert seen() is None


class Part:
    """A part of the program, which knows itself through others."""

    def __init__(self) -> None:
        self.own = self


@pytest.mark.usefixtures("restored")
def test_what_the_start_left_out_is_freed_at_a_reload() -> None:
    part = Part()
    seen = weakref.ref(part)
    spare()
    del part
    gc.collect()
    assert seen() is not None, "left out"
    collect_and_spare()
    assert seen() is None


@pytest.mark.usefixtures("restored")
async def test_old_garbage_is_freed_by_time_after_the_answers_in_progress() -> None:
    part, answered, queue = Part(), asyncio.Event(), TaskQueue()
    seen = weakref.ref(part)
    collect_and_spare()
    del part

    async def answer() -> None:
        await answered.wait()

    queue.start(answer())
    async with collected_by_time(queue.idle, reloaded=True, soon=0.0, every=60.0), asyncio.timeout(10):
        for _ in range(10):
            await asyncio.sleep(0)
        assert seen() is not None, "an answer is in progress"
        answered.set()
        while seen() is not None:  # noqa: ASYNC110 - a collection wakes no one
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("restored")
async def test_one_collection_of_several_goes_through_what_was_spared_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a start that is the sixth; after a reload the first two: the program before it is garbage then."""
    collected: list[bool] = []
    done = asyncio.Event()

    def collect(*, whole: bool) -> None:
        collected.append(whole)
        if len(collected) == 7:
            done.set()

    monkeypatch.setattr(memory, "collect_and_spare", collect)
    for reloaded in (False, True):
        collected.clear()
        done.clear()
        async with collected_by_time(TaskQueue().idle, reloaded=reloaded, soon=0.0, every=0.0), asyncio.timeout(10):
            await done.wait()
        first = [True, True] if reloaded else []
        assert collected[:7] == [*first, *[False] * 5, True, False][:7]


@pytest.mark.usefixtures("restored")
def test_what_is_younger_than_the_last_collection_is_freed_at_once_and_what_is_older_with_all() -> None:
    older, younger = Part(), Part()
    seen = weakref.ref(older), weakref.ref(younger)
    del younger
    collect_and_spare(whole=False)
    del older
    collect_and_spare(whole=False)
    assert seen[0]() is not None
    assert seen[1]() is None
    collect_and_spare()
    assert seen[0]() is None


def in_another_process(code: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)  # noqa: S603 - this file's


@glibc
def test_free_pages_between_used_ones_are_given_back() -> None:
    code = """
import psutil
from bot.runtime.memory import collect_and_spare
collect_and_spare()
many = [bytes(2000) for _ in range(20_000)]
kept = bytes(2000)
del many
before = psutil.Process().memory_info().rss
collect_and_spare()
print(before - psutil.Process().memory_info().rss)
"""
    assert int(in_another_process(code).stdout) > 30_000_000


@glibc
def test_all_threads_take_memory_from_one_heap() -> None:
    code = """
import ctypes, threading
from bot.runtime.memory import share_one_heap
share_one_heap()
threads = [threading.Thread(target=lambda: bytes(2000)) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join()
ctypes.CDLL(None).malloc_stats()
"""
    heaps = [line for line in in_another_process(code).stderr.splitlines() if line.startswith("Arena")]
    assert heaps == ["Arena 0:"]
