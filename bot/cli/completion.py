"""`cmbot completion`: the completion of bash, zsh and fish, made from the parser. Imports nothing of the program.

The names of clusters are read from the settings by the shell itself, so that completion stays quick.
"""

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import field

from bot.common.frozen import frozen

_FILES = ("config", "file", "out")
_NAMES = r"""sed -n 's/^[ -]*{\{0,1\} *name: *\([a-z0-9-]*\).*/\1/p' "${CMBOT_CONFIG:-config.yaml}" 2>/dev/null"""


@frozen
class Word:
    """An option or a word of a command: its help, and what may follow it."""

    text: str
    help: str
    choices: tuple[str, ...] = ()
    is_file: bool = False
    takes_value: bool = False


@frozen
class Completed:
    """A command by its words, with its options and the words that may follow."""

    path: tuple[str, ...]
    help: str
    options: tuple[Word, ...] = ()
    words: tuple[str, ...] = ()
    clusters: bool = False
    files: bool = False
    below: tuple["Completed", ...] = field(default=())


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """Return the script for a shell."""
    top = _completed(parser, (), "")
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](top)


def _completed(parser: argparse.ArgumentParser, path: tuple[str, ...], summary: str) -> Completed:
    options: list[Word] = []
    below: list[Completed] = []
    words: tuple[str, ...] = ()
    clusters = files = False
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to its arguments
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            helps = {each.dest: each.help or "" for each in action._choices_actions}  # noqa: SLF001 - as above
            below = [_completed(made, (*path, name), helps.get(name, "")) for name, made in action.choices.items()]
        elif action.option_strings:
            options += [_word(action, text) for text in action.option_strings if text.startswith("--")]
        else:
            words = tuple(map(str, action.choices or ()))
            clusters = clusters or "CLUSTER" in str(action.metavar)
            files = files or action.dest in _FILES
    names = tuple(each.path[-1] for each in below)
    return Completed(path, summary, tuple(options), words or names, clusters, files, tuple(below))


def _word(action: argparse.Action, text: str) -> Word:
    choices = tuple(map(str, action.choices or ()))
    return Word(text, action.help or "", choices, action.dest in _FILES, takes_value=action.nargs != 0)


def _all(top: Completed) -> Iterator[Completed]:
    yield top
    for each in top.below:
        yield from _all(each)


def _valued(top: Completed) -> Iterator[tuple[Completed, Word]]:
    return ((each, option) for each in _all(top) for option in each.options if option.takes_value)


def _bash(top: Completed) -> str:
    return "\n".join(
        (
            "# Completion of cmbot for bash: source <(cmbot completion bash)",
            "_cmbot_clusters() {",
            f"    {_NAMES}",
            "}",
            "_cmbot() {",
            '    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" path="" word found',
            '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
            '        case "$path $word" in',
            f'            {"|".join(_pattern(each.path) for each in _all(top) if each.path)}) path="$path $word" ;;',
            "        esac",
            "    done",
            "    COMPREPLY=()",
            '    case "$path $prev" in',
            *_bash_values(top),
            "    esac",
            '    case "$path" in',
            *(line for each in _all(top) for line in _bash_words(each)),
            "    esac",
            '    COMPREPLY=($(compgen -W "$found" -- "$cur"))',
            "}",
            "complete -o default -F _cmbot cmbot",
            "",
        )
    )


def _paths(top: Completed) -> str:
    return "|".join(_pattern(each.path) for each in _all(top) if each.path)


def _pattern(path: Sequence[str]) -> str:
    return f'"{"".join(f" {word}" for word in path)}"'


def _bash_values(top: Completed) -> Iterator[str]:
    for each, option in _valued(top):
        if option.text == "--watch":
            continue
        where = f'"{"".join(f" {word}" for word in each.path)} {option.text}"'
        # Nothing offered means the names of files (-o default).
        reply = f'COMPREPLY=($(compgen -W "{" ".join(option.choices)}" -- "$cur")); ' if option.choices else ""
        yield f"        {where}) {reply}return ;;"


def _bash_words(each: Completed) -> Iterator[str]:
    extra = " $(_cmbot_clusters)" if each.clusters else ""
    offered = " ".join((*each.words, *(option.text for option in each.options)))
    # compgen -W expands its words, so names of files must not be among them: bash offers these by itself (-o default).
    only = "[[ $cur == -* ]] || return; " if each.files else ""
    yield f'        "{"".join(f" {word}" for word in each.path)}") {only}found="{offered}{extra}" ;;'


def _zsh(top: Completed) -> str:
    return "\n".join(
        (
            "#compdef cmbot",
            "# Completion of cmbot for zsh: source <(cmbot completion zsh), after compinit",
            "_cmbot_clusters() {",
            f"    {_NAMES}",
            "}",
            "_cmbot() {",
            '    local walked="" word prev="${words[CURRENT-1]}"',
            "    local -a found",
            '    for word in "${(@)words[2,CURRENT-1]}"; do',
            '        case "$walked $word" in',
            f'            {_paths(top)}) walked="$walked $word" ;;',
            "        esac",
            "    done",
            '    case "$walked $prev" in',
            *_zsh_values(top),
            "    esac",
            '    case "$walked" in',
            *(line for each in _all(top) for line in _zsh_words(each)),
            "    esac",
            "    _describe cmbot found",
            "}",
            "compdef _cmbot cmbot",
            "",
        )
    )


def _zsh_values(top: Completed) -> Iterator[str]:
    for each, option in _valued(top):
        if option.text == "--watch":
            continue
        where = f'"{"".join(f" {word}" for word in each.path)} {option.text}"'
        reply = f"compadd -- {' '.join(option.choices)}; " if option.choices else "_files; " if option.is_file else ""
        yield f"        {where}) {reply}return ;;"


def _zsh_words(each: Completed) -> Iterator[str]:
    helps = {one.path[-1]: one.help for one in each.below}
    offered = [f"{word}:{helps.get(word, '')}".rstrip(":") for word in each.words]
    offered += [f"{option.text}:{option.help}" for option in each.options]
    names = ' ${(f)"$(_cmbot_clusters)"}' if each.clusters else ""
    files = " _files;" if each.files else ""
    path = "".join(f" {word}" for word in each.path)
    yield f'        "{path}"){files} found=({" ".join(map(_quoted, offered))}{names}) ;;'


def _quoted(text: str) -> str:
    """Quote for zsh and fish; backslashes and line breaks do not occur in help texts."""
    return "'" + re.sub("'", "'\\\\''", text.replace("%%", "%")) + "'"


def _fish(top: Completed) -> str:
    lines = ["# Completion of cmbot for fish: cmbot completion fish | source", "complete -c cmbot -f"]
    for each in _all(top):
        here = _fish_condition(each)
        lines += [f"complete -c cmbot -n {here} -a {one.path[-1]} -d {_quoted(one.help)}" for one in each.below]
        if each.words and not each.below:
            lines.append(f"complete -c cmbot -n {here} -a {_quoted(' '.join(each.words))}")
        if each.clusters:
            # The substitution is of fish; in its quotes sh runs the same pipe as for the other shells.
            lines.append(f"complete -c cmbot -n {here} -a {_quoted(f'(sh -c {_fish_quoted(_NAMES)})')}")
        if each.files:
            lines.append(f"complete -c cmbot -n {here} -F")
        lines += [_fish_option(here, option) for option in each.options]
    return "\n".join((*lines, ""))


def _fish_condition(each: Completed) -> str:
    if not each.path:
        return "__fish_use_subcommand"
    seen = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in each.path)
    below = " ".join(one.path[-1] for one in each.below)
    return _quoted(f"{seen}; and not __fish_seen_subcommand_from {below}" if below else seen)


def _fish_option(here: str, option: Word) -> str:
    value = f" -x -a {_quoted(' '.join(option.choices))}" if option.choices else " -r -F" if option.is_file else ""
    value = value or (" -x" if option.takes_value and option.text != "--watch" else "")
    return f"complete -c cmbot -n {here} -l {option.text.removeprefix('--')}{value} -d {_quoted(option.help)}"


def _fish_quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\$])', r"\\\1", text) + '"'
