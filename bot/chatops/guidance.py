"""Commands that cannot run as they were given: a change by mention, and a change without an argument.

A mention only reads: its author gets what to type, and a button. A typed change that lacks an argument opens its form,
filled with what was given.
"""

import structlog

from bot.chatops.commands.arguments import MissingArgument
from bot.chatops.commands.tokenizer import unescape
from bot.chatops.forms.fields import kind_of
from bot.common.errors import NotAllowed, UserError
from bot.interactions.command import Caller, Command, FormPort, Reply
from bot.interactions.events import Invocation
from bot.views.mentions import change_offered

log = structlog.get_logger(__name__)


def is_asked_change(command: Command | None, fault: UserError | None) -> bool:
    """True if what was asked by mention changes something or opens a form, and is right as far as it goes."""
    return command is not None and (command.changes or command.opens) and _may_go_on(fault)


def _may_go_on(fault: UserError | None) -> bool:
    return fault is None or isinstance(fault, MissingArgument)


def offer(asked: Invocation, command: Command, fault: UserError | None) -> Reply:
    """Return the answer to a change that was asked for by mention."""
    has_form = command.opens or kind_of(" ".join(command.path)) is not None
    if fault is not None and not has_form:
        raise fault
    kind = kind_of(" ".join(command.path))
    return Reply(
        change_offered(
            asked.text,
            asked.user,
            shown=unescape(asked.text),
            complete=fault is None and not command.opens,
            proposes=kind is not None and bool(kind.policies),
        ),
        private=False,
    )


async def opened_form(forms: FormPort, caller: Caller, command: Command | None, fault: UserError | None) -> bool:
    """Open the form of a change that lacks an argument; False if there is none, or Slack opens none.

    Raises NotAllowed.
    """
    if command is None or not isinstance(fault, MissingArgument) or not caller.key:
        return False
    kind = kind_of(" ".join(command.path))
    if kind is None:
        return False
    try:
        await forms.open(caller, kind.key, fault.cluster, fault.given)
    except NotAllowed:
        raise
    except UserError as error:
        log.info("form.not_opened", user=caller.user, kind=kind.key, error=str(error))
        return False
    return True
