"""Signals: a cancelled start ends without an error, a second SIGINT ends at once, SIGHUP ends a demo only."""

import asyncio
import os
import signal

import pytest
from structlog.testing import capture_logs

from bot.runtime.signals import Signals


async def test_signal_during_the_start_ends_it_without_an_error() -> None:
    reached: list[str] = []
    with Signals(hangup_ends=False) as signals:
        async with signals.starting():
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
            reached.append("running")
        await signals.ended()
    assert reached == []


async def test_cancelled_start_without_a_signal_is_cancelled() -> None:
    async def start() -> None:
        with Signals(hangup_ends=False) as signals:
            async with signals.starting():
                await asyncio.Event().wait()

    task = asyncio.create_task(start())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_second_interrupt_exits_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)
    with Signals(hangup_ends=False) as signals:
        for which in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            signals._stop(which)
    assert exits == [130]
    assert capsys.readouterr().err.startswith("cmbot: stopped at once.")


@pytest.mark.parametrize(("ends", "event"), [(True, "signal.ending"), (False, "signal.hangup")])
async def test_hangup_ends_a_program_in_a_terminal_only(ends: bool, event: str) -> None:
    with Signals(hangup_ends=ends) as signals, capture_logs() as logs:
        signals._hangup()
    assert [line["event"] for line in logs] == [event]
    assert signals._end.is_set() is ends
