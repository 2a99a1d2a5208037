"""Slack's own framework against the local workspace: commands, clicks, modals, Home tabs over Socket Mode and HTTP."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.playground.slack_sim import ActError, ActRefused, LocalSlack
from tests.component.playground.slack_sim.conftest import (
    ACTIONS,
    BUTTON,
    MODAL,
    NAME,
    PLAIN,
    Bot,
    bolt_app,
    client_of,
    connected,
    serving,
)

Pair = tuple[LocalSlack, Bot]
STORAGE = "C0STORAGE"
CONFIRM = {"title": PLAIN, "text": PLAIN, "confirm": PLAIN, "deny": PLAIN}


@pytest.fixture
async def by_http() -> AsyncIterator[Pair]:
    """A workspace that delivers signed requests to Bolt's HTTP adapter."""
    async with LocalSlack(retry_delays=(0.0, 0.0, 0.0)) as slack:
        bot = bolt_app(slack)

        async def serve(request: web.Request) -> web.StreamResponse:
            return await to_aiohttp_response(await bot.app.async_dispatch(await to_bolt_request(request)))

        async with serving(serve) as url:
            slack.delivery.request_url = url
            yield slack, bot


@pytest.fixture
def both(bot: Pair, by_http: Pair) -> list[Pair]:
    return [bot, by_http]


async def test_a_command_is_escaped_delivered_and_answered(both: list[Pair]) -> None:
    said = "stat <@U0BOB|bob> <#C0STORAGE|storage> <http://10.0.0.1> &lt;x&gt;"
    for slack, bot in both:
        ack = await slack.as_user("alice").command("storage", "/cm stat @bob #storage http://10.0.0.1 <x>")
        assert not ack.error
        answer = await slack.wait_for(STORAGE, lambda m: m.text == f"you said {said}", user="U0ALICE")
        assert answer.only_for == "U0ALICE"
        [body] = bot.seen
        assert (body["command"], body["user_id"], body["channel_name"]) == ("/cm", "U0ALICE", "storage")
        slack.assert_no_violations(allow=())


async def test_an_acknowledgement_can_carry_the_answer(both: list[Pair]) -> None:
    for slack, _bot in both:
        await slack.as_user("alice").command("storage", "/cm ack")
        [message] = slack.as_user("alice").sees("storage")
        assert (message.text, message.only_for) == ("in the acknowledgement", "U0ALICE")


async def test_a_click_asks_first_then_replaces_its_message(both: list[Pair]) -> None:
    for slack, bot in both:
        card = [{**ACTIONS, "elements": [{**BUTTON, "confirm": CONFIRM}]}]
        ts = (await client_of(slack).chat_postMessage(channel=STORAGE, text="card", blocks=card))["ts"]
        alice = slack.as_user("alice")
        with pytest.raises(ActError) as asked:
            await alice.click(STORAGE, ts, "go")
        assert (asked.value.code, asked.value.confirm) == ("confirm_required", CONFIRM)
        assert not (await alice.click(STORAGE, ts, "go", confirmed=True)).error
        message = await slack.wait_for(STORAGE, lambda m: m.text == "clicked 7")
        assert (message.ts, message.edited, message.blocks) == (ts, True, ())
        [body] = bot.seen
        assert body["container"] == {
            "type": "message",
            "message_ts": ts,
            "channel_id": STORAGE,
            "is_ephemeral": False,
        }
        assert (body["actions"][0]["block_id"], body["message"]["text"]) == ("row", "card")
        slack.assert_no_violations(allow=())


async def test_a_modal_opens_complains_changes_and_closes(both: list[Pair]) -> None:
    for slack, bot in both:
        alice = slack.as_user("alice")
        await alice.command("storage", "/cm modal")
        opened = await slack.workspace.wait_for_modal("U0ALICE")
        assert (await alice.submit()).errors == {"b": "Please complete this required field."}
        assert (await alice.submit({"name": "bad"})).errors == {"b": "not that"}
        shown = slack.workspace.modal("U0ALICE")
        assert shown is not None
        assert shown.errors == {"b": "not that"}
        await alice.submit({"name": "next"})
        second = slack.workspace.modal("U0ALICE")
        assert second is not None
        assert (second.id, "Second" in second.full_text) == (opened.id, True)
        assert not (await alice.submit({"name": "good"})).errors
        assert slack.workspace.modal("U0ALICE") is None
        assert [body["type"] for body in bot.seen if "type" in body] == ["view_submission"] * 3
        slack.assert_no_violations(allow=())


async def test_home_tab_is_published_when_opened_and_clickable(both: list[Pair]) -> None:
    for slack, bot in both:
        alice = slack.as_user("alice")
        assert not (await alice.open_home()).error
        homes = slack.workspace.homes
        await slack.workspace.wait_until(partial(homes.get, "U0ALICE"))
        await alice.click_home("go")
        clicked = bot.seen[-1]
        assert (clicked["view"]["type"], clicked["container"]["type"]) == ("home", "view")
        slack.assert_no_violations(allow=())


async def test_errors_that_name_no_input_are_noted(bot: Pair) -> None:
    slack, _app = bot
    await slack.as_user("alice").command("storage", "/cm modal")
    await slack.workspace.wait_for_modal("U0ALICE")
    await slack.as_user("alice").submit({"name": "wrong"})
    assert [violation.rule for violation in slack.workspace.violations] == ["invalid_errors"]


async def test_closing_is_reported_only_on_request(bot: Pair) -> None:
    slack, app = bot
    alice = slack.as_user("alice")
    for wanted in (False, True):
        trigger = slack.workspace.grants.new_trigger("U0ALICE")
        await client_of(slack).views_open(trigger_id=trigger, view=MODAL | {"notify_on_close": wanted})
        await alice.close_view()
    assert [body["type"] for body in app.seen] == ["view_closed"]
    with pytest.raises(ActRefused, match="no modal"):
        await alice.close_view()


async def test_select_returns_its_choice(bot: Pair) -> None:
    slack, app = bot
    options = [{"text": {**PLAIN, "text": name}, "value": name} for name in ("a", "b")]
    select = {"type": "static_select", "action_id": "go", "options": options}
    blocks = [{"type": "section", "text": PLAIN, "accessory": select}]
    ts = (await client_of(slack).chat_postMessage(channel=STORAGE, text="choose", blocks=blocks))["ts"]
    with pytest.raises(ActRefused, match="no option"):
        await slack.as_user("alice").click(STORAGE, ts, "go", value="c")
    await slack.as_user("alice").click(STORAGE, ts, "go", value="b")
    assert app.seen[0]["actions"][0]["selected_option"] == options[1]


async def test_a_stale_or_forged_click_still_reaches_the_app(bot: Pair) -> None:
    slack, app = bot
    ts = (await client_of(slack).chat_postMessage(channel=STORAGE, text="card", blocks=[ACTIONS]))["ts"]
    stale = slack.workspace.find(STORAGE, ts)
    assert stale is not None
    await client_of(slack).chat_update(channel=STORAGE, ts=ts, text="decided")
    with pytest.raises(ActRefused, match="no go to click"):
        await slack.as_user("alice").click(STORAGE, ts, "go")
    await slack.as_user("alice").force_click(stale, "go", forged={"value": "9"})
    assert app.seen[0]["actions"][0]["value"] == "9"


async def test_late_acknowledgement_is_shown_and_listed() -> None:
    async with LocalSlack(ack_seconds=0.1) as slack:
        bot = bolt_app(slack)
        async with connected(slack, bot):
            ack = await slack.as_user("alice").command("storage", "/cm slow")
            bot.release.set()
        assert ack.error == "operation_timeout"
        [answer] = slack.as_user("alice").sees("storage")
        assert (answer.user, "operation_timeout" in answer.text) == ("USLACKBOT", True)
        assert slack.as_user("bob").sees("storage") == []
        with pytest.raises(AssertionError, match="operation_timeout"):
            slack.assert_no_violations()


async def test_without_an_app_a_command_fails(slack: LocalSlack) -> None:
    assert (await slack.as_user("alice").command("storage", "/cm stat")).error == "dispatch_failed"


async def test_impossible_input_is_refused(slack: LocalSlack) -> None:
    alice = slack.as_user("alice")
    for act, words in (
        (alice.command("storage", "/cm stat", in_thread=True), "not supported in threads"),
        (alice.command("storage", "/nothing"), "not a valid command"),
        (alice.command("old", "/cm stat"), "archived"),
        (alice.click(STORAGE, "1.2", "go"), "not there"),
        (alice.click_home("go"), "empty"),
    ):
        with pytest.raises(ActRefused, match=words):
            await act
    with pytest.raises(ActRefused):
        slack.as_user("mallory")


async def test_each_payload_goes_to_one_of_several_connections(bot: Pair) -> None:
    slack, first = bot
    second = bolt_app(slack)
    async with connected(slack, second):
        for number in range(4):
            await slack.as_user("alice").command("storage", f"/cm {number}")
        texts = [body["text"] for body in first.seen + second.seen]
        assert sorted(texts) == ["0", "1", "2", "3"]
        assert first.seen
        assert second.seen


async def test_an_event_that_fails_is_sent_again_with_its_number(slack: LocalSlack) -> None:
    seen: list[tuple[str, str]] = []
    done = asyncio.Event()

    async def serve(request: web.Request) -> web.Response:
        body = await request.json()
        seen.append((body["event_id"], request.headers.get("X-Slack-Retry-Num", "")))
        if len(seen) == 4:
            done.set()
        return web.Response(status=200 if len(seen) == 4 else 500)

    async with serving(serve) as url:
        slack.delivery.request_url = url
        assert (await slack.as_user("alice").open_home()).error == "dispatch_failed"
        async with asyncio.timeout(10):
            await done.wait()
    assert [number for _id, number in seen] == ["", "1", "2", "3"]
    assert len({event_id for event_id, _number in seen}) == 1


async def test_modal_with_response_url_enabled_gets_one(bot: Pair) -> None:
    slack, app = bot
    element = {"type": "conversations_select", "action_id": "where", "response_url_enabled": True}
    view = MODAL | {"blocks": [NAME, {"type": "input", "block_id": "w", "label": PLAIN, "element": element}]}
    trigger = slack.workspace.grants.new_trigger("U0ALICE")
    await client_of(slack).views_open(trigger_id=trigger, view=view)
    await slack.as_user("alice").submit({"name": "good", "where": STORAGE})
    [given] = app.seen[0]["response_urls"]
    assert (given["channel_id"], given["action_id"]) == (STORAGE, "where")
    await AsyncWebhookClient(given["response_url"]).send(text="done", response_type="in_channel")
    assert [m.text for m in slack.as_user("bob").sees(STORAGE)] == ["done"]
