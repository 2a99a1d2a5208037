"""Publishes the Home tab to the person who opens it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.model import Alert
from bot.common.errors import SlackError, StoreError
from bot.interactions.message import BlockJson
from bot.operations.decisions import Act, refuse_decision
from bot.operations.model import Operation, OpState
from bot.operations.policy import Policy
from bot.permissions.roles import Rights, Role
from bot.slack.payloads import HomeOpened
from bot.views.blocks import count
from bot.views.home import Home, HomeCluster, Waiting, home
from bot.views.status_text import not_milder

log = structlog.get_logger(__name__)

MOST_LINKED = 8
"""Cards with a link."""
STORE_DOWN = "Alerts and changes are missing here, because cmbot cannot reach its database. Open this tab again later."


class RolesPort(Protocol):
    """The rights of a person."""

    async def rights(self, user: str, cluster: str = "") -> Rights:
        """Return what the person holds now on that cluster, "" for the roles of all clusters."""

    async def of_clusters(self, user: str, role: Role, clusters: Sequence[str]) -> tuple[str, ...]:
        """Return those of the clusters on which the person holds that role."""

    async def describe(self, user: str) -> Sequence[str]:
        """Return the rights as sentences."""


class Open(Protocol):
    """Open alerts and operations; every method raises StoreError."""

    async def alerts(self) -> Sequence[Alert]:
        """Return the open alerts, the most severe first."""

    async def operations(self) -> Sequence[Operation]:
        """Return the open operations."""

    async def card_of(self, op: Operation) -> str:
        """Return the address of an operation's card, "" if it is not known."""

    async def undelivered(self) -> int:
        """Return how many messages Slack refused for good."""


@dataclass(frozen=True, slots=True)
class HomeTab:
    """Publishes the tab; `policy_of` gives an operation's policy, as its card keeps it."""

    names: Sequence[str]
    remembered: Callable[[str], ClusterNote]
    people: RolesPort
    open: Open
    policy_of: Callable[[Operation], Policy]
    publish: Callable[[str, Sequence[BlockJson]], Awaitable[None]]
    clock: Callable[[], float]

    async def show(self, user: str) -> None:
        """Publish the tab to `user`; a failure is logged, and the next opening tries again."""
        try:
            await self.publish(user, home(await self._seen_by(user)))
        except SlackError as error:
            log.warning("home.failed", user=user, error=str(error), code=error.code)

    async def _seen_by(self, user: str) -> Home:
        rights, now = await self.people.rights(user), self.clock()
        clusters = [HomeCluster(name, self.remembered(name)) for name in self.names]
        standing = await self.people.describe(user)
        may_change = await self.people.of_clusters(user, Role.OPERATOR, self.names)
        try:
            alerts = [alert for alert in await self.open.alerts() if alert.cluster in self.names]
            waiting = await self._waiting(user, now)
            clusters = [HomeCluster(each.name, not_milder(each.noted, each.name, alerts)) for each in clusters]
            lost = await self.open.undelivered() if rights.has(Role.ADMIN) else 0
        except StoreError as error:
            log.debug("home.store_down", error=str(error))
            return Home(clusters, standing, may_change=may_change, now=now, problems=(STORE_DOWN,))
        problems = (f"{count(lost, 'message')} could not be posted: /cm ops lists them.",) if lost else ()
        return Home(
            clusters, standing, may_change=may_change, alerts=alerts, waiting=waiting, now=now, problems=problems
        )

    async def _waiting(self, user: str, now: float) -> Sequence[Waiting]:
        found = [op for op in await self.open.operations() if op.state is OpState.WAITING and now < op.expires_at]
        rights = {name: await self.people.rights(user, name) for name in {op.cluster for op in found}}
        found_waiting = [Waiting(op, mine=self._may(op, rights[op.cluster], now)) for op in found]
        ranked = sorted(found_waiting, key=lambda each: (not each.mine, each.op.id))
        linked = [Waiting(each.op, await self.open.card_of(each.op), mine=each.mine) for each in ranked[:MOST_LINKED]]
        return (*linked, *ranked[MOST_LINKED:])

    def _may(self, op: Operation, rights: Rights, now: float) -> bool:
        return refuse_decision(op, Act.APPROVE, rights, self.policy_of(op), version=op.version, now=now) is None


async def show_once(
    once: Callable[[str, str], Awaitable[bool]], show: Callable[[str], Awaitable[None]], event: HomeOpened
) -> None:
    """Show the tab to its opener; an event that any replica has handled before does nothing.

    `once` records an event's id and kind and returns True if it is new. If `once` raises StoreError the tab is shown.
    """
    try:
        fresh = await once(event.key, "home")
    except StoreError as error:
        log.debug("home.store_down", error=str(error))
        fresh = True
    if fresh:
        await show(event.user)
