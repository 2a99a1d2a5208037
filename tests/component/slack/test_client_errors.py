"""Every way in which a call to Slack fails, over real sockets, in our own error tree and without the token."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from bot.common.errors import SlackError, SlackLost, SlackRetryable
from bot.interactions.command import Reply
from bot.interactions.message import Message
from bot.slack.client import SlackClient
from tests.component.slack.conftest import TOKEN
from tests.support.slack_stub import Answer, Stub, cuts, says, writes

MESSAGE = Message("words")


def post(gateway: SlackClient) -> Awaitable[object]:
    return gateway.post("C1", MESSAGE)


def update(gateway: SlackClient) -> Awaitable[object]:
    return gateway.update("C1", "1.1", MESSAGE)


CALLS = {"chat.postMessage": post, "chat.update": update}


async def failure(call: Callable[[SlackClient], Awaitable[object]], gateway: SlackClient) -> SlackError:
    """The error that the call raises; nowhere in its traceback's text stands the token."""
    with pytest.raises(SlackError) as caught:
        await call(gateway)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    return caught.value


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (says({"ok": False, "error": "channel_not_found"}), SlackError, "channel_not_found"),
        (says({"ok": False, "error": "invalid_blocks"}), SlackError, "invalid_blocks"),
        (says({"ok": False, "error": "missing_scope"}), SlackError, "missing_scope"),
        (says({"ok": False, "error": "service_unavailable"}), SlackRetryable, "service_unavailable"),
        (says({"ok": False, "error": "internal_error"}), SlackRetryable, "internal_error"),
        (says({"ok": False, "error": "fatal_error"}, status=500), SlackRetryable, "fatal_error"),
        (writes("upstream", status=503), SlackRetryable, "service_unavailable"),
        (writes("<html>", status=502, content_type="text/html"), SlackRetryable, "internal_error"),
        (writes("{not json", status=500, content_type="application/json"), SlackRetryable, "internal_error"),
        (writes("moved", status=404), SlackError, "http_404"),
    ],
)
async def test_slack_refusal_becomes_our_error(
    stub: Stub, gateway: SlackClient, method: str, answer: Answer, kind: type[SlackError], code: str
) -> None:
    stub.will(method, answer)
    error = await failure(CALLS[method], gateway)
    assert (type(error), error.code) == (kind, code)
    assert method in str(error)
    assert len(stub.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        cuts,
        writes("fine"),
        writes("<html>", content_type="text/html"),
        writes("{", content_type="application/json"),
        says([1]),
        says(None),
        says({}),
        says({"ok": True}),
    ],
)
async def test_invalid_answer_leaves_the_post_unknown(stub: Stub, gateway: SlackClient, answer: Answer) -> None:
    stub.will("chat.postMessage", answer)
    error = await failure(post, gateway)
    assert type(error) is SlackLost
    assert len(stub.asked) == 1, "a post is never sent again by itself"


@pytest.mark.parametrize("answer", [cuts, writes("fine"), writes("{", content_type="application/json"), says([1])])
async def test_an_edit_whose_answer_is_lost_may_be_done_again(stub: Stub, gateway: SlackClient, answer: Answer) -> None:
    stub.will("chat.update", answer)
    assert type(await failure(update, gateway)) is SlackRetryable


@pytest.mark.parametrize(
    ("header", "wait"), [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("soon", 1.0), ("nan", 1.0), ("1e9", 3600.0)]
)
async def test_slow_down_carries_how_long(stub: Stub, gateway: SlackClient, header: str, wait: float) -> None:
    stub.will("chat.postMessage", says({"ok": False, "error": "ratelimited"}, status=429, Retry_After=header))
    error = await failure(post, gateway)
    assert isinstance(error, SlackRetryable)
    assert (error.code, error.retry_after) == ("ratelimited", wait)


async def test_slow_down_without_a_json_body(stub: Stub, gateway: SlackClient) -> None:
    stub.will("chat.postMessage", writes("too many", status=429))
    assert (await failure(post, gateway)).code == "ratelimited"


async def test_a_refused_connection_sent_nothing(unused_tcp_port: int) -> None:
    async with SlackClient(TOKEN, f"http://127.0.0.1:{unused_tcp_port}/api/") as gateway:
        for call in (post, update):
            error = await failure(call, gateway)
            assert (type(error), error.code) == (SlackRetryable, "unreachable")


@pytest.mark.parametrize(("method", "kind"), [("chat.postMessage", SlackLost), ("chat.update", SlackRetryable)])
async def test_no_answer_in_time(stub: Stub, method: str, kind: type[SlackError]) -> None:
    held = asyncio.Event()

    async def hangs(_: web.Request) -> web.StreamResponse:
        await held.wait()
        return web.Response()

    stub.will(method, hangs)
    async with SlackClient(TOKEN, stub.api_url, timeout=0.05) as gateway:
        error = await failure(CALLS[method], gateway)
    held.set()
    assert (type(error), error.code) == (kind, "timeout")


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (writes("expired_url", status=404), SlackError, "expired_url"),
        (says({"ok": False, "error": "used_url"}, status=404), SlackError, "used_url"),
        (says({"ok": False, "error": "no_text"}), SlackError, "no_text"),
        (writes("<html>gone</html>", status=410), SlackError, "http_410"),
        (writes("no", status=302), SlackLost, "redirected"),
        (cuts, SlackLost, "connection_lost"),
        (says({}, status=429, Retry_After="60"), SlackRetryable, "ratelimited"),
        (writes("oops", status=500), SlackRetryable, "internal_error"),
    ],
)
async def test_an_answer_by_response_url_fails_once_and_says_how(
    stub: Stub, gateway: SlackClient, answer: Answer, kind: type[SlackError], code: str
) -> None:
    stub.will("response_url", answer)
    error = await failure(lambda it: it.respond(stub.response_url, Reply(MESSAGE)), gateway)
    assert (type(error), error.code) == (kind, code)
    assert len(stub.asked) == 1


async def test_a_scope_that_is_missing_is_named(stub: Stub, gateway: SlackClient) -> None:
    stub.will("usergroups.users.list", says({"ok": False, "error": "missing_scope"}))
    with pytest.raises(SlackError, match="usergroups:read"):
        await gateway.group_members("S1")


async def test_cancelling_a_call_is_not_an_error_of_slack(stub: Stub, gateway: SlackClient) -> None:
    arrived, held = asyncio.Event(), asyncio.Event()

    async def hangs(_: web.Request) -> web.StreamResponse:
        arrived.set()
        await held.wait()
        return web.Response()

    stub.will("chat.delete", hangs)
    task = asyncio.create_task(gateway.delete("C1", "1.1"))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    held.set()
