"""The event loop for which waiting passes quickly."""

import asyncio
import selectors
import socket
import time
from typing import Any

import pytest

from tests.support.fast_time import SPEED, FastLoop


def test_waiting_passes_quickly_for_timers_and_the_time_of_day() -> None:
    loop = FastLoop()
    began, day = time.monotonic(), time.time()
    try:
        loop.run_until_complete(asyncio.sleep(SPEED))
        assert time.time() - day >= SPEED
    finally:
        loop.close()
    assert time.monotonic() - began < SPEED


def test_pause_of_the_process_is_not_multiplied(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that the machine lets wait while an answer arrives loses that time, not 25 times as much."""
    original = selectors.DefaultSelector.select
    here, there = socket.socketpair()
    pauses = [0.3]

    def paused(self: Any, timeout: float | None = None) -> Any:
        if timeout and pauses:
            there.send(b"answer")
            time.sleep(pauses.pop())
        return original(self, timeout)

    async def answered() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await asyncio.wait_for(loop.sock_recv(here, 10), timeout=60) == b"answer"
        return loop.time() - began

    here.settimeout(0)
    monkeypatch.setattr(selectors.DefaultSelector, "select", paused)
    loop = FastLoop()
    try:
        passed = loop.run_until_complete(answered())
    finally:
        loop.close()
        here.close()
        there.close()
    assert not pauses
    assert passed < 3, "a dialog opens within 3 s"
