"""Giving way: the reads of a poll begin after the commands that are being worked on; those of a command do not wait."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

GiveWay = Callable[[], Awaitable[None]]
"""Waits while other work comes first, for a bounded time."""


async def _at_once() -> None:
    """Wait for nothing."""


_WAIT: ContextVar[GiveWay] = ContextVar("give_way", default=_at_once)


@contextmanager
def giving_way(wait: GiveWay) -> Iterator[None]:
    """Let each read that begins in this block, or in a task that it starts, `wait` first."""
    token = _WAIT.set(wait)
    try:
        yield
    finally:
        _WAIT.reset(token)


async def give_way() -> None:
    """Wait as the work that runs says."""
    await _WAIT.get()()
