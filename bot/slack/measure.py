"""Measures calls to Slack: how long each took, and its outcome as a word of a bounded set."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.common.errors import SlackError
from bot.slack.errors import LATER
from bot.slack.methods import Method

OnCall = Callable[[str, str, float], None]
"""Called after each call with the name of its method, its outcome and its seconds."""

OUTCOMES = (
    "ok",
    "rate_limited",
    "refused",
    "token_rejected",
    "server_error",
    "unreachable",
    "tls",
    "timeout",
    "connection_lost",
    "bad_answer",
    "cancelled",
)
"""Every outcome; Slack's own codes are not among them, because they are no bounded set."""
_OF_CODE = {
    "ratelimited": "rate_limited",
    "unreachable": "unreachable",
    "invalid_url": "unreachable",
    "untrusted_certificate": "tls",
    "tls_failed": "tls",
    "timeout": "timeout",
    "connection_lost": "connection_lost",
    "redirected": "bad_answer",
    "bad_answer": "bad_answer",
    **dict.fromkeys(
        ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"), "token_rejected"
    ),
    **dict.fromkeys(LATER, "server_error"),
}


def ignore_call(method: str, outcome: str, seconds: float) -> None:
    """Do nothing: calls are not measured."""


def outcome_of(error: SlackError) -> str:
    """The outcome of a call that ended with this error."""
    return _OF_CODE.get(error.code, "refused")


@contextmanager
def measured(method: Method, on_call: OnCall) -> Iterator[None]:
    """Measure the call that the block makes."""
    began, outcome = time.monotonic(), "cancelled"
    try:
        yield
        outcome = "ok"
    except SlackError as error:
        outcome = outcome_of(error)
        raise
    finally:
        on_call(method.name, outcome, time.monotonic() - began)
