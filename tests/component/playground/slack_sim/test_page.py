"""The page's own interface: state as one person sees it, changes as they come, acting, faults, and its doors."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack_sim import LocalSlack
from tests.component.playground.slack_sim.conftest import ACTIONS, BUTTON, MODAL, PLAIN

STORAGE, ALICE = "C0STORAGE", "U0ALICE"
MARK = {"X-Playground": "1"}


async def get(slack: LocalSlack, http: aiohttp.ClientSession, path: str) -> Any:
    async with http.get(slack.page_url + path) as answer:
        return await answer.json()


async def act(slack: LocalSlack, http: aiohttp.ClientSession, path: str, **body: Any) -> Any:
    async with http.post(slack.page_url + path, json=body, headers=MARK) as answer:
        return await answer.json()


async def test_state_is_what_one_user_sees(
    slack: LocalSlack, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    await client.chat_postMessage(channel=STORAGE, text="hello")
    state = await get(slack, http, f"play/state?user={ALICE}")
    channels = {channel["name"]: channel for channel in state["channels"]}
    assert (state["me"], channels["storage"]["unread"], channels["old"]["is_archived"]) == (ALICE, 1, True)
    await get(slack, http, f"play/messages?user={ALICE}&channel={STORAGE}")
    state = await get(slack, http, f"play/state?user={ALICE}")
    assert {channel["name"]: channel["unread"] for channel in state["channels"]}["storage"] == 0
    assert state["violations"] == []
    assert not state["bot"]["connected"]


async def test_thread_messages_and_ephemeral_ones_are_listed(
    slack: LocalSlack, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    parent = (await client.chat_postMessage(channel=STORAGE, text="parent"))["ts"]
    await client.chat_postMessage(channel=STORAGE, text="reply", thread_ts=parent)
    await client.chat_postEphemeral(channel=STORAGE, user=ALICE, text="psst")
    shown = (await get(slack, http, f"play/messages?user={ALICE}&channel={STORAGE}"))["messages"]
    assert [(m["text"], m["ephemeral"], m["reply_count"]) for m in shown] == [("parent", False, 1), ("psst", True, 0)]
    thread = (await get(slack, http, f"play/messages?user={ALICE}&channel={STORAGE}&thread_ts={parent}"))["messages"]
    assert [m["text"] for m in thread] == ["parent", "reply"]
    others = (await get(slack, http, f"play/messages?user=U0BOB&channel={STORAGE}"))["messages"]
    assert [m["text"] for m in others] == ["parent"]


async def test_changes_are_streamed_as_they_happen(
    slack: LocalSlack, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    async with asyncio.timeout(10), http.get(f"{slack.page_url}play/events?user={ALICE}") as stream:
        assert await stream.content.readline() == b": connected\n"
        await client.chat_postEphemeral(channel=STORAGE, user="U0BOB", text="not for alice")
        await client.chat_postMessage(channel=STORAGE, text="for all")
        await client.views_open(trigger_id=slack.workspace.grants.new_trigger(ALICE), view=MODAL)
        answer: list[Any] = []
        while len(answer) < 2:
            line = await stream.content.readline()
            answer += [json.loads(line.removeprefix(b"data: "))] if line.startswith(b"data: ") else []
    kinds = [event["type"] for event in answer]
    assert (kinds[0], answer[0]["channel"]) == ("message", STORAGE)
    assert (kinds[1], "view" in answer[1]) == ("view", True)


async def test_action_on_the_page_reaches_the_app(
    slack: LocalSlack, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    assert (await act(slack, http, "play/post", user=ALICE, channel=STORAGE, text="hi @bob"))["ok"]
    assert slack.workspace.messages[0].text == "hi <@U0BOB>"
    answer = await act(slack, http, "play/command", user=ALICE, channel=STORAGE, text="/cm stat")
    assert (answer["ok"], answer["error"]) == (False, "dispatch_failed")
    confirm = {"title": PLAIN, "text": PLAIN, "confirm": PLAIN, "deny": PLAIN}
    card = [{**ACTIONS, "elements": [{**BUTTON, "confirm": confirm}]}]
    ts = (await client.chat_postMessage(channel=STORAGE, text="card", blocks=card))["ts"]
    click = {"user": ALICE, "channel": STORAGE, "ts": ts, "action_id": "go"}
    asked = await act(slack, http, "play/click", **click)
    assert (asked["error"], asked["confirm"]) == ("confirm_required", confirm)
    assert (await act(slack, http, "play/click", **click, confirmed=True))["error"] == "dispatch_failed"
    opened = await client.views_open(trigger_id=slack.workspace.grants.new_trigger(ALICE), view=MODAL)
    view = {"user": ALICE, "view_id": opened["view"]["id"]}
    missing = await act(slack, http, "play/view", **view, action="submit", values={})
    assert missing["errors"] == {"b": "Please complete this required field."}
    assert (await get(slack, http, f"play/state?user={ALICE}"))["view"]["errors"] == missing["errors"]
    assert (await act(slack, http, "play/view", **view, action="close"))["ok"]
    assert (await act(slack, http, "play/home", user=ALICE))["error"] == "dispatch_failed"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("play/post", {"user": "U1", "channel": STORAGE, "text": "x"}, "user_not_found"),
        ("play/post", {"user": ALICE, "channel": "C1", "text": "x"}, "channel_not_found"),
        ("play/post", {"user": ALICE}, "invalid_body"),
        ("play/post", {"user": ALICE, "channel": STORAGE, "text": "x", "more": 1}, "invalid_body"),
        ("play/post", {"user": [], "channel": STORAGE, "text": "x"}, "invalid_body"),
        (
            "play/command",
            {"user": ALICE, "channel": STORAGE, "text": "/cm", "thread_ts": "1.2"},
            "not_supported_in_thread",
        ),
        ("play/click", {"user": ALICE, "channel": STORAGE, "ts": "1.2", "action_id": "go"}, "message_not_found"),
        ("play/view", {"user": ALICE, "view_id": "V1"}, "view_not_found"),
        ("control/faults", {"kind": "explode"}, "invalid_fault"),
        ("control/faults", {"kind": "delay", "seconds": "soon"}, "invalid_body"),
    ],
)
async def test_refused_action_is_reported(
    slack: LocalSlack, http: aiohttp.ClientSession, path: str, body: dict[str, Any], code: str
) -> None:
    assert (await act(slack, http, path, **body))["error"] == code


async def test_faults_are_injected_listed_and_cleared(slack: LocalSlack, http: aiohttp.ClientSession) -> None:
    assert (await act(slack, http, "control/faults", kind="ratelimited", count=3, method="chat.update"))["ok"]
    [fault] = (await get(slack, http, "control/faults"))["faults"]
    assert (fault["kind"], fault["count"], fault["method"]) == ("ratelimited", 3, "chat.update")
    async with http.delete(f"{slack.page_url}control/faults", headers=MARK) as answer:
        assert answer.status == 200
    assert slack.faults.pending == []


async def test_violations_are_shown_and_forgotten(slack: LocalSlack, http: aiohttp.ClientSession) -> None:
    slack.workspace.violate("invalid_blocks", "too many", "chat.postMessage")
    [shown] = (await get(slack, http, "play/state"))["violations"]
    assert (shown["rule"], shown["category"], shown["where"]) == ("invalid_blocks", "rule", "chat.postMessage")
    await http.delete(f"{slack.page_url}control/violations", headers=MARK)
    assert slack.workspace.violations == []


async def test_every_answer_is_protected_and_strangers_stay_out(http: aiohttp.ClientSession) -> None:
    async def control(_request: web.Request) -> web.Response:
        return web.json_response({"done": True})

    async with LocalSlack(extra_routes=[web.post("/control/clusters/prod/kill", control)]) as slack:
        async with http.get(f"{slack.page_url}play/state") as answer:
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
            assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == (
                "no-store",
                "nosniff",
            )
        kill = f"{slack.page_url}control/clusters/prod/kill"
        for headers in ({}, MARK | {"Origin": "http://evil.example"}, MARK | {"Host": "evil.example"}):
            async with http.post(kill, json={}, headers=headers) as answer:
                assert answer.status == 403
        async with http.post(kill, json={}, headers=MARK) as answer:
            assert await answer.json() == {"done": True}
        for name in ("../pyproject.toml", "%2e%2e/slack/api.js", "none.js"):
            async with http.get(f"{slack.page_url}web/{name}") as answer:
                assert answer.status == 404


async def test_a_taken_port_is_replaced_by_a_free_one(slack: LocalSlack) -> None:
    port = int(slack.page_url.rstrip("/").rpartition(":")[2])
    async with LocalSlack(port=port) as other:
        assert other.page_url != slack.page_url
