"""Injected faults: what the app sees of each, and that none counts as the app's own violation."""

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack_sim import LocalSlack
from tests.component.playground.slack_sim.conftest import Bot, Clock, client_of, connected

STORAGE = "C0STORAGE"


@dataclass
class Link:
    """A bare Socket Mode connection, to see every frame."""

    ws: aiohttp.ClientWebSocketResponse

    async def frame(self) -> Any:
        """The next JSON frame."""
        async with asyncio.timeout(5):
            return await self.ws.receive_json()


async def link(slack: LocalSlack, http: aiohttp.ClientSession) -> Link:
    url = (await client_of(slack).apps_connections_open(app_token=slack.app_token))["url"]
    return Link(await http.ws_connect(url, autoping=False))


async def test_rate_limit_states_its_wait(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.faults.inject("ratelimited", method="chat.postMessage", seconds=7)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=STORAGE, text="x")
    assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "7")
    await client.chat_postMessage(channel=STORAGE, text="y")
    assert [m.text for m in slack.workspace.messages] == ["y"]
    slack.assert_no_violations(allow=())


async def test_a_server_error_is_no_json(slack: LocalSlack, http: aiohttp.ClientSession) -> None:
    slack.faults.inject("server_error")
    async with http.post(f"{slack.api_url}auth.test") as answer:
        assert (answer.status, answer.content_type) == (503, "text/plain")


async def test_an_error_of_slack_s_can_be_chosen(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.faults.inject("error", method="chat.postMessage", code="invalid_blocks")
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        await client.chat_postMessage(channel=STORAGE, text="x")
    slack.assert_no_violations(allow=())


@pytest.mark.parametrize(("kind", "posted"), [("lost_reply", ["x"]), ("lost_request", [])])
async def test_a_lost_answer_leaves_open_whether_it_happened(
    slack: LocalSlack, client: AsyncWebClient, kind: str, posted: list[str]
) -> None:
    slack.faults.inject(kind, method="chat.postMessage")
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=STORAGE, text="x")
    assert [m.text for m in slack.workspace.messages] == posted


async def test_a_delay_holds_the_call_back(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.faults.inject("delay", method="auth.test", seconds=3600)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.auth_test()
    assert (await client.auth_test())["ok"]


async def test_a_response_url_meets_faults_as_well(slack: LocalSlack, http: aiohttp.ClientSession) -> None:
    key = slack.workspace.grants.new_response_url(STORAGE, "U0ALICE")
    slack.faults.inject("server_error", method="response_url")
    async with http.post(f"{slack.page_url}response/{key}", json={"text": "x"}) as answer:
        assert answer.status == 503
    assert slack.workspace.grants.response_urls[key].uses == 0


async def test_a_connection_begins_with_hello_and_its_pings_are_answered(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    first = await link(slack, http)
    hello = await first.frame()
    assert (hello["type"], hello["num_connections"], hello["connection_info"]) == ("hello", 1, {"app_id": "A0CMBOT"})
    await first.ws.ping(b"sdk-ping-pong:1.5")
    pong = await first.ws.receive()
    assert (pong.type, pong.data) == (WSMsgType.PONG, b"sdk-ping-pong:1.5")
    await first.ws.close()


async def test_a_ticket_is_good_for_one_connection_and_thirty_seconds(
    slack: LocalSlack, http: aiohttp.ClientSession, clock: Clock
) -> None:
    urls = [(await client_of(slack).apps_connections_open(app_token=slack.app_token))["url"] for _ in range(2)]
    await (await http.ws_connect(urls[0])).close()
    clock.now += 31
    for url in (*urls, f"{slack.page_url.replace('http', 'ws')}link/"):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(url)


async def test_eleventh_connection_is_refused(slack: LocalSlack, http: aiohttp.ClientSession) -> None:
    links = [await link(slack, http) for _ in range(11)]
    hellos = [await each.frame() for each in links]
    assert [frame["type"] for frame in hellos] == ["hello"] * 10 + ["disconnect"]
    assert hellos[-1]["reason"] == "too_many_websockets"
    for each in links:
        await each.ws.close()


async def test_an_envelope_polls_as_slack_s_do(slack: LocalSlack, http: aiohttp.ClientSession) -> None:
    app = await link(slack, http)
    await app.frame()
    typing = asyncio.create_task(slack.as_user("alice").command("storage", "/cm stat"))
    envelope = await app.frame()
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    assert envelope["payload"]["response_url"].startswith(slack.page_url)
    await app.ws.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "hi"}})
    assert (await typing).payload == {"text": "hi"}
    opening = asyncio.create_task(slack.as_user("alice").open_home())
    event = await app.frame()
    assert (event["type"], event["retry_attempt"], event["payload"]["type"]) == ("events_api", 0, "event_callback")
    await app.ws.send_json({"envelope_id": event["envelope_id"]})
    assert not (await opening).error
    await app.ws.send_str("nonsense")
    await slack.workspace.wait_until(lambda: slack.workspace.violations or None)
    assert [violation.rule for violation in slack.workspace.violations] == ["unknown_envelope"]
    await app.ws.close()


async def test_an_envelope_can_come_twice_or_never(slack: LocalSlack, http: aiohttp.ClientSession) -> None:
    app = await link(slack, http)
    await app.frame()
    slack.faults.inject("duplicate")
    typing = asyncio.create_task(slack.as_user("alice").command("storage", "/cm stat"))
    first, second = await app.frame(), await app.frame()
    assert first == second
    await app.ws.send_json({"envelope_id": first["envelope_id"]})
    assert not (await typing).error
    slack.faults.inject("lost_delivery")
    slack.delivery.ack_seconds = 0.05
    assert (await slack.as_user("alice").command("storage", "/cm stat")).error == "operation_timeout"
    slack.assert_no_violations(allow=())
    await app.ws.close()


@pytest.mark.parametrize(("kind", "answers"), [("silent_socket", True), ("dead_socket", False)])
async def test_a_connection_can_be_open_and_useless(
    slack: LocalSlack, http: aiohttp.ClientSession, kind: str, *, answers: bool
) -> None:
    app = await link(slack, http)
    await app.frame()
    slack.faults.inject(kind)
    slack.delivery.ack_seconds = 0.05
    await app.ws.ping(b"x")
    assert (await slack.as_user("alice").command("storage", "/cm stat")).error == "operation_timeout"
    slack.assert_no_violations(allow=())
    [socket] = slack.delivery.sockets
    assert socket.dead is not answers
    if answers:
        assert (await app.ws.receive()).type is WSMsgType.PONG
    await app.ws.close()


@pytest.mark.parametrize("kind", ["disconnect", "refresh", "warning"])
async def test_client_reconnects_after_any_end_of_connection(bot: tuple[LocalSlack, Bot], kind: str) -> None:
    slack, _app = bot
    [old] = slack.delivery.sockets
    slack.faults.inject(kind)
    if kind == "warning":
        await slack.workspace.wait_until(lambda: len(slack.delivery.sockets) == 1 or None)
    else:
        await slack.workspace.wait_until(lambda: (slack.delivery.sockets and old not in slack.delivery.sockets) or None)
    assert not (await slack.as_user("alice").command("storage", "/cm still there")).error
    await slack.wait_for(STORAGE, lambda m: m.text == "you said still there", user="U0ALICE")


async def test_two_apps_share_the_duplicates(bot: tuple[LocalSlack, Bot]) -> None:
    slack, first = bot
    async with connected(slack, first):
        slack.faults.inject("duplicate")
        await slack.as_user("alice").command("storage", "/cm twice")
        await slack.wait_for(STORAGE, lambda m: m.text == "you said twice", user="U0ALICE")
        await slack.workspace.wait_until(lambda: len(first.seen) == 2 or None)
        assert first.seen[0]["trigger_id"] == first.seen[1]["trigger_id"]
