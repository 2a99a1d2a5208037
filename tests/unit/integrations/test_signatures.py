"""Signatures and forms of requests, against the examples of the receivers' documentation."""

import base64
import hashlib
import hmac
import re
from pathlib import Path
from urllib.parse import parse_qs, unquote_plus, urlsplit

from bot.alerting.receivers import ReceiverKind
from bot.integrations.robots import _REQUESTS
from bot.integrations.sender import ReceiverTarget
from bot.integrations.webhook import signature

MANUAL = Path(__file__).parents[3] / "docs" / "outputs.md"


def test_dingtalk_signs_the_time_and_the_secret_in_the_query() -> None:
    """Sign = base64(HMAC-SHA256(secret, timestamp + newline + secret)), encoded for a URL."""
    url, body = _REQUESTS[ReceiverKind.DINGTALK](
        ReceiverTarget("x", "https://h/robot/send?access_token=k", secret="SEC1"), "t", 5.0
    )
    query = parse_qs(urlsplit(url).query)
    wanted = base64.b64encode(hmac.digest(b"SEC1", b"5000\nSEC1", "sha256")).decode()
    assert query == {"access_token": ["k"], "timestamp": ["5000"], "sign": [wanted]}
    assert unquote_plus(url.rsplit("sign=", 1)[1]) == wanted
    assert body == {"msgtype": "text", "text": {"content": "t"}}


def test_feishu_signs_with_the_time_and_the_secret_as_the_key() -> None:
    url, body = _REQUESTS[ReceiverKind.FEISHU](
        ReceiverTarget("x", "https://h/hook/k", secret="SEC1"), "t", 1599360473.0
    )
    wanted = base64.b64encode(hmac.new(b"1599360473\nSEC1", digestmod=hashlib.sha256).digest()).decode()
    assert url == "https://h/hook/k"
    assert (body["timestamp"], body["sign"]) == ("1599360473", wanted)
    assert (body["msg_type"], body["content"]) == ("text", {"text": "t"})


def test_robots_without_a_secret_are_not_signed() -> None:
    for kind in (ReceiverKind.WECOM, ReceiverKind.DINGTALK, ReceiverKind.FEISHU):
        url, body = _REQUESTS[kind](ReceiverTarget("x", "https://h/k"), "t", 5.0)
        assert url == "https://h/k"
        assert "sign" not in body


def test_the_snippet_of_the_manual_verifies_a_webhook() -> None:
    """People copy it."""
    (snippet,) = re.findall(r"```python\n(.*?def verified.*?)```", MANUAL.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(snippet, names)  # noqa: S102 - the text of our own manual
    verified = names["verified"]
    assert callable(verified)
    headers = {"X-Cmbot-Timestamp": "1000", "X-Cmbot-Signature": signature("s", "1000", b"{}")}
    assert verified("s", headers, b"{}", now=1100.0)
    assert not verified("s", headers, b"{ }", now=1100.0)
    assert not verified("other", headers, b"{}", now=1100.0)
    assert not verified("s", headers, b"{}", now=1000.0 + 301)
    assert not verified("s", {}, b"{}", now=1100.0)
