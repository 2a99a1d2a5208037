"""The grammar of /cm: command words, arguments, perhaps a cluster, then `key=value`. No I/O.

The longest command path wins. A bare word is a cluster only if it is configured (cluster_word.py tells where); a word
that is left over is an error, never a reason to take the default cluster.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from bot.chatops.commands.arguments import MissingArgument, all_of, validated
from bot.chatops.commands.cluster_word import may_follow, pick, takes_cluster
from bot.chatops.commands.registry import COMMANDS, GROUPS
from bot.chatops.commands.stray import stray
from bot.chatops.commands.surplus import lacks_value, subcommand, surplus
from bot.chatops.commands.tail import tail_command, with_tail
from bot.chatops.commands.tokenizer import Token, tokens
from bot.chatops.commands.unicode_input import named, refuse_steering, strange
from bot.chatops.commands.usage import CLUSTER, SLASH, full_name
from bot.common.errors import UserError
from bot.common.frozen import frozen
from bot.common.text import listed, no_command, shown, suggestion
from bot.interactions.command import FREE, Args, Command, Scope

ArgumentText = str | tuple[str, ...]
"""The value of an argument as typed: one word, or all further words."""


@frozen
class Parsed:
    """A command with its arguments; `cluster` is a configured name when the command's scope asks for one, or None."""

    command: Command
    args: Args
    cluster: str | None


def parse(text: str, commands: Sequence[Command], *, clusters: Sequence[str], default_cluster: str | None) -> Parsed:
    """Parse the text behind `/cm`.

    Raises UserError with one sentence on the fault and the fix, and nothing else for any text.
    """
    if (split := with_tail(text, commands)) is not None:
        command, values = split
        try:
            return Parsed(command, validated(command, values), None)
        except MissingArgument as error:
            raise _with_given(error, values, None) from error.__cause__
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


def _with_given(fault: MissingArgument, values: Mapping[str, ArgumentText], cluster: str | None) -> MissingArgument:
    """Return the fault with what was given."""
    fault.given = {name: value if isinstance(value, str) else " ".join(value) for name, value in values.items()}
    fault.cluster = cluster or ""
    return fault


def _parsed(
    found: Sequence[Token], commands: Sequence[Command], *, clusters: Sequence[str], default_cluster: str | None
) -> Parsed:
    words, options = _split(found)
    command = _command(words, commands, clusters)
    _refuse_strays(command, found, options, clusters)
    typed = words[len(command.path) :]
    rest, cluster = pick(command, typed, options, clusters)
    values: Mapping[str, ArgumentText] = {}
    try:
        values = _values(command, rest, options, cluster, clusters)
        args = validated(command, values)
    except UserError as error:
        meant = subcommand(command, rest, cluster, commands)
        if meant:
            raise UserError(meant).at(error.argument) from error
        if isinstance(error, MissingArgument):
            known = cluster or _sole(command, clusters, default_cluster)
            raise _with_given(error, values, known) from error.__cause__
        raise
    if command.scope is Scope.NO_CLUSTER:
        return Parsed(command, args, None)
    if command.scope is Scope.MAYBE_CLUSTER and cluster is None and default_cluster not in clusters:
        return Parsed(command, args, clusters[0] if len(clusters) == 1 else None)
    known = cluster or _sole(command, clusters, default_cluster)
    if known is None:
        which = f"Which cluster? Write {full_name(command)} … <{CLUSTER}>. {all_of(clusters)}"
        raise _with_given(MissingArgument(which), values, None).at(CLUSTER)
    return Parsed(command, args, known)


def addressed(
    text: str, commands: Sequence[Command], *, clusters: Sequence[str], default_cluster: str | None
) -> tuple[Command | None, str]:
    """Return the command and the cluster ("" unknown) of a text that `parse` may refuse. Never raises."""
    if (tailed := tail_command(text, commands)) is not None:
        return tailed, ""
    try:
        words, options = _split(tokens(text))
    except UserError:
        words, options = tuple(text.split()), ()
    command = _longest(words, commands)
    if command is None or command.scope is Scope.NO_CLUSTER:
        return command, ""
    known = [token for token in options if token.key or token.plain.lower() in clusters]
    try:
        _, named = pick(command, words[len(command.path) :], known, clusters)
    except UserError:
        return command, ""
    fallback = default_cluster if default_cluster in clusters else clusters[0] if len(clusters) == 1 else None
    return command, named or fallback or ""


def is_changing(text: str) -> bool:
    """True if `text` changes a cluster, so that it must be stored before it is acknowledged.

    One that lacks an argument changes nothing: it opens its form, for which Slack gives three seconds.
    """
    if (tailed := tail_command(text, COMMANDS)) is not None:
        return tailed.changes and not _lacks_tail(text)
    try:
        found = tokens(text)
    except UserError:
        return False
    command = _longest(_split(found)[0], COMMANDS)
    return command is not None and command.changes and not _lacks_argument(found)


def _lacks_tail(text: str) -> bool:
    try:
        parse(text, COMMANDS, clusters=(), default_cluster=None)
    except MissingArgument:
        return True
    except UserError:
        return False
    return False


def _lacks_argument(found: Sequence[Token]) -> bool:
    """True if an argument is missing wherever the cluster stands: without known clusters its word is an argument."""
    try:
        _parsed(found, COMMANDS, clusters=(), default_cluster=None)
    except MissingArgument as error:
        return error.argument != CLUSTER
    except UserError:
        return False
    return False


def _split(found: Sequence[Token]) -> tuple[tuple[str, ...], tuple[Token, ...]]:
    """Return the words before the first `key=value`, and all from there on."""
    first_pair = next((place for place, token in enumerate(found) if token.key), len(found))
    return tuple(token.plain for token in found[:first_pair]), tuple(found[first_pair:])


def _refuse_strays(command: Command, found: Sequence[Token], options: Sequence[Token], clusters: Sequence[str]) -> None:
    """Refuse an option without a value, and a word behind an option that is no cluster."""
    empty = next((token.key for token in options if token.key and not token.value and not token.quoted), None)
    if empty is not None:
        raise UserError(f"{empty}= has no value: write {empty}=value, without a space behind the =.")
    for before, token in pairwise(options):
        if not token.key and not (before.key and takes_cluster(command) and may_follow(before, token, clusters)):
            raise UserError(stray(found, token, clusters if takes_cluster(command) else ()))


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
    named = [group.name for group in GROUPS]
    return no_command(words[:1], words, [command.path for command in commands], SLASH, named)


def _sole(command: Command, clusters: Sequence[str], default: str | None) -> str | None:
    """Return the cluster of a command that names none: the channel's, or the only one; None if it must be named."""
    if command.scope is Scope.NO_CLUSTER:
        return None
    if default in clusters:
        return default
    return clusters[0] if len(clusters) == 1 else None


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


def _values(
    command: Command, rest: Sequence[str], options: Sequence[Token], cluster: str | None, clusters: Sequence[str]
) -> Mapping[str, ArgumentText]:
    """Return the values of all arguments by name."""
    pairs = [token for token in options if token.key]
    values = {**_bound(command, rest, cluster, clusters), **_pairs(command, pairs, rest)}
    if command.scope is Scope.NO_CLUSTER and cluster is not None:
        if CLUSTER in values:
            raise UserError(f"{CLUSTER} is given twice: give it once.")
        values[CLUSTER] = cluster
    return values


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
