"""/cm and /cm help: made from the other commands' specs, so that it cannot differ from them."""

from collections.abc import AsyncIterator, Sequence

from pydantic import Field

from bot.chatops.commands.stat import NoArgs
from bot.chatops.commands.usage import SLASH, arguments, full_name, usage, who
from bot.common.errors import UserError
from bot.common.frozen import frozen
from bot.common.text import no_command
from bot.interactions.command import Args, Call, Command, Reply, Scope
from bot.views.help import HelpGroup, HelpTopic, details, groups, overview

SUMMARY = "The commands by purpose, a group of them, or everything about one."
ALL = "all"
"""The word behind /cm help that lists every command."""


@frozen
class CommandGroup:
    """Commands for one purpose; `name` is the word behind /cm help, which no command begins with."""

    name: str
    title: str
    commands: tuple[Command, ...]


class HelpArgs(Args):
    """The command to explain."""

    words = ("command",)
    rest = "command"
    command: tuple[str, ...] = Field(
        (), max_length=4, description="the command's words, as in /cm help task enable; or a group, or all"
    )


def with_help(named: tuple[CommandGroup, ...]) -> tuple[Command, ...]:
    """Return the commands of the groups, preceded by `/cm` and `/cm help`, which explain all of them."""
    purposes = tuple(HelpGroup(group.name, group.title, _topics(group.commands)) for group in named)

    async def run_bare(call: Call, _: NoArgs) -> AsyncIterator[Reply]:
        yield Reply(groups(purposes, tuple(call.clusters)))

    async def run_help(call: Call, args: HelpArgs) -> AsyncIterator[Reply]:
        words, clusters = tuple(word.lower() for word in args.command if word != SLASH), tuple(call.clusters)
        purpose = next((group for group in purposes if words == (group.name,)), None)
        if not words:
            yield Reply(groups(purposes, clusters))
        elif words == (ALL,):
            yield Reply(overview(_topics(everything), clusters))
        elif purpose is not None:
            yield Reply(overview(purpose.topics, clusters, purpose.title))
        elif len(found := _asked(everything, words, [group.name for group in named])) == 1:
            yield Reply(details(topic(found[0]), call.docs_url))
        else:
            yield Reply(overview(_topics(found), clusters, " ".join((SLASH, *words))))

    bare = Command((), SUMMARY, NoArgs, run_bare, scope=Scope.NO_CLUSTER)
    helping = Command(
        ("help",),
        SUMMARY,
        HelpArgs,
        run_help,
        scope=Scope.NO_CLUSTER,
        examples=("/cm help", "/cm help change", "/cm help task enable"),
    )
    everything = (bare, helping, *(command for group in named for command in group.commands))
    return everything


def _asked(commands: Sequence[Command], words: tuple[str, ...], named: Sequence[str]) -> Sequence[Command]:
    found = [command for command in commands if command.path[: len(words)] == words]
    exact = [command for command in found if words and command.path == words]
    if not found:
        raise UserError(no_command(words, words, [command.path for command in commands], f"{SLASH} help", named))
    return exact or found


def _topics(commands: Sequence[Command]) -> tuple[HelpTopic, ...]:
    return tuple(topic(command) for command in commands if command.path)


def topic(command: Command) -> HelpTopic:
    """Return a command as help and the documentation show it."""
    shown_arguments = tuple((argument.written, argument.describes) for argument in arguments(command))
    return HelpTopic(
        full_name(command),
        usage(command),
        command.summary,
        who(command),
        shown_arguments,
        command.examples,
        command.notes,
        command.manual,
    )
