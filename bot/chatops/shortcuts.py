"""Message shortcuts: what a person chose in the menu of a message, carried out for the alert that the message shows.

A shortcut is delivered as a click whose action id names it; `SHORTCUTS` has one line for each.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from bot.alerting.model import Alert
from bot.alerting.next_change import change_of_runbook
from bot.chatops.note_keeper import NoteKeeper
from bot.common.errors import UserError
from bot.common.frozen import frozen
from bot.interactions.command import NOTHING_GIVEN, Caller, FormPort, Reply
from bot.interactions.events import ACKNOWLEDGE_SHORTCUT, NOTE_SHORTCUT, PROPOSE_SHORTCUT, SHORTCUT, Click, RunCommand
from bot.permissions.access import Access
from bot.permissions.roles import Role
from bot.views.alert_lists import acknowledged
from bot.views.alert_text.table import sentence_of
from bot.views.blocks import clip
from bot.watch.alert_actions import AlertActions, refuse_ended

MAX_REASON = 300
"""Characters of the reason that a form is filled with."""
_NO_ALERT = (
    "This message shows no alert of cmbot, so there is nothing to do from here. /cm alerts lists the open alerts."
)
_SEVERAL = "This message shows several alerts. Use the menu of one of them, or /cm alerts."


@frozen
class Shortcuts:
    """Carries out message shortcuts."""

    alerts: AlertActions
    access: Access
    forms: FormPort
    notes: NoteKeeper

    async def run(self, click: Click) -> Reply | RunCommand | None:
        """Carry out a shortcut; raises UserError, NotAllowed or StoreError."""
        handler = SHORTCUTS.get(click.action_id.removeprefix(SHORTCUT))
        if handler is None:
            raise UserError("This shortcut is of another version of cmbot. /cm help lists what it can do.")
        return await handler(self, click)

    async def acknowledge(self, click: Click) -> Reply:
        """Acknowledge the alert."""
        alert = await self.alert_of(click)
        held = await self.alerts.acknowledge(alert.id, click.user)
        return Reply(acknowledged(held, folded=await self.alerts.acknowledged_with(held)))

    async def propose(self, click: Click) -> None:
        """Open the form of the change that helps, filled as far as the alert tells, with the alert as its reason."""
        alert = await self.alert_of(click)
        refuse_ended(alert)
        change = change_of_runbook(alert)
        reason = clip(f"Alert #{alert.id}: {sentence_of(alert)}", MAX_REASON)
        caller = Caller(click.user, click.channel, click.key, click.response_url)
        kind, given = (change.kind, change.given) if change else ("", NOTHING_GIVEN)
        await self.forms.open(caller, kind, alert.cluster, {**given, "reason": reason})

    async def keep_note(self, click: Click) -> Reply:
        """Keep the message as a note on the alert or operation in whose thread it is."""
        return await self.notes.keep(click)

    async def alert_of(self, click: Click) -> Alert:
        """Return the alert that the message shows, also from a reply in its thread; raises UserError, NotAllowed."""
        # A person without any right does not learn which alerts exist.
        await self.access.require_somewhere(click.user, Role.OPERATOR)
        shown = await self.alerts.shown_at(click.channel, click.message_ts)
        if shown is None and (thread := click.text("thread")):
            shown = await self.alerts.shown_at(click.channel, thread)
        if shown is None:
            raise UserError(_NO_ALERT)
        if shown.alert_id is None:
            raise UserError(_SEVERAL if shown.group_channel is not None else _NO_ALERT)
        alert = await self.alerts.alert(shown.alert_id)
        await self.access.require(click.user, Role.OPERATOR, alert.cluster)
        return alert


SHORTCUTS: Mapping[str, Callable[[Shortcuts, Click], Awaitable[Reply | RunCommand | None]]] = MappingProxyType(
    {
        ACKNOWLEDGE_SHORTCUT: Shortcuts.acknowledge,
        NOTE_SHORTCUT: Shortcuts.keep_note,
        PROPOSE_SHORTCUT: Shortcuts.propose,
    }
)
"""What each shortcut does, by its callback id in the manifest; a new shortcut is one line here."""
