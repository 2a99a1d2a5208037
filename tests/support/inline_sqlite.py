"""SQLite without a thread for each connection: each statement runs in the event loop.

For tests with one program on a database file that nothing else locks: a wait for a lock would block the loop. The
statements, the transactions and the points at which other tasks may run stay the same; only the change of threads,
which takes longer than most statements, is left out.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiosqlite import core
from pytest import MonkeyPatch  # noqa: PT013 - the fixture's class is used without a test


class _InlineQueue:
    """Takes the place of the queue between the event loop and the thread of a connection."""

    def put_nowait(self, work: tuple[Any, Callable[[], Any]]) -> None:
        """Run a function now; its caller gets the result in the next round of the loop, as from a thread."""
        future, function = work
        report: Callable[[Any, Any], None] = core.set_result
        try:
            result = function()
        except Exception as error:  # noqa: BLE001 - the caller gets it
            report, result = core.set_exception, error
        if future is not None:
            future.get_loop().call_soon(report, future, result)


@contextmanager
def inline_sqlite() -> Iterator[None]:
    """Open connections without threads until the block ends."""
    with MonkeyPatch.context() as patch:
        patch.setattr(core, "SimpleQueue", _InlineQueue)
        patch.setattr(core, "_connection_worker_thread", lambda _queue: None)
        yield
