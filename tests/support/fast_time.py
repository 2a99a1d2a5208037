"""An event loop for which waiting passes quickly, and the time of day with it: the one of tests marked `fast_time`.

For tests that run the program and its world in one process. While the loop has work, or a thread works for it, its time
is the machine's. While it waits for anything else, a second counts as SPEED seconds: for timers, for deadlines and for
the time of day. So everything that goes by times keeps its order and its proportions, and no test waits long.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar, TypeVarTuple

import pytest
import time_machine
from aiosqlite import Connection

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

SPEED = 25.0
"""The number of seconds that a second of waiting counts."""

SLICE = 0.005
"""Seconds of one wait. A pause of the whole process, as a busy machine makes, counts as one wait: 0.125 s at most."""


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Give a test its event loop: a hook of pytest-asyncio, for a conftest.py to import."""
    return {"own": FastLoop if item.get_closest_marker("fast_time") else asyncio.new_event_loop}


class _Hasty(selectors.DefaultSelector):
    """Waits a fraction of the time that it is asked to wait.

    `skipped` is the time that this saved so far, `threads` the number of calls that threads are working on.
    """

    def __init__(self, day: time_machine.Traveller) -> None:
        super().__init__()
        self._day, self.skipped, self.threads = day, 0.0, 0

    def select(self, timeout: float | None = None) -> Any:
        """Wait for the sockets, at most `timeout` seconds of the loop's time and a slice; the loop asks again."""
        speed = 1.0 if self.threads else SPEED
        most = SLICE if timeout is None else max(0.0, min(SLICE, timeout / speed))
        began = time.monotonic()
        ready = super().select(most)
        skipped = min(time.monotonic() - began, most) * (speed - 1.0)
        self.skipped += skipped
        self._day.shift(skipped)
        return ready

    @contextmanager
    def thread(self) -> Iterator[None]:
        """Keep the machine's time while a thread works for the loop: the loop cannot shorten its work."""
        self.threads += 1
        try:
            yield
        finally:
            self.threads -= 1


class FastLoop(asyncio.SelectorEventLoop):
    """The event loop of one test."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._hasty = _Hasty(self._stack.enter_context(time_machine.travel(time.time(), tick=True)))
        self._stack.enter_context(_noticed_by(self._hasty))
        super().__init__(self._hasty)

    def time(self) -> float:
        """The loop's clock."""
        return super().time() + self._hasty.skipped

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Hand a call to a thread."""
        thread = ExitStack()
        thread.enter_context(self._hasty.thread())
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(lambda _: thread.close())
        return future

    def close(self) -> None:
        """Restore the time of day."""
        super().close()
        self._stack.close()


@contextmanager
def _noticed_by(hasty: _Hasty) -> Iterator[None]:
    """Let the selector know when a thread works on a SQLite database."""
    original: Any = Connection._execute

    async def execute(self: Connection, fn: Any, *args: Any, **kwargs: Any) -> Any:
        with hasty.thread():
            return await original(self, fn, *args, **kwargs)

    Connection._execute = execute  # type: ignore[method-assign]
    try:
        yield
    finally:
        Connection._execute = original  # type: ignore[method-assign]
