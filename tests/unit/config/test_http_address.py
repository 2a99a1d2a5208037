"""CMBOT_HTTP_HOST is the address to listen on, unless the settings file has one."""

import pytest

from bot.common.errors import ConfigError
from bot.config import Secrets, parse

MINIMAL = 'clusters: [{name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0STORAGE}]\n'


def host(text: str, variable: str) -> str:
    secrets = Secrets(_env_file=None, cmbot_http_host=variable)
    return parse(MINIMAL + text, secrets=secrets, environment={}).http.host


@pytest.mark.parametrize(
    ("text", "variable", "found"),
    [
        ("", "", "127.0.0.1"),
        ("", "10.0.0.5", "10.0.0.5"),
        ("", " :: \n", "::"),
        ("http: {port: 9000}", "10.0.0.5", "10.0.0.5"),
        ("http: {host: 127.0.0.1}", "10.0.0.5", "127.0.0.1"),
        ('http: {host: "::1"}', "", "::1"),
    ],
)
def test_address_to_listen_on(text: str, variable: str, found: str) -> None:
    assert host(text, variable) == found


def test_port_of_the_settings_stays() -> None:
    secrets = Secrets(_env_file=None, cmbot_http_host="10.0.0.5")
    assert parse(MINIMAL + "http: {port: 9000}", secrets=secrets, environment={}).http.port == 9000


def test_section_of_a_wrong_form_is_refused_as_without_the_variable() -> None:
    with pytest.raises(ConfigError, match=r"http.*write keys and values below it"):
        host("http: 8080", "10.0.0.5")


def test_variable_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CMBOT_HTTP_HOST", "10.0.0.5")
    assert parse(MINIMAL, secrets=Secrets(_env_file=None), environment={}).http.host == "10.0.0.5"
