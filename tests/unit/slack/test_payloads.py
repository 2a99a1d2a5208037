"""What each payload means, and that no payload breaks the reading of it."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chatops.forms.events import HomeOpened
from bot.interactions.events import Click, Invocation
from bot.slack.payloads import Ignored, read
from tests.unit.slack.conftest import CLICK, COMMAND, HOME


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
    assert isinstance(delivered, Ignored) or delivered.key
