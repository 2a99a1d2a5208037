"""/cm do: the changes as a form."""

from collections.abc import AsyncIterator

from pydantic import Field

from bot.chatops.forms.fields import FORMS, KINDS, kinds_like
from bot.common.errors import UserError
from bot.common.text import listed, shown, suggestion
from bot.interactions.command import Args, Call, Command, Reply, Scope
from bot.permissions.roles import Role


class DoArgs(Args):
    """The kind of change."""

    words = ("what",)
    rest = "what"
    what: tuple[str, ...] = Field((), max_length=2, description="the kind of change, as in /cm do task disable")


async def run_do(call: Call, args: DoArgs) -> AsyncIterator[Reply]:
    """Open the form, which shows everything that follows."""
    await call.forms.open(call.caller, _kind(args.what), call.cluster.name if call.cluster else "")
    nothing: tuple[Reply, ...] = ()
    for reply in nothing:
        yield reply


def _kind(words: tuple[str, ...]) -> str:
    if not words:
        return ""
    found = kinds_like(words)
    if not found:
        keys = [kind.key for kind in KINDS]
        near = suggestion(" ".join(words), [kind.key for kind in FORMS], "/cm do {}")
        raise UserError(f"There is no form for {shown(' '.join(words))}.{near} There are {listed(keys)}.")
    return found[0].key


DO = Command(
    path=("do",),
    summary="Change a cluster with a form: members, leadership, background tasks, disks, maintenance.",
    args=DoArgs,
    run=run_do,
    scope=Scope.MAYBE_CLUSTER,
    role=Role.OPERATOR,
    opens=True,
    examples=("/cm do", "/cm do task disable", "/cm do member remove prod"),
    notes=(
        "The form asks for the arguments of the typed command, and the same checks apply. It lists the peers and tasks "
        "of the cluster. The outcome appears in the form and where you typed. "
        "The Home tab of cmbot opens the same form. "
        "Any change that lacks an argument opens its form too, filled with what was typed: /cm ack lists the open "
        "alerts, /cm op cancel the operations that you may cancel."
    ),
)
