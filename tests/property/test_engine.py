"""The engine under any order of findings, silences, acknowledgements, storms, restarts and lost transactions."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.alerting.engine import REPLY_EVERY, Transition, TransitionReason, Visibility, step
from bot.alerting.escalation import Escalation
from bot.alerting.grouping import ChannelHistory, GroupingLimits, group_alerts, listed
from bot.alerting.holding import TOGETHER, HoldRefusal, give_back, hold, reminder_due_at
from bot.alerting.hysteresis import unknown_for
from bot.alerting.model import Alert, AlertState, Finding, LegacyDetail, Severity, Silence
from bot.alerting.outcomes import Ended
from bot.alerting.rules.base import CANNOT_TELL, Answer, Rule
from bot.alerting.rules.table import INHIBITS, NEVER_WILDCARD_SILENCED
from bot.alerting.silences import covers
from bot.alerting.transition import NOTIFYING, ended, reads_the_same
from bot.common.errors import StoreError
from bot.common.message_key import MessageKey
from bot.store.state_codec import decode_history
from bot.views.alert_text.table import alert_text
from bot.watch.publisher import publish, publish_one
from tests.support.alert_words import sentence
from tests.support.budget import examples
from tests.support.observed_store import observed_store
from tests.support.random_findings import FOUND, KEYS, RULES

CALLS = Escalation("S0ONCALL", 45, Severity.WARNING)
REMIND_HOLDER = 90.0
PEOPLE = ("U1", "U2")
LIMITS = GroupingLimits(cluster=2, channel=3, within=100)
CHANNEL = "C1"
MAX_NEIGHBOURS = 8
CALLING = {
    TransitionReason.FIRED,
    TransitionReason.WORSE,
    TransitionReason.REMINDED,
    TransitionReason.ESCALATED,
    TransitionReason.UNMUTED,
    TransitionReason.HOLD_EXPIRED,
    TransitionReason.GIVEN_BACK,
}
"""What calls for attention: the next reminder counts from the last of these."""


HELD = frozenset({TransitionReason.ACKNOWLEDGED, TransitionReason.TAKEN_OVER})
"""What gives an alert a holder."""
FREED = frozenset({TransitionReason.HOLD_EXPIRED, TransitionReason.GIVEN_BACK})
"""What leaves an alert to no one, so that the wait for a call starts again."""


QUIET: st.SearchStrategy[Answer] = st.sampled_from([(), CANNOT_TELL])
# Inhibiting findings are rarer, or no other alert would ever fire.
ANSWERS: Mapping[str, st.SearchStrategy[Answer]] = {
    key: st.one_of(QUIET, QUIET, found) if key == "no_leader" else st.one_of(QUIET, found, found)
    for key, found in FOUND.items()
}
SEEN = st.sampled_from([key for key in KEYS for _ in range(1 if key == "no_leader" else 3)]).flatmap(
    lambda key: st.tuples(st.just(key), ANSWERS[key])
)


class Engine(RuleBasedStateMachine):
    """A random world, the engine's alerts in it, and the messages about them.

    Another cluster shares the channel; its alerts come and go by hand.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.world: Mapping[str, Answer] = dict.fromkeys(KEYS, ())
        self.runner = asyncio.Runner()
        self.resources = AsyncExitStack()
        self.store = self.runner.run(self.resources.enter_async_context(observed_store()))
        self.silences: list[Silence] = []
        self.announced: dict[int, list[tuple[float, Transition]]] = {}
        self.neighbours = 0

    def teardown(self) -> None:
        """Close the store."""
        self.runner.run(self.resources.aclose())
        self.runner.close()

    @property
    def alerts(self) -> dict[int, Alert]:
        return self.store.state.alerts

    @property
    def own(self) -> list[Alert]:
        return [alert for alert in self.alerts.values() if alert.open and alert.cluster == "prod"]

    @property
    def neighbour(self) -> list[Alert]:
        return [alert for alert in self.alerts.values() if alert.open and alert.cluster == "archive"]

    @property
    def history(self) -> ChannelHistory:
        return decode_history(CHANNEL, self.store.state.channel_histories.get(CHANNEL, {}))

    @rule(seen=st.lists(SEEN, min_size=1, max_size=3))
    def the_world_changes(self, seen: list[tuple[str, Answer]]) -> None:
        self.world = {**self.world, **dict(seen)}
        self._tick(15)

    @precondition(lambda self: any(alert.fired_at for alert in self.own))
    @rule(key=st.sampled_from(KEYS), more_severe=st.booleans())
    def it_gets_worse(self, key: str, more_severe: bool) -> None:
        answer = self.world[key]
        if answer is not CANNOT_TELL:
            severity = Severity.CRITICAL if more_severe else Severity.INFO
            self.world = {
                **self.world,
                key: tuple(
                    replace(found, weight=found.weight + 1, severity=max(found.severity, severity)) for found in answer
                ),
            }
        self._tick(15)

    @rule(seconds=st.sampled_from([1, 5, 15, 15, 60]), times=st.integers(1, 4))
    def ticks(self, seconds: float, times: int) -> None:
        for _ in range(times):
            self._tick(seconds)

    @rule(seconds=st.sampled_from([15, 600]), remembered=st.booleans())
    def a_restart(self, seconds: float, remembered: bool) -> None:
        self._tick(seconds, settling=True, remembered=remembered)

    @rule()
    def a_tick_whose_transaction_is_lost(self) -> None:
        before = self.store.state
        self.store.fail_commit = True
        self._tick(15)
        assert self.store.state is before

    @precondition(lambda self: len(self.neighbour) < MAX_NEIGHBOURS)
    @rule(number=st.integers(1, 4))
    def the_neighbour_has_a_problem(self, number: int) -> None:
        made = [self._neighbour(self.neighbours + place) for place in range(number)]
        self.neighbours += number
        self._commit(
            "archive", tuple(Transition(None, alert, TransitionReason.FIRED, Visibility.POST) for alert in made)
        )

    @rule()
    def the_neighbour_recovers(self) -> None:
        over = [
            Transition(old, ended(old, self.now, Ended()), TransitionReason.RESOLVED, Visibility.REPLY)
            for old in self.neighbour
        ]
        self._commit("archive", tuple(over))

    @rule(
        name=st.sampled_from([*KEYS, "*"]),
        subject=st.sampled_from(["", "2"]),
        lasts=st.sampled_from([10, 100]),
        weight=st.integers(0, 3),
    )
    def a_person_silences(self, name: str, subject: str, lasts: float, weight: int) -> None:
        number = len(self.silences) + 1
        self.silences.append(Silence("prod", name, subject, self.now + lasts, "U1", weight=weight, id=number))

    @precondition(lambda self: any(alert.state is AlertState.FIRING for alert in self.own))
    @rule(data=st.data(), lasts=st.sampled_from([20, 40]))
    def a_person_silences_what_fires(self, data: st.DataObject, lasts: float) -> None:
        rules = sorted({alert.rule for alert in self.own if alert.state is AlertState.FIRING})
        self.a_person_silences(data.draw(st.sampled_from(rules)), "", lasts, 0)
        self._tick(5)

    @precondition(lambda self: any(alert.state is AlertState.FIRING for alert in self.own))
    @rule(data=st.data())
    def a_person_acknowledges(self, data: st.DataObject) -> None:
        firing = [alert.id for alert in self.own if alert.state is AlertState.FIRING]
        transition = hold(self.alerts[data.draw(st.sampled_from(firing))], "U1", self.now)
        assert isinstance(transition, Transition)
        assert transition.visibility is Visibility.EDIT
        self._moved_by_a_person(transition)

    @precondition(lambda self: any(alert.fired_at for alert in self.own))
    @rule(
        data=st.data(),
        by=st.sampled_from(PEOPLE),
        lasts=st.sampled_from([None, 20, 100, 400]),
        take=st.booleans(),
        seen=st.sampled_from([None, *PEOPLE]),
    )
    def a_person_holds(self, data: st.DataObject, by: str, lasts: float | None, take: bool, seen: str | None) -> None:
        alert = self.alerts[data.draw(st.sampled_from([alert.id for alert in self.own]))]
        until = None if lasts is None else self.now + lasts
        moved = hold(alert, by, self.now, until=until, take=take, seen=seen)
        if isinstance(moved, HoldRefusal):
            assert moved is not HoldRefusal.OVER
            assert (moved is HoldRefusal.NOT_ANNOUNCED) is (alert.state is AlertState.PENDING)
            return
        assert alert.acked_by in {"", by} or (take and seen in {None, alert.acked_by})
        assert (moved.new.state, moved.new.acked_by) == (AlertState.ACKNOWLEDGED, by)
        assert moved.new.notes.acked_until == until
        self._moved_by_a_person(moved)

    @precondition(lambda self: any(alert.acked_by for alert in self.own))
    @rule(data=st.data(), by=st.sampled_from(PEOPLE), seen=st.sampled_from([None, *PEOPLE]))
    def a_person_gives_back(self, data: st.DataObject, by: str, seen: str | None) -> None:
        alert = self.alerts[data.draw(st.sampled_from([alert.id for alert in self.own if alert.acked_by]))]
        moved = give_back(alert, by, self.now, seen=seen)
        assert isinstance(moved, Transition) is (alert.acked_by == by)
        if isinstance(moved, Transition):
            self._moved_by_a_person(moved)

    @invariant()
    def an_alert_has_a_holder_exactly_while_it_is_acknowledged(self) -> None:
        for alert in self.own:
            held = alert.state is AlertState.ACKNOWLEDGED
            assert bool(alert.acked_by) is bool(alert.acked_at) is held
            assert held or alert.notes.acked_until is alert.notes.holder_reminded_at is None

    @invariant()
    def one_open_alert_at_most_per_key(self) -> None:
        held = [alert.key for alert in self.alerts.values() if alert.open]
        assert len(set(held)) == len(held)

    @invariant()
    def nothing_is_resolved_aloud_that_never_fired(self) -> None:
        for number, alert in self.alerts.items():
            reasons = [transition.reason for _, transition in self.announced.get(number, ())]
            assert reasons.count(TransitionReason.FIRED) == (1 if alert.fired_at else 0)
            assert reasons.count(TransitionReason.SURFACED) <= 1
            assert alert.fired_at or alert.state in {AlertState.PENDING, AlertState.RESOLVED}
            assert not reasons or reasons[0] is TransitionReason.FIRED

    @invariant()
    def every_firing_alert_is_posted_or_listed(self) -> None:
        outbox, history = self.store.state.outbox, self.history
        for alert in self.alerts.values():
            if alert.fired_at and alert.open:
                key = alert.notes.group
                group = history.group(MessageKey.parse(key)) if key else None
                assert (f"alert:{alert.id}" in outbox) is (key is None)
                assert key is None or (group is not None and alert.id in group.ids and key in outbox)
                assert key is None or alert.rule not in NEVER_WILDCARD_SILENCED

    @invariant()
    def a_group_message_is_true(self) -> None:
        for group in self.history.groups:
            _, shown, parent, _ = self.store.state.outbox[str(group.message_key)]
            held = [self.alerts[number] for number in group.ids]
            assert f" {len(listed(group, held))} open" in shown["text"]
            assert parent is None
        assert len([group for group in self.history.groups if group.active]) <= 1

    @invariant()
    def no_more_messages_come_at_once_than_the_limits_allow(self) -> None:
        since = self.now - LIMITS.within
        transitions = [transition for posted in self.announced.values() for at, transition in posted if at > since]
        first = [
            transition.new
            for transition in transitions
            if transition.reason is TransitionReason.FIRED and transition.new.notes.group is None
        ]
        spared = [alert for alert in first if alert.rule not in NEVER_WILDCARD_SILENCED]
        assert len([alert for alert in spared if alert.cluster == "prod"]) <= LIMITS.cluster
        assert len(spared) <= LIMITS.channel

    def _moved_by_a_person(self, moved: Transition) -> None:
        self.runner.run(self._acknowledged(moved))
        self.announced.setdefault(moved.new.id, []).append((self.now, moved))

    async def _acknowledged(self, transition: Transition) -> None:
        async with self.store.begin() as uow:
            await uow.alerts.save(transition.new, alert_text(transition.new))
            await publish_one(uow, transition, CHANNEL)

    def _neighbour(self, number: int) -> Alert:
        alert = Alert(
            "archive", "peer_down", str(number), AlertState.FIRING, Severity.WARNING, LegacyDetail("Down."), self.now
        )
        return replace(alert, fired_at=self.now, reminded_at=self.now, version=1)

    def _tick(self, seconds: float, *, settling: bool = False, remembered: bool = False) -> None:
        self.now += seconds
        held = self.own
        transitions = step(
            self.world,
            held,
            self.silences,
            RULES,
            self.now,
            cluster="prod",
            settling=settling,
            remembered=remembered,
            escalation=CALLS,
            remind_holder=REMIND_HOLDER,
        )
        assert len({transition.new.key for transition in transitions}) == len(transitions), "two steps for one alert"
        blocked = self._blocked(held, settling=settling, remembered=remembered)
        for transition in transitions:
            self._check(transition, blocked)
        reminded = [each.new.acked_by for each in transitions if each.reason is TransitionReason.HOLDER_REMINDED]
        assert len(set(reminded)) == len(reminded), "two reminders for one person"
        if self._commit("prod", transitions):
            self._nothing_is_lost(blocked)

    def _commit(self, cluster: str, transitions: tuple[Transition, ...]) -> bool:
        """Fold, store and tell, as one transaction; False when it was lost."""
        held = [alert for alert in self.alerts.values() if alert.open and alert.cluster == cluster]
        before = self.history
        after, posted = group_alerts(before, transitions, held, LIMITS, self.now)
        assert {transition.new.key for transition in transitions} <= {transition.new.key for transition in posted}
        try:
            self.runner.run(self._stored(posted, before, after))
        except StoreError:
            return False
        ids = {alert.key: alert.id for alert in self.alerts.values()}
        for transition in posted:
            if transition.visibility is not Visibility.QUIET:
                self.announced.setdefault(ids[transition.new.key], []).append((self.now, transition))
        return True

    async def _stored(self, posted: tuple[Transition, ...], before: ChannelHistory, after: ChannelHistory) -> None:
        async with self.store.begin() as uow:
            await publish(uow, posted, before, after, LIMITS)

    def _blocked(self, held: list[Alert], *, settling: bool, remembered: bool) -> frozenset[str]:
        """The rules that may not announce anything at this tick."""
        open_rules = {alert.rule for alert in held if alert.state is not AlertState.PENDING}
        active = {key for key, answer in self.world.items() if (answer is not CANNOT_TELL and answer)} | open_rules
        inhibited = frozenset[str]().union(*(INHIBITS.get(key, frozenset()) for key in active))
        unsettled = {rule.key for rule in RULES if settling and not (remembered and rule.for_seconds == 0)}
        return inhibited | unsettled

    def _muted(self, alert: Alert) -> bool:
        lifted = alert.notes.lifted
        return any(covers(silence, alert, self.now) and silence.id not in lifted for silence in self.silences)

    def _last(self, alert: Alert, *reasons: TransitionReason) -> float:
        """When it was last said aloud for one of these reasons, or acknowledged."""
        said = [
            (at, transition)
            for at, transition in self.announced[alert.id]
            if transition.visibility in NOTIFYING or transition.reason in HELD | FREED
        ]
        return max((at for at, transition in said if transition.reason in reasons), default=0.0)

    def _check(self, transition: Transition, blocked: frozenset[str]) -> None:
        old, new = transition.old, transition.new
        if self.world[new.rule] is CANNOT_TELL:
            assert old is not None
            assert (transition.visibility, reads_the_same(old, new)) == (Visibility.QUIET, True), (
                "moved though its state was unknown"
            )
            return
        assert new.version == (old.version if old else 0) + (
            transition.visibility is not Visibility.QUIET or not new.open
        )
        if transition.visibility is not Visibility.QUIET:
            assert new.rule not in blocked
        if transition.reason is TransitionReason.FIRED:
            assert old is None or old.state is AlertState.PENDING
            assert transition.visibility is Visibility.POST
            assert not self._muted(new)
            waited = self.now - new.since - (unknown_for(old) if old else 0.0)
            assert waited >= next(each.for_seconds for each in RULES if each.key == new.rule)
        elif transition.visibility is not Visibility.QUIET:
            assert old is not None
            assert old.fired_at > 0, "repeated before its first announcement"
            self._check_repeated(transition, old)

    def _check_repeated(self, transition: Transition, old: Alert) -> None:
        new = transition.new
        if transition.reason in {TransitionReason.REMINDED, TransitionReason.ESCALATED, TransitionReason.UNMUTED}:
            assert old.state is new.state is AlertState.FIRING
            assert not self._muted(new)
        if transition.reason is TransitionReason.UNMUTED:
            assert any(covers(silence, old, silence.created_at) for silence in self.silences)
            assert old.notes.muted is not None
            assert new.notes.muted is None
        if transition.reason is TransitionReason.REMINDED:
            rule_ = next(each for each in RULES if each.key == new.rule)
            assert self.now - self._last(old, *CALLING) >= rule_.remind > 0
        if transition.reason is TransitionReason.ESCALATED:
            self._check_escalation(old, new)
        if transition.mention:
            assert transition.reason is TransitionReason.ESCALATED or self._last(old, TransitionReason.ESCALATED)
            assert (transition.mention, transition.visibility) == (CALLS.to, Visibility.REPLY_BROADCAST)
            assert new.severity >= CALLS.severity
        if transition.reason is TransitionReason.WORSE:
            self._check_worse(transition, old)
        if transition.visibility in NOTIFYING and transition.reason not in {
            TransitionReason.FIRED,
            TransitionReason.WORSE,
        }:
            assert not self._muted(new)
            assert old.state is not AlertState.ACKNOWLEDGED or transition.reason in {
                TransitionReason.RESOLVED,
                TransitionReason.HOLD_EXPIRED,
                TransitionReason.HOLDER_REMINDED,
            }
        if transition.reason is TransitionReason.HOLDER_REMINDED:
            self._check_reminder(old, new)
        if transition.reason is TransitionReason.HOLD_EXPIRED:
            assert old.state is AlertState.ACKNOWLEDGED
            assert old.notes.acked_until is not None
            assert self.now >= old.notes.acked_until
            assert new.state is AlertState.FIRING

    def _check_reminder(self, old: Alert, new: Alert) -> None:
        """Its holder had time, and is the same; the next reminder takes longer."""
        assert old.state is new.state is AlertState.ACKNOWLEDGED
        assert old.acked_by == new.acked_by
        assert reminder_due_at(old, REMIND_HOLDER) <= self.now + min(TOGETHER, REMIND_HOLDER / 2)
        assert reminder_due_at(new, REMIND_HOLDER) >= self.now + REMIND_HOLDER
        assert old.notes.acked_until is None or self.now < old.notes.acked_until

    def _check_worse(self, transition: Transition, old: Alert) -> None:
        new = transition.new
        parts = set(new.parts or ()) - set(old.parts or ())
        grown = new.severity > old.severity or new.weight > old.weight or parts
        assert grown or old.notes.unreported is not None
        assert not self._muted(new)
        if transition.visibility is Visibility.EDIT:
            assert old.notes.replied_at is not None
            assert self.now - old.notes.replied_at < REPLY_EVERY, "a first reply was put off"
            assert new.severity <= min(old.severity, Severity.WARNING)
            assert old.state is AlertState.FIRING
            assert old.notes.muted is None
        else:
            assert new.notes.unreported is None

    def _check_escalation(self, old: Alert, new: Alert) -> None:
        """Escalated once per owner, and only after that owner had the full time."""
        given = self._last(old, TransitionReason.FIRED, TransitionReason.UNMUTED, *HELD, *FREED)
        assert self.now - given >= CALLS.after
        assert new.severity >= CALLS.severity
        assert self._last(old, TransitionReason.ESCALATED) <= self._last(old, *HELD)
        assert new.notes.escalated_at == self.now

    def _nothing_is_lost(self, blocked: frozenset[str]) -> None:
        """Each finding is posted with its newest text unless a named reason holds it back; each ended one resolves."""
        open_now = {(alert.rule, alert.subject): alert for alert in self.own}
        for rule_ in RULES:
            answer = self.world[rule_.key]
            if answer is CANNOT_TELL:
                continue
            found = {each.subject: each for each in answer}
            assert all((rule_.key, subject) in open_now for subject in found)
            for (key, subject), alert in open_now.items():
                if key == rule_.key and key not in blocked:
                    self._is_kept_well(rule_, alert, found.get(subject))

    def _is_kept_well(self, rule_: Rule, alert: Alert, found: Finding | None) -> None:
        if found is not None and alert.notes.acked_until is not None:
            assert self.now < alert.notes.acked_until, "an acknowledgement outlived its end"
        if found is None:
            assert alert.state is not AlertState.PENDING
            assert alert.clear_since
            assert self.now - alert.clear_since < rule_.clear
            return
        assert sentence(alert) == sentence(found)
        assert alert.clear_since == 0
        if alert.state is AlertState.PENDING:
            assert self._muted(alert) or self.now - alert.since - unknown_for(alert) < rule_.for_seconds


TestEngine = Engine.TestCase
TestEngine.settings = settings(max_examples=examples(80), stateful_step_count=50, deadline=None)
