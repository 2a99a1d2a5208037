"""Which command is meant by what a person typed, or filled into a form: with its arguments, or with what is wrong."""

from collections.abc import Sequence
from dataclasses import replace

from bot.chatops.commands.arguments import configured, validated
from bot.chatops.commands.parser import addressed, parse
from bot.common.errors import UserError
from bot.common.frozen import frozen
from bot.interactions.command import Args, Command, Scope
from bot.interactions.events import PROVEN, Invocation, Submission


@frozen
class CommandRequest:
    """A command to run for `invocation`; `fault` says what is wrong with its text, and then `args` is None.

    `command` is None when the text names no command. `single` is set for a click: the clicker gets the last answer
    only, because a second answer at the click's response_url would replace the card. With a `title` that answer opens
    as a modal. `details` and `at` are those of RunCommand. `thread` is the ts of the thread in which a mention is
    answered: it only reads. `form` is True for what was filled in, `proven` for what its person typed a code for,
    `agent` for what an agent proposes in the person's name.
    """

    invocation: Invocation
    command: Command | None
    cluster: str = ""
    args: Args | None = None
    fault: UserError | None = None
    single: bool = False
    title: str = ""
    thread: str = ""
    details: str = ""
    at: float = 0.0
    form: bool = False
    proven: bool = False
    agent: bool = False


def typed(
    invocation: Invocation,
    commands: tuple[Command, ...],
    clusters: Sequence[str],
    default: str | None,
    *,
    single: bool = False,
) -> CommandRequest:
    """Return the command that a text names; `default` is the cluster that is meant where it names none."""
    try:
        parsed = parse(invocation.text, commands, clusters=clusters, default_cluster=default)
    except UserError as error:
        meant, cluster = addressed(invocation.text, commands, clusters=clusters, default_cluster=default)
        return CommandRequest(invocation, meant, cluster, fault=error, single=single)
    return CommandRequest(invocation, parsed.command, parsed.cluster or "", parsed.args, single=single)


def submitted(
    form: Submission, commands: tuple[Command, ...], clusters: Sequence[str], default: str | None
) -> CommandRequest:
    """Return the command that a form stands for; its arguments are checked again, as the settings may have changed.

    Raises UserError for the form of another version.
    """
    if form.command == PROVEN:
        return replace(typed(form.invocation, commands, clusters, default), form=True, proven=True)
    command = next((each for each in commands if " ".join(each.path) == form.command), None)
    if command is None:
        raise UserError("This form is of another version of cmbot. Open a new one with /cm do.")
    try:
        of_none = command.scope is Scope.NO_CLUSTER and not form.cluster
        cluster = "" if of_none else configured(form.cluster, clusters)
        args = validated(command, form.values)
        return CommandRequest(form.invocation, command, cluster or "", args, form=True)
    except UserError as error:
        return CommandRequest(form.invocation, command, form.cluster, fault=error, form=True)
