"""What differs between two settings."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.cli.main import main
from bot.config import Secrets, Settings, parse
from bot.config.changes import changes, view_changes, view_of

OLD = """
clusters:
  - {name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0STORAGE, token_env: TOKEN}
  - {name: gone, hosts: ["10.0.0.2:9998"], alert_channel: C0GONE}
summaries: [{channel: C0STORAGE}]
"""
NEW = """
clusters:
  - name: prod
    hosts: ["10.0.0.1:9998", "10.0.0.3:9998"]
    alert_channel: C0ALERTS
    token_env: TOKEN
    poll_interval: 1m
    alerts: {escalate_to: S0ONCALL}
  - {name: new, hosts: ["10.0.0.4:9998"], alert_channel: C0NEW}
summaries: [{channel: C0STORAGE, cron: "0 7 * * *"}]
store: {url: "postgresql://u:very-secret@h/db"}
"""


def read(text: str, held: str = "one", bot: str = "xoxb-1") -> Settings:
    secrets = Secrets(_env_file=None, slack_bot_token=SecretStr(bot), slack_app_token=SecretStr(""))
    return parse(text, secrets=secrets, environment={"TOKEN": held})


def test_every_difference_is_a_line() -> None:
    assert [*map(str, changes(read(OLD), read(NEW, "two", "xoxb-2")))] == [
        "clusters.gone: removed",
        "clusters.new: added, with 1 host, alerts in C0NEW",
        "clusters.prod.hosts: 10.0.0.1:9998 → 10.0.0.1:9998, 10.0.0.3:9998",
        "clusters.prod.alert_channel: C0STORAGE → C0ALERTS",
        "clusters.prod.poll_interval: 15s → 60s",
        "clusters.prod.alerts.escalate_to: not set → S0ONCALL",
        "store.url: sqlite:///cmbot.db → postgresql://u:…@h/db",
        "summaries.0.cron: 0 9 * * * → 0 7 * * *",
        "SLACK_BOT_TOKEN: changed",
        "clusters.prod.token: changed",
    ]


def test_rotated_secrets_of_receivers_and_inputs_are_differences() -> None:
    text = f"""{OLD}
outputs: {{receivers: [{{name: pager, kind: pagerduty, key_env: PAGER}}]}}
inputs: {{token_env: INTAKE}}
"""
    secrets = Secrets(_env_file=None)
    old, new = (
        parse(text, secrets=secrets, environment={"TOKEN": "t", "PAGER": held, "INTAKE": f"{held}-in"})
        for held in ("very-secret-one", "very-secret-two")
    )
    assert [*map(str, changes(old, new))] == ["INTAKE: changed", "PAGER: changed"]


def test_equal_settings_have_no_difference() -> None:
    assert changes(read(OLD), read(f"# a comment\n{OLD}timezone: UTC\n")) == ()


def test_stored_view_shows_the_same_differences_without_secrets() -> None:
    old, new = read(OLD), read(NEW, "two", "xoxb-2")
    stored = json.dumps(view_of(new))
    assert not [secret for secret in ("very-secret", "two", "xoxb-2") if secret in stored]
    seen = view_changes(json.loads(json.dumps(view_of(old))), json.loads(stored))
    assert seen == changes(old, new)[:-2], "all but those of secrets"
    assert view_changes(json.loads(stored), view_of(new)) == ()


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--running"], "There is no database"), (["--running", "a", "b"], "alone, or none"), ([], "name the new")],
)
def test_config_diff_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    own = tmp_path / "config.yaml"
    own.write_text(f"{OLD}\nstore: {{url: 'sqlite:///{tmp_path}/none.db'}}\n")
    assert main(["config", "diff", "--config", str(own), *words]) == 2
    assert said in capsys.readouterr().err


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(OLD)
    new.write_text(NEW)
    return str(old), str(new)


def test_config_diff_compares_files(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    old, new = files
    assert main(["config", "diff", old, new]) == 1
    shown = capsys.readouterr().out
    assert "clusters.prod.alert_channel: C0STORAGE → C0ALERTS\n" in shown
    assert "very-secret" not in shown
    assert shown.endswith("\n8 changes.\n")
    assert main(["config", "diff", "--config", old, old]) == 0
    assert capsys.readouterr().out == "No change.\n"


def test_config_diff_refuses_what_a_start_refuses(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    old, new = files
    Path(new).write_text(NEW.replace("name: new", "name: stat"))
    assert main(["config", "diff", old, new]) == 2
    assert "is a command" in capsys.readouterr().err
    assert main(["config", "diff", old, old, old]) == 2


def test_config_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    assert '"$schema": "https://json-schema.org/' in capsys.readouterr().out


@pytest.mark.parametrize("log_in", ["user@corp:s3cret", "u:s3 cret", "u:s3/cret@x"])
def test_a_password_is_hidden_in_every_form_that_a_database_takes(log_in: str) -> None:
    old, new = read(OLD), read(NEW.replace("u:very-secret", log_in))
    for shown in (json.dumps(view_of(new)), *map(str, changes(old, new))):
        assert "cret" not in shown.replace("secret", "")
    assert "@h/db" in json.dumps(view_of(new))


def test_address_of_a_receiver_may_hold_a_key_behind_its_host() -> None:
    texts = [
        f'{OLD}\noutputs: {{receivers: [{{name: hook, kind: alertmanager, url: "https://h.example:8/in/{key}"}}]}}'
        for key in ("first-key", "second-key")
    ]
    old, new = map(read, texts)
    [change] = changes(old, new)
    assert change.key == "outputs.receivers.hook.url"
    for shown in (str(change), json.dumps(view_of(new))):
        assert "https://h.example:8/" in shown
        assert "-key" not in shown
