"""The address at which an interaction is answered: what it posts, replaces and deletes, and when it is used up."""

from collections.abc import Callable
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.playground.slack_sim import LocalSlack
from tests.component.playground.slack_sim.conftest import ACTIONS, Clock

STORAGE = "C0STORAGE"


def address(slack: LocalSlack, **how: Any) -> AsyncWebhookClient:
    """Slack's own client for a fresh response_url of alice's."""
    key = slack.workspace.grants.new_response_url(STORAGE, "U0ALICE", **how)
    return AsyncWebhookClient(f"{slack.page_url}response/{key}", retry_handlers=[])


async def test_an_answer_is_private_unless_it_says_otherwise(slack: LocalSlack) -> None:
    hook = address(slack)
    assert (await hook.send(text="private")).body == "ok"
    await hook.send(text="public", response_type="in_channel")
    assert [m.text for m in slack.as_user("alice").sees(STORAGE)] == ["private", "public"]
    assert [m.text for m in slack.as_user("bob").sees(STORAGE)] == ["public"]


async def test_the_original_is_replaced_and_deleted(slack: LocalSlack, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel=STORAGE, text="card", blocks=[ACTIONS]))["ts"]
    hook = address(slack, original=ts)
    await hook.send(text="decided", replace_original=True)
    [message] = slack.as_user("bob").sees(STORAGE)
    assert (message.ts, message.text, message.blocks) == (ts, "decided", ())
    await hook.send(delete_original=True)
    assert slack.as_user("bob").sees(STORAGE) == []


async def test_first_answer_can_be_replaced_by_the_next(slack: LocalSlack) -> None:
    hook = address(slack)
    await hook.send(text="looking …")
    await hook.send(text="healthy", replace_original=True)
    assert [m.text for m in slack.as_user("alice").sees(STORAGE)] == ["healthy"]


async def test_the_sixth_use_is_refused(slack: LocalSlack, rules: Callable[[], list[str]]) -> None:
    hook = address(slack)
    answers = [await hook.send(text=str(number)) for number in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert "used_url" in answers[-1].body
    assert len(slack.as_user("alice").sees(STORAGE)) == 5
    assert rules() == ["used_url"]


async def test_after_half_an_hour_it_is_refused(
    slack: LocalSlack, clock: Clock, rules: Callable[[], list[str]]
) -> None:
    hook = address(slack)
    clock.now += 1801
    answer = await hook.send(text="late")
    assert (answer.status_code, "expired_url" in answer.body) == (404, True)
    assert rules() == ["expired_url"]


async def test_blocks_that_slack_cannot_show_are_refused(
    slack: LocalSlack, http: aiohttp.ClientSession, rules: Callable[[], list[str]]
) -> None:
    wrong: list[Any] = [{}, {"text": "x", "blocks": [{"type": "header"}]}, "no object"]
    for body in wrong:
        async with http.post(address(slack).url, json=body) as answer:
            assert answer.status == 400
    assert rules() == ["no_text", "invalid_blocks", "invalid_payload"]
    assert slack.as_user("alice").sees(STORAGE) == []
