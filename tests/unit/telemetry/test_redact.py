"""Redaction removes secrets from every part of a log line."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.telemetry.redact import GONE, Redactor

SECRET = 'p@ss"w\\ö rd/9'


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("the token xoxb-12-34-AbC failed", "AbC"),
        ("xoxp-1-2-3 and xapp-1-A0-99-fefe", "fefe"),
        ("rotated xoxe.xoxp-1-Mi0yLT", "Mi0yLT"),
        ("Authorization: Bearer abcdef123", "abcdef123"),
        ("{'Authorization': 'Basic YWxhZGRpbg=='}", "YWxhZGRpbg"),
        ("(b'BLOB-STORE-AUTH-TOKEN', b'APFTZQAAAACH')", "APFTZQAAAACH"),
        ("blob-store-auth-token=APFTZQAAAACH", "APFTZQAAAACH"),
        ("postgresql+asyncpg://cmbot:hunter2@db/cmbot", "hunter2"),
        ("postgresql://cmbot:p@ss:w0rd@db/cmbot", "w0rd"),
        ("wss://wss-primary.slack.com/link/?ticket=a1b2-c3&app_id=x", "a1b2"),
        ("the proxy user:hunter2@proxy:3128 refuses", "hunter2"),
        ("postgresql://cmbot@db/cmbot?password=hunter2&sslmode=require", "hunter2"),
        ("POST https://oapi.dingtalk.com/robot/send?access_token=4bd&timestamp=1&sign=Zm9v%3D", "4bd"),
        ("POST https://oapi.dingtalk.com/robot/send?timestamp=1&sign=Zm9v%3D", "Zm9v"),
        ("'https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7xxx'", "693a91f6"),
        ("https://hooks.slack.com/commands/T1/22/abcXYZ", "abcXYZ"),
    ],
)
def test_text_that_looks_like_a_secret_is_redacted(text: str, hidden: str) -> None:
    shown = Redactor().text(text)
    assert hidden not in shown
    assert GONE in shown


@pytest.mark.parametrize(
    "text",
    [
        "an ordinary line",
        "http://10.0.0.1:9998/stat",
        "a@b.example",
        "12:30:05 token bucket",
        "x-y",
        "http://10.0.0.1:9998/config/get?key=code_mode_extend",
        "posted alert:17:line:3 for <@U0ALICE>",
        "message key=alert:17, token=none",
    ],
)
def test_ordinary_text_is_kept(text: str) -> None:
    assert Redactor(["hunter2"]).text(text) == text


@pytest.mark.parametrize(
    "written", [SECRET, repr(SECRET), json.dumps(SECRET), "https://x/?p=p%40ss%22w%5C%C3%B6%20rd%2F9"]
)
def test_configured_secret_is_redacted_in_every_form(written: str) -> None:
    assert "ss" not in Redactor([SECRET]).text(f"<{written}>")


def test_secret_that_contains_another_is_redacted_completely() -> None:
    assert Redactor(["abcd", "abcdefgh"]).text("abcdefgh") == GONE


def test_nested_values_keep_their_shape() -> None:
    value = {"a": [{"b": ("the hunter2",)}, 7, None, True, 1.5], "headers": {"Cookie": "x=y"}, b"raw": b"hunter2"}
    assert Redactor(["hunter2"]).value(value) == {
        "a": [{"b": [f"the {GONE}"]}, 7, None, True, 1.5],
        "headers": {"Cookie": GONE},
        "raw": GONE,
    }


def test_objects_redact_their_repr() -> None:
    assert Redactor(["hunter2"]).value(ValueError("hunter2")) == f"ValueError('{GONE}')"
    assert Redactor().value(logging.INFO) == logging.INFO


@given(st.text(min_size=4), st.text(), st.text())
def test_no_configured_secret_remains(secret: str, before: str, after: str) -> None:
    if secret in GONE:
        return
    shown = Redactor([secret]).value({"field": f"{before}{secret}{after}", secret: [secret]})
    alone = Redactor([secret]).value([secret])
    assert alone == [GONE]
    assert all(GONE in text for text in shown if text != "field")
