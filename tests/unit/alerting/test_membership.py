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
from tests.support.watch_builders import dark, look

FOUR = (1, 2, 3, 4)
AS_LEARNER: dict[int, dict[str, Any]] = {4: {"is_learner": True}}


def after(*looks: Snapshot) -> ClusterState:
    memory = ClusterState()
    for each in looks:
        memory = update(memory, each)
    return memory


def posted(memory: ClusterState, now: Snapshot) -> list[str]:
    answer = MEMBERSHIP_CHANGED.answer(RuleContext(now, memory, now.at))
    assert answer is not CANNOT_TELL
    assert all(finding.severity is Severity.WARNING for finding in answer)
    return [sentence(finding) for finding in answer]


OUTSIDE = "The members of prod changed outside cmbot: "


@pytest.mark.parametrize(
    ("looks", "words"),
    [
        ([look(100), look(115, members=FOUR)], "peer 4 (`10.0.0.4:10110`) joined as a voter."),
        ([look(100), look(115, members=FOUR, peers=AS_LEARNER)], "peer 4 (`10.0.0.4:10110`) joined as a learner."),
        ([look(100), look(115, members=(1, 2))], "voter 3 (`10.0.0.3:10110`) was removed."),
        (
            [look(100, members=FOUR, peers=AS_LEARNER), look(115, members=FOUR)],
            "learner 4 (`10.0.0.4:10110`) became a voter.",
        ),
        (
            [look(100), look(115, peers={3: {"host": "10.0.9.3:10110"}})],
            "voter 3 moved from `10.0.0.3:10110` to `10.0.9.3:10110`.",
        ),
        (
            [look(100, members=FOUR, peers=AS_LEARNER), look(115, members=FOUR, peers={4: {"host": "new:1"}})],
            "learner 4 became a voter and moved from `10.0.0.4:10110` to `new:1`.",
        ),
    ],
)
def test_change_without_operation_is_announced(looks: list[Snapshot], words: str) -> None:
    assert posted(after(*looks), looks[-1]) == [OUTSIDE + words]


@pytest.mark.parametrize(
    "looks",
    [
        [look(100)],
        [look(100), look(115, leader=2, term=6), dark(130), look(145)],
        [look(100), look(115, members=()), look(130)],
        [look(100, peers={3: {"host": ""}}), look(115)],
        [look(100), look(115, peers={3: {"host": ""}}), look(130)],
        [look(100), look(115, members=(1, 2), leader=0), look(130)],
    ],
    ids=["first look", "another leader", "a leader without a list", "known late", "unlisted", "no leader"],
)
def test_unchanged_members_are_not_announced(looks: list[Snapshot]) -> None:
    assert posted(after(*looks), looks[-1]) == []


def test_members_without_leader_are_unknown() -> None:
    assert MEMBERSHIP_CHANGED.answer(RuleContext(dark(115), after(look(100)), 115)) is CANNOT_TELL


def test_several_changes_are_one_finding_that_grows_and_ends() -> None:
    memory = after(look(100), look(115, members=FOUR), look(130, members=(1, 2, 4)))
    now = look(130, members=(1, 2, 4))
    answer = MEMBERSHIP_CHANGED.answer(RuleContext(now, memory, 130))
    assert answer is not CANNOT_TELL
    assert sentence(answer[0]) == (
        "The members of prod changed 2 times outside cmbot; the last change: voter 3 (`10.0.0.3:10110`) was removed."
    )
    assert lines(answer[0]) == (
        "voter 3 (`10.0.0.3:10110`) was removed",
        "peer 4 (`10.0.0.4:10110`) joined as a voter",
    )
    assert answer[0].weight == 2
    assert posted(memory, look(130 + 3600)) == []


def test_change_during_a_gap_names_the_gap() -> None:
    memory = after(look(100), look(7300, members=(1, 2)))
    assert posted(memory, look(7300)) == [
        (
            "While cmbot did not poll (for 2 h at most), the members of prod changed outside "
            "cmbot: voter 3 (`10.0.0.3:10110`) was removed."
        )
    ]


def test_change_by_an_operation_is_not_announced() -> None:
    past = after(look(100))
    memory = update(past, look(115, leader=2, term=6, members=FOUR))
    changes = new_changes(past, memory)
    assert changes == (
        LeaderChange(115, 1, 2, 6, before_at=100),
        MemberChange(115, 4, "", "voter", "", "10.0.0.4:10110", before_at=100),
    )
    assert new_changes(memory, update(memory, look(130, leader=2, term=6, members=FOUR))) == ()
    known = explained(memory, {changes[1]: (12, "U1 U2")})
    assert known.member_changes == (replace(memory.member_changes[0], op=12, approved="U1 U2"),)
    assert known.changes == memory.changes
    assert posted(known, look(115)) == []


def test_hostile_addresses_stay_on_one_line_and_bounded() -> None:
    evil: dict[int, dict[str, Any]] = {4: {"host": "<!channel>\n" * 5000}}
    [sentence] = posted(after(look(100), look(115, members=FOUR, peers=evil)), look(115))
    assert "\n" not in sentence
    assert len(sentence) < 300
