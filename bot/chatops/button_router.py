"""Button router: passes a click on by its action, and carries out the buttons of alerts."""

from collections.abc import Mapping
from types import MappingProxyType

from bot.alerting.next_change import next_change
from bot.chatops.forms import card_forms
from bot.chatops.forms.card_forms import CardForms
from bot.chatops.forms.code_forms import CodeForms
from bot.chatops.forms.wanted import WantedForm, wanted_form
from bot.chatops.shortcuts import Shortcuts
from bot.common.errors import UserError
from bot.common.frozen import frozen
from bot.interactions.command import Caller, FormPort, Reply
from bot.interactions.events import HELP_GROUP, MENTION_RUN, SHORTCUT, Click, RunCommand
from bot.permissions.access import Access
from bot.permissions.roles import Role
from bot.views import alert_actions as actions
from bot.views import holders
from bot.views.alert_lists import silenced
from bot.views.code_forms import CODE_BUTTON
from bot.views.containers import OP_DETAILS
from bot.views.details import DETAILS, command_of
from bot.views.maintenance_text import MAINTENANCE_END
from bot.views.operations import REJECT, SETTLE, WRITABLE, writable_command
from bot.views.ops_list import RETRY
from bot.views.safe_to_stop import MAINTENANCE_START, start_command
from bot.views.volume_margins import NEXT_VOLUMES, VOLUMES, volumes_command
from bot.watch.alert_actions import AlertActions, refuse_ended
from bot.workflow.approvals import ApprovalService

_FORMS: Mapping[str, str] = MappingProxyType({REJECT: card_forms.REJECT, SETTLE: card_forms.SETTLE})
"""The commands that buttons of a card open a form for."""


@frozen
class ButtonRouter:
    """Carries out the buttons of alerts, passes all others on to `approvals`."""

    approvals: ApprovalService
    alert_actions: AlertActions
    access: Access
    card_forms: CardForms | None = None
    forms: FormPort | None = None
    shortcuts: Shortcuts | None = None
    code_forms: CodeForms | None = None

    async def decide(self, click: Click) -> Reply | RunCommand | None:
        """Carry out a click; returns an answer for the clicker, a command to run, or None.

        Raises UserError (its sentence is shown to the clicker), ClusterError or StoreError.
        """
        if click.action_id.startswith(SHORTCUT) and self.shortcuts is not None:
            return await self.shortcuts.run(click)
        if click.action_id == CODE_BUTTON and self.code_forms is not None:
            await self.code_forms.clicked(click)
            return None
        if click.action_id in actions.ACTIONS:
            return await self._on_alert(click, _alert_of(click))
        return _of_a_view(click) or await self._on_card(click)

    async def _on_alert(self, click: Click, alert: int) -> Reply | RunCommand | None:
        match click.action_id:
            case actions.ACKNOWLEDGE | holders.TAKE | holders.GIVE_BACK:
                await self._hold(alert, click)
            case actions.SILENCE:
                return await self._silence(alert, click)
            case actions.FIX:
                return await self._fix(alert)
            case actions.NEXT:
                await self._next(alert, click)
            case _:
                return await self._show(alert, click.action_id)
        return None

    async def _show(self, number: int, action: str) -> RunCommand:
        """Return the command that shows more about an alert."""
        if action == actions.ALL:
            return RunCommand(f"alert {number}", title=f"Alert #{number}")
        if action == actions.RUNBOOK:
            return RunCommand(f"runbook {number}", title="Runbook")
        return RunCommand(f"stat {(await self.alert_actions.alert(number)).cluster}")

    async def _on_card(self, click: Click) -> Reply | RunCommand | None:
        if click.action_id == WRITABLE:
            # From the store: the value of a button could be forged, and the card may be old.
            return RunCommand(writable_command(await self.approvals.on_card(click)))
        if click.action_id in {VOLUMES, NEXT_VOLUMES}:
            return _volumes(click)
        if click.action_id == actions.FORM_NEXT:
            await self._open_form(click, wanted_form(click.value))
            return None
        if click.action_id == OP_DETAILS:
            return _op_details(click)
        if self.card_forms is not None and (command := _FORMS.get(click.action_id)):
            op = await self.approvals.on_card(click)
            await self.approvals.refuse_early(op, click)
            await self.card_forms.open(click, op, command)
            return None
        return await self.approvals.decide(click)

    async def _may_change(self, user: str, alert: int) -> None:
        # A person without any right does not learn which alerts exist.
        await self.access.require_somewhere(user, Role.OPERATOR)
        await self.access.require(user, Role.OPERATOR, (await self.alert_actions.alert(alert)).cluster)

    async def _hold(self, alert: int, click: Click) -> None:
        """Acknowledge an alert, take it over or give it back; refused if its message showed another holder."""
        await self._may_change(click.user, alert)
        if click.action_id == holders.GIVE_BACK:
            await self.alert_actions.give_back(alert, click.user, seen=click.text("by"))
        elif click.action_id == holders.TAKE:
            await self.alert_actions.acknowledge(alert, click.user, take=True, seen=click.text("by"))
        else:
            await self.alert_actions.acknowledge(alert, click.user)

    async def _silence(self, alert: int, click: Click) -> Reply:
        await self._may_change(click.user, alert)
        span = click.text("for")
        if span not in actions.SPANS:
            raise UserError("This menu has no such time. /cm silence <rule> for=2h takes any time up to 7 days.")
        seconds = actions.SPANS[span][1]
        return Reply(
            silenced(await self.alert_actions.silence_alert(alert, seconds=seconds, by=click.user, key=click.key))
        )

    async def _next(self, alert_id: int, click: Click) -> None:
        """Open the form of the change that an alert names, filled with what the alert tells."""
        alert = await self.alert_actions.alert(alert_id)
        refuse_ended(alert)
        change = next_change(alert)
        if change is None:
            raise UserError(f"Alert #{alert_id} has changed and names no change any more.")
        await self._open_form(click, WantedForm(change.kind, alert.cluster, change.given))

    async def _open_form(self, click: Click, wanted: WantedForm) -> None:
        if self.forms is not None:
            caller = Caller(click.user, click.channel, click.key, click.response_url)
            await self.forms.open(caller, wanted.kind, wanted.cluster, wanted.given)

    async def _fix(self, alert_id: int) -> RunCommand:
        alert = await self.alert_actions.alert(alert_id)
        refuse_ended(alert)
        # From the store: the value of a button could be forged, and the card may be old.
        command = actions.fix_command(alert)
        if not command:
            raise UserError(f"Alert #{alert_id} has changed and proposes no fix any more.")
        return RunCommand(command)


def only_reads(click: Click) -> bool:
    """True for a click that needs no database: it is answered while nothing can be stored."""
    return click.action_id == DETAILS or click.action_id.startswith(HELP_GROUP)


def _of_a_view(click: Click) -> RunCommand | None:
    """Return the command of a button that belongs to no card; None for all others."""
    if click.action_id == RETRY:
        return RunCommand("ops retry")
    if click.action_id.startswith(HELP_GROUP):
        return RunCommand(f"help {click.text('group')}")
    if click.action_id == MENTION_RUN:
        return _mentioned(click)
    if click.action_id == DETAILS:
        return _details(click)
    return _maintenance(click) if click.action_id in {MAINTENANCE_START, MAINTENANCE_END} else None


def _mentioned(click: Click) -> RunCommand:
    """Return the command that its author asked for by mention; it is checked as typed."""
    author = click.text("user")
    if author != click.user:
        raise UserError(f"This change was asked for by <@{author}>. Type the command to ask for it yourself.")
    return RunCommand(click.text("text"))


def _details(click: Click) -> RunCommand:
    """Return the command that shows the details of a short answer, with what the button says of that answer."""
    command = command_of(click)
    if not command:
        raise UserError("This button belongs to no answer of cmbot. /cm stat asks again.")
    return RunCommand(command, title="Details", details=click.value, at=click.time("at"))


def _op_details(click: Click) -> RunCommand:
    """Return the command that shows what a card folds."""
    op = click.number("op")
    if not op:
        raise UserError("This button belongs to no operation of cmbot. /cm ops lists them.")
    return RunCommand(f"op {op}", title=f"Operation #{op}")


def _volumes(click: Click) -> RunCommand:
    """Return the command that lists all volumes of an operation."""
    op, page = click.number("op"), click.number("page")
    if not op or not page:
        raise UserError("This button belongs to no operation of cmbot. /cm ops lists them.")
    return RunCommand(volumes_command(op, page))


def _maintenance(click: Click) -> RunCommand:
    """Return the command that a button of a maintenance stands for; its rights and arguments are checked as typed."""
    number = click.number("silence")
    if click.action_id == MAINTENANCE_END and number:
        return RunCommand(f"unsilence {number}")
    command = start_command(click.text("host"), click.text("cluster"), click.text("for"))
    if click.action_id == MAINTENANCE_END or not command:
        raise UserError("This button belongs to no maintenance of cmbot. /cm maintenances lists them.")
    return RunCommand(command)


def _alert_of(click: Click) -> int:
    number = click.number("alert")
    if not number:
        raise UserError("This button belongs to no alert of cmbot. /cm alerts lists the open ones.")
    return number
