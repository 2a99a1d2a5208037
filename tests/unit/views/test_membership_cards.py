"""Cards of changes to the raft group: what is sent, the votes, what to mind, who must approve, what moved."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.operations.change_request import MAX_LEASE, ChangeRequest, RequestOptions
from bot.operations.model import ObservedState, ObservedSwitch, Operation, OpState, StepKind, advance, note
from bot.operations.policy import POLICIES, Need, Policy, Terms, stricter
from bot.operations.preflight.check import PreflightContext, preflight
from bot.operations.preflight.fingerprint import Fingerprint
from bot.operations.preflight.verdict import LegacyFact, PreflightResult, warn
from bot.operations.replacement_plan import replace_plan
from bot.operations.requests import LeaderTransfer, MemberAdd, MemberRemove, Request, TaskSwitch
from bot.operations.step_facts import ApprovalProgress, LegacyDifference
from bot.views import operations, ops_list
from bot.views.op_parts import findings
from tests.docgen.cluster_fixture import DOWN, Scene
from tests.support.view_samples import AT, HOSTILE, assert_harmless, assert_postable, seen

ADD = MemberAdd(4, "cm4:10110", "cm4:9998")


def made(request: Request, policy: Policy, scene: Scene | None = None, *, forced: bool = False) -> Operation:
    verdict = preflight(request, *(scene or Scene()).snapshots(), facts=PreflightContext(node_answers=True))
    asked = ChangeRequest(request, "why not", RequestOptions(forced=forced))
    result = verdict.forced() if forced else verdict
    op = Operation(
        "prod",
        request,
        "U0ANNA",
        AT,
        AT + 900,
        options=asked.options,
        seen=ObservedState(verdict=result),
        channel="C0OPS",
        reason="why not",
        id=12,
        terms=Terms(policy, requester_counts=True),
    )
    return advance(op, OpState.BLOCKED if result.blocked else OpState.WAITING, at=AT, by="U0ANNA")


def buttons(op: Operation) -> list[Any]:
    return [item for block in operations.card(op).blocks if block["type"] == "actions" for item in block["elements"]]


@pytest.mark.parametrize(
    ("request_", "policy", "words"),
    [
        (MemberRemove(3), "member_remove", ("Remove peer 3 from prod", "one approver other than <@U0ANNA>.")),
        (
            ADD,
            "member_add",
            (
                "Add peer 4 to prod as a learner",
                "cm4:10110",
                "one approver. <@U0ANNA>, who asked, may approve it.",
            ),
        ),
        (LeaderTransfer(2), "leader_transfer", ("Move the leadership of prod to peer 2", "peer 1 led in term 7")),
    ],
)
def test_card_shows_request_votes_and_approvers(request_: Request, policy: str, words: tuple[str, ...]) -> None:
    op = made(request_, POLICIES[policy])
    text = seen(operations.card(op))
    for part in (*words, "Quorum is 2 of 3", "checks passed", "why not", "Will be sent"):
        assert part in text
    assert [one["action_id"] for one in buttons(op)] == ["op_confirm", "op_reject", "op_cancel"]
    dialog = buttons(op)[0]["confirm"]
    assert "Cluster prod." in dialog["text"]["text"]
    assert "prod" in dialog["title"]["text"]
    assert_postable(operations.card(op))
    assert_postable(operations.proposed(op, "https://example.com"))


def test_each_warning_has_its_next_step_on_the_card() -> None:
    op = made(MemberRemove(3), POLICIES["member_remove"])
    text = seen(operations.card(op))
    assert "⚠️ *Warning:*" in text
    assert "_Add a voter soon; three is the smallest number that survives a failure._" in text


def test_refusal_shows_next_step_and_force() -> None:
    down = Scene(peers={2: DOWN}, silent=frozenset({2}))
    op = made(LeaderTransfer(2), POLICIES["leader_transfer"], down)
    verdict = preflight(LeaderTransfer(2), *down.snapshots())
    reply = operations.evaluation(op, verdict, dry_run=False)
    assert "refused, nothing was sent" in reply.text
    assert "not proven healthy" in reply.text
    assert "force=yes" in reply.text
    assert "⛔ *Refused:*" in seen(reply)
    assert_postable(reply)
    assert "it could be proposed" in operations.evaluation(op, preflight(ADD, *Scene().snapshots()), dry_run=True).text


def test_break_glass_is_loud_and_counts_two_others() -> None:
    down = Scene(peers={2: DOWN}, silent=frozenset({2}))
    glass = stricter(POLICIES["leader_transfer"], POLICIES["break_glass"])
    op = made(LeaderTransfer(2), glass, down, forced=True)
    text = seen(operations.card(op))
    for words in (
        "BREAK-GLASS",
        "FORCED against this block",
        "2 approvers other than <@U0ANNA> (0 of 2 so far)",
    ):
        assert words in text
    assert "BREAK-GLASS" in buttons(op)[0]["confirm"]["text"]["text"]
    once = note(op, at=AT, by="U0BEN", kind=StepKind.APPROVED, fact=ApprovalProgress(1, 2), approvals=("U0BEN",))
    assert "(1 of 2 so far)" in seen(operations.card(once))
    assert "with break-glass" in operations.line(once).text
    assert "<@U0BEN> approved it (1 of 2)." in operations.line(once).text


def test_superseded_card_shows_the_difference() -> None:
    op = made(MemberRemove(3), POLICIES["member_remove"])
    replacement = replace(op, seen=replace(op.seen, difference=LegacyDifference(("leader: peer 1 → peer 2",))))
    text = seen(operations.card(replacement))
    assert "*The cluster changed since the card before this one*\n• leader: peer 1 → peer 2" in text


def test_hostile_words_in_requests_and_differences_are_harmless() -> None:
    op = made(replace(ADD), replace(POLICIES["member_add"], source="S0X"))
    mean = replace(
        op,
        reason=HOSTILE,
        seen=replace(op.seen, difference=LegacyDifference((HOSTILE,) * 3)),
    )
    # A request refuses such an address; a value that got past that check is harmless too.
    for name in ("host", "node_host"):
        object.__setattr__(mean.request, name, HOSTILE)
    assert_harmless(operations.card(mean))
    assert_harmless(ops_list.shown(mean))
    assert_harmless(ops_list.listed([replace(mean, requester=HOSTILE)], open_only=True, now=AT))


def leased() -> Operation:
    """A switch that was turned off for two hours."""
    return Operation(
        "prod",
        TaskSwitch("balance", on=False),
        "U0ANNA",
        AT,
        AT + 900,
        state=OpState.VERIFIED,
        seen=ObservedState(switch=ObservedSwitch("balance", "true", "on", "false", "v3")),
        options=RequestOptions(lease=7200.0),
        lease_until=AT + 7200,
        id=12,
    )


def test_leased_switch_shows_its_end_and_buttons() -> None:
    switch = leased()
    text = seen(operations.card(switch))
    assert "for 2 h" in text
    assert " is turned back on " in text
    assert [one["action_id"] for one in buttons(switch)] == ["op_extend", "op_keep"]
    assert "balance is turned back on " in operations.warning(switch).text
    assert_postable(operations.warning(switch))
    assert not buttons(replace(switch, lease_until=0.0))
    used_up = replace(switch, options=RequestOptions(lease=MAX_LEASE))
    assert [one["action_id"] for one in buttons(used_up)] == ["op_keep"]


@pytest.mark.parametrize(
    ("policy", "forced", "shown"),
    [
        (Policy(), False, True),
        (Policy(also=(Need("admin", 1),)), False, True),
        (Policy(approvals=2), False, False),
        (Policy(also=(Need("admin", 2),)), False, False),
        (Policy(), True, False),
    ],
)
def test_buttons_that_refuse_everyone_are_left_out(policy: Policy, forced: bool, shown: bool) -> None:
    switch = replace(leased(), terms=Terms(policy), options=RequestOptions(lease=7200.0, forced=forced))
    for message in (operations.card(switch), operations.warning(switch)):
        assert ("op_keep" in json.dumps(message.blocks)) is shown
        assert ("propose it again, without `for=` to keep it" in seen(message)) is not shown
        assert_postable(message)
    # A card of an earlier release has no terms.
    assert ("op_keep" in json.dumps(operations.card(replace(switch, terms=None)).blocks)) is not forced


def test_a_plan_names_the_step_that_is_next() -> None:
    steps = replace_plan(3, 4, "cm4:10110", "cm4:9998", *Scene(peers={3: DOWN}, silent=frozenset({3})).snapshots())
    plan = ops_list.plan("prod", 3, 4, steps)
    assert "Now: Remove the lost peer 3." in plan.text
    assert "▶ Remove the lost peer 3." in seen(plan)
    unknown = replace_plan(3, 4, "cm4:10110", "cm4:9998", *Scene(leader=0).snapshots())
    assert "has no leader now" in ops_list.plan("prod", 3, 4, unknown).text


def test_a_finding_ends_before_its_advice_begins() -> None:
    check = warn("quorum", LegacyFact("if peer 1 stops, writes stop", "Have no other work done."))
    verdict = PreflightResult((check, warn("lag", LegacyFact("It lags.", "Wait."))), Fingerprint())
    text = "\n".join(block["text"]["text"] for block in findings(LeaderTransfer(2), verdict))
    assert "writes stop. _Have no other work done._" in text
    assert "It lags. _Wait._" in text
