"""The grammar of /cm: command words, arguments, perhaps a cluster, then `key=value`. No I/O.

The longest command path wins. The last bare word is a cluster only if it is configured; a word that is left over is
an error, never a reason to take the default cluster.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.chatops.commands.arguments import all_of, configured, validated
from bot.chatops.commands.registry import COMMANDS
from bot.chatops.commands.surplus import lacks_value, surplus
from bot.chatops.commands.tokenizer import Token, tokens
from bot.chatops.commands.unicode_input import named, refuse_steering, strange
from bot.chatops.commands.usage import CLUSTER, SLASH, full_name
from bot.common.errors import UserError
from bot.common.text import listed, no_command, shown, suggestion
from bot.interactions.command import FREE, Args, Command, Scope

ArgumentText = str | tuple[str, ...]
"""The value of an argument as typed: one word, or all further words."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A command with its arguments; `cluster` is a configured name when the command's scope asks for one, or None."""

    command: Command
    args: Args
    cluster: str | None


def parse(text: str, commands: Sequence[Command], *, clusters: Sequence[str], default_cluster: str | None) -> Parsed:
    """Parse the text behind `/cm`.

    Raises UserError with one sentence on the fault and the fix, and nothing else for any text.
    """
    found = tokens(text)
    try:
        return _parsed(found, commands, clusters=clusters, default_cluster=default_cluster)
    except UserError as error:
        odd = strange("".join(token.plain for token in found if token.key not in FREE))
        if not odd:
            raise
        raise UserError(f"{error} What was typed holds {named(odd)}, which no command has.").at(
            error.argument
        ) from error


def _parsed(
    found: Sequence[Token], commands: Sequence[Command], *, clusters: Sequence[str], default_cluster: str | None
) -> Parsed:
    words, pairs = _split(found)
    command = _command(words, commands, clusters)
    rest, cluster = _cluster(command, words[len(command.path) :], pairs, clusters)
    values: Mapping[str, ArgumentText] = {**_bound(command, rest, cluster, clusters), **_pairs(command, pairs, rest)}
    args = validated(command, values)
    if command.scope is Scope.NO_CLUSTER:
        return Parsed(command, args, None)
    if command.scope is Scope.MAYBE_CLUSTER and cluster is None and default_cluster not in clusters:
        return Parsed(command, args, clusters[0] if len(clusters) == 1 else None)
    return Parsed(command, args, cluster or _default(command, clusters, default_cluster))


def addressed(
    text: str, commands: Sequence[Command], *, clusters: Sequence[str], default_cluster: str | None
) -> tuple[Command | None, str]:
    """Return the command and the cluster ("" unknown) of a text that `parse` may refuse. Never raises."""
    try:
        words, pairs = _split(tokens(text))
    except UserError:
        words, pairs = tuple(text.split()), ()
    command = _longest(words, commands)
    if command is None or command.scope is Scope.NO_CLUSTER:
        return command, ""
    try:
        _, named = _cluster(command, words[len(command.path) :], pairs, clusters)
    except UserError:
        return command, ""
    fallback = default_cluster if default_cluster in clusters else clusters[0] if len(clusters) == 1 else None
    return command, named or fallback or ""


def is_changing(text: str) -> bool:
    """True if `text` changes a cluster, so that it must be stored before it is acknowledged."""
    try:
        words, _ = _split(tokens(text))
    except UserError:
        return False
    found = _longest(words, COMMANDS)
    return found is not None and found.changes


def _split(found: Sequence[Token]) -> tuple[tuple[str, ...], tuple[Token, ...]]:
    first_pair = next((place for place, token in enumerate(found) if token.key), len(found))
    empty = next((token.key for token in found if token.key and not token.value and not token.quoted), None)
    if empty is not None:
        raise UserError(f"{empty}= has no value: write {empty}=value, without a space behind the =.")
    for before, token in zip(found[first_pair:], found[first_pair + 1 :], strict=False):
        if not token.key:
            raise UserError(
                f"{shown(token.value)} stands behind {before.key}=: put words before it, "
                f'or, if it belongs to the value, quotes around the whole: {before.key}="…".'
            )
    return tuple(token.plain for token in found[:first_pair]), tuple(found[first_pair:])


def _longest(words: Sequence[str], commands: Sequence[Command]) -> Command | None:
    lowered = tuple(word.lower() for word in words)
    fitting = [command for command in commands if lowered[: len(command.path)] == command.path]
    best = max(fitting, key=lambda command: len(command.path), default=None)
    return None if best is not None and words and not best.path else best


def _command(words: Sequence[str], commands: Sequence[Command], clusters: Sequence[str]) -> Command:
    found = _longest(words, commands)
    if found is None:
        raise UserError(_unknown(words, commands, clusters))
    return found


def _unknown(words: Sequence[str], commands: Sequence[Command], clusters: Sequence[str]) -> str:
    if not words:
        return f"A command starts with a word, as in {SLASH} help."
    first = words[0].lower()
    nexts = [command.path[1] for command in commands if len(command.path) > 1 and command.path[0] == first]
    if nexts:
        wrong = f"does not go on with {shown(words[1])}" if len(words) > 1 else "is not complete"
        near = suggestion(words[1], nexts, f"{SLASH} {first} {{}}") if len(words) > 1 else ""
        return f"{SLASH} {first} {wrong}: it takes {listed(nexts, 'or')}.{near}"
    if first in clusters:
        return f"{shown(words[0])} is a cluster, not a command: write, for instance, {SLASH} stat {first}."
    return no_command(words[:1], words, [command.path for command in commands], SLASH)


def _cluster(
    command: Command, rest: Sequence[str], pairs: Sequence[Token], clusters: Sequence[str]
) -> tuple[Sequence[str], str | None]:
    """Take the cluster out of the words behind the command, or out of `cluster=`."""
    if command.scope is Scope.NO_CLUSTER:
        return rest, None
    given = [token.plain for token in pairs if token.key == CLUSTER]
    if given:
        return rest, configured(given[0], clusters)
    if rest and rest[-1].lower() in clusters:
        return rest[:-1], rest[-1].lower()
    return rest, None


def _default(command: Command, clusters: Sequence[str], default: str | None) -> str:
    if default in clusters:
        return str(default)
    if len(clusters) == 1:
        return clusters[0]
    raise UserError(f"Which cluster? Write {full_name(command)} … <{CLUSTER}>. {all_of(clusters)}")


def _bound(
    command: Command, rest: Sequence[str], cluster: str | None, clusters: Sequence[str]
) -> Mapping[str, ArgumentText]:
    names = command.args.words
    if names and command.args.rest == names[-1]:
        place = len(names) - 1
        head = dict(zip(names, rest[:place], strict=False))
        return {**head, names[-1]: tuple(rest[place:])} if rest[place:] else head
    if len(rest) > len(names) or any(lacks_value(command, word) for word in rest):
        raise UserError(surplus(command, rest, cluster, clusters))
    return dict(zip(names, rest, strict=False))


def _pairs(command: Command, pairs: Sequence[Token], rest: Sequence[str]) -> Mapping[str, str]:
    known = tuple(command.args.typed())
    also = () if command.scope is Scope.NO_CLUSTER else (CLUSTER,)
    taken = set(command.args.words[: len(rest)])
    values: dict[str, str] = {}
    for token in pairs:
        if token.key not in (*known, *also):
            raise UserError(_unknown_key(command, token.key, (*known, *also)))
        if token.key in taken:
            raise UserError(f"{token.key} is given twice: give it once.")
        taken.add(token.key)
        values[token.key] = refuse_steering(token.value) if token.key in FREE else token.plain
    return {key: value for key, value in values.items() if key in known}


def _unknown_key(command: Command, key: str, known: Sequence[str]) -> str:
    takes = f"It takes {listed([f'{name}=' for name in known])}." if known else "It takes none."
    near = suggestion(key, known, "{}=")
    return f"{full_name(command)} has no argument {shown(key)}.{near} {takes}"
