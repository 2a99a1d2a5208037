"""Deliveries over HTTP: only what Slack signed, lately, gets through, and once."""

import asyncio
import io
import json
import time
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import aiohttp
import pytest

from bot.chatops.forms.events import HomeOpened
from bot.common.errors import ConfigError
from bot.interactions.events import Invocation
from bot.playground.slack_sim.server import LocalSlack
from bot.playground.slack_sim.team import DEMO_TEAM
from bot.slack.client import SlackClient
from bot.slack.http import PATH, HttpDelivery
from bot.slack.installation import InstallationCheck
from bot.slack.middleware import AckMiddleware, build_app
from bot.slack.task_queue import TaskQueue
from bot.telemetry.connection_limits import MAX_CONNECTIONS
from bot.telemetry.health import Health, served
from bot.telemetry.log_throttle import FIRST
from bot.telemetry.metrics import Metrics
from tests.component.slack.test_socket_mode import Echo
from tests.support.log_lines import log_lines
from tests.support.slack_surfaces import OpenGate, RecordedForms, surfaces

pytestmark = pytest.mark.fast_time

FORM = "application/x-www-form-urlencoded"
COMMAND = {
    "command": "/cm",
    "text": "stat",
    "trigger_id": "1.2.3",
    "user_id": "U0ALICE",
    "channel_id": "C0STORAGE",
    "response_url": "https://127.0.0.1:9/none",
    "team_id": DEMO_TEAM.id,
}


@dataclass
class Running:
    """The edge served over HTTP, and the workspace that signs for it."""

    slack: LocalSlack
    gateway: SlackClient
    echo: Echo
    background: TaskQueue
    session: aiohttp.ClientSession
    url: str
    recorded: RecordedForms

    async def send(self, body: bytes, headers: dict[str, str], *, kind: str = FORM) -> tuple[int, str]:
        """Deliver a body as it is."""
        async with self.session.post(self.url, data=body, headers={"Content-Type": kind, **headers}) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def bot() -> AsyncIterator[Running]:
    """The edge, served over HTTP, with the local workspace delivering to it."""
    async with (
        LocalSlack() as slack,
        SlackClient(slack.bot_token, slack.api_url) as gateway,
        aiohttp.ClientSession() as session,
    ):
        echo, background = Echo(gateway), TaskQueue()

        async def home(event: HomeOpened) -> None:
            await gateway.publish_home(event.user, ({"type": "divider"},))

        recorded = RecordedForms()
        edge = AckMiddleware(echo, gateway, background, surfaces(home, recorded), on_ack=lambda _, __: None)
        server = Health(Metrics(), live={}, ready={}).server()
        gate = InstallationCheck(gateway.identity, lambda: gateway.app_id)
        HttpDelivery(build_app(edge, gate, api_url=slack.api_url), slack.signing_secret).mount(server)
        async with served(server, "127.0.0.1", 0) as port:
            slack.delivery.request_url = f"http://127.0.0.1:{port}{PATH}"
            yield Running(slack, gateway, echo, background, session, slack.delivery.request_url, recorded)
        await background.drain(5.0)


async def test_a_signed_command_is_acknowledged_and_answered(bot: Running) -> None:
    ack = await bot.slack.as_user("U0ALICE").command("C0STORAGE", "/cm stat prod")
    assert not ack.error
    await bot.slack.wait_for("C0STORAGE", lambda m: m.text == "you said stat prod")
    bot.slack.assert_no_violations()


async def test_a_signed_event_puts_up_the_home_tab(bot: Running) -> None:
    assert not (await bot.slack.as_user("U0ALICE").open_home()).error
    await bot.background.drain(10.0)
    assert "U0ALICE" in bot.slack.workspace.homes


async def test_a_signed_mention_is_answered_once(bot: Running) -> None:
    person = bot.slack.as_user("U0ALICE")
    assert not (await person.mention("C0STORAGE", "@cmbot stat prod")).error
    await bot.background.drain(10.0)
    assert [mention.text for mention in bot.recorded.mentions] == ["<@U0CMBOT> stat prod"]


async def test_slack_s_check_of_the_address_is_answered(bot: Running) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c123", "token": "x"}).encode()
    status, text = await bot.send(body, bot.slack.delivery.signed(body), kind="application/json")
    assert status == 200
    assert json.loads(text) == {"challenge": "c123"}


BODY = urlencode(COMMAND).encode()


async def test_a_bad_signature_is_refused(bot: Running) -> None:
    signed = bot.slack.delivery.signed(BODY)
    assert (await bot.send(BODY + b"&text=task", signed))[0] == 401
    assert (await bot.send(BODY, {**signed, "X-Slack-Signature": "v0=" + "0" * 64}))[0] == 401


@pytest.mark.parametrize("headers", [{}, {"X-Slack-Signature": "v0=é"}, {"X-Slack-Request-Timestamp": "yesterday"}])
async def test_missing_or_garbled_headers_are_refused(bot: Running, headers: dict[str, str]) -> None:
    signed = bot.slack.delivery.signed(BODY) if headers else {}
    assert (await bot.send(BODY, {**signed, **headers}))[0] == 401


@pytest.mark.parametrize("off", [-301, 301])
async def test_a_timestamp_far_from_now_is_refused(bot: Running, off: int) -> None:
    assert (await bot.send(BODY, bot.slack.delivery.signed(BODY, at=int(time.time()) + off)))[0] == 401


async def test_a_replayed_request_is_done_once(bot: Running) -> None:
    signed = bot.slack.delivery.signed(BODY)
    assert [(await bot.send(BODY, signed))[0] for _ in range(3)] == [200, 200, 200]
    await bot.background.drain(10.0)
    assert len(bot.echo.asked) == 1


async def test_ssl_check_without_a_signature_is_answered(bot: Running) -> None:
    """Slack asks so when an administrator saves the address; nothing else comes of it."""
    assert await bot.send(b"ssl_check=1&token=x", {}) == (200, "")
    async with bot.session.get(f"{bot.url}?ssl_check=1&token=x") as answer:
        assert (answer.status, await answer.text()) == (200, "")
    long = b"ssl_check=1&command=%2Fcm&text=" + b"x" * 2000
    assert (await bot.send(long, {}))[0] == 401
    assert bot.echo.asked == []


@pytest.mark.parametrize("change", [{"team_id": "T0OTHER"}, {"api_app_id": "A0OTHER"}, {"team_id": ""}])
async def test_signed_command_of_another_installation_is_refused(bot: Running, change: dict[str, str]) -> None:
    bot.gateway.learn_app(DEMO_TEAM.app_id)
    body = urlencode({**COMMAND, "api_app_id": DEMO_TEAM.app_id, **change}).encode()
    assert await bot.send(body, bot.slack.delivery.signed(body)) == (403, "")
    await bot.background.drain(10.0)
    assert bot.echo.asked == []


async def test_command_before_the_workspace_is_known_says_so(bot: Running) -> None:
    bot.slack.faults.inject("server_error", method="auth.test")
    status, text = await bot.send(BODY, bot.slack.delivery.signed(BODY))
    assert (status, "does not know its workspace yet" in text) == (200, True)
    assert (await bot.send(BODY, bot.slack.delivery.signed(BODY)))[0] == 200
    await bot.background.drain(10.0)
    assert len(bot.echo.asked) == 1


async def test_half_sent_bodies_do_not_keep_a_command_out(bot: Running) -> None:
    """More connections than are held, each with a part of a request; a whole one is answered all the same."""
    halves = [await half_request(bot.url, body=number % 2 == 0) for number in range(MAX_CONNECTIONS + 50)]
    status, _ = await bot.send(BODY, bot.slack.delivery.signed(BODY))
    assert status == 200
    closed = [reader for reader, _ in halves[:40]]
    assert [await reader.read() for reader in closed] == [b""] * len(closed)
    for _, writer in halves:
        writer.close()


async def test_few_of_many_unsigned_deliveries_are_logged(bot: Running) -> None:
    with log_lines() as log:
        for _ in range(30):
            assert (await bot.send(BODY, {}))[0] == 401
        log.sum_up()
    assert (len(log.of("delivery.unsigned")), log.counted("delivery.unsigned")) == (FIRST, 30 - FIRST)


async def half_request(url: str, *, body: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which a request begins and never ends, within its lines or within its body."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    rest = "Content-Length: 1000\r\n\r\ncommand=" if body else "Content-Le"
    writer.write(f"POST {parts.path} HTTP/1.1\r\nHost: cmbot\r\n{rest}".encode())
    await writer.drain()
    return reader, writer


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b"[1]", b""])
async def test_unsigned_payload_is_not_read(bot: Running, body: bytes) -> None:
    for kind in (FORM, "application/json", "text/html; charset=nonsense"):
        assert (await bot.send(body, {}, kind=kind))[0] == 401


@pytest.mark.parametrize(
    "body", [b"{", b"[1]", b"payload=%5B1%5D", b"payload=no", b'{"user":5,"event":5}', b'{"a":' + b"[" * 200_000]
)
async def test_signed_nonsense_is_refused(bot: Running, body: bytes) -> None:
    kind = FORM if body.startswith(b"payload") else "application/json"
    status, text = await bot.send(body, bot.slack.delivery.signed(body), kind=kind)
    assert (status, text) == (400, "")


async def test_unsigned_parts_do_not_change_the_signed_body(bot: Running) -> None:
    """The charset, other headers and the query are not covered by the signature, so they count for nothing."""
    headers = {**bot.slack.delivery.signed(BODY), "X-Slack-Bolt-Lazy-Only": "1"}
    async with bot.session.post(
        f"{bot.url}?command=/other&text=tasks", data=BODY, headers={**headers, "Content-Type": f"{FORM}; charset=cp037"}
    ) as answer:
        assert answer.status == 200
    await bot.background.drain(10.0)
    assert [asked.text for asked in bot.echo.asked if isinstance(asked, Invocation)] == ["stat"]


async def test_a_compressed_body_is_not_unfolded(bot: Running) -> None:
    """A few packed bytes of a body above the limit are read as they are: they are not signed."""
    body = zlib.compress(b"\0" * (4 << 20))
    async with bot.session.post(
        bot.url, data=io.BytesIO(body), headers={"Content-Encoding": "deflate", **bot.slack.delivery.signed(b"")}
    ) as answer:
        assert answer.status == 401


async def test_a_body_that_is_too_large_is_refused(bot: Running) -> None:
    body = b"x" * (1024 * 1024 + 1)
    headers = {"Content-Type": FORM, **bot.slack.delivery.signed(body)}
    async with bot.session.post(bot.url, data=io.BytesIO(body), headers=headers) as answer:
        assert answer.status == 413


async def test_store_down_is_reported_in_the_acknowledgement(bot: Running) -> None:
    bot.echo.down = True
    body = urlencode({**COMMAND, "text": "task disable balance"}).encode()
    status, text = await bot.send(body, bot.slack.delivery.signed(body))
    assert status == 200
    assert json.loads(text)["response_type"] == "ephemeral"


async def test_only_posts_are_taken(bot: Running) -> None:
    async with bot.session.get(bot.url) as answer:
        assert answer.status == 405


async def no_home(_: HomeOpened) -> None:
    """Not opened here."""


async def test_without_a_secret_nothing_is_served(bot: Running) -> None:
    edge = AckMiddleware(bot.echo, bot.echo.gateway, bot.background, surfaces(no_home), on_ack=lambda _, __: None)
    with pytest.raises(ConfigError, match="SLACK_SIGNING_SECRET"):
        HttpDelivery(build_app(edge, OpenGate(), api_url=bot.slack.api_url), " ")
