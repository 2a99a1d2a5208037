"""Every worked example gets the verdict that its table names, and the manual's page is made of them."""

from pathlib import Path

import pytest

from bot.operations.preflight.verdict import CheckLevel
from bot.operations.requests import (
    DiskAccess,
    DiskBroken,
    DiskOffline,
    DisksOffline,
    LeaderTransfer,
    MemberAdd,
    MemberRemove,
    MemberRequest,
    NodeDrop,
    NodeOffline,
    TaskSwitch,
)
from bot.views.op_parts import request_phrase
from bot.views.preflight_text.table import check_text
from tests.docgen.examples import Example
from tests.docgen.preflight import examples, render
from tests.support.any_fact import BLOCKING

EXAMPLES = tuple(examples())
MEMBERS_AND_TASKS = (MemberAdd, MemberRemove, LeaderTransfer, TaskSwitch)
NEVER_FORCEABLE = {"id", "host", "node", "peer", "leader", "reach", "node_ids", "quorum", "dialect", "operations"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"{e.situation}: {request_phrase(e.request)}: {e.decides}")
def test_the_verdict_is_the_one_of_the_table(example: Example) -> None:
    verdict = example.verdict
    check = verdict.check(example.decides)
    assert check is not None
    assert (verdict.level, check.level) == (example.level, example.level)


def test_the_table_holds_at_least_sixty_situations_by_operations() -> None:
    tried = {(example.situation, example.request, repr(example.facts)) for example in EXAMPLES}
    assert len(tried) == 240
    members = {MemberAdd, MemberRemove, LeaderTransfer}
    disks = {DiskAccess, DiskBroken, DiskOffline, DisksOffline, NodeOffline, NodeDrop}
    assert {type(example.request) for example in EXAMPLES} == {TaskSwitch, *members, *disks}


def test_the_table_holds_at_least_thirty_situations_of_disks() -> None:
    situations = {example.situation for example in EXAMPLES if not isinstance(example.request, MEMBERS_AND_TASKS)}
    assert len(situations) >= 30


def test_unforceable_checks_are_marked_in_every_example() -> None:
    blocks = [check for example in EXAMPLES for check in example.verdict.of_level(CheckLevel.BLOCK)]
    assert {check.key for check in blocks} > NEVER_FORCEABLE
    assert {type(check.fact) for check in blocks} <= BLOCKING
    assert not [check for check in blocks if check.forceable and check.key in NEVER_FORCEABLE]


def test_no_sentence_is_empty_or_left_unfinished() -> None:
    for example in EXAMPLES:
        for check in example.verdict.checks:
            assert check_text(check).sentence.strip() == check_text(check).sentence != ""
            assert "  " not in check_text(check).sentence + check_text(check).next_step
            assert check_text(check).sentence.count("(") == check_text(check).sentence.count(")")


def test_every_membership_and_transfer_card_shows_the_quorum_arithmetic() -> None:
    evaluation = [e.verdict for e in EXAMPLES if e.verdict.fingerprint.leader and isinstance(e.request, MemberRequest)]
    cluster_wide = {"leader", "node_ids", "reach"}
    shown = [v for v in evaluation if not any(check.key in cluster_wide for check in v.of_level(CheckLevel.BLOCK))]
    assert len(shown) == 97
    for verdict in shown:
        check = verdict.check("quorum")
        assert check is not None
        assert "quorum" in check_text(check).sentence
        assert "Afterwards quorum is " in check_text(check).sentence


def test_the_page_in_the_manual_is_the_generated_one() -> None:
    page = Path(__file__).parents[4] / "docs" / "preflight.md"
    assert page.read_text(encoding="utf-8") == render(), "write it again: python -m tests.docgen.preflight"
