"""What explains the rest comes first, advice knows what it is part of, and a leader's own words are a warning."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.clustermgr.models import Snapshot
from bot.clustermgr.tasks import DetectedDialect, DialectEvidence, EvidenceKind
from bot.operations.preflight.check import CheckLevel, preflight
from bot.operations.preflight.context import PreflightContext, SwitchReading
from bot.operations.requests import LeaderTransfer, MemberAdd, MemberRemove, Request, TaskSwitch
from bot.views.preflight_text.table import check_text
from bot.workflow.evaluation import evaluate
from tests.docgen.cluster_fixture import Scene
from tests.support.in_memory_ports import FakeCluster

BALANCE = TaskSwitch("balance", on=True)
ON = PreflightContext(dialect="v3", switch=SwitchReading("true", "on"), node_answers=True)


def sentences(request: Request, scene: Scene, facts: PreflightContext = ON) -> str:
    return " ".join(
        f"{check_text(check).sentence} {check_text(check).next_step}"
        for check in preflight(request, *scene.snapshots(), facts=facts).checks
    )


def test_lost_quorum_is_said_instead_of_the_unknown_dialect() -> None:
    """The leader still counts the others as active for some seconds, but their hosts are silent."""
    verdict = preflight(
        BALANCE,
        *Scene(only_now_silent=frozenset({2, 3})).snapshots(),
        facts=PreflightContext(dialect_evidence=DialectEvidence(EvidenceKind.UNANSWERED)),
    )
    first = verdict.checks[0]
    assert check_text(first).sentence == "No quorum: 1 of 3 voters answers, and quorum is 2. Reads and writes fail."
    assert check_text(first).next_step == "Start peer 2 or 3, then propose it again."
    assert verdict.check("dialect") is None
    assert "3 of 3 voters are there" not in " ".join(check_text(check).sentence for check in verdict.checks)


def test_unread_value_without_a_quorum_is_explained_by_it() -> None:
    facts = PreflightContext(dialect="v3", switch_why="prod did not tell.")
    verdict = preflight(BALANCE, *Scene(only_now_silent=frozenset({2, 3})).snapshots(), facts=facts)
    assert verdict.check("value") is None
    assert verdict.of_level(CheckLevel.BLOCK)[0].key == "quorum"


def test_unknown_dialect_with_quorum_is_its_reason() -> None:
    verdict = preflight(
        BALANCE,
        *Scene(only_now_silent=frozenset({3})).snapshots(),
        facts=PreflightContext(dialect_evidence=DialectEvidence(EvidenceKind.HOSTS_DIFFER)),
    )
    assert [check.key for check in verdict.of_level(CheckLevel.BLOCK)] == ["dialect"]


async def test_unread_switch_is_read_again() -> None:
    """The leader stepped down between the look and the probes: the card says that, and nothing older."""
    before, now = Scene().snapshots()
    gone = Scene(leader=0, silent=frozenset({2, 3})).snapshots()[1]
    cluster = Moving([(before, now), (now, replace(gone, at=now.at + 5))])
    evaluation = await evaluate(cluster, BALANCE, ())
    assert [check.key for check in evaluation.verdict.of_level(CheckLevel.BLOCK)] == ["leader"]
    assert "start voters that are down until a quorum runs" in check_text(evaluation.verdict.checks[0]).next_step


class Moving(FakeCluster):
    """A cluster of which each look shows something else, and that does not tell its dialect."""

    def __init__(self, answers: list[tuple[Snapshot | None, Snapshot]]) -> None:
        super().__init__()
        self.shown = answers

    async def snapshot_pair(self, **_options: Any) -> tuple[Snapshot | None, Snapshot]:
        await asyncio.sleep(0)
        return self.shown.pop(0)

    async def dialect(self, *, fresh: bool = False) -> DetectedDialect:  # noqa: ARG002 - the port's
        return DetectedDialect(None, DialectEvidence(EvidenceKind.UNANSWERED))


def test_learner_removed_in_a_replacement_is_to_be_left_running() -> None:
    scene = Scene(voters=(1, 2), learners=(4,))
    inside = sentences(MemberRemove(4), scene, replace(ON, replaces=(3, 4)))
    assert "Leave peer 4 running and in `hosts`" in inside
    assert "out of `hosts`" not in inside
    assert "stop it and delete cm4:9998 from `hosts`" in sentences(MemberRemove(4), scene)
    assert "stop it and delete cm3:9998 from `hosts`" in sentences(
        MemberRemove(3), Scene(), replace(ON, replaces=(3, 4))
    )


def test_new_node_between_two_steps_is_no_stranger() -> None:
    scene = Scene(voters=(1, 2), extra={"cm4:9998": (4, 1, 7)})
    add = MemberAdd(4, "cm4:10110", "cm4:9998", learner=False)
    assert "no member of this raft group" in sentences(add, scene)
    assert "no member of this raft group" not in sentences(add, scene, replace(ON, replaces=(3, 4)))


@pytest.mark.parametrize(
    "request_", [BALANCE, MemberRemove(3), LeaderTransfer(2), MemberAdd(4, "cm4:10110", "cm4:9998", learner=True)]
)
def test_read_only_leader_is_a_warning_on_every_card(request_: Request) -> None:
    before, now = Scene().snapshots()
    answers = [
        replace(answer, stat=answer.stat.model_copy(update={"read_only": True})) if answer.stat else answer
        for answer in now.answers
    ]
    verdict = preflight(request_, before, replace(now, answers=tuple(answers)), facts=ON)
    check = verdict.check("read_only")
    assert check is not None
    assert (check.level, check_text(check).sentence) == (
        CheckLevel.WARN,
        "The leader reports `read_only` from its configuration.",
    )
    assert preflight(request_, before, now, facts=ON).check("read_only") is None
