"""`cmbot check` and `cmbot status`, run as a person runs them."""

import io
import json
import os
from pathlib import Path

import pytest
from rich.console import Console

from bot.cli.check import address
from bot.cli.check_policies import own_roles, policies
from bot.cli.check_row import CheckRow, table
from bot.cli.terminal.show import write as write_text
from bot.config import Secrets, parse
from bot.operations.policy import PolicyMode
from bot.playground.clustermgr_sim import SimulatedCluster
from bot.playground.slack_sim.server import LocalSlack
from tests.support.command_line import command_line

SETTINGS = """
slack: {{api_url: "{api}"}}
store: {{url: "sqlite:///{folder}/cmbot.db"}}
clusters:
  - {{name: prod, hosts: {hosts}, alert_channel: {channel}}}
access: {{operators: {{users: [U0ALICE], groups: [{group}]}}, approvers: {{groups: [{group}]}}}}
"""

TWO = """
clusters:
  - {name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0A, access: {approvers: {users: [U0BEN]}, admins: {}}}
  - {name: lab, hosts: ["10.0.0.2:9998"], alert_channel: C0B}
access: {operators: {users: [U0BEN]}, approvers: {users: [U0ANNA]}, admins: {groups: [S0ADMINS]}}
"""


def test_check_reports_policies_that_a_cluster_cannot_satisfy() -> None:
    """In prod a removal takes two people, and only the proposer may approve."""
    settings = parse(TWO, secrets=Secrets(_env_file=None), environment={})
    shown = [(row.what, row.well, row.found) for row in own_roles(settings)]
    assert shown == [
        ("clusters.prod.access.approvers", True, "1 user and 0 user groups"),
        ("clusters.prod.access.admins", True, "no one: " + WITHOUT_ADMINS),
    ]
    found = {row.what: row.fix for row in policies(settings, PolicyMode.LOOSE, {})}
    removal = "clusters.prod.policies.member_remove"
    assert found[removal] == "name more people under clusters.prod.access.approvers"
    assert not any(what.startswith("policies.") for what in found), "in the lab Anna approves what Ben proposes"
    assert settings.groups == ("S0ADMINS",)


WITHOUT_ADMINS = "only its requester can cancel an operation, and no one can settle one by hand"


async def cmbot(*words: str, **environment: str) -> tuple[int, str]:
    """Run the command line; its exit status and everything it printed."""
    status, out, err = await command_line(*words, environment=os.environ | {"COLUMNS": "300"} | environment)
    return status, out + err


def write(folder: Path, slack: LocalSlack, hosts: list[str], *, channel: str, group: str = "S0ONCALL") -> str:
    """Write a settings file; its path."""
    text = SETTINGS.format(api=slack.api_url, folder=folder, hosts=json.dumps(hosts), channel=channel, group=group)
    (folder / "config.yaml").write_text(text)
    return str(folder / "config.yaml")


async def test_check_of_a_working_installation_passes(tmp_path: Path) -> None:
    """Each item of the settings has a line; the exit status is 0."""
    async with SimulatedCluster() as cluster, LocalSlack() as slack:
        config = write(tmp_path, slack, list(cluster.hosts), channel="C0STORAGE")
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        status, out = await cmbot("check", "--config", config, **tokens)
        assert status == 0, out
        for what in ("bot token", "C0STORAGE", "S0ONCALL", "access.operators", "prod is healthy", "Dialect v3"):
            assert what in out
        for host in cluster.hosts:
            assert host in out
        status, out = await cmbot("status", "--config", config, **tokens)
        assert status == 0, out
        assert "prod is healthy" in out
        slack.assert_no_violations()


async def test_check_asks_the_schedulers(tmp_path: Path) -> None:
    """A scheduler that answers passes, one that does not is named with its fix."""
    async with SimulatedCluster(schedulers=2) as cluster, LocalSlack() as slack:
        channel = "C0STORAGE, schedulers: [127.0.0.0/8]"
        config = write(tmp_path, slack, list(cluster.hosts), channel=channel)
        await cluster.stop_scheduler(2, registered=True)
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        status, out = await cmbot("check", "--config", config, **tokens)
        hosts = [cluster.scheduler_host(number) for number in (1, 2)]
    assert status == 1, out
    for words in (f"scheduler {hosts[0]}", "has statistics of", f"scheduler {hosts[1]}", "no connection could be made"):
        assert words in out, out
    assert "clusters.prod.schedulers" in out


async def test_check_failure_has_its_fix(tmp_path: Path) -> None:
    """A channel without the app, a group that is none, a dead host: each has its fix; the exit status is 1."""
    async with SimulatedCluster() as cluster, LocalSlack() as slack:
        await cluster.kill(3)
        config = write(tmp_path, slack, list(cluster.hosts), channel="C0RANDOM", group="S0ABSENT")
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        status, out = await cmbot("check", "--config", config, **tokens)
    assert status == 1
    for words in ("/invite @cmbot", "S0ABSENT", "refuses connections", "check the address"):
        assert words in out
    assert slack.bot_token not in out


async def test_check_wrong_token_is_reported_and_never_shown(tmp_path: Path) -> None:
    """The most common mistake."""
    async with SimulatedCluster() as cluster, LocalSlack() as slack:
        config = write(tmp_path, slack, list(cluster.hosts), channel="C0STORAGE")
        wrong = {"SLACK_BOT_TOKEN": "xoxb-wrong-and-secret", "SLACK_APP_TOKEN": slack.app_token}
        status, out = await cmbot("check", "--config", config, **wrong)
    assert status == 1
    assert "xoxb-" in out
    assert "wrong-and-secret" not in out


@pytest.mark.parametrize("command", ["run", "check", "status", "migrate"])
async def test_bad_settings_file_gets_one_sentence(tmp_path: Path, command: str) -> None:
    """No command prints a traceback."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("clusters: [{name: prod, hosts: [nowhere], alert_channel: C0STORAGE}]")
    for path in (bad, tmp_path / "none.yaml"):
        status, out = await cmbot(command, "--config", str(path))
        assert status == 1
        assert "Traceback" not in out
        assert out.startswith("cmbot: ")


def test_check_table_with_foreign_text_cannot_steer_a_terminal() -> None:
    """Foreign text (the name of a channel, the answer of a host) is shown without escape sequences."""
    out, row = io.StringIO(), CheckRow("channel C1", well=True, found="#x\x1b]0;y\x07\u202e")
    Console(file=out, width=200, force_terminal=False).print(table([row]))
    assert "#x]0;y" in out.getvalue()
    assert not {"\x1b", "\x07", "\u202e"} & set(out.getvalue())


def test_check_has_the_problems_first_and_one_finding_a_line() -> None:
    """In a pipe no line is wrapped, so that it can be searched; at 80 columns nothing is wider."""
    fix = "type /invite @cmbot in it, then look at /cm stat prod"
    rows = [CheckRow("bot token", well=True, found="cmbot " * 40), CheckRow("C0RANDOM", well=False, found="x", fix=fix)]
    out, narrow = io.StringIO(), io.StringIO()
    write_text(table(rows), out)
    first, second, last = out.getvalue().splitlines()
    assert first == "✗ failed  C0RANDOM: x → type /invite @cmbot in it, then look at cmbot stat prod"
    assert second.startswith("✓ ok      bot token: cmbot cmbot")
    assert last == "1 of 2 checks failed."
    Console(file=narrow, width=80, color_system=None).print(table(rows))
    assert max(map(len, narrow.getvalue().splitlines())) <= 80


def test_check_plain_http_address_of_slack_is_reported() -> None:
    """The address of a workspace on this machine passes."""
    assert [(row.well, row.what) for row in address("http://proxy.example.com/api/")] == [(False, "slack.api_url")]
    assert address("https://slack.com/api/") == address("http://127.0.0.1:8484/api/") == []
