"""What is acknowledged when, what is kept first, and what happens twice only once."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.chatops.dispatcher import STORE_DOWN
from bot.common.errors import SlackError
from bot.interactions.command import Reply
from bot.interactions.events import Click, Invocation, Work
from bot.slack.middleware import BUSY, MOST_AT_ONCE, MOST_OF_ONE, AckMiddleware, build_app
from bot.slack.payloads import HomeOpened
from bot.slack.task_queue import TaskQueue
from tests.support.slack_surfaces import Forms, OpenGate, surfaces
from tests.unit.slack.conftest import CLICK, COMMAND, HOME, SUBMISSION, VIEW_ACT, Desk

CHANGE = {**COMMAND, "text": "task disable balance", "trigger_id": "55.66.ghi"}


class Answers:
    """A responder that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.broken = False

    async def respond(self, response_url: str, reply: Reply, *, replace: bool = False) -> None:
        if self.broken:
            raise SlackError("gone", code="expired_url")
        assert reply.private
        assert not replace
        self.said.append((response_url, reply.message.text))


class Slack:
    """Delivers payloads to the app and waits for what they lead to."""

    def __init__(self, proposals: Desk) -> None:
        self.answers, self.background = Answers(), TaskQueue()
        self.homes: list[str] = []
        self.acks: list[str] = []
        self.forms = Forms()
        shown = surfaces(self._home, self.forms)
        edge = AckMiddleware(
            proposals, self.answers, self.background, shown, on_ack=lambda kind, _: self.acks.append(kind)
        )
        self.app: AsyncApp = build_app(edge, OpenGate(), api_url="http://127.0.0.1:9/api/")

    async def _home(self, event: HomeOpened) -> None:
        self.homes.append(event.user)

    async def deliver(self, body: Mapping[str, Any]) -> BoltResponse:
        response = await self.app.async_dispatch(AsyncBoltRequest(body=dict(body), mode="socket_mode"))
        assert isinstance(response, BoltResponse)
        return response

    async def settled(self) -> None:
        assert await self.background.drain(10.0) == 0


@pytest.fixture
def slack(proposals: Desk) -> Slack:
    return Slack(proposals)


async def test_a_reading_command_is_acknowledged_before_anything_of_it_runs(slack: Slack, proposals: Desk) -> None:
    response = await slack.deliver(COMMAND)
    assert (response.status, response.body) == (200, "")
    assert not proposals.answered, "the work must not start in the turn in which the acknowledgement is written"
    await slack.settled()
    assert [work.key for work in proposals.answered] == ["11.22.abc"]
    assert not proposals.accepted, "a command that reads is never stored"


async def test_a_reading_command_never_waits_for_the_event_loop(slack: Slack) -> None:
    """Delivered without one turn of the loop: nothing between receipt and acknowledgement suspends."""
    delivering = slack.deliver(COMMAND)
    with pytest.raises(StopIteration):
        delivering.send(None)
    await slack.settled()


async def test_a_changing_command_is_kept_then_acknowledged_then_run(slack: Slack, proposals: Desk) -> None:
    response = await slack.deliver(CHANGE)
    assert response.status == 200
    assert [type(work) for work in proposals.accepted] == [Invocation]
    assert not proposals.worked
    await slack.settled()
    assert proposals.worked == proposals.accepted


async def test_a_click_is_kept_then_acknowledged_then_run(slack: Slack, proposals: Desk) -> None:
    assert (await slack.deliver(CLICK)).status == 200
    assert [type(work) for work in proposals.accepted] == [Click]
    await slack.settled()
    assert proposals.worked == proposals.accepted


@pytest.mark.parametrize("body", [COMMAND, CHANGE, CLICK, HOME])
async def test_duplicate_delivery_is_acknowledged_twice_and_run_once(
    slack: Slack, proposals: Desk, body: Mapping[str, Any]
) -> None:
    responses = [await slack.deliver(body) for _ in range(3)]
    assert [(response.status, response.body) for response in responses] == [(200, "")] * 3
    await slack.settled()
    assert len(proposals.answered) + len(proposals.worked) + len(slack.homes) == 1


async def test_with_the_store_down_a_change_is_refused_in_words(slack: Slack, proposals: Desk) -> None:
    proposals.down = True
    response = await slack.deliver(CHANGE)
    assert json.loads(response.body) == {"response_type": "ephemeral", "text": STORE_DOWN}
    await slack.settled()
    assert not proposals.worked


async def test_store_down_answers_a_click_by_message(slack: Slack, proposals: Desk) -> None:
    proposals.down = True
    assert (await slack.deliver(CLICK)).body == ""
    await slack.settled()
    assert slack.answers.said == [("https://hooks.slack.com/actions/1", STORE_DOWN)]


async def test_that_message_may_fail_too(slack: Slack, proposals: Desk) -> None:
    proposals.down = slack.answers.broken = True
    assert (await slack.deliver(CLICK)).status == 200
    await slack.settled()


async def test_with_the_store_down_reading_goes_on(slack: Slack, proposals: Desk) -> None:
    proposals.down = True
    await slack.deliver(COMMAND)
    await slack.settled()
    assert len(proposals.answered) == 1


async def test_a_flood_of_commands_is_refused_in_words(slack: Slack, proposals: Desk) -> None:
    """The running work is bounded; a click is still stored, and commands work again afterwards."""
    for number in range(MOST_AT_ONCE):
        typed = {**COMMAND, "trigger_id": f"1.{number}", "user_id": f"U{number % 9}"}
        assert (await slack.deliver(typed)).body == ""
    for body in ({**COMMAND, "trigger_id": "2.1"}, {**CHANGE, "trigger_id": "2.2"}):
        response = await slack.deliver(body)
        assert (response.status, json.loads(response.body)) == (200, {"response_type": "ephemeral", "text": BUSY})
    await slack.deliver(VIEW_ACT)
    await slack.deliver(CLICK)
    await slack.settled()
    assert slack.forms.acts == []
    assert len(proposals.answered) == MOST_AT_ONCE
    assert [type(work) for work in proposals.accepted] == [Click], "what was not begun is not kept either"
    await slack.deliver({**COMMAND, "trigger_id": "2.1"})
    await slack.settled()
    assert len(proposals.answered) == MOST_AT_ONCE + 1


async def test_one_person_cannot_keep_the_others_waiting(slack: Slack, proposals: Desk) -> None:
    """A person who floods is refused until their commands end; all others are answered."""
    for number in range(MOST_OF_ONE):
        await slack.deliver({**COMMAND, "trigger_id": f"1.{number}"})
    assert json.loads((await slack.deliver({**COMMAND, "trigger_id": "2.1"})).body)["text"] == BUSY
    assert (await slack.deliver({**COMMAND, "trigger_id": "2.2", "user_id": "U0BOB"})).body == ""
    await slack.settled()
    assert len(proposals.answered) == MOST_OF_ONE + 1
    assert (await slack.deliver({**COMMAND, "trigger_id": "2.3"})).body == ""


async def test_action_in_a_view_is_acknowledged_and_queued_once(slack: Slack) -> None:
    assert [(await slack.deliver(VIEW_ACT)).body for _ in range(2)] == ["", ""]
    await slack.settled()
    [act] = slack.forms.acts
    assert (act.user, act.action_id, act.value, act.view.id) == ("U0ALICE", "home:status", "prod", "V1")


async def test_form_is_stored_before_it_is_acknowledged(slack: Slack, proposals: Desk) -> None:
    """A form sent twice, with two triggers, is one change request; both are acknowledged as being checked."""
    for trigger in ("1", "2"):
        response = await slack.deliver({**SUBMISSION, "trigger_id": trigger})
        assert json.loads(response.body)["response_action"] == "update"
    assert [work.key for work in proposals.accepted] == ["form:V1"]
    assert not proposals.worked
    await slack.settled()
    assert proposals.worked == proposals.accepted
    assert slack.acks == ["form", "form"]


async def test_a_form_that_is_wrong_is_not_kept(slack: Slack, proposals: Desk) -> None:
    response = await slack.deliver({**SUBMISSION, "view": {"id": "V1"}})
    assert json.loads(response.body) == {"response_action": "errors", "errors": {"b": "Which kind?"}}
    assert not proposals.accepted


async def test_store_outage_keeps_the_form_open_with_an_error(slack: Slack, proposals: Desk) -> None:
    proposals.down = True
    response = await slack.deliver(SUBMISSION)
    assert json.loads(response.body)["errors"] == {"b": STORE_DOWN}
    await slack.settled()
    assert not proposals.worked


async def test_the_home_tab_is_put_up_for_whom_opened_it(slack: Slack) -> None:
    await slack.deliver(HOME)
    await slack.settled()
    assert slack.homes == ["U0ALICE"]


@pytest.mark.parametrize(
    "body",
    [
        {"type": "view_submission", "trigger_id": "1", "user": {"id": "U1"}, "view": {"callback_id": "x"}},
        {"type": "view_closed", "user": {"id": "U1"}, "view": {}},
        {"type": "shortcut", "callback_id": "x", "trigger_id": "1", "user": {"id": "U1"}},
        {**CLICK, "actions": [{"type": "button", "action_id": "docs", "url": "https://example.com"}]},
        {"type": "event_callback", "event_id": "E2", "event": {"type": "message", "user": "U1"}},
        {},
    ],
)
async def test_all_else_is_acknowledged_and_passed_over(slack: Slack, proposals: Desk, body: Mapping[str, Any]) -> None:
    assert (await slack.deliver(body)).status == 200
    await slack.settled()
    assert [*proposals.accepted, *proposals.answered, *slack.homes] == []


async def test_acknowledgements_are_counted_by_kind(slack: Slack) -> None:
    for body in (COMMAND, CHANGE, CLICK, HOME, {}):
        await slack.deliver(body)
    await slack.settled()
    assert slack.acks == ["read", "change", "click", "home", "other"]


async def test_crash_before_the_acknowledgement_acknowledges_nothing(
    slack: Slack, proposals: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: str) -> bool:
        raise ZeroDivisionError("xoxb-1-2")

    monkeypatch.setattr(proposals, "changes", broken)
    response = await slack.deliver(COMMAND)
    assert (response.status, response.body) == (500, "")


async def test_the_environment_s_tokens_are_not_taken(monkeypatch: pytest.MonkeyPatch, proposals: Desk) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-from-the-environment")
    slack = Slack(proposals)
    assert slack.app.client.token is None
    assert (await slack.deliver(COMMAND)).status == 200
    await slack.settled()


async def test_fifty_requests_are_acknowledged_before_work_begins(
    slack: Slack, proposals: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    acknowledged: list[int] = []

    async def execute(_: Work) -> None:
        acknowledged.append(len(slack.acks))

    monkeypatch.setattr(proposals, "execute", execute)
    await asyncio.gather(*(slack.deliver({**COMMAND, "trigger_id": f"{number}"}) for number in range(50)))
    await slack.settled()
    assert acknowledged == [50] * 50
