"""`cmbot stat` and the other reading commands: ask, show as text or JSON, perhaps again and again."""

import argparse
import asyncio
import io
import json
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.text import Text

from bot.cli.terminal.ask import TerminalAnswer, ask, parsed, typed
from bot.cli.terminal.blocks import from_message
from bot.cli.terminal.cluster_json import iso
from bot.cli.terminal.exit_status import Exit
from bot.cli.terminal.mrkdwn import local_time, plain_lines, terminal_words
from bot.cli.terminal.records_json import beside, results
from bot.common.errors import ConfigError, UserError
from bot.common.json_object import JsonObject
from bot.config import Settings
from bot.interactions.command_name import DEFAULT, message_in_words, with_command
from bot.runtime.reading import Reader, reading
from bot.runtime.signals import Signals
from bot.views.errors import error_text

SCHEMA = 1
"""Version of the JSON: a key that is removed or changes its meaning raises it, a new key does not."""
_USUAL, _USUAL_LINES = 80, 25
"""Columns of a terminal that does not say its width; its lines, which matter for nothing that is shown."""
_UNWRAPPED = 100_000
"""Width of text that is not for a terminal: a line is never wrapped."""


async def look(args: argparse.Namespace, settings: Settings) -> int:
    """Answer one reading command; return the exit status."""
    # The library's connections that the deadline cuts off: people read standard error.
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    try:
        runs = parsed(typed(args.command, _words(args)), [own.name for own in settings.clusters])
        async with reading(settings) as reader:
            if args.watch is None:
                with _waiting():
                    answers = await ask(reader, runs)
                _print(args, reader, answers)
                return _status(answers)
            with Signals(hangup_ends=True) as signals:
                return await _watch(args, reader, runs, signals)
    except (UserError, ConfigError) as error:
        fail(error_text(error))
        return Exit.USAGE


def _waiting() -> AbstractContextManager[Any]:
    """Show people at a terminal that an answer is on its way: volumes take up to a minute to read."""
    if not (sys.stdout.isatty() and sys.stderr.isatty()):
        return nullcontext()
    return Console(stderr=True).status("asking …", spinner="line")


def _words(args: argparse.Namespace) -> Sequence[str]:
    options = {name: value for name in args.options if (value := getattr(args, name)) is not None}
    return (*args.words, *(f"{name}={value}" for name, value in options.items()))


async def _watch(args: argparse.Namespace, reader: Reader, runs: Any, signals: Signals) -> int:
    """TerminalAnswer again and again until a signal; the exit status is that of the last answer."""
    last: Sequence[TerminalAnswer] = ()
    ended = asyncio.create_task(signals.ended())
    try:
        while True:
            asked = asyncio.create_task(_asked(reader, runs))
            await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                asked.cancel()
                await asyncio.gather(asked, return_exceptions=True)
                break
            last = asked.result()
            _print(args, reader, last, again=True)
            await asyncio.wait({ended}, timeout=args.watch)
            if ended.done():
                break
    finally:
        ended.cancel()
        await asyncio.gather(ended, return_exceptions=True)
    return _status(last)


async def _asked(reader: Reader, runs: Any) -> Sequence[TerminalAnswer]:
    return await ask(reader, runs)


def _status(answers: Sequence[TerminalAnswer]) -> int:
    return int(max((answer.status for answer in answers), default=Exit.UNKNOWN))


def fail(words: str) -> None:
    """Print a failure on standard error."""
    text = plain_lines(terminal_words(words))
    Console(stderr=True).print(f"cmbot: {text}", style="red", markup=False, highlight=False, soft_wrap=True)


def _print(args: argparse.Namespace, reader: Reader, answers: Sequence[TerminalAnswer], *, again: bool = False) -> None:
    if args.json:
        line = as_json(args.command, answers, at=reader.clock(), without_store=reader.without_store)
        sys.stdout.write(json.dumps(line, indent=None if again else 2) + "\n")
        sys.stdout.flush()
        return
    shown = as_text(answers, without_store=reader.without_store, command=reader.settings.slack.command)
    if not again:
        write(shown, sys.stdout)
        return
    head = Text(f"cmbot {args.command}, {local_time(reader.clock())}, every {args.watch:g} s", style="dim")
    if sys.stdout.isatty():
        Console().clear()
    write(Group(head, Text(), shown, *([] if sys.stdout.isatty() else [Text()])), sys.stdout)


def as_json(command: str, answers: Sequence[TerminalAnswer], *, at: float, without_store: str) -> JsonObject:
    """Return the answers as one JSON object; docs/terminal.md documents its keys."""
    found = [each for answer in answers if answer.reply for each in results(command, answer.reply.facts)]
    errors = [{"cluster": answer.cluster or None, "error": answer.error} for answer in answers if not answer.reply]
    more = {key: value for answer in answers if answer.reply for key, value in beside(answer.reply.facts).items()}
    status = Exit(_status(answers))
    return {
        "schema": SCHEMA,
        "command": command,
        "at": iso(at),
        "status": int(status),
        "verdict": status.name.lower(),
        "results": found,
        "errors": errors,
        **more,
        "without_database": without_store or None,
    }


def as_text(answers: Sequence[TerminalAnswer], *, without_store: str, command: str = DEFAULT) -> RenderableType:
    """Return the answers as text, with a blank line between those of two clusters; `command` is that of Slack."""

    def named(text: str) -> str:
        return with_command(terminal_words(text), command)

    parts: list[RenderableType] = []
    for answer in answers:
        parts += [Text()] if parts else []
        if answer.reply is not None:
            # A terminal has no button that opens the details.
            details = answer.reply.details
            message = details.render() if details else answer.reply.message
            parts.append(from_message(message if command == DEFAULT else message_in_words(message, named)))
        else:
            parts.append(Text(plain_lines(named(f"✗ {answer.error}")), style="red"))
    if without_store and any(answer.reply for answer in answers):
        why = plain_lines(named(without_store))
        parts.append(Text(f"Without the database, so without open alerts and what polls found before: {why}", "dim"))
    return Group(*parts)


def _columns(out: TextIO) -> int:
    """Return the width of a terminal: what COLUMNS says, else what the terminal itself says."""
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and int(said) > 0:
        return int(said)
    with suppress(OSError):
        return os.get_terminal_size(out.fileno()).columns or _USUAL
    return _USUAL


def write(shown: RenderableType, out: TextIO) -> None:
    """Write to a terminal in its width and colours (NO_COLOR counts), and elsewhere as plain lines."""
    if out.isatty():
        # Both, or the library takes 80 columns for a terminal that it knows little of.
        Console(file=out, width=_columns(out), height=_USUAL_LINES, highlight=False, markup=False).print(shown)
        return
    text = io.StringIO()
    Console(file=text, width=_UNWRAPPED, color_system=None, highlight=False, markup=False).print(shown)
    out.writelines(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())
    with suppress(BrokenPipeError):
        out.flush()
