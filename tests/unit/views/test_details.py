"""The button Details: what it may ask for, and how what it opens is introduced."""

import json

import pytest

from bot.interactions.events import Click
from bot.views.blocks import message, section
from bot.views.details import as_shown, command_of, newer, value_of
from tests.support.view_samples import AT, assert_postable, seen


def click(value: str) -> Click:
    """A click on the button with that value."""
    return Click("1.2", "U0DAVE", "C0STORAGE", "details", value, "1.0", "")


@pytest.mark.parametrize(
    ("of", "command"),
    [
        ("stat prod", "stat prod details=yes"),
        ("clusters", "clusters details=yes"),
        ("stat prod\nx", ""),
        ("stat prod archive", ""),
        ("task disable balance prod", ""),
        ("", ""),
        (7, ""),
        (None, ""),
    ],
)
def test_only_short_answers_have_details(of: object, command: str) -> None:
    assert command_of(click(json.dumps({"of": of, "at": 1}))) == command


def test_a_value_without_json_names_nothing() -> None:
    assert command_of(click("stat prod")) == ""
    assert click("stat prod").time("at") == 0


@pytest.mark.parametrize(
    ("held", "at"), [(AT + 0.25, AT + 0.25), (-1, 0.0), ("now", 0.0), (True, 0.0), (float("nan"), 0.0), (1e300, 0.0)]
)
def test_time_of_a_button_is_a_time(held: object, at: float) -> None:
    assert click(json.dumps({"at": held})).time("at") == at
    assert click(value_of("stat prod", AT)).time("at") == AT


def test_details_say_if_they_are_newer() -> None:
    full = message("prod is healthy.", section("all"))
    assert "The same state as in the message: <!date^1700000000^" in seen(as_shown(full, AT))
    assert "🔄 Newer than the message: the state was read again. The message shows <!date^" in seen(newer(full, AT))
    assert seen(newer(full, 0)).startswith("🔄 Newer than the message: the state was read again.\n")
    for shown in (as_shown(full, AT), newer(full, AT)):
        assert shown.text == full.text
        assert_postable(shown)
