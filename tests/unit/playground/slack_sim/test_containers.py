"""The container block: what Slack takes in it, and what it refuses."""

from typing import Any

import pytest

from bot.playground.slack_sim.blockkit import HOME, MESSAGE, MODAL, check_blocks

DIVIDER = {"type": "divider"}


def container(**changes: Any) -> dict[str, Any]:
    made = {"type": "container", "title": {"type": "plain_text", "text": "Checks"}, "child_blocks": [DIVIDER]} | changes
    return {name: value for name, value in made.items() if value is not None}


def words(size: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": "x" * size}


RICH = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}]}
CELL = {"type": "raw_text", "text": "x"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"is_collapsible": True, "default_collapsed": True},
        {"width": "full", "has_header_divider": True},
        {"title": words(150), "subtitle": words(150)},
        {"title": None, "rich_text_title": RICH},
        {"child_blocks": [DIVIDER] * 10},
        {"child_blocks": [{"type": "table", "rows": [[CELL]]}]},
    ],
)
def test_accepted(changes: dict[str, Any]) -> None:
    assert check_blocks([container(**changes)], MESSAGE) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"title": None},
        {"rich_text_title": RICH},
        {"title": words(151)},
        {"subtitle": words(151)},
        {"child_blocks": None},
        {"child_blocks": []},
        {"child_blocks": [DIVIDER] * 11},
        {"child_blocks": [container()]},
        {"child_blocks": [{"type": "markdown", "text": "x"}]},
        {"child_blocks": [{"type": "data_table", "caption": "c", "rows": [[CELL], [CELL]]}]},
        {"default_collapsed": True},
        {"is_collapsible": True, "has_header_divider": True},
        {"width": "huge"},
        {"colour": "red"},
    ],
)
def test_refused(changes: dict[str, Any]) -> None:
    assert check_blocks([container(**changes)], MESSAGE)


def test_ids_inside_count_with_those_outside() -> None:
    same = {"type": "divider", "block_id": "same"}
    assert check_blocks([same, container(child_blocks=[same])])


@pytest.mark.parametrize("surface", [MODAL, HOME])
def test_messages_only(surface: str) -> None:
    assert check_blocks([container()], surface)
