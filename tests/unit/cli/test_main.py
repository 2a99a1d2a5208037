"""The command line: the demo outside a checkout, its address, and an interrupt."""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.cli import main as cli
from bot.runtime.signals import Signals


def test_demo_without_the_playground_names_the_checkout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda _name: None)
    assert cli.main(["demo"]) == 2
    assert "make demo" in capsys.readouterr().err


def test_interrupt_ends_with_the_status_of_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(_args: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_demo", interrupted)
    assert cli.main(["demo"]) == 130


async def test_demo_prints_its_address_and_runs_until_a_signal(capsys: pytest.CaptureFixture[str]) -> None:
    ended: list[str] = []

    @asynccontextmanager
    async def starting() -> AsyncIterator[None]:
        yield

    @asynccontextmanager
    async def world() -> AsyncIterator[Any]:
        yield SimpleNamespace(slack=SimpleNamespace(page_url="http://127.0.0.1:8000/"))
        ended.append("world")

    async def signalled() -> None:
        ended.append("signal")

    signals = cast("Signals", SimpleNamespace(starting=starting, ended=signalled))
    assert await cli._show(signals, world()) == 0
    assert "http://127.0.0.1:8000/" in capsys.readouterr().out
    assert ended == ["signal", "world"]
