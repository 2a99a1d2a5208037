"""Answers by response_url: sent again if nothing was sent, and plainer if Slack refuses the blocks."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp

from bot.common.errors import SlackError, SlackRetryable
from bot.common.json_object import JsonObject
from bot.delivery.block_support import BlockSupport, call_plainer
from bot.interactions.command import Reply
from bot.interactions.message import Message
from bot.slack.errors import FOREIGN, refused, translated
from bot.slack.measure import OnCall, ignore_call, measured
from bot.slack.methods import RESPOND

PLAIN = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
_NOT_SENT = frozenset({"unreachable", "proxy_unreachable", "ratelimited", "service_unavailable"})
_TRIES = 3
_LONGEST_WAIT = 5.0
_TAKEN = frozenset({"", "ok"})
"""Bodies with which Slack accepts an answer, besides JSON objects."""
_OK = 200
_REFUSED = 400
_FAILED = 500


async def answer(
    session: aiohttp.ClientSession,
    response_url: str,
    reply: Reply,
    *,
    replace: bool,
    api_url: str,
    support: BlockSupport,
    proxy: str | None = None,
    on_call: OnCall = ignore_call,
) -> None:
    """Send `reply`; raises SlackError (`expired_url`, `used_url`), SlackRetryable or SlackLost."""
    _check(response_url, api_url)

    async def send(message: Message) -> None:
        body = payload(message, private=reply.private, replace=replace)
        await patiently(partial(_send, session, response_url, body, proxy, on_call))

    await call_plainer(send, reply.message, PLAIN, support)


def payload(message: Message, *, private: bool, replace: bool) -> JsonObject:
    """Return the JSON of one answer."""
    shown = {"blocks": [dict(block) for block in message.blocks]} if message.blocks else {}
    return {
        "response_type": "ephemeral" if private else "in_channel",
        # Explicit, because for a click Slack replaces the card by default.
        "replace_original": replace,
        "text": message.text,
        "unfurl_links": False,
        "unfurl_media": False,
        **shown,
    }


def _check(response_url: str, api_url: str) -> None:
    """Raise SlackError unless the address is https or on the server of the configured API."""
    try:
        parts, api = urlsplit(response_url), urlsplit(api_url)
    except ValueError:
        parts = api = urlsplit("")
    same = (parts.scheme, parts.netloc) == (api.scheme, api.netloc)
    if not parts.hostname or not (parts.scheme == "https" or same):
        raise SlackError(
            "The answer was not sent: its response_url is not a valid address.", code="invalid_response_url"
        )


T = TypeVar("T")


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Call, and again after the time that Slack names if nothing was sent; raises what the last call raises."""
    for left in reversed(range(_TRIES)):
        try:
            return await call()
        except SlackRetryable as error:
            if not left or error.code not in _NOT_SENT or error.retry_after > _LONGEST_WAIT:
                raise
            await asyncio.sleep(error.retry_after)
    raise AssertionError("the last try returns or raises")


async def _send(
    session: aiohttp.ClientSession, response_url: str, body: JsonObject, proxy: str | None, on_call: OnCall
) -> None:
    with measured(RESPOND, on_call):
        await _posted(session, response_url, body, proxy)


async def _posted(session: aiohttp.ClientSession, response_url: str, body: JsonObject, proxy: str | None) -> None:
    try:
        async with session.post(response_url, json=body, allow_redirects=False, proxy=proxy) as response:
            text = await response.text(errors="replace")
    except FOREIGN as error:
        raise translated(error, RESPOND, proxy) from error
    data = _read(text, response.status)
    if response.status == _OK and data is None:
        raise refused(response.status, response.headers, None, RESPOND)
    data = data or {}
    # Slack reports some failures with status 200.
    if response.status != _OK or data.get("ok") is False:
        raise refused(response.status, response.headers, data, RESPOND)


def _read(text: str, status: int) -> JsonObject | None:
    """Return the body as an object, None if it is not Slack's; Slack also refuses with a bare word."""
    word = text.strip()
    if word in _TAKEN:
        return {}
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        refusal = _REFUSED <= status < _FAILED and word.replace("_", "").isalnum()
        return {"error": word} if refusal else None
    return data if isinstance(data, dict) else None
