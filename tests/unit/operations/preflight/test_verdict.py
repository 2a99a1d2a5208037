"""Verdicts and fingerprints: kept and read back, compared, forced; and the recorded disaster."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.clustermgr.models import Disk, HostAnswer, Snapshot, Stat
from bot.operations.codec import decode_verdict, encode_verdict
from bot.operations.model import OpState
from bot.operations.preflight.check import (
    CheckLevel,
    Fingerprint,
    OpenOperation,
    PreflightContext,
    PreflightResult,
    SwitchReading,
    changed_checks,
    changes_a_check,
    preflight,
)
from bot.operations.preflight.verdict import LegacyFact, block, warn
from bot.operations.requests import LeaderTransfer, MemberAdd, MemberRemove, OpKind, Request, TaskSwitch
from bot.views.preflight_text.changes import difference
from bot.views.preflight_text.table import check_text
from tests.docgen import cluster_fixture as s
from tests.docgen.cluster_fixture import Scene
from tests.docgen.examples import ANSWERS, learner, voter

RECORDED = Path(__file__).parents[3] / "contract" / "recorded"
ON, OFF = (
    PreflightContext(dialect="v3", switch=SwitchReading("true", "on")),
    PreflightContext(dialect="v3", switch=SwitchReading("false", "off")),
)


def evaluate(request: Request, scene: Scene = Scene(), facts: PreflightContext = ANSWERS) -> PreflightResult:  # noqa: B008 - frozen value
    """The verdict on a scene."""
    return preflight(request, *scene.snapshots(), facts=facts)


def test_quorum_sentence_has_both_counts_and_the_risk() -> None:
    check = evaluate(MemberRemove(3)).check("quorum")
    assert check is not None
    assert check_text(check).sentence == (
        "Quorum is 2 of 3; it can lose 1 more voter. "
        "Afterwards quorum is 2 of 2; it can lose no more voters: if peer 1 or 2 stops, writes stop."
    )


def test_the_recorded_disaster_would_have_been_refused() -> None:
    exchanges = json.loads((RECORDED / "v1-2022-03" / "remove_quorum_trap.json").read_text(encoding="utf-8"))
    stat = Stat.model_validate_json(exchanges[0]["response"]["body"])
    answers = [Snapshot("prod", at, (HostAnswer("cm2:9999", 0.01, stat=stat),)) for at in (0.0, 15.0)]
    assert exchanges[1]["request"]["target"] == "/member/remove"
    asked = MemberRemove(json.loads(exchanges[1]["request"]["body"])["peer_id"])
    verdict = preflight(asked, *answers)
    assert verdict.blocked
    assert not verdict.forceable
    assert verdict.check("quorum") in verdict.of_level(CheckLevel.BLOCK)
    assert not preflight(MemberRemove(1), *answers).blocked


@pytest.mark.parametrize(
    "verdict", [evaluate(MemberRemove(3)), evaluate(learner(3)), evaluate(TaskSwitch("balance", on=False), facts=ON)]
)
def test_a_verdict_comes_back_from_json_as_it_was(verdict: PreflightResult) -> None:
    assert decode_verdict(json.loads(json.dumps(encode_verdict(verdict, check_text)))) == verdict


def test_stored_verdict_has_only_the_keys_that_0_1_0_takes() -> None:
    """A replica of 0.1.0 refuses others, and with them each click on the card of the operation."""
    stored = encode_verdict(evaluate(TaskSwitch("balance", on=False), facts=ON), check_text)
    assert {key for check in stored["checks"] for key in check} == {
        "key",
        "level",
        "sentence",
        "next_step",
        "forceable",
        "bound",
    }
    assert len(stored["facts"]) == len(stored["checks"])


def test_stored_verdict_without_facts_has_the_stored_words() -> None:
    """As 0.1.0 stores it, also when it saves an operation of this release again."""
    verdict = evaluate(MemberRemove(3))
    stored = encode_verdict(verdict, check_text)
    del stored["facts"]
    found = decode_verdict(stored)
    assert [check_text(check) for check in found.checks] == [check_text(check) for check in verdict.checks]


def test_the_worst_check_comes_first() -> None:
    ranks = [check.level.rank for check in evaluate(voter(4), facts=PreflightContext(node_answers=False)).checks]
    assert ranks == sorted(ranks, reverse=True)


def test_force_lifts_only_forceable_checks() -> None:
    softened = evaluate(voter(4), facts=PreflightContext(node_answers=False))
    assert softened.forceable
    forced = softened.forced()
    assert forced.level is CheckLevel.WARN
    check = forced.check("answers")
    assert check is not None
    assert check.forced
    assert check_text(check).sentence == (
        "FORCED against this block: cm4:9998 does not answer, and a voter counts for the quorum from the moment it is "
        "added."
    )
    hard = evaluate(MemberRemove(1))
    assert not hard.forceable
    assert hard.forced().blocked


def test_already_so_needs_nothing_to_be_sent() -> None:
    assert evaluate(TaskSwitch("balance", on=True), facts=ON).already_so
    assert not evaluate(TaskSwitch("balance", on=True), facts=OFF).already_so
    assert not evaluate(TaskSwitch("balance", on=True), Scene(leader=0), facts=ON).already_so


def test_the_same_state_leaves_an_approval_valid() -> None:
    old, new = evaluate(MemberRemove(3)), evaluate(MemberRemove(3))
    assert not changes_a_check(old, new)
    assert difference(old.fingerprint, new.fingerprint) == ()


def test_a_lag_that_moves_leaves_an_approval_valid() -> None:
    old = evaluate(MemberRemove(3), Scene(peers={3: s.LAGGING}))
    new = evaluate(MemberRemove(3), Scene(peers={3: {"match": s.COMMIT - 9_000}}))
    assert [check_text(check).sentence for check in old.checks] != [check_text(check).sentence for check in new.checks]
    assert not changes_a_check(old, new)


def test_election_among_healthy_voters_keeps_removal_approved_and_is_listed() -> None:
    old, new = evaluate(MemberRemove(3)), evaluate(MemberRemove(3), Scene(leader=2, term=8))
    assert not changes_a_check(old, new)
    assert difference(old.fingerprint, new.fingerprint) == ("leader: peer 1 → peer 2", "term: 7 → 8")


def test_warning_that_break_glass_made_is_another_one_than_was_shown() -> None:
    shown = PreflightResult((warn("task", LegacyFact("why")),), Fingerprint())
    fresh = PreflightResult((block("task", LegacyFact("why"), forceable=True),), Fingerprint()).forced()
    assert changes_a_check(shown, fresh)
    assert not changes_a_check(fresh, fresh)


def test_an_election_voids_an_approved_transfer() -> None:
    assert changes_a_check(evaluate(LeaderTransfer(3)), evaluate(LeaderTransfer(3), Scene(leader=2, term=8)))


def test_leader_killed_before_approval_voids_it_and_is_listed() -> None:
    old = evaluate(MemberRemove(3))
    killed = Scene(leader=2, term=8, peers={1: s.DOWN_BEFORE_ELECTION}, silent=frozenset({1}))
    new = evaluate(MemberRemove(3), killed)
    assert changes_a_check(old, new)
    assert new.blocked
    assert "quorum" in {check.key for check in changed_checks(old, new)}
    assert difference(old.fingerprint, new.fingerprint) == (
        "leader: peer 1 → peer 2",
        "term: 7 → 8",
        "peer 1 is no longer proven healthy",
    )


def test_a_voter_less_among_five_voids_though_the_level_stays() -> None:
    five = Scene(voters=(1, 2, 3, 4, 5))
    old = evaluate(LeaderTransfer(2), five)
    new = evaluate(LeaderTransfer(2), replace(five, peers={5: s.DOWN}))
    assert (old.level, new.level) == (CheckLevel.PASS, CheckLevel.PASS)
    assert changes_a_check(old, new)


def test_a_check_that_is_no_longer_made_voids_too() -> None:
    lagging = evaluate(learner(4), Scene(applied=s.COMMIT - 20_000))
    assert changes_a_check(lagging, evaluate(learner(4)))


def test_changed_switch_voids_the_approval_and_is_listed() -> None:
    request = TaskSwitch("balance", on=True)
    old = evaluate(request, facts=OFF)
    new = evaluate(request, facts=PreflightContext(dialect="v3", switch=SwitchReading("Enable", "meaningless")))
    assert changes_a_check(old, new)
    assert difference(old.fingerprint, new.fingerprint) == ("balance is: off ('false') → meaningless ('Enable')",)


def test_a_difference_names_every_fact_that_moved() -> None:
    old = Fingerprint(leader=1, voters=(1, 2, 3), healthy=(1, 2), bad_disks=None, task="balance", meaning="unset")
    new = Fingerprint(voters=(1, 2), learners=(4,), healthy=(1,), transferee=2, bad_disks=3, dialect="v1")
    assert difference(old, new) == (
        "leader: peer 1 → none",
        "voters: 1, 2, 3 → 1, 2",
        "learners: none → 4",
        "peer 2 is no longer proven healthy",
        "pending transfer to: none → peer 2",
        "balance is: unset → not read",
        "dialect: not known → v1",
        "broken or repairing disks: not known → 3",
    )


def test_repaired_disks_are_not_bad_and_old_counters_prove_nothing() -> None:
    before, now = Scene().snapshots()
    request = TaskSwitch("disk_repair", on=False)
    repaired = replace(now, bad_disks=(Disk(disk_id=1, status=4),))
    assert preflight(request, before, repaired, facts=ON).level is CheckLevel.PASS
    unasked = preflight(request, before, replace(now, bad_disks=None), facts=ON).check("disks")
    assert unasked is not None
    assert unasked.level is CheckLevel.WARN


def test_an_operation_of_another_task_is_not_in_the_way() -> None:
    other = OpenOperation(3, OpKind.TASK_SWITCH, OpState.WAITING, "disk_drop")
    assert not evaluate(TaskSwitch("balance", on=False), facts=replace(ON, operations=(other,))).blocked


def test_of_two_members_that_catch_up_either_may_be_removed() -> None:
    scene = Scene(learners=(4, 5), peers={4: s.SNAPSHOTTING, 5: s.SNAPSHOTTING})
    assert [evaluate(MemberRemove(peer), scene).level for peer in (4, 5)] == [CheckLevel.WARN, CheckLevel.WARN]
    assert evaluate(MemberRemove(3), scene).blocked


def test_unplaced_leader_host_is_quoted_only_when_harmless() -> None:
    before, now = Scene(unlisted=frozenset({1})).snapshots()
    hostile = tuple(
        replace(answer, stat=answer.stat.model_copy(update={"leader_host": "<!channel>"})) if answer.stat else answer
        for answer in now.answers
    )
    verdict = preflight(MemberRemove(3), before, replace(now, answers=hostile))
    assert verdict.blocked
    assert not any("<!channel>" in check_text(check).sentence + check_text(check).next_step for check in verdict.checks)


@pytest.mark.parametrize(
    ("recorded", "typed"),
    [
        ("[fd00::2]:10110", "[fd00:0::2]:10110"),
        ("10.0.0.2:10110", "[::ffff:10.0.0.2]:10110"),
        ("CM2.example.:10110", "cm2.example:10110"),
        ("http://cm2:10110", "CM2.:10110"),
    ],
)
def test_address_of_a_member_is_taken_however_it_is_spelled(recorded: str, typed: str) -> None:
    answers = Scene(peers={2: {"host": recorded}}).snapshots()
    check = preflight(MemberAdd(4, typed, "cm4:9998"), *answers, facts=ANSWERS).check("host")
    assert check is not None
    assert check.level is CheckLevel.BLOCK
    assert "belongs to peer 2" in check_text(check).sentence


@pytest.mark.parametrize("typed", ["CM2.:9998", "cm2:9998"])
def test_service_address_is_matched_in_any_spelling(typed: str) -> None:
    check = evaluate(MemberAdd(4, "cm4:10110", typed)).check("node")
    assert check is not None
    assert check.level is CheckLevel.BLOCK
    assert "belongs to peer 2" in check_text(check).sentence
