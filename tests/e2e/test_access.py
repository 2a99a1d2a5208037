"""Roles of one cluster: its cards, forms and buttons require them."""

import pytest

from bot.cli.demo import Demo
from bot.config import Members
from bot.permissions.access import Access
from bot.permissions.roles import Role
from tests.e2e.test_operations import ALICE, BOB, CAROL, ask, card_with, click, propose, refused

pytestmark = pytest.mark.fast_time


def only_carol_approves(world: Demo) -> None:
    """Give prod its own approvers, as `clusters[].access` does at the start."""
    approvals = world.app.dispatcher.buttons.approvals
    everywhere = approvals.access
    prod = everywhere.settings.model_copy(update={"approvers": Members(users=(CAROL,))})
    approvals.access = Access(everywhere.settings, everywhere.group_members, (), {"prod": prod})


async def test_card_of_a_cluster_with_roles_needs_them(world: Demo) -> None:
    only_carol_approves(world)
    card = await propose(world, "/cm member remove 3 prod")
    assert "do not hold the role approver" in await refused(world, card, BOB)
    await click(world, card, CAROL)
    await card_with(world, card, "Verified")


async def test_global_approver_decides_in_clusters_without_own_roles(world: Demo) -> None:
    only_carol_approves(world)
    answer = await ask(world, "/cm whoami", user=ALICE)
    assert "operator" in answer.text
    approvals = world.app.dispatcher.buttons.approvals
    assert (await approvals.access.rights(BOB, "archive")).has(Role.APPROVER)
    assert not (await approvals.access.rights(BOB, "prod")).has(Role.APPROVER)
