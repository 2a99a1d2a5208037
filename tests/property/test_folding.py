"""Nothing is lost by folding: under any order of failures, silences and storms each open alert is in some message."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.alerting.causes import EVENTS
from bot.alerting.engine import step
from bot.alerting.escalation import Escalation
from bot.alerting.folding import carried, fold_alerts, grouped_with_first, severity_of
from bot.alerting.grouping import GroupingLimits, group_alerts
from bot.alerting.holding import hold
from bot.alerting.model import Alert, AlertState, Finding, LegacyDetail, Severity, Silence
from bot.alerting.rules.base import CANNOT_TELL, Answer
from bot.alerting.transition import NOTIFYING, TransitionReason, Visibility
from bot.store.state_codec import decode_history
from bot.views.alerts import severity_word
from bot.watch.folded_messages import hold_folded
from bot.watch.publisher import publish
from tests.support.budget import examples
from tests.support.observed_store import observed_store
from tests.support.random_findings import watched

CHANNEL = "C1"
CALLS = Escalation("S0ONCALL", 45, Severity.CRITICAL)
RULES = (
    watched("leader_changed", 0, 0, 0),
    watched("leader_flapping", 0, 0, 40),
    watched("disk_broken", 0, 0, 60),
    watched("repair_stuck", 0, 30, 0),
    watched("task_off_with_work", 20, 0, 50),
    watched("switch_meaningless", 0, 15, 0),
)
KEYS = [each.key for each in RULES]
SUBJECTS = {"task_off_with_work": ["disk_repair"], "switch_meaningless": ["disk_repair", "balance"]}


def finding(key: str, subject: str, weight: int, severity: Severity) -> Finding:
    parts = ("7",) if key in {"disk_broken", "repair_stuck"} else None
    return Finding(key, subject, severity, LegacyDetail(f"{key} {subject} {weight}"), weight=weight, parts=parts)


SEEN = st.sampled_from(KEYS).flatmap(
    lambda key: st.tuples(
        st.just(key),
        st.one_of(
            st.sampled_from([(), CANNOT_TELL]),
            st.builds(
                finding,
                st.just(key),
                st.sampled_from(SUBJECTS.get(key, [""])),
                st.integers(1, 3),
                st.sampled_from(Severity),
            ).map(lambda found: (found,)),
        ),
    )
)


class Folding(RuleBasedStateMachine):
    """A random world of rules with common causes, the alerts in it, and the messages about them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.world: Mapping[str, Answer] = dict.fromkeys(KEYS, ())
        self.limits = GroupingLimits(cluster=20, channel=20, within=100)
        self.runner = asyncio.Runner()
        self.resources = AsyncExitStack()
        self.store = self.runner.run(self.resources.enter_async_context(observed_store()))
        self.silences: list[Silence] = []

    def teardown(self) -> None:
        """Close the store."""
        self.runner.run(self.resources.aclose())
        self.runner.close()

    @property
    def alerts(self) -> list[Alert]:
        return list(self.store.state.alerts.values())

    @property
    def announced(self) -> list[Alert]:
        return [alert for alert in self.alerts if alert.open and alert.fired_at]

    @rule(seen=st.lists(SEEN, min_size=1, max_size=3))
    def the_world_changes(self, seen: list[tuple[str, Answer]]) -> None:
        self.world = {**self.world, **dict(seen)}
        self._tick(10)

    @rule(seconds=st.sampled_from([5, 15, 60]))
    def ticks(self, seconds: float) -> None:
        self._tick(seconds)

    @rule(few=st.booleans())
    def the_limits_change(self, few: bool) -> None:
        """A storm begins at the second alert."""
        self.limits = replace(self.limits, cluster=1 if few else 20)

    @rule(key=st.sampled_from([*KEYS, "*"]), lasts=st.sampled_from([10, 60]))
    def a_person_silences(self, key: str, lasts: float) -> None:
        self.silences.append(Silence("prod", key, "", self.now + lasts, "U1", weight=9, id=len(self.silences) + 1))
        self._tick(5)

    @precondition(lambda self: any(alert.state is AlertState.FIRING for alert in self.announced))
    @rule(data=st.data())
    def a_person_acknowledges_a_message(self, data: st.DataObject) -> None:
        first = data.draw(st.sampled_from(self.announced))
        self.runner.run(self._acknowledge(first))
        if first.notes.folded is None and first.notes.group is None:
            assert all(each.state is not AlertState.FIRING for each in carried(first, self.alerts))

    async def _acknowledge(self, first: Alert) -> None:
        async with self.store.begin() as uow:
            await hold_folded(uow, first, lambda each, now: hold(each, "U1", now), self.now, CHANNEL)

    def _tick(self, seconds: float) -> None:
        self.now += seconds
        held = [alert for alert in self.alerts if alert.open]
        silences = [each for each in self.silences if each.until > self.now]
        found = step(self.world, held, silences, RULES, self.now, cluster="prod", escalation=CALLS)
        before = decode_history(CHANNEL, self.store.state.channel_histories.get(CHANNEL, {}))
        folded = fold_alerts(found, held, self.now)
        after, posted = group_alerts(before, folded, held, self.limits, self.now)
        posted = grouped_with_first(posted)
        kept = {each.new.key for each in posted}
        dropped = [each for each in found if each.new.key not in kept]
        assert all(each.new.rule in EVENTS and each.reason is TransitionReason.RESOLVED for each in dropped)
        assert len(kept) == len(posted), "two steps for one alert"
        self.runner.run(self._publish(posted, before, after))
        loud = {each.new.key for each in posted if each.visibility in NOTIFYING}
        self._nothing_is_left_alone(loud)
        for each in posted:
            if each.reason is TransitionReason.UNFOLDED:
                assert each.visibility is Visibility.POST
                assert each.old is not None
                assert each.new.fired_at == each.old.fired_at, "its calls go on"

    async def _publish(self, posted: object, before: object, after: object) -> None:
        async with self.store.begin() as uow:
            await publish(uow, posted, before, after, self.limits)  # type: ignore[arg-type]  # as in planning

    def _nothing_is_left_alone(self, loud: set[tuple[str, str, str]]) -> None:
        """An alert whose first one is over or silenced has its own message, unless it just said something there."""
        by_pair = {alert.pair: alert for alert in self.alerts if alert.open}
        for alert in self.announced:
            where = alert.notes.folded
            if where is None or alert.key in loud or alert.notes.muted or alert.clear_since:
                continue
            first = by_pair.get(where)
            assert first is not None
            assert first.notes.muted is None

    @invariant()
    def each_announced_alert_is_in_one_message(self) -> None:
        outbox = self.store.state.outbox
        for alert in self.announced:
            where = alert.notes.folded
            if where is None:
                assert (f"alert:{alert.id}" in outbox) or alert.notes.group in outbox
                continue
            assert alert.notes.group is None
            first = max((each for each in self.alerts if each.pair == where), key=lambda each: each.id)
            assert first.notes.folded is None, "folded into one that is folded"
            assert f"alert:{first.id}" in outbox
            if first.open:
                assert f"#{alert.id}: " in str(outbox[f"alert:{first.id}"][1])

    @invariant()
    def a_message_is_as_severe_as_its_alerts(self) -> None:
        outbox = self.store.state.outbox
        for first in self.announced:
            folded = carried(first, self.alerts)
            if folded and f"alert:{first.id}" in outbox and first.notes.folded is None and first.notes.group is None:
                word = severity_word(severity_of(first, folded))
                assert outbox[f"alert:{first.id}"][1]["text"].startswith(f"{word} in prod")

    @invariant()
    def a_change_lasts_while_its_effects_do(self) -> None:
        by_pair = {alert.pair for alert in self.announced}
        for alert in self.announced:
            where = alert.notes.folded
            if where is not None and where[0] in EVENTS and alert.notes.muted is None:
                assert where in by_pair


TestFolding = Folding.TestCase
TestFolding.settings = settings(max_examples=examples(60), stateful_step_count=30, deadline=None)
