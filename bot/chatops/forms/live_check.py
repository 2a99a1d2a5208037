"""Live checks: what the preflight finds for a form as it is filled in now, shown in the form before it is sent.

A choice or a typed character starts them, after a pause in which another one may follow; so does the button. Nothing is
proposed and nothing recorded: it is the dry run of the change.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import field, replace

import structlog

from bot.chatops.commands.arguments import MissingArgument, validated
from bot.chatops.forms.controller import Forms
from bot.chatops.forms.events import ViewAction
from bot.chatops.forms.fields import Kind, kind_of, values_of
from bot.chatops.forms.signing import Origin, verify
from bot.clustermgr.cluster import Cluster
from bot.common.errors import CmbotError, UserError
from bot.common.frozen import frozen
from bot.interactions.command import Call, Caller, Proposer, Reply
from bot.interactions.events import Invocation
from bot.interactions.message import Message
from bot.operations.change_request import ChangeRequest
from bot.operations.replacement_plan import Replacement
from bot.views import errors as error_views
from bot.views.forms import CHECK, FIELD, being_checked, incomplete

log = structlog.get_logger(__name__)

PAUSE = 0.7
"""Seconds in which another choice replaces the check of this one."""
TYPING = 1.5
"""Seconds in which another character replaces the check of what is typed."""
AT_ONCE = 4
"""Checks that run at the same time: each reads all hosts of a cluster twice."""
_NOT_CHECKED = frozenset({"dry_run", "force"})
"""Fields that do not count: a check is a dry run, and it shows what would have to be overridden."""
_REASON = "live check"


@frozen
class _DryRun:
    """Proposer that asks another one for a dry run."""

    proposer: Proposer

    async def propose(self, caller: Caller, cluster: Cluster, change_request: ChangeRequest) -> Reply:
        """Check a change."""
        return await self.proposer.propose(caller, cluster, _dry(change_request))

    async def replace(
        self, caller: Caller, cluster: Cluster, wanted: Replacement, change_request: ChangeRequest
    ) -> Reply:
        """Check the next step of a replacement."""
        return await self.proposer.replace(caller, cluster, wanted, _dry(change_request))


def _dry(asked: ChangeRequest) -> ChangeRequest:
    """Return the request as a dry run; the reason may be written later."""
    return replace(asked, dry_run=True, reason=asked.reason or _REASON)


@frozen
class LiveCheck:
    """Handles actions in views: those that check the form here, all others by `forms`."""

    forms: Forms
    call_of: Callable[[Invocation, str], Call]
    pause: float = PAUSE
    typing: float = TYPING
    running: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def acted(self, act: ViewAction) -> None:
        """Handle a click or a choice in a view."""
        if act.action_id != CHECK and not act.action_id.startswith(FIELD):
            await self.forms.acted(act)
            return
        try:
            await self._checked(act)
        except CmbotError as error:
            log.info("form.not_checked", user=act.user, kind=type(error).__name__, error=error_views.error_text(error))

    async def _checked(self, act: ViewAction) -> None:
        origin = verify(act.view.sealed, self.forms.key, act.user)
        kind = kind_of(origin.kind)
        if kind is None or not kind.policies or origin.cluster not in self.forms.clusters:
            return
        view, turn = act.view.id, self.forms.screens.turn(act.view.id, act.view.hash)
        asked = act.action_id == CHECK
        if not asked:
            await asyncio.sleep(self.typing if act.typed else self.pause)
            if not self.forms.screens.is_newest(view, turn):
                return
        held = act.view.values if asked else {**act.view.values, act.action_id: act.value}
        given = values_of(kind, held)
        values = {name: value for name, value in given.items() if name not in _NOT_CHECKED}
        try:
            validated(kind.command, values)
        except MissingArgument:
            if asked or self.forms.screens.has_outcome(view):
                # What was found is about other values.
                await self._show(act, turn, origin, given, incomplete())
            return
        except UserError as error:
            outcome = error_views.sentence(error)
        else:
            await self._show(act, turn, origin, given, being_checked())
            async with self.running:
                if not self.forms.screens.is_newest(view, turn):
                    return
                outcome = await self._found(act, origin, kind, values)
        await self._show(act, turn, origin, given, outcome)

    async def _show(
        self, act: ViewAction, turn: int, origin: Origin, given: Mapping[str, str], outcome: Message
    ) -> None:
        content = await self.forms.drawn(origin, given, found=outcome)
        await self.forms.screens.show(act.view.id, turn, content, outcome=True)

    async def _found(self, act: ViewAction, origin: Origin, kind: Kind, values: Mapping[str, str]) -> Message:
        """Run the command as a dry run; returns its answer, or what refuses it."""
        call = self.call_of(Invocation(act.key, act.user, origin.channel, "", ""), origin.cluster)
        call = replace(call, proposer=_DryRun(call.proposer))
        said = Message("")
        try:
            await self.forms.may_change(act.user, origin.cluster)
            async for reply in kind.command.run(call, validated(kind.command, values)):
                said = reply.message
        except CmbotError as error:
            return error_views.sentence(error)
        return said
