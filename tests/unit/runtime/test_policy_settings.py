"""From the settings to the policy that decides: defaults, for all, for one cluster, break-glass."""

import pytest
from pydantic import SecretStr

from bot.config import Secrets, Settings, parse
from bot.operations.policy import POLICIES, Policy, PolicyMode
from bot.runtime.settings_mapping import names_no_default, policy

SETTINGS = """
clusters:
  - name: prod
    hosts: ["10.0.0.1:9998"]
    alert_channel: C0STORAGE
    policies: {leader_transfer: {approvals: 3}, break_glass: {approvals: 3}}
  - {name: test, hosts: ["10.0.0.2:9998"], alert_channel: C0TEST}
operations: {expires_after: 5m}
policies: {leader_transfer: {from: S0DBA, expires_after: 1m}}
"""


def test_a_role_that_a_cluster_names_replaces_the_global_one() -> None:
    text = """
clusters:
  - {name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0A, access: {operators: {groups: [S0OPS]}, admins: {}}}
  - {name: test, hosts: ["10.0.0.2:9998"], alert_channel: C0T}
access: {operators: {users: [U0DEV]}, approvers: {users: [U0BOSS]}, admins: {users: [U0BOSS]}}
"""
    settings = parse(text, secrets=Secrets(_env_file=None), environment={})
    assert set(settings.own_access) == {"prod"}
    own = settings.own_access["prod"]
    assert (own.operators.users, own.operators.groups) == ((), ("S0OPS",))
    assert own.approvers == settings.access.approvers
    assert own.admins.users == ()
    assert settings.groups == ("S0OPS",)


@pytest.fixture
def settings() -> Settings:
    return parse(SETTINGS, secrets=Secrets(_env_file=None, slack_bot_token=SecretStr("")), environment={})


def test_the_cluster_overrides_all_and_all_overrides_the_default(settings: Settings) -> None:
    assert policy(settings, PolicyMode.LOOSE, "prod", ("leader_transfer",), forced=False) == Policy(
        3, "S0DBA", "if_approver", expires_after=60.0
    )
    assert policy(settings, PolicyMode.LOOSE, "test", ("leader_transfer",), forced=False) == Policy(
        1, "S0DBA", "if_approver", expires_after=60.0
    )
    assert policy(settings, PolicyMode.LOOSE, "test", ("member_remove",), forced=False) == Policy(
        1, "approver", "never", expires_after=300.0
    )
    assert policy(settings, PolicyMode.LOOSE, "gone", ("task_enable",), forced=False).requester_may == "always"


def test_break_glass_is_never_weaker_than_what_it_forces(settings: Settings) -> None:
    """That the settings cannot ask for less is refused where they are read (tests/unit/config/test_config.py)."""
    forced = policy(settings, PolicyMode.LOOSE, "test", ("member_remove",), forced=True)
    assert (forced.approvals, forced.requester_may, forced.reason) == (2, "never", "required")
    assert policy(settings, PolicyMode.LOOSE, "prod", ("member_remove",), forced=True).approvals == 3
    assert policy(settings, PolicyMode.LOOSE, "prod", ("leader_transfer",), forced=True).approvals == 3


@pytest.mark.parametrize("key", POLICIES)
def test_settings_accept_a_policy_for_every_kind(key: str) -> None:
    text = f"""
clusters: [{{name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0A}}]
policies: {{{key}: {{approvals: 4}}}}
"""
    found = parse(text, secrets=Secrets(_env_file=None), environment={})
    assert policy(found, PolicyMode.LOOSE, "prod", (key,), forced=False).approvals == 4


@pytest.mark.parametrize("key", POLICIES)
def test_strict_policies_need_another_person_than_the_requester(key: str) -> None:
    """To turn a task on again ends what a change began: its requester confirms it."""
    text = """
clusters:
  - {name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0A}
  - {name: lab, hosts: ["10.0.0.2:9998"], alert_channel: C0B, policies: {default: loose}}
policies: {default: strict, disk_readonly: {requester_may: if_approver}}
"""
    found = parse(text, secrets=Secrets(_env_file=None), environment={})
    strict = policy(found, PolicyMode.LOOSE, "prod", (key,), forced=False)
    expected = {"task_enable": "always", "disk_readonly": "if_approver"}.get(key, "never")
    assert strict.requester_may == expected, "what the settings name for a kind counts before the default"
    loose = policy(found, PolicyMode.STRICT, "lab", (key,), forced=False)
    assert loose.requester_may == POLICIES[key].requester_may


def test_settings_without_a_default_go_on_as_the_installation_began(settings: Settings) -> None:
    for mode, may in ((PolicyMode.STRICT, "never"), (PolicyMode.LOOSE, "if_approver")):
        assert policy(settings, mode, "test", ("task_disable",), forced=False).requester_may == may
    assert names_no_default(settings, PolicyMode.LOOSE)
    assert not names_no_default(settings, PolicyMode.STRICT)
