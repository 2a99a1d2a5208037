"""Settings that only the whole program can refuse: names of commands, and an incomplete heartbeat address."""

import pytest
from pydantic import SecretStr

from bot.common.errors import ConfigError
from bot.config import Secrets, Settings, parse
from bot.runtime.settings_mapping import heartbeat_url, refuse_reserved_names


def settings(name: str = "prod", url: str = "") -> Settings:
    text = f'clusters: [{{name: {name}, hosts: ["10.0.0.1:9998"], alert_channel: C0STORAGE}}]'
    return parse(text, secrets=Secrets(_env_file=None, cmbot_heartbeat_url=SecretStr(url)), environment={})


@pytest.mark.parametrize("name", ["stat", "task", "member"])
def test_cluster_with_the_name_of_a_command_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"^clusters\.{name}\.name: `/cm {name}` is a command; "):
        refuse_reserved_names(settings(name))


def test_cluster_with_another_name_is_accepted() -> None:
    refuse_reserved_names(settings("statistics"))


@pytest.mark.parametrize("url", ["hc.example.com/ping/s3cr3t", "ftp://hc.example.com/s3cr3t"])
def test_incomplete_heartbeat_address_is_refused_unseen(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^CMBOT_HEARTBEAT_URL: ") as caught:
        heartbeat_url(settings(url=url))
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "https://hc.example.com/ping/1"])
def test_heartbeat_address_is_taken_as_written(url: str) -> None:
    assert heartbeat_url(settings(url=url)) == url
