"""Membership changes: what is stored, which are announced, and their text."""

from dataclasses import replace
from typing import Any

import pytest

from bot.alerting.cluster_state.observations import MemberChange
from bot.alerting.cluster_state.state import ClusterState, LeaderChange, explained, new_changes, update
from bot.alerting.model import Severity
from bot.alerting.rules.base import CANNOT_TELL, RuleContext
from bot.alerting.rules.raft import MEMBERSHIP_CHANGED
from bot.clustermgr.models import Snapshot
from tests.support.alert_words import lines, sentence
from tests.support.watch_builders import dark, polled

FOUR = (1, 2, 3, 4)
AS_LEARNER: dict[int, dict[str, Any]] = {4: {"is_learner": True}}


def after(*answers: Snapshot) -> ClusterState:
    state = ClusterState()
    for each in answers:
        state = update(state, each)
    return state


def posted(state: ClusterState, now: Snapshot) -> list[str]:
    answer = MEMBERSHIP_CHANGED.answer(RuleContext(now, state, now.at))
    assert answer is not CANNOT_TELL
    assert all(finding.severity is Severity.WARNING for finding in answer)
    return [sentence(finding) for finding in answer]


OUTSIDE = "The members of prod changed outside cmbot: "


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([polled(100), polled(115, members=FOUR)], "peer 4 (`10.0.0.4:10110`) joined as a voter."),
        (
            [polled(100), polled(115, members=FOUR, peers=AS_LEARNER)],
            "peer 4 (`10.0.0.4:10110`) joined as a learner.",
        ),
        ([polled(100), polled(115, members=(1, 2))], "voter 3 (`10.0.0.3:10110`) was removed."),
        (
            [polled(100, members=FOUR, peers=AS_LEARNER), polled(115, members=FOUR)],
            "learner 4 (`10.0.0.4:10110`) became a voter.",
        ),
        (
            [polled(100), polled(115, peers={3: {"host": "10.0.9.3:10110"}})],
            "voter 3 moved from `10.0.0.3:10110` to `10.0.9.3:10110`.",
        ),
        (
            [
                polled(100, members=FOUR, peers=AS_LEARNER),
                polled(115, members=FOUR, peers={4: {"host": "new:1"}}),
            ],
            "learner 4 became a voter and moved from `10.0.0.4:10110` to `new:1`.",
        ),
    ],
)
def test_change_without_operation_is_announced(answers: list[Snapshot], words: str) -> None:
    assert posted(after(*answers), answers[-1]) == [OUTSIDE + words]


@pytest.mark.parametrize(
    "answers",
    [
        [polled(100)],
        [polled(100), polled(115, leader=2, term=6), dark(130), polled(145)],
        [polled(100), polled(115, members=()), polled(130)],
        [polled(100, peers={3: {"host": ""}}), polled(115)],
        [polled(100), polled(115, peers={3: {"host": ""}}), polled(130)],
        [polled(100), polled(115, members=(1, 2), leader=0), polled(130)],
    ],
    ids=["first look", "another leader", "a leader without a list", "known late", "unlisted", "no leader"],
)
def test_unchanged_members_are_not_announced(answers: list[Snapshot]) -> None:
    assert posted(after(*answers), answers[-1]) == []


def test_members_without_leader_are_unknown() -> None:
    assert MEMBERSHIP_CHANGED.answer(RuleContext(dark(115), after(polled(100)), 115)) is CANNOT_TELL


def test_several_changes_are_one_finding_that_grows_and_ends() -> None:
    state = after(polled(100), polled(115, members=FOUR), polled(130, members=(1, 2, 4)))
    now = polled(130, members=(1, 2, 4))
    answer = MEMBERSHIP_CHANGED.answer(RuleContext(now, state, 130))
    assert answer is not CANNOT_TELL
    assert sentence(answer[0]) == (
        "The members of prod changed 2 times outside cmbot; the last change: voter 3 (`10.0.0.3:10110`) was removed."
    )
    assert lines(answer[0]) == (
        "voter 3 (`10.0.0.3:10110`) was removed",
        "peer 4 (`10.0.0.4:10110`) joined as a voter",
    )
    assert answer[0].weight == 2
    assert posted(state, polled(130 + 3600)) == []


def test_change_during_a_gap_names_the_gap() -> None:
    state = after(polled(100), polled(7300, members=(1, 2)))
    assert posted(state, polled(7300)) == [
        (
            "While cmbot did not poll (for 2 h at most), the members of prod changed outside "
            "cmbot: voter 3 (`10.0.0.3:10110`) was removed."
        )
    ]


def test_change_by_an_operation_is_not_announced() -> None:
    past = after(polled(100))
    state = update(past, polled(115, leader=2, term=6, members=FOUR))
    changes = new_changes(past, state)
    assert changes == (
        LeaderChange(115, 1, 2, 6, before_at=100),
        MemberChange(115, 4, "", "voter", "", "10.0.0.4:10110", before_at=100),
    )
    assert new_changes(state, update(state, polled(130, leader=2, term=6, members=FOUR))) == ()
    known = explained(state, {changes[1]: (12, "U1 U2")})
    assert known.member_changes == (replace(state.member_changes[0], op=12, approved="U1 U2"),)
    assert known.changes == state.changes
    assert posted(known, polled(115)) == []


def test_hostile_addresses_stay_on_one_line_and_bounded() -> None:
    evil: dict[int, dict[str, Any]] = {4: {"host": "<!channel>\n" * 5000}}
    [sentence] = posted(after(polled(100), polled(115, members=FOUR, peers=evil)), polled(115))
    assert "\n" not in sentence
    assert len(sentence) < 300
