"""A local workspace on a real socket, Slack's own client for it, and a Bolt app that answers commands and clicks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack_sim import LocalSlack

Json = dict[str, Any]
PLAIN = {"type": "plain_text", "text": "Go"}
BUTTON = {"type": "button", "action_id": "go", "text": PLAIN, "value": "7"}
ACTIONS = {"type": "actions", "block_id": "row", "elements": [BUTTON]}
NAME = {"type": "input", "block_id": "b", "label": PLAIN, "element": {"type": "plain_text_input", "action_id": "name"}}
MODAL = {"type": "modal", "callback_id": "form", "title": PLAIN, "submit": PLAIN, "blocks": [NAME]}
HOME = {"type": "home", "blocks": [ACTIONS]}


@dataclass
class Clock:
    """Unix seconds that stand still until they are moved."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Bot:
    """What the Bolt app was sent, and the app itself."""

    app: AsyncApp
    seen: list[Json] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)


def client_of(slack: LocalSlack, token: str | None = None) -> AsyncWebClient:
    """Slack's own client, connected to the local workspace, without retries."""
    return AsyncWebClient(token or slack.bot_token, base_url=slack.api_url, retry_handlers=[])


def bolt_app(slack: LocalSlack) -> Bot:
    """A Bolt app: `/cm <text>` says what it got, `/cm modal` opens one, `/cm slow` waits to be released."""
    bot = Bot(AsyncApp(client=client_of(slack), signing_secret=slack.signing_secret))

    @bot.app.command("/cm")
    async def command(ack: Any, respond: Any, body: Json, client: AsyncWebClient) -> None:
        bot.seen.append(body)
        if body["text"] == "slow":
            await bot.release.wait()
        await ack(**({"text": "in the acknowledgement"} if body["text"] == "ack" else {}))
        if body["text"] == "modal":
            await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        elif body["text"] not in {"slow", "ack"}:
            await respond(f"you said {body['text']}")

    @bot.app.action("go")
    async def action(ack: Any, respond: Any, body: Json) -> None:
        await ack()
        bot.seen.append(body)
        if body.get("response_url"):
            await respond(f"clicked {body['actions'][0].get('value')}", replace_original=True)

    @bot.app.view("form")
    async def submission(ack: Any, body: Json, view: Json) -> None:
        bot.seen.append(body)
        name = view["state"]["values"]["b"]["name"]["value"]
        answers: dict[str, Json] = {
            "bad": {"response_action": "errors", "errors": {"b": "not that"}},
            "next": {"response_action": "update", "view": MODAL | {"title": {**PLAIN, "text": "Second"}}},
            "wrong": {"response_action": "errors", "errors": {"no_such_block": "x"}},
        }
        await ack(**answers.get(name, {}))

    @bot.app.view_closed("form")
    async def closed(ack: Any, body: Json) -> None:
        await ack()
        bot.seen.append(body)

    @bot.app.event("app_home_opened")
    async def home(event: Json, body: Json, client: AsyncWebClient) -> None:
        bot.seen.append(body)
        await client.views_publish(user_id=event["user"], view=HOME)

    return bot


@asynccontextmanager
async def connected(slack: LocalSlack, bot: Bot) -> AsyncIterator[AsyncSocketModeHandler]:
    """The app, connected by Socket Mode."""
    handler = AsyncSocketModeHandler(bot.app, slack.app_token, ping_interval=0.2)
    before = len(slack.delivery.sockets)
    await handler.connect_async()
    await slack.workspace.wait_until(lambda: len(slack.delivery.sockets) > before or None)
    try:
        yield handler
    finally:
        await handler.close_async()


@asynccontextmanager
async def serving(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """An app's HTTP server: the address at which it takes deliveries."""
    app = web.Application()
    app.router.add_post("/slack/events", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[LocalSlack]:
    """A workspace whose clock stands still."""
    async with LocalSlack(clock=clock, retry_delays=(0.0, 0.0, 0.0)) as slack:
        yield slack


@pytest.fixture
def client(slack: LocalSlack) -> AsyncWebClient:
    return client_of(slack)


@pytest.fixture
async def bot() -> AsyncIterator[tuple[LocalSlack, Bot]]:
    """A workspace on the real clock with a Bolt app connected to it."""
    async with LocalSlack() as slack:
        bot = bolt_app(slack)
        async with connected(slack, bot):
            yield slack, bot


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def rules(slack: LocalSlack) -> Callable[[], list[str]]:
    """The rules broken so far."""
    return lambda: [violation.rule for violation in slack.workspace.violations]
