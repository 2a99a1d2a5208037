"""Policies hold for composed changes, for break-glass, and for each person's roles at the deciding click."""

import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.cli.demo import EXAMPLE, Demo, demo
from bot.operations.model import OpState
from bot.operations.policy import PolicyMode
from tests.e2e.conftest import QUICK, without_policies
from tests.e2e.test_operations import ALICE, BOB, CAROL, DAVE, ask, card_with, click, only_op, propose, refused, writes

pytestmark = pytest.mark.fast_time

POLICIES = """
policies:
  member_remove: {approvals: 2, reason: required}
  leader_transfer: {from: admin, requester_may: never}
  task_enable: {reason: required}
"""
ACCESS = """
access:
  operators: {groups: [S0ONCALL]}
  approvers: {users: [U0BOB], groups: [S0ONCALL]}
  admins: {users: [U0DAVE]}
  breakers: {users: [U0ALICE]}
"""


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Demo]:
    """The demo with stricter policies, and with people who hold their roles through a user group."""
    own = re.sub(r"^access:\n(?:  .*\n)+", ACCESS + POLICIES, without_policies(EXAMPLE.read_text()), flags=re.MULTILINE)
    changed = tmp_path / "config.yaml"
    changed.write_text(own)
    monkeypatch.setattr("bot.cli.demo.EXAMPLE", changed)
    async with demo(
        port=0, policies=PolicyMode.LOOSE, timing=QUICK, poll=0.5, example_ports=False, clock=time.time
    ) as parts:
        in_group(parts, ALICE, BOB, CAROL)
        yield parts
        parts.slack.assert_no_violations()


def in_group(world: Demo, *users: str) -> None:
    """Set the members of the user group."""
    workspace = world.slack.workspace
    groups = tuple(replace(group, users=users) for group in workspace.team.groups)
    workspace.team = replace(workspace.team, groups=groups)


async def test_replacement_removes_a_member_by_the_policy_of_removals_too(world: Demo) -> None:
    await world.clusters["prod"].kill(3)
    line = "/cm member replace 3 4 127.0.0.1:10999 node=127.0.0.1:10998"
    assert "needs a reason" in (await ask(world, line)).text
    card = await propose(world, f'{line} reason="disk lost"')
    await click(world, card, BOB)
    await card_with(world, card, "(1 of 2 so far)")
    assert writes(world, "/member/remove") == []
    await click(world, card, CAROL)
    await card_with(world, card, "Verified")
    assert writes(world, "/member/remove") == [{"peer_id": 3}]


async def test_leased_switch_takes_the_policy_of_turning_it_back_too(world: Demo) -> None:
    assert "needs a reason" in (await ask(world, "/cm task disable balance for=1h")).text
    await propose(world, "/cm task disable balance")


async def test_break_glass_does_not_replace_whose_approval_counts(world: Demo) -> None:
    """Break-glass takes two approvers and also the admin whom the transfer policy requires."""
    await world.clusters["prod"].kill(3)
    assert "needs a reason" in (await ask(world, "/cm leader transfer 3 force=yes")).text
    card = await propose(world, "/cm leader transfer 3 force=yes reason=drill")
    assert "one admin and 2 approvers other than <@U0ALICE>" in card.full_text
    await click(world, card, BOB)
    await card_with(world, card, "one admin and one approver")
    await click(world, card, CAROL)
    half = await card_with(world, card, "*Waiting* for one admin other")
    assert writes(world, "/leadership/transfer") == []
    await click(world, half, DAVE)
    await world.clusters["prod"].until(lambda: bool(writes(world, "/leadership/transfer")))
    assert sorted((await only_op(world)).approvals) == [BOB, CAROL, DAVE]


async def test_force_without_a_block_is_refused(world: Demo) -> None:
    for line in ("/cm member add 4 127.0.0.1:10999 node=127.0.0.1:10998", "/cm task disable balance"):
        for dry in ("", " dry-run=yes"):
            for reason in (" reason=drill", ""):
                answer = await ask(world, f"{line} force=yes{reason}{dry}")
                assert "There is nothing to force" in answer.text
    assert await world.app.repository.recent(None, 5) == []


async def test_approval_of_a_person_who_left_counts_no_more(world: Demo) -> None:
    """Carol approved through a group that she has since left: cmbot asks Slack again and drops her approval."""
    card = await propose(world, "/cm member remove 3 reason=drill")
    await click(world, card, CAROL)
    await card_with(world, card, "(1 of 2 so far)")
    in_group(world, ALICE)
    await click(world, card, BOB)
    await card_with(world, card, "an approval no longer counts: U0CAROL no longer holds approver")
    await card_with(world, card, "(1 of 2 so far)")
    assert (await only_op(world)).approvals == (BOB,)
    assert writes(world, "/member/remove") == []


async def test_operation_of_a_requester_who_left_is_cancelled(world: Demo) -> None:
    card = await propose(world, "/cm member remove 3 reason=drill")
    await click(world, card, CAROL)
    await card_with(world, card, "(1 of 2 so far)")
    in_group(world, CAROL)
    await click(world, card, BOB)
    await card_with(world, card, "*Cancelled*: its requester no longer holds the role operator")
    assert writes(world, "/member/remove") == []


async def test_clicker_who_left_a_moment_ago_is_refused(world: Demo) -> None:
    card = await propose(world, "/cm member remove 3 reason=drill")
    await click(world, card, BOB)
    await card_with(world, card, "(1 of 2 so far)")
    in_group(world, ALICE)
    assert "may not approve" in await refused(world, card, CAROL)
    assert (await only_op(world)).state is OpState.WAITING
    assert writes(world, "/member/remove") == []


async def test_group_that_slack_cannot_list_decides_nothing(world: Demo) -> None:
    card = await propose(world, "/cm member remove 3 reason=drill")
    await click(world, card, BOB)
    await card_with(world, card, "(1 of 2 so far)")
    world.slack.faults.inject("error", method="usergroups.users.list", code="fatal_error", count=5)
    assert "nothing was sent" in await refused(world, card, CAROL)
    assert (await only_op(world)).state is OpState.WAITING
