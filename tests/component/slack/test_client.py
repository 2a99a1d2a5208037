"""The gateway's calls, as Slack gets them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from bot.chatops.slack_gateway import Asked, OpenView
from bot.common.errors import SlackError
from bot.common.message_key import MessageKey
from bot.interactions.command import Reply
from bot.interactions.message import Message
from bot.slack.client import Channel, SlackClient
from bot.slack.identity import Identity
from tests.component.slack.conftest import TOKEN
from tests.support.slack_stub import Stub, cuts, says, serving, writes

pytestmark = pytest.mark.fast_time

BLOCKS = ({"type": "divider"},)
MESSAGE = Message("Disk 7 is broken.", BLOCKS, {"slot": "alert:7", "version": "1"})
POSTED = says({"ok": True, "ts": "1700000000.000100"})
ME = says({"ok": True, "user_id": "U0ME", "bot_id": "B0ME", "team": "Local"}, X_OAuth_Scopes="chat:write, commands")


async def test_a_post_carries_text_blocks_and_metadata_and_unfurls_nothing(stub: Stub, gateway: SlackClient) -> None:
    stub.will("chat.postMessage", POSTED)
    assert await gateway.post("C1", MESSAGE) == "1700000000.000100"
    [asked] = stub.asked
    assert asked.arguments == {
        "channel": "C1",
        "text": "Disk 7 is broken.",
        "blocks": [{"type": "divider"}],
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": {"event_type": "cmbot", "event_payload": {"slot": "alert:7", "version": "1"}},
    }
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"


async def test_thread_post_can_be_broadcast_to_the_channel(stub: Stub, gateway: SlackClient) -> None:
    stub.will("chat.postMessage", POSTED, POSTED)
    await gateway.post("C1", MESSAGE, thread_ts="1.1", broadcast=True)
    await gateway.post("C1", MESSAGE, broadcast=True)
    threaded, alone = stub.asked
    assert (threaded.arguments["thread_ts"], threaded.arguments["reply_broadcast"]) == ("1.1", True)
    assert "reply_broadcast" not in alone.arguments


async def test_an_update_without_blocks_takes_the_old_ones_away(stub: Stub, gateway: SlackClient) -> None:
    await gateway.update("C1", "1.1", Message("plain"))
    assert stub.asked[0].arguments["blocks"] == []
    assert stub.asked[0].arguments["ts"] == "1.1"


ASKED = Asked("C1", "1.1", "U1", begun=True)


async def test_answer_in_a_thread_is_posted_then_edited(stub: Stub, gateway: SlackClient) -> None:
    stub.will("chat.postMessage", POSTED)
    ts = await gateway.say(ASKED, Reply(Message("one"), private=False))
    assert await gateway.say(ASKED, Reply(Message("two"), private=False), instead_of=ts) == ts
    first, then = stub.asked
    assert (first.arguments["channel"], first.arguments["thread_ts"]) == ("C1", "1.1")
    assert (then.arguments["ts"], then.arguments["text"]) == (ts, "two")


@pytest.mark.parametrize("begun", [True, False])
async def test_private_answer_stands_in_a_thread_only_if_it_has_begun(
    stub: Stub, gateway: SlackClient, *, begun: bool
) -> None:
    """Slack does not show a private message in a thread without messages."""
    stub.will("chat.postEphemeral", says({"ok": True, "message_ts": "1.2"}))
    assert await gateway.say(replace(ASKED, begun=begun), Reply(Message("refused"))) == "1.2"
    [asked] = stub.asked
    assert asked.arguments["user"] == "U1"
    assert asked.arguments.get("thread_ts") == ("1.1" if begun else None)


async def test_answer_in_a_thread_waits_when_slack_is_too_busy(stub: Stub, gateway: SlackClient) -> None:
    stub.will("chat.postMessage", says({"ok": False, "error": "ratelimited"}, status=429, Retry_After="1"), POSTED)
    assert await gateway.say(ASKED, Reply(Message("one"), private=False)) == "1700000000.000100"
    assert len(stub.asked) == 2


async def test_delete_permalink_home_and_modal(stub: Stub, gateway: SlackClient) -> None:
    stub.will("chat.getPermalink", says({"ok": True, "permalink": "https://local/p1"}))
    await gateway.delete("C1", "1.1")
    assert await gateway.permalink("C1", "1.1") == "https://local/p1"
    await gateway.publish_home("U1", BLOCKS)
    stub.will("views.open", says({"ok": True, "view": {"id": "V1", "hash": "h1"}}))
    assert await gateway.open_view("trigger", {"type": "modal"}) == OpenView("V1", "h1")
    stub.will("views.update", says({"ok": True, "view": {"id": "V1"}}), says({"ok": True, "view": {"id": "V1"}}))
    assert await gateway.update_view("V1", {"type": "modal"}, hash="h1") == OpenView("V1", "")
    await gateway.update_view("V1", {"type": "modal"})
    deleted, linked, home, modal, with_hash, without = (asked.arguments for asked in stub.asked)
    assert deleted == {"channel": "C1", "ts": "1.1"}
    assert linked == {"channel": "C1", "message_ts": "1.1"}
    assert home == {"user_id": "U1", "view": {"type": "home", "blocks": [{"type": "divider"}]}}
    assert modal == {"trigger_id": "trigger", "view": {"type": "modal"}}
    assert with_hash == {"view_id": "V1", "view": {"type": "modal"}, "hash": "h1"}
    assert without == {"view_id": "V1", "view": {"type": "modal"}}


def item(ts: Any, slot: str, user: str = "U0ME", event_type: str = "cmbot") -> Mapping[str, Any]:
    metadata = {"event_type": event_type, "event_payload": {"slot": slot}}
    return {"ts": ts, "user": user, "metadata": metadata}


async def test_search_finds_own_messages_on_all_pages(stub: Stub, gateway: SlackClient) -> None:
    stub.will("auth.test", ME)
    first = [item("30.0", "alert:7"), item("29.0", "alert:8"), item("28.0", "alert:7", user="U0FORGER"), "garbage"]
    second = [item("9.5", "alert:7"), item("9.0", "alert:7", event_type="other"), item(None, "alert:7"), {"ts": "8"}]
    bot = {**item("7.0", "alert:7", user=""), "bot_id": "B0ME"}
    stub.will(
        "conversations.history",
        says({"ok": True, "messages": first, "response_metadata": {"next_cursor": "more"}}),
        says({"ok": True, "messages": [*second, bot], "response_metadata": {"next_cursor": ""}}),
    )
    assert await gateway.find("C1", MessageKey.parse("alert:7"), after=5.25) == ["7.0", "9.5", "30.0"]
    _, one, two = (asked.arguments for asked in stub.asked)
    assert (one["oldest"], one["include_all_metadata"], "cursor" in one) == ("5.250000", "1", False)
    assert two["cursor"] == "more"


async def test_lines_of_a_thread_are_looked_for_in_the_thread(stub: Stub, gateway: SlackClient) -> None:
    stub.will("auth.test", ME)
    stub.will("conversations.replies", says({"ok": True, "messages": [item("2.0", "alert:7:line:1")]}))
    assert await gateway.find("C1", MessageKey.parse("alert:7:line:1"), after=0.0, thread_ts="1.0") == ["2.0"]
    assert stub.asked[1].arguments["ts"] == "1.0"


async def test_bot_identity_is_requested_once(stub: Stub, gateway: SlackClient) -> None:
    stub.will("auth.test", ME)
    await gateway.find("C1", MessageKey.parse("a"), after=0.0)
    await gateway.find("C1", MessageKey.parse("b"), after=0.0)
    assert [asked.method for asked in stub.asked].count("auth.test") == 1


async def test_identity_and_scopes(stub: Stub, gateway: SlackClient) -> None:
    stub.will("auth.test", ME)
    assert await gateway.auth_test() == Identity("U0ME", "B0ME", "Local", frozenset({"chat:write", "commands"}))


async def test_a_channel_as_the_bot_sees_it(stub: Stub, gateway: SlackClient) -> None:
    stub.will(
        "conversations.info",
        says({"ok": True, "channel": {"id": "C1", "name": "ops", "is_member": True, "is_private": True}}),
    )
    assert await gateway.channel_info("C1") == Channel("C1", "ops", member=True, archived=False, private=True)


async def test_group_members_are_cached_but_failures_are_not(stub: Stub) -> None:
    time = [0.0]
    async with SlackClient(TOKEN, stub.api_url, monotonic=lambda: time[0]) as gateway:
        stub.will(
            "usergroups.users.list",
            says({"ok": False, "error": "no_such_subteam"}),
            says({"ok": True, "users": ["U1", "U2"]}),
            says({"ok": True, "users": ["U2"]}),
        )
        with pytest.raises(SlackError, match="no_such_subteam"):
            await gateway.group_members("S1")
        assert await gateway.group_members("S1") == {"U1", "U2"}
        time[0] = 59.9
        assert await gateway.group_members("S1") == {"U1", "U2"}
        time[0] = 60.1
        assert await gateway.group_members("S1") == {"U2"}


async def test_missing_scope_for_groups_is_asked_for_once_a_minute(stub: Stub) -> None:
    time = [0.0]
    async with SlackClient(TOKEN, stub.api_url, monotonic=lambda: time[0]) as gateway:
        stub.will(
            "usergroups.users.list",
            says({"ok": False, "error": "missing_scope"}),
            says({"ok": True, "users": ["U1"]}),
        )
        for group in ("S1", "S2", "S1"):
            with pytest.raises(SlackError, match="missing_scope"):
                await gateway.group_members(group)
        assert len(stub.asked) == 1
        time[0] = 60.1
        assert await gateway.group_members("S1") == {"U1"}


async def test_sharing_of_a_channel_is_asked_once_and_kept_while_slack_is_silent(stub: Stub) -> None:
    time = [0.0]
    async with SlackClient(TOKEN, stub.api_url, monotonic=lambda: time[0]) as gateway:
        stub.will(
            "conversations.info",
            says({"ok": True, "channel": {"id": "C1", "is_ext_shared": True}}),
            *[says({"ok": False, "error": "internal_error"})] * 2,
            says({"ok": True, "channel": {"id": "C1", "is_ext_shared": False}}),
        )
        assert await gateway.shared("C1")
        assert await gateway.shared("C1")
        assert not await gateway.shared("D1"), "a direct message is no channel"
        assert len(stub.asked) == 1
        for later, shared in ((301.0, True), (602.0, False)):
            time[0] = later
            assert await gateway.shared("C1") is shared
        gateway.shared.note("C1", shared=True)
        assert await gateway.shared("C1")
        assert len(stub.asked) == 4, "without an answer Slack is asked once more"


async def test_failed_look_at_a_channel_is_no_answer_and_soon_forgotten(stub: Stub) -> None:
    time = [0.0]
    async with SlackClient(TOKEN, stub.api_url, monotonic=lambda: time[0]) as gateway:
        stub.will(
            "conversations.info",
            says({"ok": False, "error": "ratelimited"}),
            *[says({"ok": False, "error": "fatal_error"})] * 2,
            says({"ok": True, "channel": {"id": "C1", "is_ext_shared": True}}),
        )
        for later, shared, looks in ((0.0, None, 1), (2.9, None, 1), (3.1, None, 3), (6.3, True, 4), (300.0, True, 4)):
            time[0] = later
            assert await gateway.shared("C1") is shared
            asked = [each.method for each in stub.asked].count("conversations.info")
            assert asked == looks


FAILED = says({"ok": False, "error": "internal_error"})


async def test_failed_read_is_made_again_at_once(stub: Stub, gateway: SlackClient) -> None:
    """Otherwise one lost call would refuse the change that someone approves."""
    stub.will("conversations.info", FAILED, says({"ok": True, "channel": {"id": "C1", "is_ext_shared": False}}))
    assert await gateway.shared("C1") is False
    # The HTTP library itself asks again once after a cut connection.
    stub.will("usergroups.users.list", cuts, cuts, says({"ok": True, "users": ["U1"]}))
    assert await gateway.group_members("S1") == {"U1"}
    stub.will("usergroups.users.list", FAILED, FAILED, says({"ok": True, "users": ["U1"]}))
    with pytest.raises(SlackError, match="internal_error"):
        await gateway.group_members("S2")


async def test_read_that_failed_late_is_not_made_again(stub: Stub) -> None:
    """Its caller has waited long enough."""
    time = [0.0]

    async def late(request: web.Request) -> web.StreamResponse:
        time[0] += 2.1
        return await FAILED(request)

    async with SlackClient(TOKEN, stub.api_url, monotonic=lambda: time[0]) as gateway:
        stub.will("usergroups.users.list", late, says({"ok": True, "users": ["U1"]}))
        with pytest.raises(SlackError, match="internal_error"):
            await gateway.group_members("S1")


@pytest.mark.parametrize(
    ("error", "scopes", "shared"),
    [
        ("missing_scope", "chat:write", False),
        ("channel_not_found", "chat:write,channels:read", False),
        ("channel_not_found", "chat:write,channels:read,groups:read", None),
        ("channel_not_found", "", None),
    ],
)
async def test_sharing_is_left_out_without_the_scope_to_see_it(
    stub: Stub, error: str, scopes: str, shared: bool | None
) -> None:
    """Slack denies that a private channel exists; with the scope that means that cmbot is not in it."""
    time = [0.0]
    async with SlackClient(TOKEN, stub.api_url, monotonic=lambda: time[0]) as gateway:
        stub.will("conversations.info", says({"ok": False, "error": error}))
        stub.will("auth.test", says({"ok": True, "user_id": "U0ME"}, X_OAuth_Scopes=scopes))
        assert await gateway.shared("C1") is shared
        gateway.shared.note("C1", shared=True)
        time[0] = 301.0
        stub.will("conversations.info", says({"ok": False, "error": error}))
        assert await gateway.shared("C1"), "what an event said counts until Slack says otherwise"


async def test_a_socket_address_is_asked_for_with_the_app_token(stub: Stub, gateway: SlackClient) -> None:
    stub.will("apps.connections.open", says({"ok": True, "url": "ws://127.0.0.1/link"}))
    assert await gateway.socket_address("xapp-1") == "ws://127.0.0.1/link"
    assert stub.asked[0].headers["Authorization"] == "Bearer xapp-1"
    assert "token" not in stub.asked[0].arguments


@pytest.mark.parametrize(("private", "kind"), [(True, "ephemeral"), (False, "in_channel")])
async def test_answer_names_its_readers(stub: Stub, gateway: SlackClient, private: bool, kind: str) -> None:
    stub.will("response_url", writes("ok"))
    await gateway.respond(stub.response_url, Reply(MESSAGE, private=private), replace=not private)
    [asked] = stub.asked
    assert asked.arguments["response_type"] == kind
    assert asked.arguments["replace_original"] is not private
    assert asked.arguments["blocks"] == [{"type": "divider"}]
    assert "Authorization" not in asked.headers


async def test_an_answer_whose_blocks_are_refused_is_sent_as_text(stub: Stub, gateway: SlackClient) -> None:
    stub.will("response_url", writes("invalid_blocks", status=400), writes("ok"))
    await gateway.respond(stub.response_url, Reply(MESSAGE))
    refused, plain = stub.asked
    assert "blocks" in refused.arguments
    assert ("blocks" in plain.arguments, plain.arguments["text"]) == (False, "Disk 7 is broken.")


async def test_an_answer_that_was_not_sent_is_sent_again(stub: Stub, gateway: SlackClient) -> None:
    stub.will("response_url", says({}, status=429, Retry_After="0"), writes("busy", status=503))
    await gateway.respond(stub.response_url, Reply(MESSAGE))
    assert len(stub.asked) == 3


@pytest.mark.parametrize(
    "address", ["", "ftp://x/y", "http://169.254.169.254/latest", "http://[", "https://", "file:///etc/passwd"]
)
async def test_an_address_that_cannot_be_slack_s_is_never_called(gateway: SlackClient, address: str) -> None:
    with pytest.raises(SlackError) as caught:
        await gateway.respond(address, Reply(MESSAGE))
    assert caught.value.code == "invalid_response_url"


async def test_a_gateway_outside_its_context_refuses_to_work() -> None:
    async with serving(Stub()) as stub:
        with pytest.raises(RuntimeError):
            await SlackClient(TOKEN, stub.api_url).delete("C1", "1.1")
