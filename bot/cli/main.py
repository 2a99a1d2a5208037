"""The `cmbot` command line: its start.

Nothing of the program is imported before the arguments are parsed: `--help` and a mistyped command answer at once.
"""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from bot.cli import options

_BROKEN_PIPE = 141
"""Exit status of a program whose reader went away, as of one that SIGPIPE ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status, which its `--help` lists."""
    args = options.parse(argv)
    if args.command == "help":
        return _help(args.topic)
    if args.command == "completion":
        from bot.cli import completion  # noqa: PLC0415 - see above

        sys.stdout.write(completion.script(args.shell, options.parser()))
        return 0
    from bot.cli.early_end import end_by_signal, outlive_sighup, raise_on_interrupt  # noqa: PLC0415 - see above

    end_by_signal(args.command)
    outlive_sighup(args.command)
    # What is loaded now stays: to look for garbage meanwhile takes a fifth of the time.
    gc.disable()
    perform = _run() if args.command == "run" else _command(args.command)
    gc.enable()
    raise_on_interrupt(args.command)
    try:
        return perform(args)
    except BrokenPipeError:
        # Python would fail once more when it flushes the output at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE


def _run() -> Callable[[argparse.Namespace], int]:
    # structlog and httpx load it if they find it; `run` needs it to show an error only.
    with _absent("rich"):
        from bot.cli.job import perform  # noqa: PLC0415 - see above
        from bot.cli.running import run  # noqa: PLC0415 - see above
    return partial(perform, run)


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    from bot.cli.commands import COMMANDS  # noqa: PLC0415 - see above
    from bot.cli.job import perform  # noqa: PLC0415 - see above

    return partial(perform, COMMANDS[name])


@contextmanager
def _absent(name: str) -> Iterator[None]:
    """Let the import of a module fail in the block, as if it was not installed, unless it is loaded already."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment] # Python's documented way
    try:
        yield
    finally:
        del sys.modules[name]


def _help(topic: Sequence[str]) -> int:
    options.parse([*topic, "--help"])
    return 0
