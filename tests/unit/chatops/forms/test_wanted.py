"""The form that a button asks for, from a value that may be forged."""

import json

import pytest

from bot.alerting.next_change import NextChange
from bot.chatops.forms.wanted import WantedForm, wanted_form
from bot.common.errors import UserError
from bot.views.alert_actions import change_value


def test_value_of_a_button_is_read_back() -> None:
    value = change_value(NextChange("member replace", {"dead": "3"}), "prod")
    assert wanted_form(value) == WantedForm("member replace", "prod", {"dead": "3"})


@pytest.mark.parametrize("value", ["", "[]", "7", "{}", '{"kind": "op settle"}', '{"kind": 7}', "[" * 5000])
def test_value_without_a_change_is_refused(value: str) -> None:
    with pytest.raises(UserError, match="names no change"):
        wanted_form(value)


def test_arguments_of_another_type_are_left_out() -> None:
    value = json.dumps({"kind": "task enable", "cluster": 3, "given": {"task": ["x"], "reason": "why"}})
    assert wanted_form(value) == WantedForm("task enable", "", {"reason": "why"})
