"""Which part of the program a clicked button belongs to, by its action."""

import json
from dataclasses import dataclass
from typing import Protocol

from bot.commands.spec import Reply
from bot.dispatch import Click, Decider
from bot.errors import UserError
from bot.monitor.attention import Attention
from bot.views.alerts import ACKNOWLEDGE


class Rights(Protocol):
    """Who may act on alerts."""

    async def require_operator(self, user: str) -> None:
        """Raise UserError, saying what to do, unless `user` is an operator."""


@dataclass(frozen=True, slots=True)
class Clicks:
    """Implements dispatch.Decider: alerts' buttons here, all others by the operations' desk."""

    operations: Decider
    attention: Attention
    rights: Rights

    async def decide(self, click: Click) -> Reply | None:
        """Carry out a click; raises UserError that is told to the one who clicked."""
        if click.action_id != ACKNOWLEDGE:
            return await self.operations.decide(click)
        await self.rights.require_operator(click.user)
        await self.attention.acknowledge(_alert_of(click.value), click.user)
        return None


def _alert_of(value: str) -> int:
    try:
        number = json.loads(value)["alert"]
    except (ValueError, TypeError, KeyError, RecursionError):
        number = None
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 1 << 53:
        raise UserError("This button belongs to no alert that cmbot knows. /cm alerts lists what is open.")
    return number
