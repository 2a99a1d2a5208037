"""The cluster among the words of a command: where it may stand, and what is too ambiguous to take. No I/O."""

from collections.abc import Sequence

from bot.chatops.commands.arguments import configured
from bot.chatops.commands.surplus import second_cluster
from bot.chatops.commands.tokenizer import Token
from bot.chatops.commands.usage import CLUSTER
from bot.common.errors import UserError
from bot.common.text import shown
from bot.interactions.command import FREE, Command, Scope


def takes_cluster(command: Command) -> bool:
    """True if a bare word may name the cluster of a command."""
    return command.scope is not Scope.NO_CLUSTER or CLUSTER in command.args.typed()


def may_follow(before: Token, token: Token, clusters: Sequence[str]) -> bool:
    """True if a word behind an option is a cluster: behind a free text without quotes it may be a part of that."""
    return token.plain.lower() in clusters and (before.quoted or before.key not in FREE)


def pick(
    command: Command, rest: Sequence[str], options: Sequence[Token], clusters: Sequence[str]
) -> tuple[Sequence[str], str | None]:
    """Take the cluster out of the words behind the command, out of `cluster=`, or out of the words behind options.

    `options` are the `key=value` and the clusters between them. Raises UserError for several clusters, and for one
    that may as well be a value of the command.
    """
    behind = [token.plain.lower() for token in options if not token.key]
    given = [token.plain for token in options if token.key == CLUSTER]
    if command.scope is Scope.NO_CLUSTER:
        return _argument(command, rest, behind, clusters)
    named = configured(given[0], clusters) if given else None
    if behind:
        beyond = [word for word in rest[len(command.args.words) :] if word.lower() in clusters]
        if named or len(behind) > 1 or (beyond and not command.args.rest):
            raise UserError(second_cluster(command, (*beyond, *behind), named))
        return rest, behind[0]
    return (rest, named) if named else _among(command, rest, clusters)


def _argument(
    command: Command, rest: Sequence[str], behind: Sequence[str], clusters: Sequence[str]
) -> tuple[Sequence[str], str | None]:
    """Take the cluster of a command for which that is an argument like others."""
    if CLUSTER in command.args.words or CLUSTER not in command.args.typed():
        beyond: Sequence[str] = ()
    else:
        beyond = [word.lower() for word in rest[len(command.args.words) :] if word.lower() in clusters]
    found = (*beyond, *behind)
    if len(found) > 1:
        raise UserError(second_cluster(command, found, None))
    return rest[: len(rest) - len(beyond)] if beyond and rest[-1].lower() in beyond else rest, next(iter(found), None)


def _among(command: Command, rest: Sequence[str], clusters: Sequence[str]) -> tuple[Sequence[str], str | None]:
    """Take the last word if it is a cluster; else the only cluster among words of which one is too many."""
    places = [place for place, word in enumerate(rest) if word.lower() in clusters]
    if not places:
        return rest, None
    last, name, many = len(rest) - 1, rest[places[-1]], bool(command.args.rest)
    if many and name.isdecimal():
        raise UserError(
            f"{shown(name)} may be a cluster or one of {command.args.rest}: write the cluster as {CLUSTER}=…, "
            f"as in {CLUSTER}={name}."
        )
    if places[-1] == last:
        is_value = name.isdecimal() and len(rest) <= _needed(command)
        return (rest, None) if is_value else (rest[:-1], name.lower())
    if len(places) == 1 and (many or len(rest) > len(command.args.words)):
        return [word for place, word in enumerate(rest) if place != places[0]], name.lower()
    return rest, None


def _needed(command: Command) -> int:
    """Number of words that a command needs."""
    fields = command.args.typed()
    return sum(fields[name].is_required() for name in command.args.words)
