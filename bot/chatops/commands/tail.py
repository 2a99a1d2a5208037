"""Commands that end with free text, such as a note: the rest of the line is kept as typed, without quotes. No I/O."""

import re
from collections.abc import Mapping, Sequence

from bot.chatops.commands.tokenizer import MAX_TEXT
from bot.chatops.commands.unicode_input import plain_char, refuse_steering
from bot.common.errors import UserError
from bot.interactions.command import Command, Scope

_WORD = re.compile(r"\s*(\S+)")


def tail_command(text: str, commands: Sequence[Command]) -> Command | None:
    """Return the command of a text, if it takes the rest of the line as typed."""
    for command in commands:
        if command.args.tail and _behind(text, command) is not None:
            return command
    return None


def with_tail(text: str, commands: Sequence[Command]) -> tuple[Command, Mapping[str, str]] | None:
    """Return such a command with its two arguments; None for any other text. Raises UserError if it is too long.

    An argument that is missing is left out.
    """
    command = tail_command(text, commands)
    if command is None:
        return None
    if command.scope is not Scope.NO_CLUSTER:
        raise AssertionError("a command that takes the rest of the line has no room for a cluster")
    if len(text) > MAX_TEXT:
        raise UserError(f"This is {len(text):,} characters long, and at most {MAX_TEXT:,} are taken: shorten it.")
    rest = text[_behind(text, command) or 0 :]
    head = _WORD.match(rest)
    if head is None:
        return command, {}
    first, end = _plain(head[1]), head.end()
    if first.lower() in command.args.kinds and (number := _WORD.match(rest, end)):
        first, end = f"{first} {_plain(number[1])}", number.end()
    about, tail = command.args.words
    words = refuse_steering(rest[end:].strip())
    return command, {about: first, **({tail: words} if words else {})}


def _behind(text: str, command: Command) -> int | None:
    """Return where the words of the command end in the text, None if it begins with others."""
    at = 0
    for word in command.path:
        found = _WORD.match(text, at)
        if found is None or _plain(found[1]).lower() != word:
            return None
        at = found.end()
    return at


def _plain(word: str) -> str:
    return "".join(map(plain_char, word))
