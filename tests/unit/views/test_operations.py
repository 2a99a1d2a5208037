"""The card of an operation in every state of its life, and what errors look like."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.common.errors import ClusterRefused, ConfigError, NoLeader, OutcomeUnknown, StoreError, UserError
from bot.interactions.message import Message, Undelivered
from bot.interactions.timeline import OperationEvent, Timeline, TimelineEvent
from bot.operations.change_request import RequestOptions
from bot.operations.leases import reverting
from bot.operations.model import ObservedState, ObservedSwitch, Operation, OpState, StepKind, advance
from bot.operations.requests import TaskSwitch
from bot.operations.step_facts import LegacyWords
from bot.views import errors, operations, ops_list
from bot.views.timeline import FileState, event_words, timeline
from tests.support.view_samples import AT, HOSTILE, assert_harmless, assert_postable, seen

SWITCH = ObservedSwitch(
    key="balance",
    value="true",
    meaning="on",
    will_send="false",
    dialect="v3",
    evidence=LegacyWords("10.0.0.1:9998 answered /kv/list."),
)
SEEN = ObservedState(dialect="v3", switch=SWITCH)
PROPOSED = Operation(
    cluster="prod",
    request=TaskSwitch("balance", on=False),
    requester="U0ANNA",
    created_at=AT,
    expires_at=AT + 900,
    channel="C0OPS",
    reason="rush hour",
    id=12,
)
WAITING = advance(PROPOSED, OpState.WAITING, at=AT, by="U0ANNA", kind=StepKind.PROPOSED, seen=SEEN)
RUNNING = advance(WAITING, OpState.RUNNING, at=AT + 60, by="U0ANNA", kind=StepKind.CONFIRMED)


def ended(state: OpState, words: str, by: str = "") -> Operation:
    start = RUNNING if state in {OpState.VERIFIED, OpState.FAILED, OpState.UNKNOWN} else WAITING
    return advance(start, state, at=AT + 61, by=by, fact=LegacyWords(words) if words else None)


def buttons(message: Message) -> list[Any]:
    return [element for block in message.blocks if block["type"] == "actions" for element in block["elements"]]


def test_waiting_card_shows_old_and_new_value() -> None:
    card = operations.card(WAITING)
    text = seen(card)
    for part in (
        "Turn balance off in prod",
        "*Waiting* for <@U0ANNA> to confirm",
        '*Value at the last check*\n`"true"`: on',
        '*Will be sent*\n`balance` = `"false"`: off',
        "v3: 10.0.0.1:9998 answered /kv/list.",
        "*Reason*\nrush hour",
        "Operation #12, proposed by <@U0ANNA>",
    ):
        assert part in text
    confirm, reject, cancel = buttons(card)
    assert [one["action_id"] for one in (confirm, reject, cancel)] == ["op_confirm", "op_reject", "op_cancel"]
    assert json.loads(confirm["value"]) == json.loads(cancel["value"]) == {"op": 12, "v": 1}
    dialog = confirm["confirm"]["text"]["text"]
    assert confirm["confirm"]["title"]["text"] == "Turn balance off in prod?"
    assert 'Now: "true" (on).' in dialog
    assert 'Will be sent: balance = "false" (off).' in dialog


def test_an_unset_switch_is_called_unset() -> None:
    card = operations.card(replace(WAITING, seen=replace(SEEN, switch=replace(SWITCH, value=None, meaning="unset"))))
    assert "unset: unset" in seen(card)
    assert "Now: unset (unset)." in buttons(card)[0]["confirm"]["text"]["text"]


@pytest.mark.parametrize(
    ("op", "words"),
    [
        (PROPOSED, "*Proposed*; the checks run."),
        (
            RUNNING,
            ". Approved by <@U0ANNA>, <!date^1700000060^{time_secs}|2023-11-14 22:14:20 UTC>. cmbot sends the request",
        ),
        (
            ended(OpState.VERIFIED, "balance is now off"),
            "*Verified*: balance is now off, <!date^1700000061^",
        ),
        (ended(OpState.FAILED, "the cluster has no leader."), ". Approved by <@U0ANNA>, <!date^1700000060^"),
        (ended(OpState.UNKNOWN, "no answer"), "cmbot does not send it again"),
        (ended(OpState.CANCELLED, "cancelled", "U0ANNA"), "*Cancelled* by <@U0ANNA>. Nothing was sent"),
        (
            ended(OpState.EXPIRED, "there was no decision in time"),
            "*Expired*: there was no decision in time. Nothing was",
        ),
        (ended(OpState.BLOCKED, "prod is no longer configured"), "*Blocked*: prod is no longer configured. Nothing"),
        (ended(OpState.SUPERSEDED, "the cluster moved"), "*Superseded*: the cluster moved"),
        (ended(OpState.REJECTED, "not now", "U0BEN"), "*Rejected* by <@U0BEN>: not now. Nothing was sent"),
    ],
)
def test_card_of_a_decided_operation_has_no_button_but_settle(op: Operation, words: str) -> None:
    card = operations.card(op)
    assert words in seen(card)
    assert words in card.text
    assert [one["action_id"] for one in buttons(card)] == (["op_settle"] if op.state is OpState.UNKNOWN else [])
    assert words in operations.line(op).text
    assert_postable(card)


def test_every_state_has_its_words() -> None:
    for state in OpState:
        assert_postable(operations.card(replace(WAITING, state=state)))


def test_card_distinguishes_sent_from_unsent_requests() -> None:
    assert "*Sent*" in seen(operations.card(ended(OpState.VERIFIED, "x")))
    assert "*Not sent*" in seen(operations.card(ended(OpState.EXPIRED, "x")))


def test_a_long_history_is_counted() -> None:
    approved = replace(WAITING.history[0], kind=StepKind.APPROVED)
    op = replace(WAITING, history=(*WAITING.history, *[approved] * 29))
    assert "(20 earlier steps not shown)" in seen(operations.card(op))
    assert_postable(operations.card(op))


def test_hostile_values_and_reasons_are_harmless_in_card_and_dialog() -> None:
    mean = replace(
        WAITING,
        reason=HOSTILE,
        seen=replace(SEEN, switch=replace(SWITCH, value=HOSTILE * 50, evidence=LegacyWords(HOSTILE * 50))),
    )
    assert_harmless(operations.card(mean))
    assert len(buttons(operations.card(mean))[0]["confirm"]["text"]["text"]) <= 300
    assert_harmless(operations.line(ended(OpState.FAILED, HOSTILE * 50)))
    assert_harmless(operations.already(replace(WAITING, seen=replace(SEEN, switch=replace(SWITCH, value=HOSTILE)))))


def test_proposal_of_an_agent_is_marked_and_its_words_are_not_formatted() -> None:
    reason = "approved by *security* `<!channel>`\n:white_check_mark:"
    op = replace(WAITING, options=RequestOptions(agent=True), reason=reason)
    card = operations.card(op)
    text = seen(card)
    for part in (
        "*Proposed by an agent for <@U0ANNA>*, who may not approve it",
        "*Proposed by*\nan agent for <@U0ANNA>",
        "*Reason, in the words of the agent*\n`approved by *security*",
        "Operation #12, proposed by an agent for <@U0ANNA>",
    ):
        assert part in text
    assert "<!channel>" not in text
    assert "Reason of the agent: approved by" in buttons(card)[0]["confirm"]["text"]["text"]
    assert "(proposed by an agent)" in seen(ops_list.listed((op,), open_only=True, now=AT))
    assert operations.outcome(op).endswith("balance off, proposed by an agent, waiting")
    event = TimelineEvent(AT, "prod", OperationEvent(op, op.history[0]), "U0ANNA")
    assert event_words(event).startswith("operation #12 proposed by an agent: Turn balance off in prod")
    for found in (card, operations.line(op), ops_list.shown(op)):
        assert_postable(found)


@pytest.mark.parametrize("reason", ["*calm* and `bold`", "*calm* " * 42])
def test_timeline_does_not_format_the_words_of_an_agent(reason: str) -> None:
    op = replace(WAITING, options=RequestOptions(agent=True), reason=reason)
    event = TimelineEvent(AT, "prod", OperationEvent(op, op.history[0]), "U0ANNA")
    text = seen(timeline(Timeline(AT, AT, ("prod",), (event,)), FileState.NONE))
    line = next(each for each in text.split("\n") if "by an agent" in each)
    outside = line.split("`")[::2]
    assert "*calm*" in line
    assert not any("*" in part for part in outside), line


def test_end_of_a_lease_of_an_agent_is_marked_and_has_the_words_of_cmbot() -> None:
    op = replace(WAITING, options=RequestOptions(agent=True, lease=7200.0), reason="*calm*")
    back = replace(reverting(op, AT, operations.reversion_reason(op)), id=13, seen=SEEN)
    text = seen(operations.card(back))
    assert "*Proposed by*\nan agent for <@U0ANNA>" in text
    assert "*Reason*\noperation #12 was for a time only" in text
    assert "another person decides" not in text
    assert operations.outcome(back).startswith("operation #13: turn balance on again, proposed by an agent, ")
    assert operations.what(op) == "turn balance off for 2 h", "a summary says the cluster above its lines"


def test_replies_to_the_requester_name_the_card() -> None:
    assert operations.already(WAITING).text == ('balance is already on in prod (`balance` is `"true"`): nothing to do.')
    link = "https://example.slack.com/archives/C0OPS/p1"
    assert f"See <{link}|its card> in <#C0OPS>" in operations.proposed(WAITING, link).text
    assert "See its card in <#C0OPS>" in operations.proposed(WAITING, "").text


def test_an_error_of_a_cluster_quotes_its_words_and_trace() -> None:
    error = NoLeader("prod has no leader.", host="10.0.0.1:9998", status=907, words="no leader", trace_id="af40a78a")
    text = seen(errors.sentence(error))
    assert "⚠ prod has no leader." in text
    assert "host `10.0.0.1:9998` · HTTP status `907` · its words `no leader` · trace id `af40a78a`" in text


@pytest.mark.parametrize(
    "error", [UserError("Say x."), ConfigError("clusters: name one."), StoreError("It is down."), OutcomeUnknown("?")]
)
def test_other_errors_are_their_sentence(error: UserError) -> None:
    shown = errors.sentence(error)
    assert shown.text == str(error)
    assert seen(shown) == f"⚠ {error}"


def test_errors_are_harmless_bounded_and_may_name_people_and_channels() -> None:
    assert_harmless(errors.sentence(ClusterRefused(HOSTILE * 99, host=HOSTILE, words=HOSTILE, trace_id=HOSTILE)))
    assert_harmless(errors.sentence(UserError(HOSTILE)))
    assert errors.sentence(UserError("Ask <@U0ANNA> in <#C0OPS>, not <!here>.")).text == (
        "Ask <@U0ANNA> in <#C0OPS>, not &lt;!here&gt;."
    )
    assert errors.sentence(ClusterRefused("Ask <@U0ANNA>.")).text == "Ask &lt;@U0ANNA&gt;."
    assert "failed without a reason" in errors.sentence(UserError("")).text
    assert "cmbot itself failed" in errors.crashed().text


def test_refused_messages_are_listed_with_a_fix() -> None:
    letters = [Undelivered("C0OLD", f"Warning <!channel> {n}", "is_archived", 1000.0) for n in range(12)]
    shown = ops_list.listed([], open_only=True, now=1060.0, undelivered=letters)
    text = seen(shown)
    assert shown.text.endswith("12 messages could not be posted.")
    assert "• <#C0OLD>, 1 min ago, `is_archived`: Warning &lt;!channel&gt; 0" in text
    assert "… and 2 more" in text
    assert "/cm ops retry" in text
    assert_postable(shown)
    assert "could not be posted" not in seen(ops_list.listed([], open_only=True, now=1060.0))
