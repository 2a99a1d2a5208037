"""Socket Mode against the local workspace: commands arrive, also after any failure."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.chatops.dispatcher import STORE_DOWN, Dispatcher
from bot.chatops.forms.events import HomeOpened
from bot.common.errors import SlackError, SlackRetryable, StoreError
from bot.interactions.command import Reply
from bot.interactions.events import Click, Invocation, Work
from bot.interactions.message import Message
from bot.playground.slack_sim.server import LocalSlack
from bot.slack.client import SlackClient
from bot.slack.installation import InstallationCheck
from bot.slack.middleware import AckMiddleware, build_app
from bot.slack.socket_mode import SocketMode, Timing
from bot.slack.task_queue import TaskQueue
from tests.support.slack_surfaces import surfaces

QUICK = Timing(ping=0.25, hello=2.0, check=0.02, quiet=1800.0, first_wait=0.02, longest_wait=0.1)


class Echo(Dispatcher):
    """Answers with what it was asked; `slow` holds the answers back until it is set."""

    def __init__(self, gateway: SlackClient) -> None:
        self.gateway = gateway
        self.down = False
        self.slow: asyncio.Event | None = None
        self.asked: list[Work] = []

    async def accept(self, work: Work) -> bool:
        if self.down:
            raise StoreError("down")
        return not any(work.key == earlier.key for earlier in self.asked)

    async def work(self, work: Work) -> None:
        await self.execute(work)

    async def execute(self, work: Work) -> None:
        self.asked.append(work)
        if self.slow is not None:
            await self.slow.wait()
        assert isinstance(work, Invocation | Click)
        words = work.text if isinstance(work, Invocation) else work.value
        await self.gateway.respond(work.response_url, Reply(Message(f"you said {words}"), private=False))


@dataclass
class Running:
    """A workspace with the edge connected to it."""

    slack: LocalSlack
    gateway: SlackClient
    echo: Echo
    socket: SocketMode
    background: TaskQueue

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(20.0):
            while not true():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.005)

    async def says(self, text: str) -> str:
        """Type a command and wait for its answer."""
        ack = await self.slack.as_user("U0ALICE").command("C0STORAGE", f"/cm {text}")
        assert not ack.error
        message = await self.slack.wait_for("C0STORAGE", lambda m: m.text == f"you said {text}")
        return str(message.text)


@asynccontextmanager
async def running(
    timing: Timing = QUICK, address: Callable[[], Awaitable[str]] | None = None
) -> AsyncIterator[Running]:
    """The local workspace, a gateway, the edge and a socket that runs."""
    async with LocalSlack() as slack, SlackClient(slack.bot_token, slack.api_url) as gateway:
        echo, background = Echo(gateway), TaskQueue()

        async def home(event: HomeOpened) -> None:
            await gateway.publish_home(event.user, ({"type": "divider"},))

        edge = AckMiddleware(echo, gateway, background, surfaces(home), on_ack=lambda _, __: None)
        socket = SocketMode(
            build_app(edge, InstallationCheck(gateway.identity, lambda: gateway.app_id), api_url=slack.api_url),
            address or (lambda: gateway.socket_address(slack.app_token)),
            timing=timing,
            random=lambda: 0.5,
            on_hello=gateway.learn_app,
        )
        task = asyncio.create_task(socket.run())
        try:
            yield Running(slack, gateway, echo, socket, background)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert not socket.connected
            await background.drain(5.0)


@pytest.fixture
async def bot() -> AsyncIterator[Running]:
    """A connected edge."""
    async with running() as bot:
        await bot.until(lambda: bot.socket.connected)
        yield bot


async def test_a_command_comes_in_and_its_answer_goes_out(bot: Running) -> None:
    assert await bot.says("stat prod")
    bot.slack.assert_no_violations()


async def test_a_click_comes_in(bot: Running) -> None:
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "42"}
    ts = await bot.gateway.post("C0STORAGE", Message("Go?", ({"type": "actions", "elements": [button]},)))
    await bot.slack.as_user("U0ALICE").click("C0STORAGE", ts, "go")
    await bot.slack.wait_for("C0STORAGE", lambda m: m.text == "you said 42")
    [click] = bot.echo.asked
    assert isinstance(click, Click)
    assert (click.channel, click.message_ts) == ("C0STORAGE", ts)
    bot.slack.assert_no_violations()


async def test_opening_the_home_tab_puts_it_up(bot: Running) -> None:
    await bot.slack.as_user("U0ALICE").open_home()
    await bot.until(lambda: "U0ALICE" in bot.slack.workspace.homes)


async def test_a_slow_answer_does_not_hold_up_any_acknowledgement(bot: Running) -> None:
    bot.echo.slow = asyncio.Event()
    alice = bot.slack.as_user("U0ALICE")
    acks = await asyncio.gather(*(alice.command("C0STORAGE", f"/cm stat {number}") for number in range(20)))
    assert not any(ack.error for ack in acks)
    bot.echo.slow.set()
    await bot.slack.wait_for("C0STORAGE", lambda m: m.text == "you said stat 19")


async def test_an_envelope_that_comes_twice_is_answered_once(bot: Running) -> None:
    bot.slack.faults.inject("duplicate")
    await bot.says("stat")
    await bot.says("members")
    assert [work.text for work in bot.echo.asked if isinstance(work, Invocation)] == ["stat", "members"]


async def test_store_down_is_reported_to_the_typist(bot: Running) -> None:
    bot.echo.down = True
    alice = bot.slack.as_user("U0ALICE")
    await alice.command("C0STORAGE", "/cm task disable balance")
    await bot.slack.wait_for("C0STORAGE", lambda m: m.text == STORE_DOWN, user="U0ALICE")
    assert not [m for m in bot.slack.as_user("U0BOB").sees("C0STORAGE") if m.text == STORE_DOWN]


async def test_an_announced_end_is_followed_by_a_new_connection(bot: Running) -> None:
    [old] = bot.slack.delivery.sockets
    await bot.slack.delivery.disconnect(warning=True)
    await bot.until(lambda: bool(bot.slack.delivery.sockets) and old not in bot.slack.delivery.sockets)
    assert await bot.says("after")


async def test_a_connection_that_is_open_but_dead_is_replaced(bot: Running) -> None:
    [old] = bot.slack.delivery.sockets
    bot.slack.faults.inject("dead_socket")
    await bot.until(lambda: bool(bot.slack.delivery.sockets) and old not in bot.slack.delivery.sockets)
    assert await bot.says("after")


async def test_a_quiet_connection_is_renewed_without_a_gap() -> None:
    async with running(Timing(ping=0.25, check=0.02, quiet=0.05)) as bot:
        await bot.until(lambda: bot.socket.connected)
        [first] = bot.slack.delivery.sockets
        await bot.until(lambda: first not in bot.slack.delivery.sockets)
        assert bot.socket.connected
        assert bot.slack.delivery.sockets


async def test_acknowledgement_on_the_old_connection_completes() -> None:
    """The store is slow while Slack ends the connection: the acknowledgement goes out on the old one."""
    async with running() as bot:
        await bot.until(lambda: bot.socket.connected)
        gate, entered = asyncio.Event(), asyncio.Event()

        async def slow(_: Work) -> bool:
            entered.set()
            await gate.wait()
            return True

        bot.echo.accept = slow  # type: ignore[assignment, method-assign] # one slow store is all this test is about
        typing = asyncio.create_task(bot.slack.as_user("U0ALICE").command("C0STORAGE", "/cm task disable balance"))
        await entered.wait()
        [old] = bot.slack.delivery.sockets
        await old.ws.send_json({"type": "disconnect", "reason": "warning"})
        await bot.until(lambda: len(bot.slack.delivery.sockets) == 2)
        gate.set()
        assert not (await typing).error
        await bot.until(lambda: old not in bot.slack.delivery.sockets)


async def test_an_outage_of_slack_is_waited_out() -> None:
    down = [True]

    async def address() -> str:
        if down[0]:
            raise SlackRetryable("Slack could not be reached.", code="unreachable")
        gateway, slack = bots[0].gateway, bots[0].slack
        return await gateway.socket_address(slack.app_token)

    bots: list[Running] = []
    async with running(address=address) as bot:
        bots.append(bot)
        await bot.until(lambda: bot.socket.last_error != "")
        assert not bot.socket.connected
        assert bot.socket.dead_for > 0
        down[0] = False
        await bot.until(lambda: bot.socket.connected)
        assert (bot.socket.last_error, bot.socket.dead_for) == ("", 0.0)


async def test_wrong_app_token_is_reported_and_retried() -> None:
    async with LocalSlack() as slack, SlackClient(slack.bot_token, slack.api_url) as gateway:
        with pytest.raises(SlackError) as caught:
            await gateway.socket_address("xapp-wrong")
    assert caught.value.code == "invalid_auth"


@asynccontextmanager
async def mute_server(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """A WebSocket server that is none of Slack's."""
    app = web.Application()
    app.router.add_get("/link", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}/link"
    finally:
        await runner.cleanup()


async def never_says_hello(request: web.Request) -> web.StreamResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for _ in ws:
        pass
    return ws


async def says_no(_: web.Request) -> web.StreamResponse:
    return web.Response(status=403)


@pytest.mark.parametrize("server", [never_says_hello, says_no])
async def test_a_connection_without_hello_is_none(server: Callable[[web.Request], Awaitable[Any]]) -> None:
    async with mute_server(server) as url:

        async def address() -> str:
            return url

        async with running(Timing(hello=0.1, check=0.02, first_wait=0.02), address) as bot:
            await bot.until(lambda: "could not be opened" in bot.socket.last_error)
            assert not bot.socket.connected


async def test_frames_that_are_no_envelopes_do_no_harm(bot: Running) -> None:
    [server] = bot.slack.delivery.sockets
    for frame in ("", "not json", "{broken", "[]", '{"type": "disconnected"}', '{"envelope_id": "x"}'):
        with suppress(aiohttp.ClientError):
            await server.ws.send_str(frame)
    assert await bot.says("still here")
