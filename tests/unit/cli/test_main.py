"""The command line: the demo outside a checkout, its address, and an interrupt."""

import argparse
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.cli import commands
from bot.cli.main import main
from bot.cli.options import parser as _parser
from bot.runtime.signals import Signals


def test_demo_without_the_playground_names_the_checkout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "find_spec", lambda _name: None)
    assert main(["demo"]) == 2
    assert "make demo" in capsys.readouterr().err


def test_interrupt_ends_with_the_status_of_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(_args: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "COMMANDS", {"demo": interrupted})
    before = signal.getsignal(signal.SIGINT)
    assert main(["demo"]) == 130
    assert signal.getsignal(signal.SIGINT) == before, "an interrupt is raised again"


@pytest.mark.parametrize(("port", "said"), [(8000, False), (0, False), (8484, True)])
async def test_demo_prints_its_address_and_runs_until_a_signal(
    capsys: pytest.CaptureFixture[str], port: int, *, said: bool
) -> None:
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
    assert await commands._show(signals, world(), port) == 0
    shown = capsys.readouterr().out
    assert "http://127.0.0.1:8000/" in shown
    assert (f"Port {port} could not be used" in shown) is said
    assert ended == ["signal", "world"]


def test_help_imports_nothing_of_the_program() -> None:
    code = (
        "import sys\nfrom bot.cli.main import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted(name for name in sys.modules if name.startswith(('bot.', 'pydantic', 'httpx', 'sqlalchemy'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.splitlines()[-1] == "['bot.cli', 'bot.cli.main', 'bot.cli.options']"


def test_run_loads_nothing_that_only_other_commands_need() -> None:
    code = (
        "import sys\nfrom bot.cli.main import main\nprint(main(['run', '--config', 'none.yaml']))\n"
        "before = set(sys.modules)\nimport rich.console\n"
        "print(sorted({'bot.cli.commands', 'bot.cli.check', 'rich.traceback', 'rich.syntax'} & before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.splitlines() == ["1", "[]"]
    assert "none.yaml" in done.stderr, "the error is shown with rich, which is there again"


def test_every_command_of_the_parser_has_its_work() -> None:
    # These two need nothing of the program.
    assert set(_commands(_parser())) - {"help", "completion"} == set(commands.COMMANDS) | {"run"}


def _commands(parser: argparse.ArgumentParser) -> list[str]:
    own = parser.get_default("command")
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [own] if own else [name for action in below for each in action.choices.values() for name in _commands(each)]
