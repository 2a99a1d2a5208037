"""`cmbot check` on people: policies that too few people can meet, by users and by members of groups."""

import pytest

from bot.cli.check_policies import agent_rows, mode_row, policies
from bot.config import Secrets, parse
from bot.operations.policy import PolicyMode

SETTINGS = """
clusters: [{{name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0A}}]
access: {{operators: {operators}, approvers: {approvers}, breakers: {breakers}}}
policies: {policies}
"""


def named(
    mode: PolicyMode,
    *,
    operators: str = "{users: [U0ANNA]}",
    approvers: str = "{users: [U0ANNA]}",
    breakers: str = "{}",
    policies_text: str = "{}",
    members: dict[str, frozenset[str]] | None = None,
) -> dict[str, str]:
    """Return the policies that are named, each with what is found."""
    text = SETTINGS.format(operators=operators, approvers=approvers, breakers=breakers, policies=policies_text)
    settings = parse(text, secrets=Secrets(_env_file=None), environment={})
    return {row.what: row.found for row in policies(settings, mode, members or {})}


def test_one_person_for_everything_is_too_few_by_strict_policies() -> None:
    found = named(PolicyMode.STRICT)
    assert found["policies.task_disable"].endswith("no one can give one besides the requester")
    assert {"policies.member_add", "policies.leader_transfer", "policies.disk_offline"} <= set(found)
    assert "policies.task_enable" not in found
    assert "policies.task_disable" not in named(PolicyMode.LOOSE)
    assert "policies.task_disable" not in named(PolicyMode.STRICT, policies_text="{default: loose}")
    assert named(PolicyMode.STRICT, approvers="{users: [U0ANNA, U0BEN]}") == {}


def test_no_approver_fails_by_strict_policies_alone() -> None:
    assert "policies.task_disable" in named(PolicyMode.STRICT, approvers="{}")
    assert named(PolicyMode.LOOSE, approvers="{}") == {}


@pytest.mark.parametrize(("people", "too_few"), [(("U0ANNA",), True), (("U0ANNA", "U0BEN"), False)])
def test_members_of_groups_count_where_slack_lists_them(people: tuple[str, ...], too_few: bool) -> None:
    group = "{groups: [S0ONCALL]}"
    known = {"S0ONCALL": frozenset(people)}
    found = named(PolicyMode.STRICT, operators=group, approvers=group, members=known)
    assert ("policies.task_disable" in found) is too_few
    assert named(PolicyMode.STRICT, operators=group, approvers=group) == {}, "a group that is not known passes"
    of_group = named(PolicyMode.STRICT, policies_text="{task_disable: {from: S0ONCALL}}", members=known)
    assert ("policies.task_disable" in of_group) is too_few


def test_break_glass_needs_two_others_besides_the_breaker() -> None:
    anna = "{users: [U0ANNA]}"
    few = named(PolicyMode.STRICT, approvers="{users: [U0ANNA, U0BEN]}", breakers=anna)
    assert few == {"policies.break_glass": "it needs 2 approvals, but only 1 person can give one besides the requester"}
    assert named(PolicyMode.STRICT, approvers="{users: [U0ANNA, U0BEN, U0CLEO]}", breakers=anna) == {}


@pytest.mark.parametrize(
    ("text", "mode", "warns", "words"),
    [
        ("{}", PolicyMode.LOOSE, True, "not set"),
        ("{}", PolicyMode.STRICT, False, "strict: a second person decides"),
        ("{default: loose}", PolicyMode.STRICT, False, "loose: an approver may approve"),
        ("{default: strict}", PolicyMode.LOOSE, False, "strict: a second person decides"),
    ],
)
def test_default_policies_have_a_row_and_a_warning_until_they_are_set(
    text: str, mode: PolicyMode, warns: bool, words: str
) -> None:
    written = SETTINGS.format(operators="{}", approvers="{}", breakers="{}", policies=text)
    row = mode_row(parse(written, secrets=Secrets(_env_file=None), environment={}), mode)
    assert row.found.startswith(words)
    assert (row.well, row.warns, bool(row.fix)) == (True, warns, warns)


@pytest.mark.parametrize(
    ("access", "mcp", "well", "warns", "words"),
    [
        ("{operators: {users: [U0ANNA]}}", "{}", True, False, ""),
        ("{operators: {users: [U0BEN]}}", "{propose: true, owner: U0ANNA}", False, False, "is no operator of prod"),
        ("{}", "{propose: true, owner: U0ANNA}", False, False, "is no operator of prod"),
        ("{operators: {users: [U0ANNA]}}", "{propose: true, owner: U0ANNA}", True, True, "too few people besides"),
        (
            "{operators: {users: [U0ANNA, U0BEN]}, approvers: {users: [U0BEN]}}",
            "{propose: true, owner: U0ANNA}",
            True,
            False,
            "agents propose in the name of U0ANNA on prod",
        ),
        (
            "{operators: {groups: [S0ONCALL]}, approvers: {groups: [S0DBA]}}",
            "{propose: true, owner: U0ANNA}",
            True,
            False,
            "agents",
        ),
    ],
)
def test_person_behind_agents_must_be_an_operator_and_have_approvers_besides(
    access: str, mcp: str, well: bool, warns: bool, words: str
) -> None:
    text = f'clusters: [{{name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0A}}]\naccess: {access}\nmcp: {mcp}\n'
    settings = parse(text, secrets=Secrets(_env_file=None), environment={})
    rows = agent_rows(settings, PolicyMode.LOOSE, {})
    assert [(row.well, row.warns, words in row.found) for row in rows] == ([(well, warns, True)] if words else [])
