"""Watcher: polls one cluster, evaluates it, and commits alerts together with their messages."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from bot.alerting.cluster_state.observations import WINDOW, forecast
from bot.alerting.cluster_state.state import (
    Causes,
    Change,
    ClusterState,
    explained,
    new_changes,
    unwatched_for,
    update_leader,
)
from bot.alerting.details import PollFailure
from bot.alerting.engine import Visibility
from bot.alerting.model import Alert
from bot.alerting.own_network import Isolation, NetworkStatus, OwnNetwork
from bot.alerting.rules.base import LeaderTerm, Rule
from bot.alerting.rules.leadership import LEADER_CHANGED, LEADER_FLAPPING
from bot.alerting.rules.reachability import is_silent
from bot.alerting.rules.watchdog import OWN_NETWORK, WATCH_BLIND, PollTimes, patience, poll_failure
from bot.alerting.windows import Occurrence, Window, under_way, without_window
from bot.clustermgr.cluster import OnPartial
from bot.clustermgr.health import MIN_APART, raft_alone
from bot.clustermgr.models import Snapshot
from bot.common.errors import CmbotError
from bot.common.frozen import frozen
from bot.common.message_key import MessageKey
from bot.leadership.ports import HoldCheck, no_hold_needed
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork
from bot.views.notices import watch_recovered
from bot.watch.kept_alerts import kept_alerts
from bot.watch.planning import ClusterObservation, StoredState, TickPlan, Watched, plan_poll, plan_tick, updated
from bot.watch.publisher import announce_expired, announce_lifted, publish
from bot.watch.silence_times import announce_started, open_windows, unannounced
from bot.watch.state_saver import StateSaver

log = structlog.get_logger(__name__)

Poll = Callable[[OnPartial], Awaitable[Snapshot]]
"""Poll all hosts of one cluster, their errors in the Snapshot; when a host is slow, first call back with the rest."""
Explain = Callable[[Sequence[Change]], Awaitable[Causes]]
"""Find the operations that caused changes; other changes are left out. Raises StoreError."""

LEADER_RULES = frozenset({LEADER_CHANGED.key, LEADER_FLAPPING.key})
"""The rules that are evaluated while some hosts have not answered yet."""
STAND_IN_AFTER = 90.0
"""Seconds until this process raises the own-network alert in place of a carrier that did not."""


async def unexplained(_: Sequence[Change]) -> Causes:
    """An Explain without operations."""
    return {}


@frozen
class WatchHealth:
    """Health of the watch itself; times in Unix seconds, `failures` are failed ticks in a row.

    `failure` is the reason of the last one.
    """

    polled_at: float = 0.0
    done_at: float = 0.0
    failures: int = 0
    failed_total: int = 0
    failure: PollFailure | None = None


class Watcher:
    """Watches one cluster. `wake` starts the outbox; all state is in the store and commits with its messages."""

    def __init__(
        self,
        watched: Watched,
        poll: Poll,
        store: Store,
        *,
        wake: Callable[[], None],
        explain: Explain = unexplained,
        own_network: OwnNetwork | None = None,
        saver: StateSaver | None = None,
    ) -> None:
        self.watched = watched
        self.health = WatchHealth()
        self.state = ClusterState()
        """The cluster state after the last tick, its status with the open alerts included."""
        self.alerts: tuple[Alert, ...] = ()
        """The alerts after the last tick that could read the store, by their sentence alone (kept_alerts.py)."""
        self._poll = poll
        self._store = store
        self._wake = wake
        self._explain = explain
        self._own_network = own_network
        self._saver = saver
        self._snapshots: deque[Snapshot] = deque()
        self._cached: StoredState | None = None
        """The stored values while no alert is open; None if the next tick must read the store."""
        self._hold_check: HoldCheck = no_hold_needed
        self._started_at = 0.0
        self._opened: frozenset[tuple[str, float]] = frozenset()
        """The occurrences of maintenance windows whose silence this process knows to have begun."""
        self._terms: tuple[LeaderTerm, ...] = ()

    def resume(self) -> None:
        """Start as after a restart: another process watched meanwhile, so earlier snapshots are stale."""
        self._snapshots.clear()
        self._cached = None
        self._terms = ()

    def invalidate(self) -> None:
        """Read the store at the next tick: another part of the program opened an alert, or received one."""
        self._cached = None

    @property
    def latest(self) -> Snapshot | None:
        """The last snapshot of this process."""
        return self._snapshots[-1] if self._snapshots else None

    @property
    def previous(self) -> Snapshot | None:
        """The earlier snapshot that the last one was compared with."""
        return self._snapshots[0] if len(self._snapshots) > 1 else None

    async def tick(self, now: float, hold_check: HoldCheck = no_hold_needed) -> None:
        """Poll once and act on the snapshot; never raises. A failed tick commits nothing, so the next one catches up.

        Every write begins with `hold_check`. Ticks of one watcher do not overlap.
        """
        self._hold_check, self._started_at = hold_check, now
        try:
            observation = self._observe(await self._polled(now), now)
            stored = await self._load(now)
            if stored.state.forecast.due(now, self.watched.due):
                async with self._store.background_read() as uow:
                    stored = await self._with_forecast(uow, stored, now)
            # Evaluate, inhibit, silence, group:
            plan, causes = await self._plan(stored, observation)
            self._keep(plan)
            due = self._due_windows(now) or unannounced(stored.silences, now)
            if (plan.writes or stored.expired or due or self._was_stale(now)) and not await self._saved(
                stored, observation, plan
            ):
                await self._commit(stored, observation, causes, plan)
        except Exception as error:  # a fault of a poll must not end the watch
            failures = self._count_failure(error)
            if failures & (failures - 1) == 0:
                # Log the 1st, 2nd, 4th, 8th … failure; an unexpected one with its traceback.
                trace = None if isinstance(error, CmbotError) else error
                log.warning(
                    "tick_failed", cluster=self.watched.cluster, failures=failures, why=str(error), exc_info=trace
                )
        else:
            self.health = replace(self.health, done_at=now, failures=0, failure=None)

    async def on_partial_snapshot(self, snapshot: Snapshot) -> None:
        """Announce a new leader before all hosts have answered; no other rule is evaluated.

        A new leader can delay its own answers for ten seconds.
        """
        if not self._snapshots or _same_leader(self._snapshots[-1], snapshot):
            return
        now = self._started_at
        observation = ClusterObservation(snapshot, None, now, first=False, terms=self._terms)
        async with self._store.background_read() as uow:
            stored = await self._read(uow, now)
        if not new_changes(stored.state, self._with_leader(stored.state, observation)):
            return
        self._cached = None
        async with self._store.grouped(urgent=True) as uow:
            await self._hold_check(uow)
            stored = await self._read(uow, now)
            state = self._with_leader(stored.state, observation)
            state = explained(state, await self._explain(new_changes(stored.state, state)))
            rules = tuple(rule for rule in self.watched.rules if rule.key in LEADER_RULES)
            plan = plan_tick(self.watched, stored, observation, state, rules, complete=False)
            await self._write(uow, stored, plan, now)
        self._wake()

    async def _polled(self, now: float) -> Snapshot:
        snapshot = await self._poll(self.on_partial_snapshot)
        self.health = replace(self.health, polled_at=now)
        return snapshot

    def _observe(self, snapshot: Snapshot, now: float) -> ClusterObservation:
        """The snapshot with everything to compare it with."""
        first, previous = not self._snapshots, self._earlier(snapshot)
        network, isolation = self._network(snapshot, now)
        if self._snapshots:
            self._snapshots[-1] = raft_alone(self._snapshots[-1])
        self._snapshots.append(snapshot)
        return ClusterObservation(snapshot, previous, now, first, network, isolation, self._terms)

    def _earlier(self, snapshot: Snapshot) -> Snapshot | None:
        """The newest snapshot old enough to prove a voter healthy, else the oldest one."""
        while len(self._snapshots) > 1 and snapshot.at - self._snapshots[1].at >= MIN_APART:
            self._snapshots.popleft()
        return self._snapshots[0] if self._snapshots else None

    def _network(self, snapshot: Snapshot, now: float) -> tuple[NetworkStatus, Isolation | None]:
        """The state of cmbot's own network, evaluated from all clusters."""
        if self._own_network is None:
            return NetworkStatus.WORKING, None
        dark = bool(snapshot.answers) and all(is_silent(answer) for answer in snapshot.answers)
        self._own_network.record(self.watched.cluster, now, dark=dark)
        return self._own_network.evaluate(self.watched.cluster, now)

    async def _load(self, now: float) -> StoredState:
        """Load the stored values; from the cache while no alert is open.

        With the cache the store is read once a minute, when the state is saved: that is the longest time until this
        process takes over an alert that another process opened and then left behind.
        """
        if self._cached is not None and not self._was_stale(now):
            return self._cached
        async with self._store.background_read() as uow:
            stored = await self._read(uow, now)
        self._cached = None if stored.alerts else stored
        return stored

    async def _read(self, uow: UnitOfWork, now: float) -> StoredState:
        cluster = self.watched.cluster
        state, history = await uow.cluster_states.get(cluster), await uow.channel_histories.get(self.watched.channel)
        alerts = await uow.alerts.open(cluster)
        held, expired = await uow.silences.of_cluster(now, cluster)
        known = tuple(without_window(held, self.watched.windows, now))
        silences = [each for each in known if each.until > now]
        expired = [*expired, *(each for each in known if each.until <= now)]
        external = await uow.external_alerts.of_cluster(cluster) if self.watched.external else ()
        return StoredState(state, history, alerts, silences, expired, external)

    def _due_windows(self, now: float) -> list[tuple[Window, Occurrence]]:
        """The maintenance windows whose time it is, without those whose silence began."""
        return [
            each for each in under_way(self.watched.windows, now) if (each[0].key, each[1].begins) not in self._opened
        ]

    async def _plan(
        self, stored: StoredState, observation: ClusterObservation, causes: Causes | None = None
    ) -> tuple[TickPlan, Causes]:
        """The plan of this poll and the operations that caused the changes; `causes` that are known are not read."""
        state = updated(self.watched, stored.state, observation)
        if causes is None:
            changes = new_changes(stored.state, state)
            causes = await self._explain(changes) if changes else {}
        return plan_poll(self.watched, stored, observation, explained(state, causes)), causes

    def _keep(self, plan: TickPlan) -> None:
        self._terms, self.state = plan.terms, plan.state
        self.alerts = kept_alerts(plan.alerts, self.alerts)

    async def _commit(
        self, planned_from: StoredState, observation: ClusterObservation, causes: Causes, plan: TickPlan
    ) -> None:
        """Commit the plan with its messages in one transaction; plan again only if the stored values changed."""
        self._cached, now = None, observation.now
        due = self._due_windows(now)
        async with self._store.grouped(urgent=_has_news(plan)) as uow:
            await self._hold_check(uow)
            await open_windows(uow, due, now)
            stored = await self._with_forecast(uow, await self._read(uow, now), now)
            observed = await self._with_stand_in(uow, observation)
            if (stored, observed) != (planned_from, observation):
                same = stored.state.at == planned_from.state.at
                plan, _ = await self._plan(stored, observed, causes if same else None)
            await self._write(uow, stored, plan, now)
            await self._announce_gap(uow, stored, now)
            await announce_expired(uow, stored.expired, stored.alerts, plan.transitions, self.watched.channel)
            await announce_started(uow, stored.silences, plan.alerts, now, self.watched.channel)
        self.state, self.alerts = plan.state, kept_alerts(plan.alerts, self.alerts)
        self._opened |= {(window.key, occurrence.begins) for window, occurrence in due}
        if not (stored.alerts or plan.transitions or plan.save_history):
            self._cached = StoredState(plan.state if plan.save_state else stored.state, plan.history)
        if stored.expired or unannounced(stored.silences, now) or plan.lifted or plan.save_history or _has_news(plan):
            self._wake()

    async def _saved(self, stored: StoredState, observation: ClusterObservation, plan: TickPlan) -> bool:
        """Save a state beside which there is nothing to write, together with those of other clusters."""
        now = observation.now
        if (
            self._saver is None
            or stored.alerts
            or stored.silences
            or stored.expired
            or self._due_windows(now)
            or plan.transitions
            or plan.lifted
            or plan.save_history
            or observation.isolation is not None
            or stored.state.forecast.due(now, self.watched.due)
            or self._was_stale(now)
        ):
            return False
        saved = await self._saver.save(
            self.watched.cluster,
            plan.state,
            plan.sample,
            saved_at=stored.state.at,
            interval=self.watched.interval,
            hold_check=self._hold_check,
        )
        self._cached = StoredState(plan.state, plan.history) if saved else None
        return saved

    async def _write(self, uow: UnitOfWork, stored: StoredState, plan: TickPlan, now: float) -> None:
        await announce_lifted(uow, plan.lifted, self.watched.channel, now)
        await publish(uow, plan.transitions, stored.history, plan.history, self.watched.limits, now)
        if plan.save_state:
            await uow.cluster_states.put(self.watched.cluster, plan.state)
        if plan.sample is not None:
            await uow.samples.add(self.watched.cluster, now, plan.sample)

    async def _with_forecast(self, uow: UnitOfWork, stored: StoredState, now: float) -> StoredState:
        """The stored values with a new forecast, when one is due."""
        if not stored.state.forecast.due(now, self.watched.due):
            return stored
        samples = await uow.samples.range(self.watched.cluster, now - WINDOW)
        return replace(stored, state=replace(stored.state, forecast=forecast(samples, now)))

    async def _with_stand_in(self, uow: UnitOfWork, observation: ClusterObservation) -> ClusterObservation:
        """The observation; this cluster's alert replaces the own-network alert that the carrier did not raise."""
        lost, name = observation.isolation, self.watched.cluster
        if lost is None or lost.carrier_here or lost.stand_in != name or observation.now - lost.since < STAND_IN_AFTER:
            return observation
        if any(alert.rule == OWN_NETWORK.key for alert in await uow.alerts.open(lost.carrier)):
            return observation
        return replace(observation, isolation=replace(lost, carrier=name, calls=lost.calls | {name}))

    async def _announce_gap(self, uow: UnitOfWork, stored: StoredState, now: float) -> None:
        """Announce a time without polls that no alert covers, because the store itself was down."""
        if not self._was_stale(now) or any(alert.rule == WATCH_BLIND.key for alert in stored.alerts):
            return
        times = PollTimes(self.health.done_at, stored.state.at, self.watched.interval)
        if since := times.stale_since(now, self._patience()):
            name = self.watched.cluster
            note = watch_recovered(name, since, now, self.health.failure)
            await uow.outbox.put(MessageKey.stale(name, now), self.watched.channel, note)
            self._wake()

    def _was_stale(self, now: float) -> bool:
        return 0 < self.health.done_at < now - self._patience() and self.health.failures > 0

    def _patience(self) -> float:
        rule = watchdog_rule(self.watched)
        return patience(rule, self.watched.interval) if rule else float("inf")

    def _with_leader(self, state: ClusterState, observation: ClusterObservation) -> ClusterState:
        """The state with the new leader of a partial snapshot, unchanged if the leader is the same."""
        gap = unwatched_for(state, observation.now, self.watched.interval)
        new = update_leader(state, observation.snapshot, away=gap)
        return new if new.leader != state.leader else state

    def _count_failure(self, error: Exception) -> int:
        failures, total = self.health.failures + 1, self.health.failed_total + 1
        self.health = replace(self.health, failures=failures, failed_total=total, failure=poll_failure(error))
        return failures


def watchdog_rule(watched: Watched) -> Rule | None:
    """The configured rule that watches the watch, None if the settings turn it off."""
    return next((rule for rule in watched.rules if rule.key == WATCH_BLIND.key), None)


def _has_news(plan: TickPlan) -> bool:
    """True if a person will read of a transition."""
    return any(transition.visibility is not Visibility.QUIET for transition in plan.transitions)


def _same_leader(before: Snapshot, now: Snapshot) -> bool:
    """True if the same peer claims to lead in both snapshots."""
    if before.leader is None or now.leader is None:
        return False
    return before.leader[1].raft_status.node_id == now.leader[1].raft_status.node_id
