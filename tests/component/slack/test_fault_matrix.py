"""Each way in which a connection can fail, at each method of Slack's that is called, over real sockets."""

import asyncio
import resource
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from bot.chatops.slack_gateway import Asked
from bot.common.errors import SlackError, SlackLost, SlackRetryable
from bot.common.message_key import MessageKey
from bot.interactions.command import Reply
from bot.interactions.message import Message
from bot.slack.client import SlackClient
from bot.slack.methods import METHODS, UPLOAD
from tests.support.fault_matrix import cells
from tests.support.fault_server import certified
from tests.support.slack_faults import FAILS, FaultySlack, says, serving

pytestmark = pytest.mark.fast_time

TOKEN = "xoxb-test-7777-secret"
MESSAGE = Message("words")
PATIENCE = 0.4
MAX_MEMORY = 64 * 1024
"""Kilobytes by which the whole matrix may raise this process's peak: an answer is bounded at 4 MiB."""

ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "auth.test": {"user_id": "U0ME", "bot_id": "B0ME", "team_id": "T1"},
    "files.getUploadURLExternal": {"upload_url": "/api/upload_url", "file_id": "F1"},
}
Call = Callable[[SlackClient, str], Awaitable[object]]
CALLS: Mapping[str, Call] = {
    "auth.test": lambda it, _: it.auth_test(),
    "apps.connections.open": lambda it, _: it.socket_address("xapp-1"),
    "blocks.validate": lambda it, _: it.validate("blocks", []),
    "chat.postMessage": lambda it, _: it.post("C1", MESSAGE),
    "chat.postEphemeral": lambda it, _: it.say(Asked("C1", "1.1", "U1", begun=True), Reply(MESSAGE)),
    "chat.update": lambda it, _: it.update("C1", "1.1", MESSAGE),
    "chat.delete": lambda it, _: it.delete("C1", "1.1"),
    "chat.getPermalink": lambda it, _: it.permalink("C1", "1.1"),
    "conversations.history": lambda it, _: it.find("C1", MessageKey.parse("a"), after=0.0),
    "conversations.replies": lambda it, _: it.find("C1", MessageKey.parse("a"), after=0.0, thread_ts="1.0"),
    "conversations.info": lambda it, _: it.channel_info("C1"),
    "usergroups.users.list": lambda it, _: it.group_members("S1"),
    "views.publish": lambda it, _: it.publish_home("U1", []),
    "views.open": lambda it, _: it.open_view("1.2", {"type": "modal"}),
    "views.update": lambda it, _: it.update_view("V1", {"type": "modal"}),
    "files.getUploadURLExternal": lambda it, _: it.upload("C1", "f", b"x", title="t"),
    "upload_url": lambda it, _: it.upload("C1", "f", b"x", title="t"),
    "files.completeUploadExternal": lambda it, _: it.upload("C1", "f", b"x", title="t"),
    "response_url": lambda it, origin: it.respond(f"{origin}/api/response_url", Reply(MESSAGE)),
}
POSTING = {method.name for method in METHODS if method.posts}
OUTCOMES = {
    "reset": "connection_lost",
    "black hole": "timeout",
    "drip": "timeout",
    "half-closed": "connection_lost",
    "garbage": "bad_answer",
    "truncated": "connection_lost",
    "gzip bomb": "bad_answer",
    "wrong type": "bad_answer",
    "3xx": "redirected",
    "4xx": "http_404",
    "5xx": "internal_error",
    "9xx": "internal_error",
    "huge": "bad_answer",
    "deep": "bad_answer",
}
READS = {
    "chat.getPermalink",
    "conversations.history",
    "conversations.replies",
    "conversations.info",
    "usergroups.users.list",
}
BODIES = {"drip", "truncated", "gzip bomb", "wrong type", "huge", "deep"}
"""Those that fail in the body alone: an upload has succeeded by then."""


def test_matrix_has_every_method_and_every_fault() -> None:
    assert set(CALLS) == {method.name for method in METHODS}
    assert set(OUTCOMES) == set(FAILS)


async def failure(slack: FaultySlack, method: str) -> SlackError:
    """What the call raises; its sentence holds neither the token nor an address."""
    async with SlackClient(TOKEN, slack.api_url, timeout=PATIENCE, connect_timeout=PATIENCE) as gateway:
        with pytest.raises(SlackError) as caught:
            await CALLS[method](gateway, slack.origin)
    assert TOKEN not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    return caught.value


def expected(fault: str, method: str) -> tuple[type[SlackError], str]:
    """The specified outcome: what cannot be known of a post is lost, anything else may be done again."""
    code = OUTCOMES[fault]
    if code == "http_404":
        return SlackError, code
    if code == "internal_error":
        return SlackRetryable, code
    return (SlackLost if method in POSTING else SlackRetryable), code


@pytest.mark.parametrize(("fault", "method"), cells(FAILS, CALLS))
async def test_fault_at_method_has_its_specified_outcome(fault: str, method: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with serving(FaultySlack(fails={method.lower(): FAILS[fault]}, answers=ANSWERS)) as slack:
        if method == UPLOAD.name and fault in BODIES:
            async with SlackClient(TOKEN, slack.api_url, timeout=PATIENCE) as gateway:
                await CALLS[method](gateway, slack.origin)
            assert slack.asked[-1] == "files.completeuploadexternal"
        else:
            error = await failure(slack, method)
            assert (type(error), error.code) == expected(fault, method)
    # A read is made twice; the HTTP library asks once more each time when its connection closed without an answer.
    assert slack.asked.count(method.lower()) <= (4 if method in READS else 1)
    assert "elsewhere" not in slack.asked
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_MEMORY


@pytest.mark.parametrize("method", CALLS)
async def test_refused_connection_is_unreachable(unused_tcp_port: int, method: str) -> None:
    error = await failure(FaultySlack(f"http://127.0.0.1:{unused_tcp_port}"), method)
    assert (type(error), error.code) == (SlackRetryable, "unreachable")


@pytest.fixture(scope="module")
def untrusted() -> ssl.SSLContext:
    """TLS with a certificate that this system does not trust."""
    return certified("alone")


@pytest.mark.parametrize("method", CALLS)
async def test_untrusted_certificate_is_named_with_a_remedy(untrusted: ssl.SSLContext, method: str) -> None:
    async with serving(FaultySlack(answers=ANSWERS), untrusted) as slack:
        error = await failure(slack, method)
    assert (type(error), error.code) == (SlackRetryable, "untrusted_certificate")
    assert "self-signed certificate" in str(error)
    assert "SSL_CERT_FILE" in str(error)
    assert slack.asked == []


async def test_server_without_tls_is_named() -> None:
    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await says(400, b"plain HTTP")(writer)
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(FaultySlack(f"https://127.0.0.1:{port}"), "chat.postMessage")
    assert (type(error), error.code) == (SlackRetryable, "tls_failed")
