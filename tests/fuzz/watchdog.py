"""The time budget of one input: a step that holds the event loop longer is a stall."""

import time
from collections.abc import Callable

STALL_SECONDS = 0.1
_REPEATS = 5


class Stall(AssertionError):
    """One input took longer than STALL_SECONDS of processor time in every repetition."""


def timed(check: Callable[[bytes], None], data: bytes) -> None:
    """Run `check`; raise Stall when it is slow every time: a busy machine or a collection slows it once."""
    began = time.thread_time()
    check(data)
    took = time.thread_time() - began
    for _ in range(_REPEATS):
        if took <= STALL_SECONDS:
            return
        began = time.thread_time()
        check(data)
        took = min(took, time.thread_time() - began)
    raise Stall(f"{took * 1000:.0f} ms for {len(data)} bytes")
