"""Roles: held by name or through a user group, and what a group that cannot be listed means."""

import re

import pytest

from bot.common.errors import NotAllowed, SlackError
from bot.config import AccessSettings, Members
from bot.permissions.access import Access, lacking_source
from bot.permissions.problems import NotInGroup, RoleNotHeld
from bot.permissions.roles import Role
from bot.views.access_text import standing_text
from tests.support.refusals import refused

SETTINGS = AccessSettings(
    operators=Members(users=("U0ANNA",), groups=("S0OPS",)),
    approvers=Members(groups=("S0OPS", "S0GONE")),
    admins=Members(users=("U0ANNA",)),
)


async def members(group: str) -> frozenset[str]:
    if group == "S0GONE":
        raise SlackError("no such group", code="no_such_subteam")
    return frozenset({"U0BEN"})


def access(settings: AccessSettings = SETTINGS, *groups: str) -> Access:
    return Access(settings, members, groups)


async def test_rights_list_everything_that_a_person_holds() -> None:
    anna = await access(SETTINGS, "S0OPS").rights("U0ANNA")
    assert anna.held == {Role.OPERATOR, Role.ADMIN}
    assert anna.empty == {Role.BREAKER}
    ben = await access(SETTINGS, "S0OPS").rights("U0BEN")
    assert ben.held == {Role.OPERATOR, Role.APPROVER, "S0OPS"}
    assert ben.unknown == {}, "found in one group, so the other one does not matter"


async def test_group_that_slack_cannot_list_grants_nothing_and_is_named() -> None:
    eve = await access(SETTINGS, "S0GONE").rights("U0EVE")
    assert eve.held == frozenset()
    assert eve.unknown == {Role.APPROVER: "S0GONE (no_such_subteam)", "S0GONE": "S0GONE (no_such_subteam)"}


@pytest.mark.parametrize(
    ("user", "role", "words"),
    [
        ("U0EVE", Role.OPERATOR, "You are not an operator, so you may only read"),
        ("U0EVE", Role.APPROVER, "did not list the approver group S0GONE"),
        ("U0BEN", Role.ADMIN, "`access.admins`"),
        ("U0ANNA", Role.BREAKER, "The settings name no one under `access.breakers`"),
    ],
)
async def test_missing_role_names_how_to_get_it(user: str, role: Role, words: str) -> None:
    with refused(re.escape(words), NotAllowed):
        await access().require(user, role)


async def test_settings_without_roles_name_what_to_configure() -> None:
    with refused(r"access\.operators", NotAllowed):
        await access(AccessSettings()).require("U0ANNA", Role.OPERATOR)


async def test_whoami_lists_roles_and_reasons() -> None:
    expected = tuple(standing_text(await access().standing("U0ANNA")))
    assert expected[1:] == (
        "You are an *operator*: you may propose changes: you are named in `access.operators.users`.",
        "You are an *admin*: you may cancel and settle any operation: you are named in `access.admins.users`.",
    )
    assert "You are not an operator" in list(standing_text(await access().standing("U0EVE")))[-1]


async def test_policy_requirements_are_named() -> None:
    rights = await access(SETTINGS, "S0OTHERS").rights("U0STRANGER")
    assert lacking_source(rights, "S0OTHERS") == NotInGroup("S0OTHERS")
    named = await access(AccessSettings(approvers=Members(users=("U0ANNA",)))).rights("U0STRANGER")
    assert lacking_source(named, Role.APPROVER) == RoleNotHeld(Role.APPROVER)
    assert not lacking_source(
        await access(AccessSettings(approvers=Members(users=("U0ANNA",)))).rights("U0ANNA"), "approver"
    )
