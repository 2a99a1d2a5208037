"""Puts up the app's Home tab for whoever opens it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from bot.alerting.cluster_status import noted
from bot.alerting.model import Alert
from bot.common.errors import SlackError, StoreError
from bot.interactions.message import BlockJson
from bot.operations.approval_rules import Act, Policy, refuse_decision
from bot.operations.model import Operation, OpState
from bot.permissions.roles import Rights, Role
from bot.slack.payloads import HomeOpened
from bot.views.alert_text.table import alert_text
from bot.views.blocks import count
from bot.views.home import Home, Noted, Waiting, home

log = structlog.get_logger(__name__)

MOST_LINKED = 8
"""Cards whose address is asked for."""
STORE_DOWN = (
    "cmbot cannot reach its own database just now: alerts and changes are missing here. Open the tab anew later."
)


class RolesPort(Protocol):
    """What a person may do."""

    async def rights(self, user: str, cluster: str = "") -> Rights:
        """Everything they hold now on that cluster, "" for the roles of all clusters."""

    async def of_clusters(self, user: str, role: Role, clusters: Sequence[str]) -> tuple[str, ...]:
        """Those of the clusters on which they hold that role."""

    async def describe(self, user: str) -> Sequence[str]:
        """The same in sentences."""


class Open(Protocol):
    """What is open; every method raises StoreError."""

    async def alerts(self) -> Sequence[Alert]:
        """The open alerts, the gravest first."""

    async def operations(self) -> Sequence[Operation]:
        """The open operations."""

    async def card_of(self, op: Operation) -> str:
        """The address of an operation's card, "" when it is not known."""

    async def undelivered(self) -> int:
        """How many messages Slack refused for good."""


@dataclass(frozen=True, slots=True)
class HomeTab:
    """Publishes the tab; `policy_of` gives an operation's policy, as its card keeps it."""

    names: Sequence[str]
    remembered: Callable[[str], Mapping[str, Any]]
    people: RolesPort
    open: Open
    policy_of: Callable[[Operation], Policy]
    publish: Callable[[str, Sequence[BlockJson]], Awaitable[None]]
    clock: Callable[[], float]

    async def show(self, user: str) -> None:
        """Publish it for `user`; a failure is logged, the next opening tries again."""
        try:
            await self.publish(user, home(await self._seen_by(user)))
        except SlackError as error:
            log.warning("home.failed", user=user, error=str(error), code=error.code)

    async def _seen_by(self, user: str) -> Home:
        rights, now = await self.people.rights(user), self.clock()
        clusters = [Noted(name, self.remembered(name)) for name in self.names]
        standing = await self.people.describe(user)
        may_change = await self.people.of_clusters(user, Role.OPERATOR, self.names)
        try:
            alerts = [alert for alert in await self.open.alerts() if alert.cluster in self.names]
            waiting = await self._waiting(user, now)
            clusters = [Noted(each.name, noted(each.name, each.noted, alerts, alert_text)) for each in clusters]
            lost = await self.open.undelivered() if rights.has(Role.ADMIN) else 0
        except StoreError as error:
            log.debug("home.store_down", error=str(error))
            return Home(clusters, standing, may_change=may_change, now=now, trouble=(STORE_DOWN,))
        trouble = (f"{count(lost, 'message')} could not be posted: /cm ops lists them.",) if lost else ()
        return Home(clusters, standing, may_change=may_change, alerts=alerts, waiting=waiting, now=now, trouble=trouble)

    async def _waiting(self, user: str, now: float) -> Sequence[Waiting]:
        found = [op for op in await self.open.operations() if op.state is OpState.WAITING and now < op.expires_at]
        rights = {name: await self.people.rights(user, name) for name in {op.cluster for op in found}}
        told = [Waiting(op, mine=self._may(op, rights[op.cluster], now)) for op in found]
        ranked = sorted(told, key=lambda each: (not each.mine, each.op.id))
        linked = [Waiting(each.op, await self.open.card_of(each.op), mine=each.mine) for each in ranked[:MOST_LINKED]]
        return (*linked, *ranked[MOST_LINKED:])

    def _may(self, op: Operation, rights: Rights, now: float) -> bool:
        return not refuse_decision(op, Act.APPROVE, rights, self.policy_of(op), version=op.version, now=now)


async def show_once(
    once: Callable[[str, str], Awaitable[bool]], show: Callable[[str], Awaitable[None]], event: HomeOpened
) -> None:
    """Show the tab to whoever opened it; an event that is delivered again, here or to another replica, does nothing.

    `once` notes an event's id and kind and tells whether it is new; raises StoreError, and then the tab is shown.
    """
    try:
        fresh = await once(event.key, "home")
    except StoreError as error:
        log.debug("home.store_down", error=str(error))
        fresh = True
    if fresh:
        await show(event.user)
