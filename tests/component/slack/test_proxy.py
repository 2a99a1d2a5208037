"""The proxy to Slack: Web API, answers, files and the WebSocket go through it; its failures are named."""

import asyncio
import random
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp
import pytest
import trustme
from slack_bolt.async_app import AsyncApp

from bot.common.errors import SlackRetryable
from bot.config.proxy import SlackProxy
from bot.interactions.command import Reply
from bot.interactions.message import Message
from bot.playground.slack_sim.server import LocalSlack
from bot.slack.client import SlackClient
from bot.slack.socket_mode import SocketMode
from tests.support.forward_proxy import forwarding, terminating


def proxy_at(url: str) -> SlackProxy:
    return SlackProxy(url, "slack.proxy")


async def test_everything_goes_through_the_proxy() -> None:
    async with forwarding(login="me:very-secret") as proxy, LocalSlack() as slack:
        key = slack.workspace.grants.new_response_url("C0STORAGE", "U0ALICE")
        answer_to = f"{slack.api_url.removesuffix('api/')}response/{key}"
        seen = []
        for call in (
            lambda gateway: gateway.auth_test(),
            lambda gateway: gateway.upload("C0STORAGE", "a.csv", b"1", title="a"),
            lambda gateway: gateway.respond(answer_to, Reply(Message("Answered."))),
            lambda gateway: _connected(slack, gateway),
        ):
            # A separate client: a kept connection to the proxy takes later requests without a word.
            async with SlackClient(slack.bot_token, slack.api_url, proxy=proxy_at(proxy.url)) as gateway:
                await call(gateway)
            seen.append(len(proxy.seen))
            proxy.seen.clear()
    assert seen[:3] == [1, 1, 1]
    assert seen[3] == 2, "the address, then the WebSocket"


async def test_slack_is_reached_encrypted_through_a_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy sees the name of Slack and no more: both the Web API and the WebSocket are TLS inside of CONNECT."""
    authority, trusting = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(trusting)
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", trusting)
    own = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(own)
    async with forwarding(login="me:very-secret") as proxy, LocalSlack() as slack:
        inner = urlsplit(slack.api_url).netloc
        async with terminating(own, inner) as port:
            url = f"https://localhost:{port}/api/"
            async with SlackClient(slack.bot_token, url, proxy=proxy_at(proxy.url)) as gateway:
                assert (await gateway.auth_test()).bot
                await _connected(slack, gateway, lambda at: at.replace(f"ws://{inner}", f"wss://localhost:{port}"))
    assert proxy.seen == [("CONNECT", f"localhost:{port}")] * 2


async def test_what_the_proxy_does_not_cover_is_direct() -> None:
    async with forwarding() as proxy, LocalSlack() as slack:
        for route in (
            SlackProxy(proxy.url, "HTTPS_PROXY", only_secure=True),
            SlackProxy(proxy.url, "HTTPS_PROXY", "127.0.0.1"),
        ):
            async with SlackClient(slack.bot_token, slack.api_url, proxy=route) as gateway:
                await gateway.auth_test()
                await _connected(slack, gateway)
    assert proxy.seen == []


async def _connected(slack: LocalSlack, gateway: SlackClient, place: Callable[[str], str] = str) -> None:
    app = AsyncApp(token=slack.bot_token, request_verification_enabled=False)

    async def address() -> str:
        return place(await gateway.socket_address(slack.app_token))

    task = asyncio.create_task(SocketMode(app, address, random=random.random, proxy_of=gateway.proxy_of).run())
    await slack.wait_connected()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_proxy_that_refuses_is_named() -> None:
    async with forwarding(login="me:very-secret") as proxy:
        url = proxy.url.replace("me:very-secret", "me:very-wrong")
        async with SlackClient("xoxb-1", "https://slack.invalid:443/api/", proxy=proxy_at(url)) as gateway:
            with pytest.raises(SlackRetryable) as refused:
                await gateway.auth_test()
    assert refused.value.code == "proxy_refused"
    assert f"The proxy 127.0.0.1:{proxy.port} refused the connection to Slack" in str(refused.value)
    assert "HTTP status 407: it wants a user and password, see SLACK_PROXY" in str(refused.value)
    assert "very" not in str(refused.value)


async def test_proxy_that_does_not_answer_is_named(unused_tcp_port: int) -> None:
    route = proxy_at(f"http://me:very-secret@127.0.0.1:{unused_tcp_port}")
    async with SlackClient("xoxb-1", "https://slack.invalid:443/api/", proxy=route) as gateway:
        with pytest.raises(SlackRetryable) as refused:
            await gateway.auth_test()
    assert refused.value.code == "proxy_unreachable"
    assert f"The proxy 127.0.0.1:{unused_tcp_port} could not be reached" in str(refused.value)
    assert "very-secret" not in str(refused.value)
