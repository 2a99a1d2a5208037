"""The senders of the outbox row: the outbox of the program, and loops over the call of Slack's SDK.

Run as `python -m tests.bench.senders outbox API_URL DATABASE_URL`, or with `documented API_URL` or `kept API_URL`. Each
obeys one line at a time, `MESSAGES CHANNELS`: it posts so many messages, to so many channels in turn, and prints the
seconds that this took.
"""

import asyncio
import itertools
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.common.message_key import MessageKey
from bot.delivery.worker import Outbox, RateLimit
from bot.interactions.message import Message
from bot.slack.client import SlackClient
from bot.store.database import Store
from bot.views.blocks import context, message, section

TOKEN = "xoxb-bench"
LINES = 8
Send = Callable[[int, int], Awaitable[float]]


def content() -> Message:
    """A message of the size of an alert."""
    lines = "\n".join(f"Disk #{number} at http://10.0.0.{number}:8899, /data/{number}" for number in range(1, LINES))
    return message("c0 has 7 broken disks.", section(f"*c0 has 7 broken disks.*\n{lines}"), context("Since 10:15."))


def channels(messages: int, number: int) -> list[str]:
    """The channel of each message."""
    return [f"C0BENCH{place % number}" for place in range(messages)]


@asynccontextmanager
async def outbox(api_url: str, database_url: str) -> AsyncIterator[Send]:
    """The outbox without Slack's rate limits; the messages are in the database before the time counts."""
    async with Store.open(database_url, owner="bench") as store, SlackClient(TOKEN, api_url) as gateway:
        pace = RateLimit(interval=0.0)
        worker = Outbox(store, gateway, owner="bench", clock=time.time, random=random.random, pace=pace)
        numbers = itertools.count(1)

        async def send(messages: int, number: int) -> float:
            shown = content()
            async with store.begin() as uow:
                for channel in channels(messages, number):
                    await uow.outbox.put(MessageKey.alert(next(numbers)), channel, shown)
            began = time.monotonic()
            assert await worker.drain(patience=600.0) == 0
            return time.monotonic() - began

        yield send


def loop(client: AsyncWebClient) -> Send:
    """One call after the other."""

    async def send(messages: int, number: int) -> float:
        shown = content()
        began = time.monotonic()
        for channel in channels(messages, number):
            await client.chat_postMessage(
                channel=channel, text=shown.text, blocks=[dict(block) for block in shown.blocks]
            )
        return time.monotonic() - began

    return send


@asynccontextmanager
async def documented(api_url: str) -> AsyncIterator[Send]:
    """A loop over the SDK's client as its documentation shows it: it opens a connection for each call."""
    yield loop(AsyncWebClient(token=TOKEN, base_url=api_url))


@asynccontextmanager
async def kept(api_url: str) -> AsyncIterator[Send]:
    """The same loop with one session, which keeps its connection."""
    async with aiohttp.ClientSession() as session:
        yield loop(AsyncWebClient(token=TOKEN, base_url=api_url, session=session))


SENDERS: dict[str, Callable[..., AbstractAsyncContextManager[Send]]] = {
    "outbox": outbox,
    "documented": documented,
    "kept": kept,
}


async def serve(kind: str, *arguments: str) -> None:
    """Obey until the input ends."""
    async with SENDERS[kind](*arguments) as send:
        print("ready", flush=True)  # noqa: T201 - for the parent
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        async for line in reader:
            print(await send(*map(int, line.split())), flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
