"""The tick of the watch: look, judge, and commit what changed together with the messages about it."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import structlog

from bot.alerting.cluster_state.changes import NO_CAUSES, Causes, explained, new_changes
from bot.alerting.cluster_state.counters import known_of, may_be_kept, reign_notes, reigns, settled_of, with_verdict
from bot.alerting.cluster_state.forecast import WINDOW, forecast
from bot.alerting.cluster_state.state import ClusterState, away, remember, remember_leader, worth_writing
from bot.alerting.engine import NO_ESCALATION, Tell, Transition, step
from bot.alerting.escalation import Escalation
from bot.alerting.grouping import ChannelHistory, GroupingLimits, weather
from bot.alerting.model import Alert, Silence
from bot.alerting.own_network import Isolation, Outlook, OwnNetwork
from bot.alerting.rules.base import Answer, Reign, Rule, RuleContext
from bot.alerting.rules.leadership import LEADER_CHANGED, LEADER_FLAPPING
from bot.alerting.rules.reachability import is_silent
from bot.alerting.rules.watchdog import OWN_NETWORK, WATCH_BLIND, PollTimes, patience, why_failed
from bot.alerting.sample import sample_of
from bot.clustermgr.health import MIN_APART
from bot.clustermgr.models import Snapshot
from bot.common.errors import CmbotError
from bot.leadership.ports import Fence, unfenced
from bot.views.alert_text.table import alert_text
from bot.views.notes import was_blind
from bot.watch.ports import Explain, Look, WatchStore, WatchUnit, unexplained
from bot.watch.publisher import carry_out
from bot.watch.silence_expiry import tell_ended

log = structlog.get_logger(__name__)

BY_A_GLIMPSE = frozenset({LEADER_CHANGED.key, LEADER_FLAPPING.key})
"""The rules that judge a look which some hosts hold up."""
SAMPLE_EVERY = 600.0
"""Seconds between two measurements that are kept."""
STAND_IN_AFTER = 90.0
"""Seconds after which a process says itself that no cluster answers, where the one that should did not."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One cluster as it is watched: its name, its alert channel (id), seconds between looks, its configured rules.

    `escalation` is whom its alerts call that nobody acknowledges, `limits` how many of them at once are no storm.
    """

    cluster: str
    channel: str
    interval: float
    rules: tuple[Rule, ...]
    escalation: Escalation = NO_ESCALATION
    limits: GroupingLimits = field(default_factory=GroupingLimits)


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the watch itself does; times in Unix seconds, `failures` are ticks in a row that did not get through.

    `trouble` is why the last of them did not.
    """

    looked_at: float = 0.0
    done_at: float = 0.0
    failures: int = 0
    failed_total: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class TickPlan:
    """What a tick is going to write; `changed` says whether what the channel was told lately is not as before.

    `counted` is not written: it is what the last looks at each leader told.
    """

    transitions: tuple[Transition, ...]
    history: ChannelHistory
    memory: Mapping[str, Any] | None = None
    sample: Mapping[str, Any] | None = None
    changed: bool = False
    counted: tuple[Reign, ...] = ()
    seen: ClusterState = field(default_factory=ClusterState)
    """What is known after this look, whether it is written or not."""
    alerts: tuple[Alert, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.transitions) or self.changed or self.memory is not None


@dataclass(frozen=True, slots=True)
class Held:
    """What the store holds of one cluster: what is remembered, its open alerts, the silences that mute now.

    `history` is what its channel was told lately, `over` are the silences whose end nobody was told of yet.
    """

    memory: Mapping[str, Any]
    history: ChannelHistory
    alerts: Sequence[Alert] = ()
    silences: Sequence[Silence] = ()
    over: Sequence[Silence] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """A look at the time `now` with the earlier one that it is compared with; `settling` is the first of a process."""

    snapshot: Snapshot
    previous: Snapshot | None
    now: float
    settling: bool
    outlook: Outlook = Outlook.SEES
    isolation: Isolation | None = None


class Watch:
    """Watches one cluster. `wake` tells the outbox that it has work; state is in the store, committed with its rows."""

    def __init__(
        self,
        watched: Watched,
        look: Look,
        store: WatchStore,
        *,
        wake: Callable[[], None],
        explain: Explain = unexplained,
        horizon: OwnNetwork | None = None,
    ) -> None:
        self.watched = watched
        self.pulse = Pulse()
        self.known = ClusterState()
        """What is known after the last look, the verdict with the open alerts included."""
        self.alerts: tuple[Alert, ...] = ()
        """The alerts after the last look for which the store could be asked."""
        self._look = look
        self._store = store
        self._wake = wake
        self._explain = explain
        self._horizon = horizon
        self._past: deque[Snapshot] = deque()
        self._calm: Held | None = None
        self._fence: Fence = unfenced
        self._began = 0.0
        self._keys = frozenset(rule.key for rule in watched.rules)
        self._reigns: tuple[Reign, ...] = ()

    def resume(self) -> None:
        """Start as after a restart: what was seen and read before is old, since others watched meanwhile."""
        self._past.clear()
        self._calm = None
        self._reigns = ()

    @property
    def latest(self) -> Snapshot | None:
        """The last look of this process."""
        return self._past[-1] if self._past else None

    @property
    def before(self) -> Snapshot | None:
        """The earlier look that the last one was compared with."""
        return self._past[0] if len(self._past) > 1 else None

    async def tick(self, now: float, fence: Fence = unfenced) -> None:
        """Look once and act on it; never raises. A tick that fails commits nothing, so the next one makes it good.

        `fence` is checked by whatever is written; ticks of one watch do not overlap.
        """
        self._fence, self._began = fence, now
        try:
            snapshot = await self._look()
            self.pulse = replace(self.pulse, looked_at=now)
            await self._act(snapshot, now)
        except Exception as error:  # one of the three broad ones: no fault may end the watch
            failures, total = self.pulse.failures + 1, self.pulse.failed_total + 1
            self.pulse = replace(self.pulse, failures=failures, failed_total=total, trouble=why_failed(error))
            if failures & (failures - 1) == 0:
                # The 1st, 2nd, 4th, 8th …; where it came from only if nobody expected it.
                trace = None if isinstance(error, CmbotError) else error
                log.warning(
                    "tick_failed", cluster=self.watched.cluster, failures=failures, why=str(error), exc_info=trace
                )
        else:
            self.pulse = replace(self.pulse, done_at=now, failures=0, trouble="")

    async def glimpse(self, snapshot: Snapshot) -> None:
        """Tell at once that another peer leads, where a look that some hosts hold up shows it already.

        A fresh leader can hold its answers for ten seconds. Nothing else is judged by such a look.
        """
        if not self._past or _same_leader(self._past[-1], snapshot):
            return
        seen = Observed(snapshot, None, self._began, settling=False)
        async with self._store.read() as uow:
            held = await self._held(uow, seen.now)
        if not new_changes(ClusterState.from_json(held.memory), self._glimpsed(held, seen)):
            return
        self._calm = None
        async with self._store.begin() as uow:
            await self._fence(uow)
            held = await self._held(uow, seen.now)
            held = replace(held, alerts=[alert for alert in held.alerts if alert.rule in BY_A_GLIMPSE])
            past, memory = ClusterState.from_json(held.memory), self._glimpsed(held, seen)
            memory = explained(memory, await self._explain(new_changes(past, memory)))
            rules = tuple(rule for rule in self.watched.rules if rule.key in BY_A_GLIMPSE)
            await self._commit(uow, held, self._ruled(held, seen, memory, rules), seen.now)
        self._wake()

    def _glimpsed(self, held: Held, seen: Observed) -> ClusterState:
        """What is remembered after a look that some hosts hold up: who leads, if it is another than before."""
        past = ClusterState.from_json(held.memory)
        gap = away(past, seen.now, self.watched.interval)
        memory = remember_leader(past, seen.snapshot, away=gap)
        return memory if memory.leader != past.leader else past

    async def _act(self, snapshot: Snapshot, now: float) -> None:
        seen = Observed(snapshot, self._earlier(snapshot), now, not self._past, *self._judged(snapshot, now))
        self._past.append(snapshot)
        if await self._writes(seen):
            await self._write(seen)

    def _judged(self, snapshot: Snapshot, now: float) -> tuple[Outlook, Isolation | None]:
        """What it means that no host of this cluster answers, in the light of all others."""
        if self._horizon is None:
            return Outlook.SEES, None
        dark = bool(snapshot.looks) and all(is_silent(look) for look in snapshot.looks)
        self._horizon.saw(self.watched.cluster, now, dark=dark)
        return self._horizon.judge(self.watched.cluster, now)

    async def _writes(self, seen: Observed) -> bool:
        """Whether there may be something to write; asks the store only if an alert was open when last it was asked.

        While none is, and nothing is found, that is once a minute, when a note is due: so late is an alert taken up
        that another process opened meanwhile and then left behind.
        """
        if self._calm is not None and not self._was_blind(seen.now):
            held = self._calm
        else:
            async with self._store.read() as uow:
                held = await self._held(uow, seen.now)
            self._calm = None if held.alerts else held
        plan = self._plan(held, seen)
        self._reigns, self.known, self.alerts = plan.counted, plan.seen, plan.alerts
        return plan.writes or bool(held.over) or self._was_blind(seen.now)

    async def _write(self, seen: Observed) -> None:
        self._calm = None
        async with self._store.begin() as uow:
            await self._fence(uow)
            # Anew, as somebody may have acknowledged meanwhile: what is read here is what is written back.
            held = await self._with_forecast(uow, await self._held(uow, seen.now), seen.now)
            seen = await self._carried(uow, seen)
            plan = self._plan(held, seen, await self._causes(held, seen))
            await self._commit(uow, held, plan, seen.now)
            await self._tell_gap(uow, held, seen.now)
            await tell_ended(uow, held.over, held.alerts, plan.transitions, self.watched.channel)
        self.known, self.alerts = plan.seen, plan.alerts
        if not (held.alerts or plan.transitions or plan.changed):
            self._calm = Held(plan.memory or held.memory, plan.history)
        if held.over or plan.changed or any(move.tell is not Tell.QUIET for move in plan.transitions):
            self._wake()

    def recheck(self) -> None:
        """Ask the store at the next look, whatever was known: somebody else opened an alert."""
        self._calm = None

    def _patience(self) -> float:
        rule = next((rule for rule in self.watched.rules if rule.key == WATCH_BLIND.key), None)
        return patience(rule, self.watched.interval) if rule else float("inf")

    def _was_blind(self, now: float) -> bool:
        return 0 < self.pulse.done_at < now - self._patience() and self.pulse.failures > 0

    async def _tell_gap(self, uow: WatchUnit, held: Held, now: float) -> None:
        """Tell that nobody saw for a while, where no alert could be raised: the store itself was down."""
        if not self._was_blind(now) or any(alert.rule == WATCH_BLIND.key for alert in held.alerts):
            return
        observation = PollTimes(self.pulse.done_at, ClusterState.from_json(held.memory).at, self.watched.interval)
        if since := observation.blind_since(now, self._patience()):
            name = self.watched.cluster
            await uow.outbox.put(
                f"blind:{name}:{int(now)}", self.watched.channel, was_blind(name, since, now, self.pulse.trouble)
            )
            self._wake()

    def _remembered(self, past: ClusterState, seen: Observed) -> ClusterState:
        interval = self.watched.interval
        return remember(past, seen.snapshot, previous=seen.previous, interval=interval, resumed=seen.settling)

    async def _causes(self, held: Held, seen: Observed) -> Causes:
        """Which operations caused what this look found changed."""
        past = ClusterState.from_json(held.memory)
        changes = new_changes(past, self._remembered(past, seen))
        return await self._explain(changes) if changes else NO_CAUSES

    async def _held(self, uow: WatchUnit, now: float) -> Held:
        name = self.watched.cluster
        return Held(
            await uow.memory.get(name),
            ChannelHistory.from_json(self.watched.channel, await uow.channels.get(self.watched.channel)),
            await uow.alerts.open(name),
            await uow.silences.active(now, name),
            await uow.silences.ended(now, name),
        )

    async def _carried(self, uow: WatchUnit, seen: Observed) -> Observed:
        """The same look; this cluster's alert stands in for a carrier whose process did not raise its own."""
        lost, name = seen.isolation, self.watched.cluster
        if lost is None or lost.carrier_here or lost.stand_in != name or seen.now - lost.since < STAND_IN_AFTER:
            return seen
        if any(alert.rule == OWN_NETWORK.key for alert in await uow.alerts.open(lost.carrier)):
            return seen
        return replace(seen, isolation=replace(lost, carrier=name, calls=lost.calls | {name}))

    async def _with_forecast(self, uow: WatchUnit, held: Held, now: float) -> Held:
        """The same with the forecast reckoned anew, when that is due."""
        if not ClusterState.from_json(held.memory).forecast.due(now):
            return held
        samples = await uow.samples.range(self.watched.cluster, now - WINDOW)
        return replace(held, memory={**held.memory, "forecast": asdict(forecast(samples, now))})

    def _earlier(self, snapshot: Snapshot) -> Snapshot | None:
        """The newest look that is far enough back to prove a voter healthy, else the oldest there is."""
        while len(self._past) > 1 and snapshot.at - self._past[1].at >= MIN_APART:
            self._past.popleft()
        return self._past[0] if self._past else None

    def _plan(self, held: Held, seen: Observed, causes: Causes = NO_CAUSES) -> TickPlan:
        past, now = ClusterState.from_json(held.memory), seen.now
        memory = explained(self._remembered(past, seen), causes)
        due = now - past.sampled_at >= SAMPLE_EVERY
        kept = due and may_be_kept(memory, seen.snapshot, settled_of(self.watched.rules))
        sample = sample_of(seen.snapshot) if kept else None
        memory = replace(memory, sampled_at=now) if sample else memory
        return replace(self._ruled(held, seen, memory, self.watched.rules), sample=sample)

    def _ruled(self, held: Held, seen: Observed, memory: ClusterState, judging: tuple[Rule, ...]) -> TickPlan:
        """Apply these rules to a look: what follows, and what is then written."""
        past, now = ClusterState.from_json(held.memory), seen.now
        rules = {rule.key: rule for rule in judging}
        counted = reigns(self._reigns, memory, seen.snapshot)
        context = RuleContext(
            seen.snapshot, memory, now, seen.previous, seen.isolation, watched=self._keys, counted=counted
        )
        transitions = step(
            _answers(rules, context, seen.outlook),
            held.alerts,
            held.silences,
            judging,
            now,
            cluster=self.watched.cluster,
            settling=seen.settling,
            remembered=past.at > 0,
            escalation=self._calls(seen),
            outcome=lambda alert: rules[alert.rule].resolved(context, alert),
        )
        history, transitions = weather(held.history, transitions, held.alerts, self.watched.limits, now)
        alerts = {alert.key: alert for alert in (*held.alerts, *(move.new for move in transitions))}
        if judging is self.watched.rules:
            # A glimpse, which some rules alone judge, is no whole look.
            known = known_of(reign_notes(memory), seen.snapshot, judging, tuple(alerts.values()), alert_text)
            memory = with_verdict(memory, seen.snapshot, seen.previous, known)
        # What is remembered moves with the alerts, so that a lost transaction loses neither.
        written = {**held.memory, **memory.to_json()} if transitions or worth_writing(past, memory) else None
        plan = TickPlan(transitions, history, written, changed=history != held.history)
        return replace(plan, counted=counted, seen=memory, alerts=tuple(alerts.values()))

    def _calls(self, seen: Observed) -> Escalation:
        """Whom alerts call: while no cluster answers from here, one carrier's alert calls each group."""
        quiet = seen.isolation is not None and self.watched.cluster not in seen.isolation.calls
        return NO_ESCALATION if quiet else self.watched.escalation

    async def _commit(self, uow: WatchUnit, held: Held, plan: TickPlan, now: float) -> None:
        await carry_out(uow, plan.transitions, held.history, plan.history, self.watched.limits)
        if plan.memory is not None:
            await uow.memory.put(self.watched.cluster, plan.memory)
        if plan.sample is not None:
            await uow.samples.add(self.watched.cluster, now, plan.sample)


def _answers(rules: Mapping[str, Rule], context: RuleContext, outlook: Outlook) -> Mapping[str, Answer]:
    """What the rules say; where the network of cmbot itself may be the cause, only those about cmbot speak."""
    if outlook is Outlook.SEES:
        return {key: rule.answer(context) for key, rule in rules.items()}
    spoken = {WATCH_BLIND.key} if outlook is Outlook.UNDECIDED else {WATCH_BLIND.key, OWN_NETWORK.key}
    return {key: rule.answer(context) for key, rule in rules.items() if key in spoken}


def _same_leader(before: Snapshot, now: Snapshot) -> bool:
    """Whether both looks see one leader that says so itself."""
    if before.leader is None or now.leader is None:
        return False
    return before.leader[1].raft_status.node_id == now.leader[1].raft_status.node_id
