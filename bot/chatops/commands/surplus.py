"""Errors about surplus words of a command: their probable meaning and the correct form. No I/O."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

from bot.chatops.commands.arguments import all_of
from bot.chatops.commands.usage import choices, full_name, usage
from bot.common.durations import seconds_of
from bot.common.text import listed, nearest, shown, suggestion
from bot.interactions.command import Command, Scope

_ADDRESS = re.compile(r"\S+:\d{1,5}", re.ASCII)
_YES = "yes"
_SPANS = ("for", "since")
"""The arguments that take a span; no command has both."""
_OPTION = re.compile(r"-+[A-Za-z]\S*", re.ASCII)
_MAX_SHOWN = 80
"""Characters of a word that a hint repeats."""


def surplus(command: Command, rest: Sequence[str], cluster: str | None, clusters: Sequence[str]) -> str:
    """Refuse the words `rest`, which are more than the command takes; `cluster` was taken out of them."""
    where, taken = full_name(command), len(command.args.words)
    if any(part.startswith("=") for part in rest):
        return f"Write key=value without spaces around the =, as in: {usage(command)}"
    beyond = [word for word in rest[taken:] if command.scope is Scope.NO_CLUSTER or word.lower() not in clusters]
    for word in (*filter(_OPTION.fullmatch, rest), *beyond):
        if hint := _meant(command, word, rest):
            return hint
    if not beyond:
        return second_cluster(command, rest[taken:], cluster)
    word = beyond[0]
    if command.scope is Scope.NO_CLUSTER:
        return f"{where} does not take {shown(word)}. Write {usage(command)}"
    near = suggestion(word, clusters)
    words = f"{shown(word)} is no argument of {where} and no configured cluster.{near} {all_of(clusters)}"
    if near:
        return words
    example = f"for instance, {where} {clusters[0]}." if clusters and not taken else usage(command)
    return f"{words} Write{',' if clusters and not taken else ''} {example}"


def subcommand(command: Command, rest: Sequence[str], cluster: str | None, commands: Sequence[Command]) -> str:
    """Refuse with the command that was probably meant, if a word nearly is one that goes on with `command`; or ""."""
    place = len(command.path)
    nexts = [each.path[place] for each in commands if each.path[:place] == command.path and len(each.path) > place]
    for at, word in enumerate(rest):
        if nexts and not word.isdecimal() and (near := nearest(word, nexts)):
            words = (full_name(command), near, *rest[:at], *rest[at + 1 :], *([cluster] if cluster else ()))
            text = " ".join(words)
            meant = text if len(text) <= _MAX_SHOWN else f"{full_name(command)} {near}"
            return f"There is no command {shown(' '.join((*command.path, word)))}. Did you mean {meant}?"
    return ""


def lacks_value(command: Command, word: str) -> bool:
    """True if a word is an argument of the command, written as an option without its value."""
    return word.startswith("--") and _key(word) in _pairs(command)


def _key(word: str) -> str:
    return word.lstrip("-").lower().replace("-", "_")


def _meant(command: Command, word: str, rest: Sequence[str]) -> str:
    """Suggest the correct form of a word; "" if nothing similar is known."""
    where, key = full_name(command), _key(word)
    if key in _pairs(command):
        return f"{shown(word)} needs a value: write {_written(key)}={_value(command, key, word, rest)}."
    if _OPTION.fullmatch(word):
        keys = [_written(key) for key in _pairs(command)]
        near = suggestion(word.lstrip("-").partition("=")[0], keys, "{}=")
        takes = f"It takes {listed([f'{key}=' for key in keys])}." if keys else "It takes none."
        return f"{where} has no option {shown(word)}.{near} {takes}"
    found = tuple(_keys_for(command, word)) if len(word) <= _MAX_SHOWN else ()
    value = f'"{word}"' if " " in word else word
    return f"{shown(word)} needs its key: write {_written(found[0])}={value}." if len(found) == 1 else ""


def _keys_for(command: Command, word: str) -> Iterator[str]:
    """Yield the arguments whose value the word may be."""
    fields = command.args.typed()
    for key in _pairs(command):
        if word.lower() in (choices(fields[key]) if key in fields else ()):
            yield key
        elif key in _SPANS:
            with suppress(ValueError):
                seconds_of(word)
                yield key
        elif key == "node" and _ADDRESS.fullmatch(word):
            yield key


def _pairs(command: Command) -> tuple[str, ...]:
    return tuple(name for name in command.args.typed() if name not in command.args.words)


def _written(key: str) -> str:
    return key.replace("_", "-")


def _value(command: Command, key: str, word: str, rest: Sequence[str]) -> str:
    """Return the value to write behind the key: the next word if the key takes it, else the allowed values."""
    field = command.args.typed()[key]
    allowed = choices(field)
    after = rest[rest.index(word) + 1 :][:1]
    if after and after[0].lower() in allowed:
        return after[0].lower()
    return _YES if _YES in allowed else "|".join(allowed) or "…"


def second_cluster(command: Command, named: Sequence[str], cluster: str | None) -> str:
    """Refuse more than one cluster (`named`, and `cluster` if it is not among them); name each once, as typed."""
    where = full_name(command)
    names = tuple(dict.fromkeys(word.lower() for word in (*named, *([cluster] if cluster else ()))))
    if len(names) == 1:
        return f"{where} takes one cluster, and {names[0]} is named more than once: name it once."
    words = " ".join(f"<{word}>" for word in command.args.words)
    each = listed([" ".join(part for part in (where, words, name) if part) for name in names], "or")
    return f"{where} takes one cluster, and {listed(names)} are {len(names)}: write one command for each, as in {each}."
