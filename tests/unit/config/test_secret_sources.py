"""Secrets from variables, from files, and from the credentials of systemd."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.common.errors import ConfigError
from bot.config import load
from bot.config.secret_sources import find_secret

SETTINGS = """
clusters:
  - {name: prod, hosts: ["10.0.0.1:9998"], alert_channel: C0STORAGE, token_env: TOKEN_PROD, scheduler_token_env: SCHED}
"""
VARIABLES = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "CMBOT_STORE_URL", "CMBOT_HEARTBEAT_URL")
Written = Callable[[str, str], Path]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(SETTINGS)
    return file


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Write a secret into a file that only its owner can read."""
    folder = tmp_path / "secrets"
    folder.mkdir()

    def write(name: str, held: str) -> Path:
        file = folder / name
        file.write_text(held)
        file.chmod(0o600)
        return file

    return write


def test_every_secret_can_come_from_a_file(monkeypatch: pytest.MonkeyPatch, settings: Path, written: Written) -> None:
    for name in (*VARIABLES, "TOKEN_PROD", "SCHED"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(f"{name}_FILE", str(written(name, f" of-{name}\n")))
    read = load(settings)
    held = [getattr(read.secrets, name.lower()).get_secret_value() for name in VARIABLES]
    assert held == [f"of-{name}" for name in VARIABLES]
    tokens = (read.cluster_tokens["prod"], read.scheduler_tokens["prod"])
    assert [token.get_secret_value() for token in tokens] == ["of-TOKEN_PROD", "of-SCHED"]
    assert read.store_url == "of-CMBOT_STORE_URL"
    assert read.remarks == ()
    assert "of-" not in repr(read)


@pytest.mark.parametrize("spelling", [str.upper, str.lower])
def test_credentials_of_systemd_are_found(
    monkeypatch: pytest.MonkeyPatch, settings: Path, written: Written, spelling: Callable[[str], str]
) -> None:
    for name in ("SLACK_BOT_TOKEN", "TOKEN_PROD", "SCHED"):
        monkeypatch.delenv(name, raising=False)
        folder = written(spelling(name), f"of-{name}").parent
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    read = load(settings)
    assert read.secrets.slack_bot_token.get_secret_value() == "of-SLACK_BOT_TOKEN"
    assert read.cluster_tokens["prod"].get_secret_value() == "of-TOKEN_PROD"


def test_credentials_that_cannot_be_looked_at_are_named() -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        find_secret("SLACK_BOT_TOKEN", {"CREDENTIALS_DIRECTORY": "a" * 5000})


def test_secret_in_two_places_is_refused(written: Written) -> None:
    file = written("NAME", "very-secret")
    twice = {"NAME": "very-secret", "NAME_FILE": str(file)}
    with pytest.raises(ConfigError, match="set twice, by the variable NAME and by NAME_FILE") as refused:
        find_secret("NAME", twice)
    assert "very-secret" not in str(refused.value)
    with pytest.raises(ConfigError, match="NAME_FILE and by the credential NAME"):
        find_secret("NAME", {"NAME_FILE": str(file), "CREDENTIALS_DIRECTORY": str(file.parent)})


def test_empty_variable_is_not_set(written: Written) -> None:
    found = find_secret("NAME", {"NAME": " ", "NAME_FILE": str(written("NAME", "held"))})
    assert found.value == "held"
    assert find_secret("NAME", {"NAME": "", "NAME_FILE": "", "CREDENTIALS_DIRECTORY": ""}).value == ""


@pytest.mark.parametrize(
    ("held", "words"),
    [(b"", "is empty"), (b" \n", "is empty"), (b"\xff\xfe", "not UTF-8"), (b"x" * 70_000, "larger than 64 KiB")],
)
def test_file_without_a_secret_is_refused(tmp_path: Path, held: bytes, words: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(held)
    with pytest.raises(ConfigError, match=words) as refused:
        find_secret("NAME", {"NAME_FILE": str(file)})
    assert str(refused.value).startswith(f"The file {file} (NAME_FILE)")


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ConfigError, match=f"The file {path} "):
            find_secret("NAME", {"NAME_FILE": str(path)})


def test_file_with_two_lines_is_refused(monkeypatch: pytest.MonkeyPatch, settings: Path, written: Written) -> None:
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)
    file = written("two", "very\nsecret\n")
    monkeypatch.setenv("SLACK_BOT_TOKEN_FILE", str(file))
    with pytest.raises(ConfigError) as refused:
        load(settings, tokens=False)
    assert str(refused.value).startswith(f"The file {file} (SLACK_BOT_TOKEN_FILE) has a line break in its value")
    monkeypatch.delenv("SLACK_BOT_TOKEN_FILE")
    for name in ("TOKEN_PROD", "SCHED"):
        monkeypatch.setenv(f"{name}_FILE", str(file))
    with pytest.raises(ConfigError) as refused:
        load(settings)
    assert str(refused.value).startswith(f"The file {file} (TOKEN_PROD_FILE) has a line break in its value")
    assert "very" not in str(refused.value)


def test_file_that_everyone_can_read_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, settings: Path, written: Written
) -> None:
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)
    file = written("open", "xoxb-1")
    file.chmod(0o644)
    monkeypatch.setenv("SLACK_BOT_TOKEN_FILE", str(file))
    [remark] = load(settings, tokens=False).remarks
    assert remark.startswith(f"The file {file} (SLACK_BOT_TOKEN_FILE) can be read by every user")
