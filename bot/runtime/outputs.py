"""Wiring of outputs and inputs: the worker that tells receivers, outages of Slack, the webhook of an Alertmanager."""

import random
from collections.abc import Callable, Collection, Mapping

from bot.alerting.receivers import When
from bot.common.frozen import frozen
from bot.delivery.worker import Outbox
from bot.integrations.client import HttpClient
from bot.integrations.intake import Intake
from bot.integrations.senders import receivers_of, senders_of
from bot.integrations.worker import OutputWorker, SlackDown, SlackOutage
from bot.leadership.membership import Membership
from bot.runtime.parts import App
from bot.runtime.startup import Foundation
from bot.slack.socket_mode import SocketMode
from bot.store.unit_of_work import UnitOfWork
from bot.watch.output_rows import ReceiversInUse
from bot.watch.watcher import Watcher

NEWS_SECONDS = 30.0
"""Reports of an Alertmanager of this age are looked for again, because a poll may have read the store just before."""
OUTPUTS_SINCE = "0014"
"""Schema revision of the first release that puts alerts for receivers."""
BEFORE_SECONDS = 60.0
"""An alert that came so long before the last message that reached Slack may be unseen there: messages wait in turn."""


@frozen
class SlackReach:
    """Since when no message reaches Slack: calls fail, or the token is rejected.

    `dead_for` are the seconds without a connection over which Slack delivers: an outage began before the first call
    that failed.
    """

    outbox: Outbox
    dead_for: Callable[[], float]

    async def down(self, now: float) -> SlackDown | None:
        """Return the outage, None while messages can be sent. Raises StoreError."""
        failing = self.outbox.failing_since
        if not failing:
            return None
        # What waits says since when Slack has missed something: other replicas send too. A message that Slack refused
        # long ago waits as well, so the last success of this process counts if it is later.
        missing = min(failing, now - (await self.outbox.health()).oldest_age)
        unseen = max(missing, self.outbox.last_success) - BEFORE_SECONDS
        return SlackDown(min(failing, now - self.dead_for()), unseen)


def receivers_in_use(base: Foundation, membership: Membership) -> ReceiversInUse:
    """Build what knows the receivers of this replica and of others."""
    base.store.receivers = own = receivers_of(base.settings)
    return ReceiversInUse(
        base.store,
        own,
        base.clock,
        alone=lambda: membership.alone,
        older=lambda: bool(membership.older_than(OUTPUTS_SINCE)),
    )


def output_worker(
    base: Foundation,
    client: HttpClient,
    outbox: Outbox,
    membership: Membership,
    socket: SocketMode | None,
    in_use: ReceiversInUse,
) -> OutputWorker | None:
    """Build the worker; None without receivers. Raises ConfigError."""
    receivers = in_use.own
    if not receivers:
        return None
    reach = SlackReach(outbox, lambda: socket.dead_for if socket else 0.0)
    waiting = frozenset(each.name for each in receivers if each.when is When.SLACK_DOWN)
    base.metrics.receivers([each.name for each in receivers])
    return OutputWorker(
        base.store,
        senders_of(base.settings, client, base.wall),
        owner=base.replica,
        clock=base.clock,
        random=random.random,
        outage=SlackOutage(reach.down, base.settings.outputs.slack_down_after, waiting),
        alive=lambda: membership.active,
        awake=base.outputs_wait,
        adopt=in_use.adopt,
        on_outcome=base.metrics.output,
    )


def intake_of(base: Foundation, watches: Mapping[str, Watcher]) -> Intake | None:
    """Build the webhook for an Alertmanager; None if the settings have no token for it."""
    own = base.settings.inputs
    if own.token_env is None:
        return None

    def received(clusters: Collection[str]) -> None:
        for name in clusters:
            watches[name].invalidate()

    token = base.settings.exchange_secrets[own.token_env].get_secret_value()
    return Intake(base.store, token, frozenset(watches), own.cluster_label, own.expire_after, base.clock, received)


async def notice_reports(app: App, uow: UnitOfWork) -> None:
    """Let the watches of this replica read what Alertmanagers reported to any replica."""
    if app.intake is None:
        return
    for name in await uow.external_alerts.news(app.clock() - NEWS_SECONDS):
        if name in app.watches:
            app.watches[name].invalidate()


async def measure_outputs(app: App) -> None:
    """Learn the receivers of other replicas; update the gauges of what waits for each one here. Raises StoreError."""
    if app.receivers is not None:
        await app.receivers.refresh()
    if app.outputs is not None:
        rows = await app.outputs.health()
        app.metrics.outputs({name: (each.waiting, each.oldest_age, each.dead) for name, each in rows.items()})


def outputs_remark(app: App) -> str:
    """Say which receivers fail, and what an outage of Slack started; "" for nothing."""
    return app.outputs.remark() if app.outputs else ""
