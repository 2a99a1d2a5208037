"""Truth of the engine: unknown data changes nothing, planned changes raise no alert, new facts are reported."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.alerting.cluster_state.state import LeaderChange
from bot.alerting.engine import REPLY_EVERY, TransitionReason, Visibility
from bot.alerting.model import AlertState, Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, RuleContext
from bot.alerting.rules.table import INHIBITS, RULES
from bot.alerting.transition import NOTIFYING, reads_the_same
from tests.support.budget import examples
from tests.support.engine_builders import Life, found, rule
from tests.support.raft_snapshots import after, ask, rule_of
from tests.support.watch_builders import polled

HOLD = 30.0
LOOKS = st.lists(
    st.tuples(st.sampled_from([5.0, 15.0, 40.0]), st.sampled_from(["seen", "gone", "unknown"])), min_size=1, max_size=30
)


@given(LOOKS)
@settings(deadline=None)
def test_unknown_values_change_nothing(answers: Sequence[tuple[float, str]]) -> None:
    life, now = Life([rule(for_seconds=HOLD, clear=HOLD)]), 0.0
    known: list[tuple[float, str]] = []
    for apart, what in answers:
        before = dict(life.alerts)
        now += apart
        findings = [found()] if what == "seen" else []
        transitions = life.step(now, disk_broken=CANNOT_TELL) if what == "unknown" else life.step(now, *findings)
        if what == "unknown":
            assert all(transition.visibility is Visibility.QUIET for transition in transitions)
            assert all(reads_the_same(before[number], alert) for number, alert in life.alerts.items())
        known.append((now, what))
        for transition in transitions:
            if transition.reason is TransitionReason.FIRED:
                assert _seen_for(known, "seen") >= HOLD
            if transition.reason is TransitionReason.RESOLVED:
                assert _seen_for(known, "gone") >= HOLD


def _seen_for(answers: Sequence[tuple[float, str]], what: str) -> float:
    """For how long it was known to be so, up to the last look: each look stands for the time until the next."""
    lasted, until = 0.0, answers[-1][0]
    for at, each in reversed(answers):
        if each not in {what, "unknown"}:
            break
        lasted += until - at if each == what else 0.0
        until = at
    return lasted


CHANGES = st.lists(st.tuples(st.integers(10, 700), st.booleans()), min_size=1, max_size=8)


@given(CHANGES, st.integers(1, 500))
@settings(deadline=None)
def test_planned_change_never_worsens(steps: Sequence[tuple[int, bool]], apart: int) -> None:
    at, changes = 1000.0, list[LeaderChange]()
    for number, (gap, planned) in enumerate(steps):
        at += gap
        changes.append(LeaderChange(at, 1 + number % 2, 2 - number % 2, 6 + number, op=number + 1 if planned else 0))
    now = at + apart
    crashed = any(not change.op for change in changes if now - change.at < 600)
    for key in ("leader_changed", "leader_flapping"):
        life = Life([replace(rule_of(key), for_seconds=0)])
        life.step(now, *_found(key, now, changes))
        another = LeaderChange(now, changes[-1].after, changes[-1].before, 50, op=99)
        transitions = life.step(now, *_found(key, now, [*changes, another]))
        assert not [
            transition
            for transition in transitions
            if transition.visibility in NOTIFYING and transition.new.severity > Severity.INFO
        ]
        assert not crashed or all(
            transition.visibility in {Visibility.QUIET, Visibility.EDIT} for transition in transitions
        )


def _found(key: str, now: float, changes: Sequence[LeaderChange]) -> Sequence[Finding]:
    state = replace(after(polled(now)).state, changes=tuple(changes))
    answer = ask(key, RuleContext(polled(now), state, now))
    assert answer is not CANNOT_TELL
    return answer


PARTS = st.lists(
    st.tuples(
        st.sampled_from([5.0, 60.0, 300.0, 1000.0]),
        st.sets(st.sampled_from("abcd"), min_size=1),
        st.sampled_from(["", "", "acknowledge", "worse"]),
    ),
    min_size=1,
    max_size=15,
)


@given(PARTS)
@settings(deadline=None, max_examples=examples(300))
def test_a_new_subject_in_a_firing_alert_is_always_announced(steps: Sequence[tuple[float, set[str], str]]) -> None:
    life, now, announced = Life(), 0.0, set[str]()
    for apart, parts, event in [*steps, (REPLY_EVERY, steps[-1][1], "")]:
        if event == "acknowledge" and any(alert.state is AlertState.FIRING for alert in life.alerts.values()):
            life.ack(now)
        now += apart
        severity = Severity.CRITICAL if event == "worse" else Severity.WARNING
        transitions = life.step(now, found(severity=severity, weight=len(parts), parts=tuple(sorted(parts))))
        for transition in transitions:
            if transition.visibility in {Visibility.POST, Visibility.REPLY_BROADCAST}:
                announced |= set(transition.new.parts or ())
    assert steps[-1][1] <= announced


KEYS = ("peer_down", "host_unreachable", "chunks_low", "task_off_too_long")
PLACES = st.tuples(st.sampled_from(KEYS), st.sampled_from("12"))


@given(st.dictionaries(PLACES, st.lists(PLACES, max_size=2), max_size=6))
@settings(deadline=None)
def test_inhibition_never_crosses_subjects(said: Mapping[tuple[str, str], Sequence[tuple[str, str]]]) -> None:
    life = Life([rule(key) for key in KEYS])
    transitions = life.step(
        0, *(found(key, subject=subject, covers=tuple(pairs)) for (key, subject), pairs in said.items())
    )
    posted = {
        (transition.new.rule, transition.new.subject)
        for transition in transitions
        if transition.reason is TransitionReason.FIRED
    }
    assert posted == set(said) - {pair for pairs in said.values() for pair in pairs}


def test_only_cluster_wide_alerts_inhibit_whole_rules() -> None:
    """Each of them is one alert of the cluster, and only the last is reported."""
    assert set(INHIBITS) == {"cluster_unreachable", "no_leader", "leader_flapping"}
    assert INHIBITS["leader_flapping"] == {"leader_changed"}
    assert all(others <= {each.key for each in RULES} for others in INHIBITS.values())
