"""Slack Connect: no change is proposed or approved in a shared channel, and no person of another organisation acts."""

from dataclasses import replace

import pytest

from bot.audit.query import ALL
from bot.cli.demo import Demo
from bot.operations.model import OpState
from tests.e2e.test_operations import ALICE, BOB, CAROL, OPERATIONS, STORAGE, ask, card_with, click, only_op, propose
from tests.e2e.test_operations import refused as refused_click

pytestmark = pytest.mark.fast_time

LINE = "/cm task disable balance"
OUTSIDE = "T0OTHER"


def share(world: Demo, channel: str, sign: str) -> None:
    """Let the workspace say that a channel is shared."""
    workspace = world.slack.workspace
    channels = tuple(
        replace(each, shared=sign == "shared", invited=sign == "invited") if each.id == channel else each
        for each in workspace.team.channels
    )
    workspace.team = replace(workspace.team, channels=channels)


@pytest.mark.parametrize("sign", ["shared", "invited"])
@pytest.mark.parametrize("channel", [STORAGE, OPERATIONS])
async def test_change_is_refused_where_or_when_its_card_would_be_shared(world: Demo, channel: str, sign: str) -> None:
    share(world, channel, sign)
    answer = await ask(world, LINE)
    assert f"<#{channel}> is shared with another organisation" in answer.text
    assert await world.app.repository.recent(None, 5) == []
    assert "prod" in (await ask(world, "/cm stat")).full_text, "reading goes on"


async def test_event_counts_at_once_and_approvals_are_refused(world: Demo) -> None:
    card = await propose(world, LINE)
    await world.slack.as_user(ALICE).send_event({"type": "channel_shared", "channel": OPERATIONS})
    assert "is shared with another organisation" in await refused_click(world, card, BOB)
    assert (await only_op(world)).state is OpState.WAITING
    await world.slack.as_user(ALICE).send_event({"type": "channel_unshared", "channel": OPERATIONS})
    await click(world, card, BOB)
    await card_with(world, card, "Verified")


async def test_person_of_another_organisation_is_refused_everywhere(world: Demo) -> None:
    """Carol may approve as a member of the on-call group; as a person of another organisation she may not."""
    card = await propose(world, LINE)
    workspace = world.slack.workspace
    users = tuple(replace(user, team=OUTSIDE) if user.id == CAROL else user for user in workspace.team.users)
    workspace.team = replace(workspace.team, users=users)
    assert "members of its organisation only" in await refused_click(world, card, CAROL)
    assert (await only_op(world)).state is OpState.WAITING
    async with world.app.store.read() as uow:
        rows = await uow.audit.newest(ALL, limit=5)
    assert any(row.actor == CAROL and row.action == "refused.command" for row in rows)
