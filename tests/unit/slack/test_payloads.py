"""What each payload means, and that no payload breaks the reading of it."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chatops.forms.events import HomeOpened
from bot.interactions.events import Click, Invocation, Mention
from bot.slack.payloads import Ignored, Sharing, read
from tests.unit.slack.conftest import CLICK, COMMAND, HOME, MENTION, SHORTCUT


def test_command_payload_becomes_an_invocation() -> None:
    assert read(COMMAND) == Invocation(
        "11.22.abc", "U0ALICE", "C0STORAGE", "stat prod", "https://hooks.slack.com/commands/1"
    )


def test_a_command_without_text_is_empty() -> None:
    delivered = read({name: value for name, value in COMMAND.items() if name != "text"})
    assert isinstance(delivered, Invocation)
    assert delivered.text == ""


def test_click_payload_becomes_a_click() -> None:
    assert read(CLICK) == Click(
        "33.44.def", "U0ALICE", "C0STORAGE", "op_confirm", "7:1", "1.5", "https://hooks.slack.com/actions/1"
    )


def test_a_click_on_a_message_that_only_its_reader_sees() -> None:
    assert isinstance(read({**CLICK, "channel": None, "message": None}), Click)


def test_a_choice_carries_the_option_s_value() -> None:
    action = {"type": "static_select", "action_id": "choose", "selected_option": {"value": "v3"}}
    delivered = read({**CLICK, "actions": [action]})
    assert isinstance(delivered, Click)
    assert delivered.value == "v3"


@pytest.mark.parametrize(
    "action",
    [
        {"type": "button", "action_id": "open", "url": "https://example.com", "value": "x"},
        {"type": "button", "action_id": "open"},
    ],
)
def test_link_button_is_ignored(action: Mapping[str, Any]) -> None:
    assert read({**CLICK, "actions": [action]}) == Ignored("a link")


def test_mention_names_its_message_and_thread() -> None:
    assert read(MENTION) == Mention("Ev2", "U0ALICE", "C0STORAGE", "<@U0CMBOT> stat", "1.5", "1.1")


def test_mention_outside_a_thread_begins_one() -> None:
    for thread_ts in (None, "1.5"):
        delivered = read({**MENTION, "event": {**MENTION["event"], "thread_ts": thread_ts}})
        assert isinstance(delivered, Mention)
        assert delivered.thread_ts == ""


@pytest.mark.parametrize(
    "other",
    [
        {"edited": {"user": "U0ALICE", "ts": "1.6"}},
        {"bot_id": "B0OTHER"},
        {"bot_profile": {}},
        {"subtype": "message_changed"},
        {"user": None},
        {"ts": 5},
    ],
)
def test_mention_by_a_program_or_in_an_edit_is_ignored(other: Mapping[str, Any]) -> None:
    assert isinstance(read({**MENTION, "event": {**MENTION["event"], **other}}), Ignored)


def test_mention_by_a_guest_of_a_shared_channel_is_ignored() -> None:
    """The command answers members of the workspace only; so does a mention."""
    foreign = {**MENTION["event"], "team": "T9"}
    assert isinstance(read({**MENTION, "event": foreign, "is_ext_shared_channel": True}), Ignored)
    assert isinstance(read({**MENTION, "event": {**foreign, "team": "T1"}, "is_ext_shared_channel": True}), Mention)


def test_message_shortcut_is_a_click_without_the_words_of_the_message() -> None:
    delivered = read(SHORTCUT)
    url = "https://hooks.slack.com/app/1"
    value = '{"thread": "1.1"}'
    assert delivered == Click("77.88.pqr", "U0ALICE", "C0STORAGE", "shortcut:cm_acknowledge", value, "1.5", url)


def test_shortcut_for_a_note_has_the_words_and_their_author() -> None:
    delivered = read({**SHORTCUT, "callback_id": "cm_note"})
    assert isinstance(delivered, Click)
    assert (delivered.text("author"), delivered.text("text")) == ("U0BOB", "a secret")


@pytest.mark.parametrize("lacks", ["callback_id", "trigger_id", "user", "channel"])
def test_message_shortcut_without_a_part_is_ignored(lacks: str) -> None:
    assert isinstance(read({**SHORTCUT, lacks: None}), Ignored)


def test_home_tab_event_names_its_user() -> None:
    assert read(HOME) == HomeOpened("Ev1", "U0ALICE")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "view_submission", "trigger_id": "1", "user": {"id": "U1"}},
        {"type": "event_callback", "event_id": "1", "event": {"type": "message", "user": "U1"}},
        {**HOME, "event": {"type": "app_home_opened", "user": "U1", "tab": "messages"}},
        {**COMMAND, "trigger_id": None},
        {**COMMAND, "user_id": 7},
        {**CLICK, "actions": []},
        {**CLICK, "actions": "op_confirm"},
        {**CLICK, "actions": [None]},
        {**CLICK, "user": "U1"},
    ],
)
def test_other_payloads_are_ignored(body: Mapping[str, Any]) -> None:
    assert isinstance(read(body), Ignored)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = sorted({*COMMAND, *CLICK, *HOME})


@given(st.sampled_from([COMMAND, CLICK, HOME, {}]), st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4))
def test_no_payload_breaks_the_reading(body: Mapping[str, Any], broken: Mapping[str, Any]) -> None:
    delivered = read({**body, **broken})
    assert isinstance(delivered, Ignored | Sharing) or delivered.key


@pytest.mark.parametrize(
    ("event", "shared"),
    [
        ({"type": "channel_shared", "channel": "C0OPS", "connected_team_id": "T0OTHER"}, True),
        ({"type": "channel_unshared", "channel": "C0OPS", "is_ext_shared": False}, False),
        ({"type": "channel_unshared", "channel": "C0OPS", "is_ext_shared": True}, True),
    ],
)
def test_sharing_of_a_channel_is_read(event: Mapping[str, Any], shared: bool) -> None:
    assert read({"type": "event_callback", "event_id": "Ev1", "event": event}) == Sharing("C0OPS", shared)
