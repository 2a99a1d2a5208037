"""Watchdog: raises one alert when a watcher gets no poll through."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from bot.alerting.details import PollFailure, PollFailureKind
from bot.alerting.engine import Transition, step
from bot.alerting.grouping import group_alerts
from bot.alerting.rules.base import Rule
from bot.alerting.rules.watchdog import PollTimes, patience, stale_finding
from bot.common.errors import Conflict, Fenced, StoreError
from bot.leadership.ports import CheckOfCluster, HoldCheck, holds_every_cluster
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork
from bot.views.alert_text.hosts import poll_failure_text
from bot.watch.publisher import publish
from bot.watch.watcher import Watcher, watchdog_rule

log = structlog.get_logger(__name__)


class Watchdog:
    """Checks the watchers of this process; `stale` has the clusters without polls, and since when (Unix seconds).

    `stretch` is by how much the load of this process delays the polls of a cluster (1: not at all). A load that is too
    high is said once, and does not make every cluster blind.
    """

    def __init__(
        self,
        watchers: Mapping[str, Watcher],
        store: Store,
        *,
        wake: Callable[[], None],
        stretch: Callable[[str], float] = lambda _: 1.0,
    ) -> None:
        self._watchers, self._store, self._wake, self._stretch = watchers, store, wake, stretch
        self._started_at = 0.0
        self._not_run: dict[str, PollFailure] = {}
        self.stale: Mapping[str, float] = {}

    def record_schedule_error(self, cluster: str, problem: str) -> None:
        """Record why the scheduler did not start a tick; used as the reason when no poll failed."""
        self._not_run[cluster] = PollFailure(PollFailureKind.NOT_RUN, problem)

    def failure(self, cluster: str) -> PollFailure | None:
        """The reason why polls of a cluster fail, None if unknown."""
        return self._watchers[cluster].health.failure or self._not_run.get(cluster)

    async def check(self, now: float, check_of_cluster: CheckOfCluster = holds_every_cluster) -> None:
        """Find the clusters that this process should watch and that are not polled; raise their alerts.

        Raises StoreError; then `stale` is only what this process knows.
        """
        self._started_at = self._started_at or now
        ours = {name: check for name in self._watchers if (check := check_of_cluster(name))}
        suspects = {name: since for name in ours if (since := self._suspected(self._watchers[name], now))}
        for name in self.stale.keys() - suspects.keys():
            self._not_run.pop(name, None)
        confirmed: dict[str, float] = {}
        try:
            for name in suspects:
                if since := await self._confirm(self._watchers[name], now, ours[name]):
                    confirmed[name] = since
        except StoreError:
            self.stale = suspects
            raise
        self.stale = confirmed

    def _suspected(self, watcher: Watcher, now: float) -> float:
        rule = watchdog_rule(watcher.watched)
        done_at = watcher.health.done_at or self._started_at
        limit = patience(rule, self._interval(watcher)) if rule else float("inf")
        return done_at if now - done_at > limit else 0.0

    def _interval(self, watcher: Watcher) -> float:
        return watcher.watched.interval * self._stretch(watcher.watched.cluster)

    async def _confirm(self, watcher: Watcher, now: float, check: HoldCheck) -> float:
        """Since when no process polls the cluster, 0 if another one does; raises the alert in the same transaction."""
        rule, watched = watchdog_rule(watcher.watched), watcher.watched
        assert rule is not None  # noqa: S101 - without the rule there is no suspect
        try:
            async with self._store.begin() as uow:
                await check(uow)
                stored_at = (await uow.cluster_states.get(watched.cluster)).at
                times = PollTimes(watcher.health.done_at or self._started_at, stored_at, watched.interval)
                since = times.stale_since(now, patience(rule, self._interval(watcher)))
                transitions = await self._raise(uow, watcher, rule, since, now) if since else ()
        except (Conflict, Fenced):
            # Another process raised it at the same moment, or a person acknowledged it.
            return 0.0
        if transitions:
            why = poll_failure_text(self.failure(watched.cluster))
            log.warning("watch.blind", cluster=watched.cluster, seconds=round(now - since), why=why)
            watcher.invalidate()
            self._wake()
        return since

    async def _raise(
        self, uow: UnitOfWork, watcher: Watcher, rule: Rule, since: float, now: float
    ) -> Sequence[Transition]:
        watched = watcher.watched
        before = await uow.channel_histories.get(watched.channel)
        alerts = [alert for alert in await uow.alerts.open(watched.cluster) if alert.rule == rule.key]
        found = step(
            {rule.key: (stale_finding(rule, self.failure(watched.cluster)),)},
            alerts,
            await uow.silences.active(now, watched.cluster),
            (rule,),
            now,
            cluster=watched.cluster,
            escalation=watched.escalation,
            remind_holder=watched.remind_holder,
        )
        transitions = [each if each.old else replace(each, new=replace(each.new, since=since)) for each in found]
        after, to_post = group_alerts(before, transitions, alerts, watched.limits, now)
        await publish(uow, to_post, before, after, watched.limits)
        return to_post
