"""Changes of leader and what caused each: what operations did is no alarm, and a follower's word is enough."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.alerting.cluster_state.state import ClusterState, LeaderChange, explained, new_changes, update
from bot.alerting.model import Finding, Severity
from bot.alerting.rules.base import CANNOT_TELL, RuleContext
from bot.clustermgr.models import Snapshot
from bot.views.alert_text.table import cause_of
from tests.support.alert_words import lines, sentence
from tests.support.engine_builders import Life
from tests.support.raft_snapshots import after, ask, having, rule_of
from tests.support.watch_builders import polled

CRASH = LeaderChange(1000, 1, 2, 6)
BACK = LeaderChange(1200, 2, 1, 7, op=43, approved="U1")


def posted(now: float, *changes: LeaderChange) -> Finding | None:
    """What the rule finds while a peer leads, after these changes."""
    state = replace(after(polled(now)).state, changes=changes)
    answer = ask("leader_changed", RuleContext(polled(now), state, now))
    assert answer is not CANNOT_TELL
    return answer[0] if answer else None


def test_planned_transfer_after_a_crash_does_not_count() -> None:
    before, now = posted(1015, CRASH), posted(1215, CRASH, BACK)
    assert before is not None
    assert now is not None
    assert sentence(now) == "The leader of prod changed from peer 1 to peer 2 in term 6."
    assert (now.weight, now.parts, now.severity) == (1, before.parts, Severity.WARNING)
    assert lines(now) == (
        "term 7: from peer 2 to peer 1, by operation #43",
        "term 6: from peer 1 to peer 2, not by an operation of cmbot",
    )
    assert cause_of(now.detail) == (0, ())


def test_planned_transfer_after_a_crash_is_an_edit() -> None:
    life = Life([rule_of("leader_changed")])
    one, two = posted(1015, CRASH), posted(1215, CRASH, BACK)
    assert one is not None
    assert two is not None
    life.step(1015, one)
    assert [transition.visibility.value for transition in life.step(1215, two)] == ["edit"]


def test_planned_transfer_ends_with_the_crash_alert() -> None:
    assert posted(1700, CRASH, BACK) is None


def test_crash_after_a_planned_transfer_is_worse() -> None:
    life = Life([rule_of("leader_changed")])
    one, two = posted(1215, BACK), posted(1315, BACK, replace(CRASH, at=1300, term=8))
    assert one is not None
    assert two is not None
    assert (one.severity, cause_of(one.detail)[0]) == (Severity.INFO, 43)
    life.step(1215, one)
    assert [transition.visibility.value for transition in life.step(1315, two)] == ["reply and broadcast"]


def test_two_crashes_around_a_planned_transfer_count_as_two() -> None:
    again = LeaderChange(1300, 1, 3, 8)
    finding = posted(1315, CRASH, BACK, again)
    assert finding is not None
    assert sentence(finding) == (
        "The leader of prod changed 2 times in 5 min, not by an operation of cmbot, "
        "last from peer 1 to peer 3 in term 8."
    )
    assert finding.weight == 2


def test_two_planned_transfers_are_one_info_that_names_both() -> None:
    finding = posted(1260, BACK, LeaderChange(1250, 1, 3, 8, op=44))
    assert finding is not None
    assert finding.severity is Severity.INFO
    assert [line.rpartition(", by ")[2] for line in lines(finding)] == ["operation #44", "operation #43"]
    assert cause_of(finding.detail) == (0, ())


def test_planned_transfers_do_not_link_crashes_to_a_flapping_leader() -> None:
    changes = [LeaderChange(1000 + 500 * n, 1, 2, 6 + n, op=9 if n % 2 else 0) for n in range(7)]
    state = replace(after(polled(4001)).state, changes=tuple(changes))
    assert ask("leader_flapping", RuleContext(polled(4001), state, 4001)) == ()


def test_operation_explains_one_change_only() -> None:
    first, second = replace(CRASH, after=1), replace(CRASH, after=1, at=1030)
    state = explained(ClusterState(changes=(first, second)), {first: (43, "U1"), second: (43, "U1")})
    assert [change.op for change in state.changes] == [43, 0]
    later = replace(CRASH, after=1, at=1060)
    state = replace(state, changes=(*state.changes, later))
    assert [change.op for change in explained(state, {later: (43, "U1")}).changes] == [43, 0, 0]


def sighted(*answers: Snapshot) -> ClusterState:
    return after(polled(85), polled(100), *answers).state


FRESH: dict[str, Any] = {"leader": 2, "term": 6, "silent": (1, 2)}


def test_follower_naming_a_new_leader_is_enough() -> None:
    view = after(polled(85), polled(100), polled(105, **FRESH))
    answer = ask("leader_changed", view)
    assert answer is not CANNOT_TELL
    assert sentence(answer[0]) == (
        "The leader of prod changed from peer 1 to peer 2 in term 6, reported by peer 3; not confirmed yet."
    )
    assert (view.state.leader, view.state.term) == (2, 6)


def test_confirming_leader_is_no_second_change() -> None:
    seen, confirmed = (
        sighted(polled(105, **FRESH)),
        sighted(polled(105, **FRESH), polled(110, leader=2, term=6)),
    )
    assert [replace(change, seen_by=3) for change in confirmed.changes] == list(seen.changes)
    assert new_changes(seen, confirmed) == ()


def test_named_leader_is_confirmed_by_an_edit() -> None:
    life = Life([rule_of("leader_changed")])
    answers = [polled(85), polled(100), polled(105, **FRESH)]
    for each in (answers, [*answers, polled(110, leader=2, term=6)]):
        answer = ask("leader_changed", after(*each))
        assert answer is not CANNOT_TELL
        transitions = life.step(each[-1].at, *answer)
    assert [transition.visibility.value for transition in transitions] == ["edit"]
    assert sentence(transitions[0].new).endswith("to peer 2 in term 6.")


def test_change_sentence_survives_the_next_leader() -> None:
    life = Life([rule_of("leader_changed")])
    [transition] = life.step(1015, *filter(None, [posted(1015, CRASH)]))
    gone = RuleContext(polled(1030, leader=0), replace(after(polled(1015)).state, changes=(CRASH,)), 1030)
    assert ask("leader_changed", gone) is CANNOT_TELL
    assert sentence(transition.new) == "The leader of prod changed from peer 1 to peer 2 in term 6."


FIVE: dict[str, Any] = {"nodes": (1, 2, 3, 4, 5), "members": (1, 2, 3, 4, 5)}


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([polled(100), polled(105, leader=2, term=5, silent=(1, 2))], id="the same term"),
        pytest.param([polled(100), polled(105, leader=2, term=4, silent=(1, 2))], id="a term that is over"),
        pytest.param([polled(100), polled(105, leader=1, term=6, silent=(1, 2))], id="the same leader in a new term"),
        pytest.param([polled(100), polled(105, leader=9, term=6, silent=(1, 2))], id="a leader that is no member"),
        pytest.param(
            [polled(100, members=(1, 2)), polled(105, leader=2, term=6, silent=(1, 2))],
            id="named by one that was removed",
        ),
        pytest.param(
            [polled(100, leader=0), polled(105, leader=2, term=6, silent=(1, 2))], id="no leader known before"
        ),
        pytest.param([polled(100), polled(100 + 7200, leader=2, term=6, silent=(1, 2))], id="no poll for long"),
        pytest.param(
            [polled(100, **FIVE), having(polled(105, **FIVE, leader=2, term=6, silent=(1, 2)), 4, leader=5)],
            id="another names another in that term",
        ),
        pytest.param(
            [
                polled(100, **FIVE),
                having(polled(105, **FIVE, leader=2, term=6, silent=(1, 2)), 4, leader=1, term=5),
            ],
            id="another still follows the old one",
        ),
        pytest.param(
            [polled(100), having(polled(105, leader=2, term=6, silent=(2,)), 1, leader=1, term=5)],
            id="the old one still claims to lead",
        ),
        pytest.param(
            [polled(100), having(polled(105, leader=2, term=6, silent=(1,)), 2, leader=0, term=6)],
            id="the one named says that it does not lead",
        ),
        pytest.param(
            [
                polled(100, **FIVE),
                having(polled(105, **FIVE, leader=2, term=6, silent=(1, 2)), 4, leader=0, term=8),
            ],
            id="another is in a later term",
        ),
    ],
)
def test_doubtful_answer_announces_no_leader(answers: Sequence[Snapshot]) -> None:
    state = ClusterState()
    for each in answers:
        before, state = state, update(state, each)
    assert state.changes == ()
    assert state.leader == before.leader
