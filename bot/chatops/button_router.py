"""Which part of the program a clicked button belongs to, by its action; what alerts' own buttons do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.chatops.dispatcher import ButtonHandler
from bot.common.errors import UserError
from bot.interactions.command import Reply
from bot.interactions.events import Click, RunCommand
from bot.permissions.access import Access
from bot.permissions.roles import Role
from bot.views import alert_actions as actions
from bot.views.alert_lists import silenced
from bot.watch.alert_actions import AlertActions, refuse_ended


@dataclass(frozen=True, slots=True)
class ButtonRouter:
    """Implements dispatch.Decider: alerts' buttons here, all others by the operations' desk."""

    operations: ButtonHandler
    alert_actions: AlertActions
    rights: Access

    async def decide(self, click: Click) -> Reply | RunCommand | None:
        """Carry out a click; raises UserError that is told to the one who clicked."""
        if click.action_id not in actions.ACTIONS:
            return await self.operations.decide(click)
        value = _value(click.value)
        alert = _alert_of(value)
        match click.action_id:
            case actions.ACKNOWLEDGE:
                await self._may_change(click.user, alert)
                await self.alert_actions.acknowledge(alert, click.user)
                return None
            case actions.SILENCE:
                return await self._silence(alert, value, click)
            case actions.FIX:
                return await self._fix(alert)
            case actions.RUNBOOK:
                return RunCommand(f"runbook {(await self.alert_actions.alert(alert)).rule}")
            case _:
                return RunCommand(f"stat {(await self.alert_actions.alert(alert)).cluster}")

    async def _may_change(self, user: str, alert: int) -> None:
        # Who has no right anywhere does not learn whether there is such an alert.
        await self.rights.require_somewhere(user, Role.OPERATOR)
        await self.rights.require(user, Role.OPERATOR, (await self.alert_actions.alert(alert)).cluster)

    async def _silence(self, alert: int, value: Mapping[str, Any], click: Click) -> Reply:
        await self._may_change(click.user, alert)
        span = value.get("for")
        if not isinstance(span, str) or span not in actions.SPANS:
            raise UserError("This menu knows no such time. /cm silence <rule> for=2h takes any up to 7 days.")
        seconds = actions.SPANS[span][1]
        return Reply(
            silenced(await self.alert_actions.silence_alert(alert, seconds=seconds, by=click.user, key=click.key))
        )

    async def _fix(self, alert_id: int) -> RunCommand:
        alert = await self.alert_actions.alert(alert_id)
        refuse_ended(alert)
        # As it is stored now: what a button carries could be forged, and what a card shows may be old.
        command = actions.fix_command(alert)
        if not command:
            raise UserError(f"Alert #{alert_id} has no fix to propose any more: it reads differently now.")
        return RunCommand(command)


def _value(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _alert_of(value: Mapping[str, Any]) -> int:
    number = value.get("alert")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 1 << 53:
        raise UserError("This button belongs to no alert that cmbot knows. /cm alerts lists what is open.")
    return number
