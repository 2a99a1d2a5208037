"""blocks.validate is as strict as a post."""

import json
import time
from typing import Any

import pytest

from bot.playground.slack_sim.errors import ApiError
from bot.playground.slack_sim.team import DEMO_TEAM
from bot.playground.slack_sim.validation import validate
from bot.playground.slack_sim.workspace import Workspace

TITLE = {"type": "plain_text", "text": "One moment"}
FINE = [{"type": "divider"}]
LONG = [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]


def workspace() -> Workspace:
    return Workspace(DEMO_TEAM, time.time)


@pytest.mark.parametrize(
    "given",
    [
        {"blocks": FINE},
        {"blocks": json.dumps(FINE)},
        {"message": {"blocks": FINE}},
        {"view": json.dumps({"type": "modal", "title": TITLE, "blocks": FINE})},
        {"view": {"type": "home", "blocks": FINE}},
    ],
)
def test_valid_payload_passes(given: dict[str, Any]) -> None:
    assert validate(workspace(), given) == {}


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"blocks": LONG}, "invalid_blocks"),
        ({"message": {"blocks": LONG}}, "invalid_message"),
        ({"view": {"type": "home", "blocks": LONG}}, "invalid_view"),
    ],
)
def test_fault_is_named_with_its_place(given: dict[str, Any], error: str) -> None:
    answer = validate(workspace(), given)
    assert (answer["ok"], answer["error"]) == (False, error)
    [fault] = answer["errors"]
    assert fault == {
        "pointer": "/0/text/text",
        "code": "failed_constraint",
        "message": "must be less than 151 characters",
    }


def test_kind_that_the_workspace_does_not_take_is_a_fault() -> None:
    here = workspace()
    here.refused_kinds.add("divider")
    [fault] = validate(here, {"message": {"blocks": FINE}})["errors"]
    assert (fault["pointer"], fault["message"]) == ("/0/type", "unsupported type: divider")


@pytest.mark.parametrize("given", [{}, {"blocks": FINE, "message": {"blocks": FINE}}])
def test_exactly_one_payload_is_needed(given: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="invalid_arguments"):
        validate(workspace(), given)
