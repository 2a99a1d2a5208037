"""Which proxy leads to Slack, and to which addresses."""

from pathlib import Path

import pytest

from bot.common.errors import ConfigError
from bot.config import Settings, load
from bot.config.proxy import SlackProxy

CLUSTERS = 'clusters:\n  - {name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0STORAGE}\n'
VARIABLES = ("SLACK_PROXY", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def read(folder: Path, more: str = "") -> Settings:
    file = folder / "config.yaml"
    file.write_text(CLUSTERS + more)
    return load(file)


def test_no_proxy_by_default(tmp_path: Path) -> None:
    assert read(tmp_path).slack_proxy is None


def test_setting_comes_before_the_variable_for_all_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", "hooks.slack.com, .internal")
    found = read(tmp_path).slack_proxy
    assert found is not None
    assert (found.url, found.source) == ("http://proxy.example.com:3128", "HTTPS_PROXY")
    assert found.of("https://slack.com/api/") == found.url
    assert found.of("wss://wss-primary.slack.com/link") == found.url
    assert found.of("https://hooks.slack.com/commands/1") is None
    assert found.of("http://slack.com/api/") is None
    own = read(tmp_path, "slack: {proxy: 'http://own.example.com:8080'}\n").slack_proxy
    assert own is not None
    assert (own.place, own.source) == ("own.example.com:8080", "slack.proxy")
    assert own.of("https://hooks.slack.com/commands/1") == own.url


def test_password_of_the_proxy_is_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_PROXY", "http://me:very%21secret@proxy.example.com:3128")
    settings = read(tmp_path, "slack: {proxy: 'http://own.example.com:8080'}\n")
    assert settings.slack_proxy is not None
    assert settings.slack_proxy.source == "SLACK_PROXY"
    assert {"very%21secret", "very!secret"} <= set(settings.all_secrets)
    assert "very" not in f"{settings!r} {settings.slack_proxy!r}"


@pytest.mark.parametrize(
    "value", ["socks5://u:very-secret@h:1", "http://", "http://u:very-secret@h:0/path", "http://h:a"]
)
def test_unusable_proxy_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SLACK_PROXY", value)
    with pytest.raises(ConfigError, match="The environment variable SLACK_PROXY is no proxy") as refused:
        read(tmp_path)
    assert "very-secret" not in str(refused.value)


def test_password_in_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="set SLACK_PROXY to the whole address instead") as refused:
        read(tmp_path, "slack: {proxy: 'http://me:very-secret@proxy.example.com:3128'}\n")
    assert "very-secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("bypass", "direct"),
    [
        ("", False),
        ("*", True),
        ("slack.com", True),
        (".slack.com", True),
        ("SLACK.com:443", False),
        ("slack.com:8443", True),
        ("lack.com", False),
        ("example.com,api.slack.com", True),
    ],
)
def test_no_proxy_lists_hosts_and_domains(bypass: str, direct: bool) -> None:
    route = SlackProxy("http://h:1", "HTTPS_PROXY", bypass, only_secure=True)
    assert (route.of("https://api.slack.com:8443/api/") is None) is direct
