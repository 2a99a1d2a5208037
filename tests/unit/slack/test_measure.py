"""Each call to Slack is measured once, with an outcome of a bounded set."""

import asyncio
from contextlib import suppress

import pytest

from bot.common.errors import SlackError, SlackLost, SlackRetryable
from bot.slack.measure import OUTCOMES, measured
from bot.slack.methods import POST


async def outcome_of(error: BaseException | None) -> str:
    """The outcome of a call that ends with this error."""
    found: list[tuple[str, str]] = []
    with suppress(SlackError, asyncio.CancelledError), measured(POST, lambda *call: found.append(call[:2])):
        await asyncio.sleep(0)
        if error is not None:
            raise error
    [(method, outcome)] = found
    assert method == "chat.postMessage"
    return outcome


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "ok"),
        (SlackRetryable("Slow down.", code="ratelimited"), "rate_limited"),
        (SlackError("Refused.", code="channel_not_found"), "refused"),
        (SlackError("Refused.", code="any_code_of_a_later_year"), "refused"),
        (SlackError("Refused.", code="invalid_auth"), "token_rejected"),
        (SlackRetryable("Failed.", code="internal_error"), "server_error"),
        (SlackRetryable("Not reached.", code="unreachable"), "unreachable"),
        (SlackRetryable("Not reached.", code="tls_failed"), "tls"),
        (SlackLost("Lost.", code="timeout"), "timeout"),
        (SlackLost("Lost.", code="connection_lost"), "connection_lost"),
        (SlackLost("Lost.", code="bad_answer"), "bad_answer"),
        (asyncio.CancelledError(), "cancelled"),
    ],
)
async def test_call_has_one_outcome_of_few(error: BaseException | None, outcome: str) -> None:
    assert await outcome_of(error) == outcome
    assert outcome in OUTCOMES
