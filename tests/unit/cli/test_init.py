"""`cmbot init`: what is asked, what is refused, and that every accepted answer is read back as it was given."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.cli.init import QUESTIONS, settings_text, write_settings
from bot.common.errors import UserError
from bot.config import Secrets, parse
from bot.runtime.settings_mapping import refuse_reserved_names

GOOD = {
    "name": "prod",
    "hosts": "10.0.0.1:9998, https://b.example:9998 [::1]:9998",
    "alert-channel": "C0ALERTS",
    "operations-channel": "",
    "operators": "U0ALICE,W0BOB S0ONCALL",
    "store": "",
}


@pytest.mark.parametrize(
    ("option", "answer", "said"),
    [
        ("name", "", "must be answered"),
        ("name", "Prod", "lower-case"),
        ("name", "stat", "is a command"),
        ("name", "prod\nclusters: []", "lower-case"),
        ("hosts", "10.0.0.1", "name-or-address:port"),
        ("hosts", ",", "1 to 15"),
        ("hosts", " ".join(f"10.0.0.{n}:1" for n in range(16)), "1 to 15"),
        ("hosts", "localhost:1 127.0.0.1:1", "once"),
        ("alert-channel", "#storage", "not a name"),
        ("operations-channel", "storage", "not a name"),
        ("operators", "alice", "Copy member ID"),
        ("operators", "Sales", "group's address"),
        ("store", "mysql://x/y", "postgresql://"),
        ("store", "postgresql://cmbot:secret@db/cmbot", "CMBOT_STORE_URL"),
    ],
)
def test_a_wrong_answer_says_what_to_do(tmp_path: Path, option: str, answer: str, said: str) -> None:
    path = tmp_path / "config.yaml"
    with pytest.raises(UserError, match=f"--{option}") as refused:
        write_settings(path, {**GOOD, option: answer})
    assert said in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_what_is_written_is_what_was_answered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.yaml"
    write_settings(path, GOOD)
    settings = parse(path.read_text(), secrets=Secrets(), environment={})
    refuse_reserved_names(settings)
    [prod] = settings.clusters
    assert prod.hosts == ("10.0.0.1:9998", "https://b.example:9998", "[::1]:9998")
    assert (prod.alert_channel, prod.card_channel, prod.channels) == ("C0ALERTS", "C0ALERTS", ("C0ALERTS",))
    assert (settings.access.operators.users, settings.access.operators.groups) == (("U0ALICE", "W0BOB"), ("S0ONCALL",))
    assert settings.access.approvers == settings.access.operators
    assert settings.policies.default == "strict"
    assert settings.store.url == "sqlite:///cmbot.db"
    assert "cmbot check" in capsys.readouterr().out
    with pytest.raises(UserError, match="--force"):
        write_settings(path, GOOD)
    write_settings(path, {**GOOD, "name": "lab"}, force=True)
    assert "name: lab" in path.read_text()


@example(name="2024-13-01", store="sqlite:///2024-13-01")
@given(
    st.from_regex(r"[a-z0-9][a-z0-9-]{0,39}", fullmatch=True),
    st.from_regex(r"sqlite:///[ -~]{1,40}", fullmatch=True),
)
def test_no_answer_changes_the_shape_of_the_settings(name: str, store: str) -> None:
    """Names such as `no`, `1e3` or `0x1`, and addresses with # or : stay texts."""
    checks = {each.option: each.check for each in QUESTIONS}
    given_answers = {**GOOD, "name": name, "store": store.strip()}
    try:
        answers = {option: checks[option](answer) for option, answer in given_answers.items()}
    except ValueError:
        return
    settings = parse(settings_text(answers), secrets=Secrets(), environment={})
    assert (settings.clusters[0].name, settings.store.url) == (name, store.strip())
