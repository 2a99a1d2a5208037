"""Plan one tick: from a snapshot and the stored state to what must be written. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import field, replace

from bot.alerting.cluster_state.counters import (
    is_fresh,
    leader_terms,
    may_be_kept,
    settled_of,
    status_context,
    with_status,
)
from bot.alerting.cluster_state.state import ClusterState, update, worth_writing
from bot.alerting.cluster_status import cluster_status
from bot.alerting.engine import NO_ESCALATION, Transition, step
from bot.alerting.escalation import Escalation
from bot.alerting.external import ExternalAlert
from bot.alerting.folding import fold_alerts, grouped_with_first
from bot.alerting.grouping import ChannelHistory, GroupingLimits, group_alerts
from bot.alerting.maintenance import LiftedMaintenance, lifted_maintenances, muted_counts
from bot.alerting.model import Alert, Silence
from bot.alerting.own_network import Isolation, NetworkStatus
from bot.alerting.reports.trend import Measurement, sample_of
from bot.alerting.rules.affected import with_risk
from bot.alerting.rules.base import Answer, LeaderTerm, Rule, RuleContext
from bot.alerting.rules.watchdog import OWN_NETWORK, WATCH_BLIND
from bot.alerting.takeover import take_over
from bot.alerting.windows import Window
from bot.clustermgr.models import Snapshot
from bot.common.frozen import frozen
from bot.common.periods import Due, elapsed
from bot.views.status_text import status_sentence

SAMPLE_EVERY = 600.0
"""Seconds between two measurements that are kept."""


@frozen
class Watched:
    """Settings of one watched cluster: name, alert channel (id), seconds between polls, configured rules.

    `escalation` is who gets called for unacknowledged alerts; `limits` decide when alerts are grouped. After
    `remind_holder` seconds the holder of an acknowledged alert is reminded (0: never). `windows` are its maintenance
    windows. With `external` alerts of Alertmanagers join its own. `due` says when work that is repeated is due.
    """

    cluster: str
    channel: str
    interval: float
    rules: tuple[Rule, ...]
    escalation: Escalation = NO_ESCALATION
    limits: GroupingLimits = field(default_factory=GroupingLimits)
    remind_holder: float = 0.0
    windows: tuple[Window, ...] = ()
    external: bool = False
    due: Due = field(default=elapsed, compare=False)


@frozen
class ClusterObservation:
    """A snapshot taken `now`, and the earlier one to compare it with; `first` marks the first poll of a process."""

    snapshot: Snapshot
    previous: Snapshot | None
    now: float
    first: bool
    network: NetworkStatus = NetworkStatus.WORKING
    isolation: Isolation | None = None
    terms: tuple[LeaderTerm, ...] = ()
    """The last snapshot of each recent leader term, before this one."""


@frozen
class StoredState:
    """Stored values of one cluster: its state, its channel's history, open alerts, active silences.

    `expired` are silences whose end has not been announced yet, `external` what Alertmanagers reported.
    """

    state: ClusterState
    history: ChannelHistory
    alerts: Sequence[Alert] = ()
    silences: Sequence[Silence] = ()
    expired: Sequence[Silence] = ()
    external: tuple[ExternalAlert, ...] = ()


@frozen
class TickPlan:
    """Everything that one tick will write.

    `state` is the cluster state after the tick, `alerts` the alerts after it; both are kept in this process.
    `save_state` is True if `state` must be stored too; `sample` is the measurement to store. `lifted` are the
    maintenances that end early.
    """

    transitions: tuple[Transition, ...]
    history: ChannelHistory
    state: ClusterState
    alerts: tuple[Alert, ...]
    terms: tuple[LeaderTerm, ...]
    save_state: bool
    save_history: bool
    sample: Measurement | None = None
    lifted: tuple[LiftedMaintenance, ...] = ()

    @property
    def writes(self) -> bool:
        """True if the plan changes anything stored."""
        return bool(self.transitions or self.lifted) or self.save_history or self.save_state


def plan_poll(watched: Watched, stored: StoredState, observation: ClusterObservation, state: ClusterState) -> TickPlan:
    """Plan a tick from a complete snapshot and the cluster state after it."""
    settled = settled_of(watched.rules)
    due = observation.now - stored.state.sampled_at >= SAMPLE_EVERY
    kept = due and may_be_kept(state, observation.snapshot, settled)
    sample = sample_of(observation.snapshot) if kept else None
    state = replace(state, sampled_at=observation.now) if sample else state
    return plan_tick(watched, stored, observation, state, watched.rules, sample=sample, complete=True)


def plan_tick(
    watched: Watched,
    stored: StoredState,
    observation: ClusterObservation,
    state: ClusterState,
    rules: tuple[Rule, ...],
    *,
    sample: Measurement | None = None,
    complete: bool,
) -> TickPlan:
    """Evaluate these rules, inhibit, silence, fold and group; only a `complete` snapshot updates the cluster status.

    From any other one, no alert of other rules is judged.
    """
    snapshot, now = observation.snapshot, observation.now
    terms = leader_terms(observation.terms, state, snapshot)
    context = RuleContext(
        snapshot,
        state,
        now,
        observation.previous,
        observation.isolation,
        watched=frozenset(rule.key for rule in watched.rules),
        terms=terms,
        external=stored.external,
    )
    answers = evaluate(rules, context, observation.network)
    judged = stored.alerts if complete else _of(rules, stored.alerts)

    def stepped(silences: Sequence[Silence]) -> tuple[Transition, ...]:
        return step(  # inhibit, then silence
            answers,
            judged,
            silences,
            rules,
            now,
            cluster=watched.cluster,
            settling=observation.first,
            remembered=stored.state.at > 0,
            escalation=_escalation(watched, observation),
            remind_holder=watched.remind_holder,
            outcome=lambda alert: next(rule for rule in rules if rule.key == alert.rule).resolved(context, alert),
        )

    transitions = stepped(stored.silences)
    expired = 0 if is_fresh(snapshot, state) else snapshot.expired_disks
    lifted = lifted_maintenances(stored.silences, transitions, snapshot.volumes, expired, now)
    if lifted:
        # What they muted is announced in this step.
        known = {alert.key: alert for alert in (*stored.alerts, *(transition.new for transition in transitions))}
        muted = muted_counts([each.silence for each in lifted], known.values())
        lifted = tuple(replace(each, muted=muted.get(each.silence.id, 0)) for each in lifted)
        ended = {each.silence.id for each in lifted}
        transitions = stepped([silence for silence in stored.silences if silence.id not in ended])
    transitions = fold_alerts(transitions, stored.alerts, now)
    history, transitions = group_alerts(stored.history, transitions, judged, watched.limits, now)
    transitions = take_over(grouped_with_first(transitions), stored.alerts, now)
    by_key = {alert.key: alert for alert in (*stored.alerts, *(transition.new for transition in transitions))}
    alerts = tuple(by_key.values())
    if complete:
        state = with_risk(state, context)
        facts = status_context(state, snapshot, rules, alerts)
        status = cluster_status(snapshot, observation.previous, facts, context.voter_health)
        state = with_status(state, status.level, status_sentence(status))
    return TickPlan(
        transitions=transitions,
        history=history,
        state=state,
        alerts=alerts,
        terms=terms,
        # The state is saved together with the alerts, so that a lost transaction loses neither.
        save_state=bool(transitions) or worth_writing(stored.state, state, watched.due),
        save_history=history != stored.history,
        sample=sample,
        lifted=lifted,
    )


def updated(watched: Watched, state: ClusterState, observation: ClusterObservation) -> ClusterState:
    """The cluster state after this observation."""
    return update(
        state,
        observation.snapshot,
        interval=watched.interval,
        resumed=observation.first,
    )


def evaluate(rules: Sequence[Rule], context: RuleContext, network: NetworkStatus) -> Mapping[str, Answer]:
    """Answers of the rules by key; while cmbot's own network may be down, only the rules about cmbot answer."""
    if network is NetworkStatus.WORKING:
        return {rule.key: rule.answer(context) for rule in rules}
    about_cmbot = {WATCH_BLIND.key} if network is NetworkStatus.UNDECIDED else {WATCH_BLIND.key, OWN_NETWORK.key}
    return {rule.key: rule.answer(context) for rule in rules if rule.key in about_cmbot}


def _of(rules: Sequence[Rule], alerts: Sequence[Alert]) -> list[Alert]:
    keys = {rule.key for rule in rules}
    return [alert for alert in alerts if alert.rule in keys]


def _escalation(watched: Watched, observation: ClusterObservation) -> Escalation:
    """The escalation of this tick: while this process is isolated, one alert calls for all clusters of a group."""
    lost = observation.isolation
    return NO_ESCALATION if lost is not None and watched.cluster not in lost.calls else watched.escalation
