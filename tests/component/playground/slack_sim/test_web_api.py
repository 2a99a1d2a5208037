"""The Web API as Slack's own client meets it: what works, and every refusal with its code."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack_sim import DEMO_TEAM, LocalSlack
from bot.playground.slack_sim.team import Channel
from tests.component.playground.slack_sim.conftest import ACTIONS, BUTTON, HOME, MODAL, Clock, client_of

Rules = Callable[[], list[str]]
STORAGE = "C0STORAGE"


async def refused(client: AsyncWebClient, method: str, **args: Any) -> Any:
    """What a refused call was answered."""
    with pytest.raises(SlackApiError) as caught:
        await client.api_call(method, json=args)
    return caught.value.response


async def test_token_identifies_its_owner(client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == ("U0CMBOT", "B0CMBOT", "T0LOCAL")
    assert "chat:write" in answer.headers["x-oauth-scopes"]


async def test_a_message_is_posted_edited_found_and_deleted(slack: LocalSlack, client: AsyncWebClient) -> None:
    metadata = {"event_type": "key", "event_payload": {"id": 1}}
    ts = (await client.chat_postMessage(channel=STORAGE, text="one", blocks=[ACTIONS], metadata=metadata))["ts"]
    [found] = (await client.conversations_history(channel=STORAGE, include_all_metadata=True))["messages"]
    assert (found["text"], found["bot_id"], found["metadata"]) == ("one", "B0CMBOT", metadata)
    [plain] = (await client.conversations_history(channel=STORAGE))["messages"]
    assert "metadata" not in plain
    await client.chat_update(channel=STORAGE, ts=ts, text="two")
    [edited] = (await client.conversations_history(channel=STORAGE, include_all_metadata=True))["messages"]
    assert ("blocks" in edited, edited["text"], edited["metadata"]) == (False, "two", metadata)
    assert edited["edited"]["user"] == "U0CMBOT"
    await client.chat_delete(channel=STORAGE, ts=ts)
    assert (await client.conversations_history(channel=STORAGE))["messages"] == []
    slack.assert_no_violations(allow=())


async def test_a_thread_is_read_apart_from_its_channel(client: AsyncWebClient) -> None:
    parent = (await client.chat_postMessage(channel=STORAGE, text="parent"))["ts"]
    await client.chat_postMessage(channel=STORAGE, text="reply", thread_ts=parent)
    await client.chat_postMessage(channel=STORAGE, text="shout", thread_ts=parent, reply_broadcast=True)
    history = (await client.conversations_history(channel=STORAGE))["messages"]
    assert [m["text"] for m in history] == ["shout", "parent"]
    assert (history[1]["reply_count"], history[1]["thread_ts"]) == (2, parent)
    thread = (await client.conversations_replies(channel=STORAGE, ts=parent))["messages"]
    assert [m["text"] for m in thread] == ["parent", "reply", "shout"]


async def test_a_history_comes_in_pages_and_between_times(client: AsyncWebClient) -> None:
    stamps = [(await client.chat_postMessage(channel=STORAGE, text=str(n)))["ts"] for n in range(5)]
    paged = await client.conversations_history(channel=STORAGE, limit=2)
    assert [[m["text"] for m in page["messages"]] async for page in paged] == [["4", "3"], ["2", "1"], ["0"]]
    answer = await client.conversations_history(channel=STORAGE, oldest=stamps[1], latest=stamps[3])
    assert [m["text"] for m in answer["messages"]] == ["2"]
    answer = await client.conversations_history(channel=STORAGE, oldest=stamps[1], latest=stamps[3], inclusive=True)
    assert [m["text"] for m in answer["messages"]] == ["3", "2", "1"]


async def test_ephemeral_message_is_found_by_no_method(slack: LocalSlack, client: AsyncWebClient) -> None:
    ts = (await client.chat_postEphemeral(channel=STORAGE, user="U0BOB", text="psst"))["message_ts"]
    assert [m.text for m in slack.as_user("bob").sees(STORAGE)] == ["psst"]
    assert slack.as_user("alice").sees(STORAGE) == []
    assert (await client.conversations_history(channel=STORAGE))["messages"] == []
    assert (await refused(client, "chat.update", channel=STORAGE, ts=ts, text="x"))["error"] == "message_not_found"


async def test_a_person_s_id_means_the_conversation_with_them(slack: LocalSlack, client: AsyncWebClient) -> None:
    direct = (await client.conversations_open(users="U0BOB"))["channel"]["id"]
    assert (await client.chat_postMessage(channel="U0BOB", text="hello"))["channel"] == direct
    assert [m.text for m in slack.as_user("bob").sees(direct)] == ["hello"]
    assert slack.as_user("alice").sees(direct) == []


async def test_people_groups_and_channels_are_listed(client: AsyncWebClient) -> None:
    assert (await client.users_info(user="U0BOB"))["user"]["name"] == "bob"
    assert (await client.users_info(user="U0CMBOT"))["user"]["is_bot"]
    assert "U0CMBOT" in [user["id"] for user in (await client.users_list())["members"]]
    groups = (await client.usergroups_list(include_users=True))["usergroups"]
    assert groups[0]["users"] == (await client.usergroups_users_list(usergroup="S0ONCALL"))["users"]
    assert (await client.conversations_info(channel="C0OLD"))["channel"]["is_archived"]
    assert not (await client.conversations_info(channel="C0RANDOM"))["channel"]["is_member"]
    names = [c["name"] for c in (await client.conversations_list(exclude_archived=True))["channels"]]
    assert "old" not in names
    assert "storage" in names
    assert "U0CMBOT" in (await client.conversations_members(channel=STORAGE))["members"]
    assert (await client.team_info())["team"]["id"] == "T0LOCAL"
    assert (await client.bots_info(bot="B0CMBOT"))["bot"]["user_id"] == "U0CMBOT"
    assert (await client.api_test(foo="bar"))["args"] == {"foo": "bar"}


async def test_pins_reactions_and_links(slack: LocalSlack, client: AsyncWebClient) -> None:
    ts = (await client.chat_postMessage(channel=STORAGE, text="card"))["ts"]
    await client.pins_add(channel=STORAGE, timestamp=ts)
    await client.reactions_add(channel=STORAGE, timestamp=ts, name="eyes")
    [item] = (await client.pins_list(channel=STORAGE))["items"]
    assert item["message"]["reactions"] == [{"name": "eyes", "users": ["U0CMBOT"], "count": 1}]
    assert (await refused(client, "pins.add", channel=STORAGE, timestamp=ts))["error"] == "already_pinned"
    again = await refused(client, "reactions.add", channel=STORAGE, timestamp=ts, name="eyes")
    assert again["error"] == "already_reacted"
    link = (await client.chat_getPermalink(channel=STORAGE, message_ts=ts))["permalink"]
    assert link == f"{slack.page_url}#/{STORAGE}/{ts}"


async def test_a_file_is_uploaded_and_shared(
    slack: LocalSlack, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    shared = await client.files_upload_v2(channel=STORAGE, content="a,b\n1,2\n", filename="disks.csv", title="Disks")
    [message] = slack.workspace.messages
    assert message.files[0]["name"] == "disks.csv"
    async with http.get(shared["file"]["url_private"]) as answer:
        assert await answer.text() == "a,b\n1,2\n"
    answer = await refused(client, "files.completeUploadExternal", files=[{"id": "F1"}], channel_id=STORAGE)
    assert answer["error"] == "file_not_found"


@pytest.mark.parametrize(
    ("method", "args", "code"),
    [
        ("chat.postMessage", {"channel": "C1", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "C0RANDOM", "text": "x"}, "not_in_channel"),
        ("chat.postMessage", {"channel": "C0OLD", "text": "x"}, "is_archived"),
        ("chat.postMessage", {"channel": STORAGE}, "no_text"),
        ("chat.postMessage", {"channel": STORAGE, "text": "x" * 40_001}, "msg_too_long"),
        ("chat.postMessage", {"channel": STORAGE, "text": "x", "thread_ts": "1.2"}, "thread_not_found"),
        ("chat.postMessage", {"channel": STORAGE, "text": "x", "blocks": "[not json"}, "invalid_blocks_format"),
        ("chat.postMessage", {"channel": STORAGE, "text": "x", "metadata": {"a": 1}}, "invalid_metadata_format"),
        ("chat.update", {"channel": STORAGE, "ts": "1.2", "text": "x"}, "message_not_found"),
        ("chat.postEphemeral", {"channel": STORAGE, "user": "U1", "text": "x"}, "user_not_in_channel"),
        ("conversations.history", {"channel": "C0RANDOM"}, "not_in_channel"),
        ("conversations.history", {"channel": STORAGE, "limit": 0}, "invalid_limit"),
        ("conversations.history", {"channel": STORAGE, "cursor": "x"}, "invalid_cursor"),
        ("conversations.replies", {"channel": STORAGE, "ts": "1.2"}, "thread_not_found"),
        ("users.info", {"user": "U1"}, "user_not_found"),
        ("usergroups.users.list", {"usergroup": "S1"}, "no_such_subteam"),
        ("views.open", {"trigger_id": "1.2.3", "view": MODAL}, "invalid_trigger_id"),
        ("views.open", {"trigger_id": "1.2.3", "view": {"type": "modal"}}, "invalid_arguments"),
        ("views.open", {"trigger_id": "1.2.3", "view": HOME}, "invalid_arguments"),
        ("views.update", {"view_id": "V1", "view": MODAL}, "not_found"),
        ("views.publish", {"user_id": "U1", "view": HOME}, "user_not_found"),
        ("chat.scream", {}, "unknown_method"),
        ("api.test", {"error": "my_error"}, "my_error"),
    ],
)
async def test_a_refusal_has_slack_s_code_and_is_noted(
    client: AsyncWebClient, rules: Rules, method: str, args: dict[str, Any], code: str
) -> None:
    assert (await refused(client, method, **args))["error"] == code
    assert rules() == [code]


async def test_invalid_blocks_are_reported_with_their_path(client: AsyncWebClient, rules: Rules) -> None:
    wrong = [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]
    answer = await refused(client, "chat.postMessage", channel=STORAGE, text="x", blocks=wrong)
    assert answer["error"] == "invalid_blocks"
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]"
    ]
    assert rules() == ["invalid_blocks"]


async def test_discouraged_calls_are_accepted_and_noted(client: AsyncWebClient, rules: Rules) -> None:
    parent = (await client.chat_postMessage(channel=STORAGE, text="x"))["ts"]
    reply = (await client.chat_postMessage(channel=STORAGE, text="x", thread_ts=parent))["ts"]
    nested = await client.chat_postMessage(channel=STORAGE, text="x", thread_ts=reply)
    assert nested["message"]["thread_ts"] == parent
    twice = [ACTIONS, {"type": "actions", "elements": [BUTTON]}]
    await client.api_call("chat.postMessage", json={"channel": STORAGE, "blocks": twice})
    assert rules() == ["reply_as_thread_ts", "no_fallback_text", "doubled_action_id"]


async def test_only_the_app_s_own_messages_can_be_changed(slack: LocalSlack, client: AsyncWebClient) -> None:
    message = slack.as_user("bob").post(STORAGE, "mine")
    answer = await refused(client, "chat.update", channel=STORAGE, ts=message.ts, text="x")
    assert answer["error"] == "cant_update_message"
    assert (await refused(client, "chat.delete", channel=STORAGE, ts=message.ts))["error"] == "cant_delete_message"


async def test_tokens_are_checked(slack: LocalSlack) -> None:
    for token, code in (("xoxb-wrong", "invalid_auth"), (slack.app_token, "not_allowed_token_type")):
        assert (await refused(client_of(slack, token), "auth.test"))["error"] == code
    for token, code in (("xapp-wrong", "invalid_auth"), (slack.bot_token, "not_allowed_token_type")):
        assert (await refused(client_of(slack, token), "apps.connections.open"))["error"] == code
    assert (await refused(AsyncWebClient(base_url=slack.api_url), "auth.test"))["error"] == "not_authed"


async def test_a_missing_scope_is_named() -> None:
    secret = Channel("C0SECRET", "secret", is_private=True)
    team = replace(DEMO_TEAM, scopes=("chat:write", "channels:history"), channels=(*DEMO_TEAM.channels, secret))
    async with LocalSlack(team=team) as slack:
        client = client_of(slack)
        answer = await refused(client, "users.list")
        assert (answer["error"], answer["needed"], answer["provided"]) == (
            "missing_scope",
            "users:read",
            "chat:write,channels:history",
        )
        assert (await client.conversations_history(channel=STORAGE))["messages"] == []
        assert (await refused(client, "conversations.history", channel="C0SECRET"))["needed"] == "groups:history"


async def test_a_trigger_expires_and_opens_once(
    slack: LocalSlack, client: AsyncWebClient, clock: Clock, rules: Rules
) -> None:
    grants = slack.workspace.grants
    used, late = grants.new_trigger("U0BOB"), grants.new_trigger("U0BOB")
    first = (await client.views_open(trigger_id=used, view=MODAL))["view"]
    assert (await refused(client, "views.open", trigger_id=used, view=MODAL))["error"] == "exchanged_trigger_id"
    pushed = (await client.views_push(trigger_id=grants.new_trigger("U0BOB"), view=MODAL))["view"]
    assert (pushed["root_view_id"], pushed["previous_view_id"]) == (first["id"], first["id"])
    stale = await refused(client, "views.update", view_id=pushed["id"], hash="old", view=MODAL)
    assert stale["error"] == "hash_conflict"
    changed = (await client.views_update(view_id=pushed["id"], hash=pushed["hash"], view=MODAL))["view"]
    assert changed["hash"] != pushed["hash"]
    await client.views_push(trigger_id=grants.new_trigger("U0BOB"), view=MODAL)
    fourth = await refused(client, "views.push", trigger_id=grants.new_trigger("U0BOB"), view=MODAL)
    assert fourth["error"] == "push_limit_reached"
    clock.now += 3.1
    assert (await refused(client, "views.open", trigger_id=late, view=MODAL))["error"] == "expired_trigger_id"
    assert rules() == ["exchanged_trigger_id", "hash_conflict", "push_limit_reached", "expired_trigger_id"]


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff"])
async def test_a_body_that_is_no_object_is_refused(slack: LocalSlack, http: aiohttp.ClientSession, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {slack.bot_token}"}
    async with http.post(f"{slack.api_url}auth.test", data=body, headers=headers) as answer:
        assert (await answer.json())["error"] in {"invalid_json", "json_not_object"}
