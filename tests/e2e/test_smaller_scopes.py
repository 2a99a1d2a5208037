"""The program without each optional scope, on a workspace as strict as Slack: what is lost, and that nothing loops."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.cli.demo import Demo, demo
from bot.operations.policy import PolicyMode
from bot.slack.methods import OPTIONAL_SCOPES
from tests.e2e.conftest import QUICK
from tests.e2e.test_operations import ALICE, BOB, CAROL, OPERATIONS, PATIENCE, STORAGE, ask, card_with, click, propose

pytestmark = pytest.mark.fast_time


@pytest.fixture
async def world() -> AsyncIterator[Demo]:
    """The demo; the workspace refuses calls for which the app lacks a scope, and no other rule is broken."""
    loose = PolicyMode.LOOSE
    async with demo(port=0, policies=loose, timing=QUICK, poll=0.5, example_ports=False, clock=time.time) as parts:
        yield parts
        parts.slack.assert_no_violations(allow=("missing_scope",))


def without(world: Demo, *scopes: str) -> None:
    """Take scopes away from the app."""
    workspace = world.slack.workspace
    kept = tuple(scope for scope in workspace.team.scopes if scope not in scopes)
    workspace.team = replace(workspace.team, scopes=kept)


async def test_change_is_made_without_any_optional_scope(world: Demo) -> None:
    without(world, *OPTIONAL_SCOPES)
    card = await propose(world, "/cm task disable balance")
    await click(world, card, BOB)
    await card_with(world, card, "Verified")


async def test_lost_post_is_posted_again_without_the_history_scopes(world: Demo) -> None:
    """Cmbot cannot find the first post, so it may stand twice; it is never missing, and not tried again and again."""
    without(world, "channels:history", "groups:history")
    world.slack.faults.inject("lost_reply", method="chat.postMessage", count=1)
    await ask(world, "/cm task disable balance")
    await world.slack.wait_for(
        OPERATIONS, lambda m: "Operation #1, proposed" in m.full_text and not m.thread_ts, timeout=PATIENCE
    )
    await world.app.outbox.drain()
    cards = [m for m in world.slack.as_user(ALICE).sees(OPERATIONS) if "Operation #1, proposed" in m.full_text]
    assert 1 <= len(cards) <= 2
    assert (await world.app.outbox.health()).depth == 0


async def test_audit_has_its_table_without_the_scope_for_files(world: Demo) -> None:
    without(world, "files:write")
    await ask(world, "/cm whoami")
    await propose(world, "/cm task disable balance")
    await world.slack.as_user(ALICE).command(STORAGE, "/cm audit")
    shown = await world.slack.wait_for(
        STORAGE, lambda m: "could not be uploaded" in m.full_text, user=ALICE, timeout=PATIENCE
    )
    assert "files:write" in shown.full_text
    assert "#1" in shown.full_text


async def test_group_grants_nothing_without_the_scope_for_groups(world: Demo) -> None:
    """Carol is an operator through a group alone."""
    without(world, "usergroups:read")
    answer = await ask(world, "/cm task disable balance", user=CAROL)
    assert "S0ONCALL (missing_scope)" in answer.text
    assert await world.app.repository.recent(None, 5) == []


async def test_change_is_made_without_the_scopes_that_show_if_a_channel_is_shared(world: Demo) -> None:
    without(world, "channels:read", "groups:read")
    card = await propose(world, "/cm task disable balance")
    await click(world, card, BOB)
    await card_with(world, card, "Verified")
