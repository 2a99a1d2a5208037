"""The settings: accepted values, and refusals that name the key, the value and the fix."""

import os
import re
from importlib import import_module
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.common.durations import seconds_in_settings
from bot.common.errors import ConfigError
from bot.config import Secrets, Section, Settings, load, parse
from bot.runtime.startup import allowed_schedulers

MINIMAL = """
clusters:
  - {name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0STORAGE}
"""
NO_SECRETS = Secrets(_env_file=None, slack_bot_token=SecretStr(""))


def read(text: str, **environment: str) -> Settings:
    return parse(text, secrets=NO_SECRETS, environment=environment)


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value)


def with_cluster(line: str) -> str:
    return MINIMAL.replace("alert_channel: C0STORAGE", f"alert_channel: C0STORAGE, {line}")


def test_a_minimal_file_is_enough() -> None:
    """Three keys make a working configuration, the rest has defaults."""
    cluster = read(MINIMAL).clusters[0]
    assert (cluster.poll_interval, cluster.card_channel, cluster.dialect) == (15.0, "C0STORAGE", "auto")


def test_the_example_is_valid() -> None:
    """The file that people copy must itself pass."""
    example = Path(__file__).parents[3] / "config.example.yaml"
    assert [cluster.name for cluster in load(example).clusters] == ["prod", "archive"]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("15s", 15),
        ("5m", 300),
        ("2h", 7200),
        ("1d", 86400),
        (7, 7),
        ("250ms", 0.25),
        ("1w", 604800),
        ("2h30m", 9000),
        ("86400s", 86400),
        ("90", 90),
    ],
)
def test_durations(written: object, seconds: float) -> None:
    assert seconds_in_settings(written) == seconds


@pytest.mark.parametrize("written", ["soon", "-5s", True, None, "5 parsecs", [], "1e9s"])
def test_text_that_is_no_duration_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="write a time such as 30m, 2h30m, 7d or 1w, or a number of seconds"):
        seconds_in_settings(written)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (with_cluster("dialekt: v1"), ("clusters.prod.dialekt", "no such setting")),
        (with_cluster("poll_interval: soon"), ("clusters.prod.poll_interval", "'soon'", "write a time such as")),
        (with_cluster("dialect: v2"), ("clusters.prod.dialect", "'v2'", "'v1' or 'v3'")),
        (MINIMAL.replace("10.0.0.1:9998", "10.0.0.1"), ("hosts.0", "'10.0.0.1'", "name-or-address:port")),
        (MINIMAL.replace("10.0.0.1:9998", "10.0.0.1:99999"), ("hosts.0", "name-or-address:port")),
        (MINIMAL.replace('["10.0.0.1:9998"]', '["a:1", "a:1"]'), ("twice",)),
        (
            MINIMAL.replace('["10.0.0.1:9998"]', '["a:1", "http://A.:01"]'),
            ("names http://A.:01 twice", "a:1 is the same"),
        ),
        (MINIMAL.replace('["10.0.0.1:9998"]', '["[fd00::2]:1", "[fd00:0::2]:1"]'), ("twice",)),
        (MINIMAL.replace('["10.0.0.1:9998"]', '["10.0.0.1:1", "[::ffff:10.0.0.1]:1"]'), ("twice",)),
        (MINIMAL.replace("C0STORAGE", "'#storage'"), ("alert_channel", "'#storage'", "write an id such as C0123ABCD")),
        (MINIMAL.replace("name: prod", "name: Prod Cluster"), ("name", "'Prod Cluster'")),
        (MINIMAL + MINIMAL.replace("\nclusters:", "")[0:0] + "clusters: []\n", ("clusters", "given twice")),
        ("clusters: []", ("clusters", "at least 1")),
        ("clusters: {", ("not valid YAML", "line")),
        ("", ("empty", "config.example.yaml")),
        ("- a", ("empty",)),
        (MINIMAL + "access: {operators: {users: [alice]}}", ("access.operators.users.0", "'alice'", "member ID")),
        (MINIMAL + "summaries: [{channel: C0X1, timezone: Mars}]", ("timezone", "'Mars'", "Europe/Berlin")),
        (MINIMAL + "summaries: [{channel: C0X1, clusters: [dev]}]", ("'dev'", "not configured")),
        (MINIMAL + "slack: {api_url: slack.com}", ("slack.api_url", "not shown", "https://slack.com/api/")),
        (MINIMAL + "mcp: {propose: true}", ("mcp.propose needs mcp.owner", "in whose name agents propose")),
        (MINIMAL + "mcp: {propose: true, owner: anna}", ("mcp.owner", "'anna'", "member ID")),
        (MINIMAL + "secrets: {}", ("secrets", "environment variables")),
    ],
)
def test_refusal_names_key_value_and_fix(text: str, words: tuple[str, ...]) -> None:
    """A refusal names the path, the value, and the value to write instead."""
    line = refusal(text)
    assert all(word in line for word in words), line


def test_a_secret_in_the_file_is_refused_without_being_shown() -> None:
    """The refusal of a token in the file does not repeat the token."""
    line = refusal(MINIMAL + "slack_bot_token: xoxb-very-secret")
    assert "slack_bot_token" in line
    assert "very-secret" not in line


def test_two_clusters_of_one_name() -> None:
    """A doubled name would make every command ambiguous."""
    line = '  - {name: prod, hosts: ["10.0.0.2:9998"], alert_channel: C0STORAGE}\n'
    assert "two clusters are called 'prod'" in refusal(MINIMAL + line)


def test_a_cluster_token_comes_from_the_environment() -> None:
    """`token_env` names the variable; a missing one is reported at once, and the value is redacted everywhere."""
    text = with_cluster("token_env: PROD_TOKEN")
    settings = read(text, PROD_TOKEN="hush")
    assert settings.cluster_tokens["prod"].get_secret_value() == "hush"
    assert "hush" in settings.all_secrets
    assert "hush" not in repr(settings)
    with pytest.raises(ConfigError, match="PROD_TOKEN is not set"):
        read(text)


def test_huge_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.touch()
    os.truncate(file, 1 << 40)
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        load(file)


def test_missing_file_names_the_fix(tmp_path: Path) -> None:
    """The first thing a new user meets: no file yet."""
    with pytest.raises(ConfigError, match="run `cmbot init`"):
        load(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MINIMAL + "store: 'postgresql://u:very-secret@h/db'", ("store", "write keys and values below it")),
        (MINIMAL + "slack: xoxb-very-secret", ("slack", "write keys and values below it")),
        (MINIMAL + "log_level: xapp-1-very-secret", ("log_level", "not shown")),
        (MINIMAL + "slack: {api_url: 'ftp://u:very-secret@h/'}", ("slack.api_url", "not shown", "complete address")),
        (MINIMAL + "slack: {api_url: 'https://u:very-secret@h/'}", ("slack.api_url", "not shown", "without a user")),
        (MINIMAL.replace("10.0.0.1", "http://u:very-secret@h"), ("hosts.0", "not shown", "name-or-address:port")),
        (with_cluster("token_env: very-secret"), ("clusters.prod.token_env", "name of the environment variable")),
    ],
)
def test_a_secret_in_the_wrong_place_is_not_shown(text: str, words: tuple[str, ...]) -> None:
    """The refusal may be logged, so it names the place and the fix, never the secret."""
    line = refusal(text)
    assert all(word in line for word in words), line
    assert "very-secret" not in line


@pytest.mark.parametrize(
    "value",
    ["2001-99-99", "!!int x", "!!float x", "!!bool x", "!!timestamp x", "9" * 5000, "2001-12-12 10:10:10 +99:99"],
)
def test_invalid_yaml_value_is_refused(value: str) -> None:
    """The library lets Python's own exceptions through."""
    assert "put it into quotes (line 4" in refusal(MINIMAL + f"log_level: {value}")


def test_deep_nesting_is_refused_in_words() -> None:
    assert "nested too deeply" in refusal("clusters: " + "[" * 20_000)


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("postgresql://u:p%40ss%2Fword@h/db", {"p%40ss%2Fword", "p@ss/word"}),
        ("postgresql://u:pa/ss#w?o@h/db", {"pa/ss#w?o"}),
        ("postgresql://u:pa@ss@h/db", {"pa@ss", "pa"}),
        ("postgresql://u:p[ss@h/db", {"p[ss"}),
        ("sqlite:///cmbot.db", set[str]()),
    ],
)
def test_the_database_s_password_is_redacted_however_it_is_written(url: str, secrets: set[str]) -> None:
    """Drivers speak of the password as it is meant, settings as it is written."""
    settings = parse(MINIMAL, secrets=Secrets(_env_file=None, cmbot_store_url=SecretStr(url)), environment={})
    assert set(settings.all_secrets) >= secrets
    assert all(secret not in repr(settings) for secret in secrets)


def test_database_url_is_not_in_the_settings_repr() -> None:
    assert "very-secret" not in repr(read(MINIMAL + "store: {url: 'postgresql://u:very-secret@h/db'}"))


def test_policies_are_read_for_all_and_for_one_cluster() -> None:
    """`from` is a role or a user group; the groups that are named anywhere are known."""
    found = read(
        with_cluster("policies: {leader_transfer: {approvals: 2, from: S0STORAGE, expires_after: 30m}}")
        + "policies: {task_disable: {requester_may: never, reason: required}}\n"
        + "access: {approvers: {groups: [S0ONCALL]}}\n"
    )
    own = found.clusters[0].policies.leader_transfer
    assert own is not None
    assert own.model_dump(exclude_none=True) == {"approvals": 2, "source": "S0STORAGE", "expires_after": 1800.0}
    assert found.policies.kinds["task_disable"].requester_may == "never"
    assert found.policy_groups == ("S0STORAGE",)
    assert found.groups == ("S0ONCALL", "S0STORAGE")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("policies: {task_delete: {approvals: 1}}", "policies.task_delete"),
        ("policies: {task_disable: {approvals: 0}}", "policies.task_disable.approvals"),
        ("policies: {task_disable: {from: everybody}}", "policies.task_disable.from"),
        ("policies: {task_disable: {requester: never}}", "policies.task_disable.requester"),
        ("policies: {default: secure}", "policies.default = 'secure': write 'strict' or 'loose'"),
        ("policies: {task_disable: {code: required}}", "policies.task_disable.code"),
    ],
)
def test_a_policy_that_cannot_be_is_named(line: str, words: str) -> None:
    assert words in refusal(MINIMAL + line)


def test_escalation_targets_are_listed_globally_and_per_cluster() -> None:
    text = with_cluster("alerts: {escalate_after: 5m}") + "alerts: {escalate_to: S0ONCALL, escalate_after: 20m}\n"
    settings = read(text)
    called = settings.escalation(settings.clusters[0])
    assert (called.escalate_to, called.escalate_after, called.escalate_severity) == ("S0ONCALL", 300.0, None)
    assert settings.groups == ("S0ONCALL",)
    assert "escalate_to" in refusal(MINIMAL + "alerts: {escalate_to: oncall}")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("operation_channel: C0X", "operation_channel: no such setting; did you mean operations_channel?"),
        (
            "policies: {member_remove: {approvalz: 2}}",
            "member_remove.approvalz: no such setting; did you mean approvals?",
        ),
        ("zebra: 1", "zebra: no such setting; look for a typo, or see docs/configuration.md"),
        ("policies: {member_remove: {from: boss}}", "from = 'boss': write operator, approver or admin, or the id of"),
        ("policies: {break_glass: {approvals: 1}}", "break_glass.approvals is always at least 2"),
        ("policies: {break_glass: {requester_may: always}}", "break_glass.requester_may is always never"),
        ("policies: {break_glass: {reason: optional}}", "break_glass.reason is always required"),
    ],
)
def test_wrong_key_is_one_line_with_the_nearest_key(written: str, expected: str) -> None:
    """No path of the library, no second line that only follows from the first."""
    text = f'clusters:\n  - {{name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0STORAGE, {written}}}\n'
    with pytest.raises(ConfigError) as refused:
        read(text)
    [line] = str(refused.value).splitlines()
    assert line.startswith("clusters.prod.")
    assert expected in line


def test_a_stricter_break_glass_is_taken() -> None:
    settings = read(f"{MINIMAL}policies: {{break_glass: {{approvals: 3, from: admin, reason: required}}}}")
    assert settings.policies.kinds["break_glass"].approvals == 3


def test_command_without_cluster_request_needs_no_token() -> None:
    text = MINIMAL.replace("alert_channel", "token_env: CMBOT_TOKEN_PROD, alert_channel")
    with pytest.raises(ConfigError, match="CMBOT_TOKEN_PROD is not set"):
        read(text)
    assert parse(text, secrets=NO_SECRETS, environment={}, tokens=False).cluster_tokens == {}


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("schedulers: [10.0.0.5]", ("schedulers.0", "'10.0.0.5'", "name-or-address:port")),
        ("schedulers: [10.0.0.5/24]", ("schedulers.0", "'10.0.0.5/24'", "a network such as 10.0.0.0/24")),
        ("schedulers: [0.0.0.0/0]", ("schedulers.0", "too wide", "at least /8")),
        ('schedulers: ["::/0"]', ("schedulers.0", "too wide", "at least /32")),
        ("schedulers: 10.0.0.5:9800", ("schedulers", 'schedulers: ["10.0.0.5:9800"]')),
        ("schedulers: [http://10.0.0.5:9800/stats]", ("schedulers.0", "name-or-address:port")),
        ("scheduler_token_env: hush", ("scheduler_token_env", "CMBOT_TOKEN_PROD")),
    ],
)
def test_wrong_scheduler_is_refused_with_its_fix(written: str, words: tuple[str, ...]) -> None:
    line = refusal(with_cluster(written))
    assert all(word in line for word in words), line
    assert "hush" not in line


def test_schedulers_are_addresses_and_networks() -> None:
    settings = read(with_cluster('schedulers: [" s1:9800 ", https://s2:9800, 10.0.1.0/24, "fd00::/64"]'))
    allowed = allowed_schedulers(settings.clusters[0].schedulers)
    assert allowed.hosts == ("s1:9800", "https://s2:9800")
    assert [str(each) for each in allowed.networks] == ["10.0.1.0/24", "fd00::/64"]


def test_scheduler_token_is_separate_and_redacted() -> None:
    settings = read(with_cluster("schedulers: [s1:9800], scheduler_token_env: SCHED"), SCHED="hush")
    assert (settings.cluster_tokens, settings.scheduler_tokens["prod"].get_secret_value()) == ({}, "hush")
    assert "hush" in settings.all_secrets
    with pytest.raises(ConfigError, match="scheduler_token_env: the environment variable SCHED is not set"):
        read(with_cluster("scheduler_token_env: SCHED"))


@pytest.mark.parametrize(
    ("cluster", "common", "seconds"),
    [
        ("disks: {}", "", 6 * 3600.0),
        ("disks: {}", "disks: {recheck_for: 2d}", 2 * 86400.0),
        ("disks: {recheck_for: 30m}", "disks: {recheck_for: 2d}", 1800.0),
        ("disks: {recheck_for: 0}", "", 0.0),
    ],
)
def test_time_of_recounting_disks_is_set_globally_and_per_cluster(cluster: str, common: str, seconds: float) -> None:
    settings = read(f"{with_cluster(cluster)}{common}\n")
    assert settings.recheck_for(settings.clusters[0]) == seconds


@pytest.mark.parametrize("wrong", ["soon", "31d", "-1", "true"])
def test_wrong_time_of_recounting_disks_is_named(wrong: str) -> None:
    assert "disks.recheck_for" in refusal(f"{MINIMAL}disks: {{recheck_for: {wrong}}}")


def test_every_setting_is_documented() -> None:
    """docs/configuration.md explains every key."""
    page = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
    held = {key for section in _sections(Settings) for key in _keys(section)} - {
        "secrets",
        "cluster_tokens",
        "scheduler_tokens",
        "remarks",
        "exchange_secrets",
    }
    assert [key for key in sorted(held) if not re.search(rf"\b{key}\b", page)] == []


def _sections(model: type[Section]) -> set[type[Section]]:
    """The section and every section within it."""
    named = {
        getattr(import_module(module), name)
        for field in model.model_fields.values()
        for module, name in re.findall(r"(bot\.config\.\w+)\.(\w+)", str(field.annotation))
    }
    inner = {each for each in named if isinstance(each, type) and issubclass(each, Section)}
    return {model}.union(*(_sections(each) for each in inner))


def _keys(section: type[Section]) -> set[str]:
    return {field.alias or name for name, field in section.model_fields.items()}


def test_limits_of_disks_have_defaults_and_bounds() -> None:
    assert read(MINIMAL).operations.disks.model_dump() == {"per_host": 1, "per_zone": 2, "reserve_percent": 10}
    text = f"{MINIMAL}\noperations: {{disks: {{per_zone: 5, reserve_percent: 0}}}}\n"
    assert read(text).operations.disks.model_dump() == {"per_host": 1, "per_zone": 5, "reserve_percent": 0}
    with pytest.raises(ConfigError, match="per_host"):
        read(text.replace("per_zone: 5", "per_host: 0"))
