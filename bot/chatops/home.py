"""Publishes the Home tab to the person who opens it, and again when something changes."""

from collections.abc import Callable, Sequence
from dataclasses import field

import structlog

from bot.alerting.cluster_state.state import ClusterNote
from bot.alerting.folding import folded_into
from bot.alerting.model import Alert
from bot.chatops.forms.events import HomeOpened
from bot.chatops.home_viewers import HomeViewers
from bot.chatops.inbox import Inbox
from bot.chatops.slack_gateway import SlackGateway
from bot.common.errors import SlackError, StoreError
from bot.common.frozen import frozen
from bot.operations.change_request import policy_on
from bot.operations.decisions import Act, refuse_decision
from bot.operations.model import Operation, OpState
from bot.operations.policy import PolicyOf
from bot.permissions.access import Access
from bot.permissions.roles import Rights, Role
from bot.views.access_text import standing_text
from bot.views.alert_text.table import sentence_of
from bot.views.home import Home, HomeCluster, Waiting, home
from bot.views.status_text import not_milder
from bot.watch.alert_actions import AlertActions
from bot.workflow.proposals import link_to
from bot.workflow.repository import OperationRepository

log = structlog.get_logger(__name__)

MAX_LINKED = 8
"""Cards and alerts with a link."""


@frozen
class HomeTab:
    """Publishes the tab; `names` are the configured clusters, `notes` sentences for those who hold a role."""

    names: Sequence[str]
    remembered: Callable[[str], ClusterNote]
    access: Access
    alerts: AlertActions
    repository: OperationRepository
    policies: PolicyOf
    slack: SlackGateway
    inbox: Inbox
    clock: Callable[[], float]
    viewers: HomeViewers = field(default_factory=HomeViewers)
    notes: Sequence[str] = ()

    async def opened(self, event: HomeOpened) -> None:
        """Show the tab to its opener, unless any replica has handled the event before.

        If the database is down, the tab is shown for each delivery of the event.
        """
        try:
            fresh = await self.inbox.once(event.key, "home")
        except StoreError as error:
            log.debug("home.store_down", error=str(error))
            fresh = True
        if fresh:
            self.viewers.opened(event.user, self.clock())
            await self.show(event.user)

    async def refresh(self) -> None:
        """Publish the tab again to those who opened it lately and whose tab shows an earlier state."""
        if not len(self.viewers):
            return
        try:
            state = await self._state()
        except StoreError as error:
            log.debug("home.store_down", error=str(error))
            return
        for user in self.viewers.due(state, self.clock()):
            await self.show(user)

    async def _state(self) -> int:
        """Return a number that changes with what any tab shows, apart from the time that passes."""
        notes = [(name, self.remembered(name)) for name in self.names]
        return hash(
            (
                tuple((a.id, a.state, a.severity, a.acked_by, sentence_of(a)) for a in await self.alerts.open()),
                tuple((op.id, op.version) for op in await self.repository.open_on(None)),
                tuple((held.id, held.until) for held in await self.alerts.silences()),
                tuple((name, note.level, note.verdict) for name, note in notes),
            )
        )

    async def show(self, user: str) -> None:
        """Publish the tab to `user`; a failure is logged, and the next opening tries again."""
        try:
            await self._show(user)
        except SlackError as error:
            log.warning("home.failed", user=user, error=str(error), code=error.code)

    async def _show(self, user: str) -> None:
        try:
            state = await self._state()
        except StoreError:
            # Another state than any: the next round shows the tab again.
            state = 0
        await self.slack.publish_home(user, home(await self._seen_by(user)))
        self.viewers.shown(user, state, self.clock())

    async def _seen_by(self, user: str) -> Home:
        rights, now = await self.access.rights(user), self.clock()
        clusters = [HomeCluster(name, self.remembered(name)) for name in self.names]
        standing = tuple(standing_text(await self.access.standing(user)))
        may_change = await self.access.of_clusters(user, Role.OPERATOR, self.names)
        notes = self.notes if rights.held or may_change else ()
        try:
            alerts = [alert for alert in await self.alerts.open() if alert.cluster in self.names]
            waiting = await self._waiting(user, now)
            clusters = [HomeCluster(each.name, not_milder(each.noted, each.name, alerts)) for each in clusters]
            held = [each for each in await self.alerts.silences() if each.cluster in self.names]
            maintenances = [each for each in held if each.scope is not None]
            muted = await self.alerts.muted() if maintenances else {}
            lost = await self.repository.refused_messages() if rights.has(Role.ADMIN) else 0
        except StoreError as error:
            log.debug("home.store_down", error=str(error))
            return Home(clusters, standing, may_change=may_change, now=now, store_down=True, notes=notes)
        return Home(
            clusters,
            standing,
            may_change=may_change,
            alerts=alerts,
            waiting=waiting,
            now=now,
            undelivered=lost,
            maintenances=maintenances,
            muted=muted,
            links=await self._links(alerts),
            notes=notes,
        )

    async def _links(self, alerts: Sequence[Alert]) -> dict[int, str]:
        """Return the addresses of the first alerts' messages; that of a folded alert is the message it is in."""
        shown = {alert.id: folded_into(alert, alerts) or alert for alert in alerts[:MAX_LINKED]}
        return {number: link for number, alert in shown.items() if (link := await self._message(alert))}

    async def _message(self, alert: Alert) -> str:
        """Return the address of an alert's message, "" if it is not known."""
        channel, ts = await self.alerts.place_of(alert)
        return await link_to(self.slack.permalink, channel, ts)

    async def _waiting(self, user: str, now: float) -> Sequence[Waiting]:
        found = [
            op for op in await self.repository.open_on(None) if op.state is OpState.WAITING and now < op.expires_at
        ]
        rights = {name: await self.access.rights(user, name) for name in {op.cluster for op in found}}
        found_waiting = [Waiting(op, mine=self._may(op, rights[op.cluster], now)) for op in found]
        ranked = sorted(found_waiting, key=lambda each: (not each.mine, each.op.id))
        linked = [Waiting(each.op, await self._card(each.op), mine=each.mine) for each in ranked[:MAX_LINKED]]
        return (*linked, *ranked[MAX_LINKED:])

    async def _card(self, op: Operation) -> str:
        """Return the address of an operation's card, "" if it is not known."""
        return await link_to(self.slack.permalink, op.channel, await self.repository.posted_at(op))

    def _may(self, op: Operation, rights: Rights, now: float) -> bool:
        policy = policy_on(self.policies, op.cluster, op.request, op.options)
        return refuse_decision(op, Act.APPROVE, rights, policy, version=op.version, now=now) is None
