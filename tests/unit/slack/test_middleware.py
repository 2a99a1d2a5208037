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
from bot.chatops.forms.events import HomeOpened
from bot.interactions.events import Click, Invocation, Work
from bot.slack.middleware import BUSY, MAX_AT_ONCE, MAX_OF_ONE_PERSON, AckMiddleware, Dedup, build_app
from bot.slack.task_queue import TaskQueue
from tests.support.slack_recorder import SlackRecorder
from tests.support.slack_surfaces import OpenGate, RecordedForms, surfaces
from tests.unit.slack.conftest import CLICK, COMMAND, HOME, MENTION, SHORTCUT, SUBMISSION, VIEW_ACT, RecordingDispatcher

CHANGE = {**COMMAND, "text": "task disable balance", "trigger_id": "55.66.ghi"}


class Slack:
    """Delivers payloads to the app and waits for what they lead to."""

    def __init__(self, dispatcher: RecordingDispatcher) -> None:
        self.answers, self.background = SlackRecorder(), TaskQueue()
        self.homes: list[str] = []
        self.acks: list[str] = []
        self.forms = RecordedForms()
        shown = surfaces(self._home, self.forms)
        edge = AckMiddleware(
            dispatcher, self.answers, self.background, shown, on_ack=lambda kind, _: self.acks.append(kind)
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
def slack(dispatcher: RecordingDispatcher) -> Slack:
    return Slack(dispatcher)


async def test_reading_command_is_acknowledged_before_it_runs(slack: Slack, dispatcher: RecordingDispatcher) -> None:
    response = await slack.deliver(COMMAND)
    assert (response.status, response.body) == (200, "")
    assert not dispatcher.answered, "the work must not start in the turn in which the acknowledgement is written"
    await slack.settled()
    assert [work.key for work in dispatcher.answered] == ["11.22.abc"]
    assert not dispatcher.accepted, "a command that reads is never stored"


async def test_a_reading_command_never_waits_for_the_event_loop(slack: Slack) -> None:
    """Delivered without one turn of the loop: nothing between receipt and acknowledgement suspends."""
    delivering = slack.deliver(COMMAND)
    with pytest.raises(StopIteration):
        delivering.send(None)
    await slack.settled()


async def test_changing_command_is_stored_before_its_acknowledgement(
    slack: Slack, dispatcher: RecordingDispatcher
) -> None:
    response = await slack.deliver(CHANGE)
    assert response.status == 200
    assert [type(work) for work in dispatcher.accepted] == [Invocation]
    assert not dispatcher.worked
    await slack.settled()
    assert dispatcher.worked == dispatcher.accepted


async def test_click_is_stored_before_its_acknowledgement(slack: Slack, dispatcher: RecordingDispatcher) -> None:
    assert (await slack.deliver(CLICK)).status == 200
    assert [type(work) for work in dispatcher.accepted] == [Click]
    await slack.settled()
    assert dispatcher.worked == dispatcher.accepted


@pytest.mark.parametrize("body", [COMMAND, CHANGE, CLICK, HOME])
async def test_duplicate_delivery_is_acknowledged_twice_and_run_once(
    slack: Slack, dispatcher: RecordingDispatcher, body: Mapping[str, Any]
) -> None:
    responses = [await slack.deliver(body) for _ in range(3)]
    assert [(response.status, response.body) for response in responses] == [(200, "")] * 3
    await slack.settled()
    assert len(dispatcher.answered) + len(dispatcher.worked) + len(slack.homes) == 1


async def test_change_without_a_database_is_refused_in_words(slack: Slack, dispatcher: RecordingDispatcher) -> None:
    dispatcher.down = True
    response = await slack.deliver(CHANGE)
    assert json.loads(response.body) == {"response_type": "ephemeral", "text": STORE_DOWN}
    await slack.settled()
    assert not dispatcher.worked


async def test_click_without_a_database_is_answered_by_message(slack: Slack, dispatcher: RecordingDispatcher) -> None:
    dispatcher.down = True
    assert (await slack.deliver(CLICK)).body == ""
    await slack.settled()
    [(response_url, reply)] = slack.answers.answers
    assert (response_url, reply.message.text, reply.private) == ("https://hooks.slack.com/actions/1", STORE_DOWN, True)
    assert slack.answers.replaced == [], "the card stays as it is"


async def test_failing_answer_to_a_click_is_tolerated(slack: Slack, dispatcher: RecordingDispatcher) -> None:
    dispatcher.down, slack.answers.refuses = True, "expired_url"
    assert (await slack.deliver(CLICK)).status == 200
    await slack.settled()


async def test_reading_command_runs_without_a_database(slack: Slack, dispatcher: RecordingDispatcher) -> None:
    dispatcher.down = True
    await slack.deliver(COMMAND)
    await slack.settled()
    assert len(dispatcher.answered) == 1


async def test_a_flood_of_commands_is_refused_in_words(slack: Slack, dispatcher: RecordingDispatcher) -> None:
    """The running work is bounded; a click is still stored, and commands work again afterwards."""
    for number in range(MAX_AT_ONCE):
        typed = {**COMMAND, "trigger_id": f"1.{number}", "user_id": f"U{number % 9}"}
        assert (await slack.deliver(typed)).body == ""
    for body in ({**COMMAND, "trigger_id": "2.1"}, {**CHANGE, "trigger_id": "2.2"}):
        response = await slack.deliver(body)
        assert (response.status, json.loads(response.body)) == (200, {"response_type": "ephemeral", "text": BUSY})
    await slack.deliver(VIEW_ACT)
    await slack.deliver(CLICK)
    await slack.settled()
    assert slack.forms.acts == []
    assert len(dispatcher.answered) == MAX_AT_ONCE
    assert [type(work) for work in dispatcher.accepted] == [Click], "what was not begun is not kept either"
    await slack.deliver({**COMMAND, "trigger_id": "2.1"})
    await slack.settled()
    assert len(dispatcher.answered) == MAX_AT_ONCE + 1


async def test_one_person_cannot_keep_the_others_waiting(slack: Slack, dispatcher: RecordingDispatcher) -> None:
    """A person who floods is refused until their commands end; all others are answered."""
    for number in range(MAX_OF_ONE_PERSON):
        await slack.deliver({**COMMAND, "trigger_id": f"1.{number}"})
    assert json.loads((await slack.deliver({**COMMAND, "trigger_id": "2.1"})).body)["text"] == BUSY
    assert (await slack.deliver({**COMMAND, "trigger_id": "2.2", "user_id": "U0BOB"})).body == ""
    await slack.settled()
    assert len(dispatcher.answered) == MAX_OF_ONE_PERSON + 1
    assert (await slack.deliver({**COMMAND, "trigger_id": "2.3"})).body == ""


async def test_action_in_a_view_is_acknowledged_and_queued_once(slack: Slack) -> None:
    assert [(await slack.deliver(VIEW_ACT)).body for _ in range(2)] == ["", ""]
    await slack.settled()
    [act] = slack.forms.acts
    assert (act.user, act.action_id, act.value, act.view.id) == ("U0ALICE", "home:status", "prod", "V1")


async def test_form_is_stored_before_it_is_acknowledged(slack: Slack, dispatcher: RecordingDispatcher) -> None:
    """A form sent twice, with two triggers, is one change request; both are acknowledged as being checked."""
    for trigger in ("1", "2"):
        response = await slack.deliver({**SUBMISSION, "trigger_id": trigger})
        assert json.loads(response.body)["response_action"] == "update"
    assert [work.key for work in dispatcher.accepted] == ["form:V1"]
    assert not dispatcher.worked
    await slack.settled()
    assert dispatcher.worked == dispatcher.accepted
    assert slack.acks == ["form", "form"]


async def test_a_form_that_is_wrong_is_not_kept(slack: Slack, dispatcher: RecordingDispatcher) -> None:
    response = await slack.deliver({**SUBMISSION, "view": {"id": "V1"}})
    assert json.loads(response.body) == {"response_action": "errors", "errors": {"b": "Which kind?"}}
    assert not dispatcher.accepted


async def test_store_outage_keeps_the_form_open_with_an_error(slack: Slack, dispatcher: RecordingDispatcher) -> None:
    dispatcher.down = True
    response = await slack.deliver(SUBMISSION)
    assert json.loads(response.body)["errors"] == {"b1": STORE_DOWN}
    await slack.settled()
    assert not dispatcher.worked


async def test_home_tab_is_published_for_its_user(slack: Slack) -> None:
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
async def test_other_payloads_are_acknowledged_and_ignored(
    slack: Slack, dispatcher: RecordingDispatcher, body: Mapping[str, Any]
) -> None:
    assert (await slack.deliver(body)).status == 200
    await slack.settled()
    assert [*dispatcher.accepted, *dispatcher.answered, *slack.homes] == []


async def test_acknowledgements_are_counted_by_kind(slack: Slack) -> None:
    for body in (COMMAND, CHANGE, CLICK, HOME, {}):
        await slack.deliver(body)
    await slack.settled()
    assert slack.acks == ["read", "change", "click", "home", "other"]


async def test_crash_before_the_acknowledgement_acknowledges_nothing(
    slack: Slack, dispatcher: RecordingDispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: Work) -> bool:
        raise ZeroDivisionError("xoxb-1-2")

    monkeypatch.setattr(dispatcher, "accept", broken)
    response = await slack.deliver(CHANGE)
    assert (response.status, response.body) == (500, "")


async def test_the_environment_s_tokens_are_not_taken(
    monkeypatch: pytest.MonkeyPatch, dispatcher: RecordingDispatcher
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-from-the-environment")
    slack = Slack(dispatcher)
    assert slack.app.client.token is None
    assert (await slack.deliver(COMMAND)).status == 200
    await slack.settled()


async def test_fifty_requests_are_acknowledged_before_work_begins(
    slack: Slack, dispatcher: RecordingDispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    acknowledged: list[int] = []

    async def execute(_: Work) -> None:
        acknowledged.append(len(slack.acks))

    monkeypatch.setattr(dispatcher, "execute", execute)
    await asyncio.gather(*(slack.deliver({**COMMAND, "trigger_id": f"{number}"}) for number in range(50)))
    await slack.settled()
    assert acknowledged == [50] * 50


def test_a_key_is_new_once() -> None:
    seen = Dedup(lambda: 0.0)
    assert [seen.first("a"), seen.first("a"), seen.first("b")] == [True, False, True]


def test_a_key_is_forgotten_after_its_time() -> None:
    now = [0.0]
    seen = Dedup(lambda: now[0], seconds=900.0)
    seen.first("a")
    now[0] = 899.0
    assert not seen.first("a")
    now[0] = 900.0
    assert seen.first("a")


def test_oldest_keys_are_dropped_beyond_the_limit() -> None:
    seen = Dedup(lambda: 0.0, most=2)
    for key in "abc":
        seen.first(key)
    assert [seen.first("b"), seen.first("c"), seen.first("a")] == [False, False, True]


async def test_mention_is_answered_once_and_not_stored(slack: Slack, dispatcher: RecordingDispatcher) -> None:
    for _ in range(2):
        assert (await slack.deliver(MENTION)).status == 200
    await slack.settled()
    assert [mention.key for mention in slack.forms.mentions] == ["Ev2"]
    assert not dispatcher.accepted


async def test_mention_that_finds_too_much_work_is_delivered_again(slack: Slack) -> None:
    """Without an acknowledgement Slack sends the event again; then it is answered."""
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    for _ in range(MAX_AT_ONCE):
        slack.background.start(wait())
    assert (await slack.deliver(MENTION)).status == 503
    gate.set()
    await slack.settled()
    assert (await slack.deliver(MENTION)).status == 200
    await slack.settled()
    assert len(slack.forms.mentions) == 1


async def test_message_shortcut_is_stored_before_its_acknowledgement(
    slack: Slack, dispatcher: RecordingDispatcher
) -> None:
    assert (await slack.deliver(SHORTCUT)).status == 200
    assert [type(work) for work in dispatcher.accepted] == [Click]
    assert not dispatcher.worked
    await slack.settled()
    assert len(dispatcher.worked) == 1
