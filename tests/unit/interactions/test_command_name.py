"""Another name of the slash command in what people read."""

from typing import Any

import pytest

from bot.interactions.command_name import MAX_TEXT, json_with_command, message_with_command, with_command
from bot.interactions.message import Message


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Type /cm stat prod.", "Type /blob stat prod."),
        ("`/cm help`, or /cm", "`/blob help`, or /blob"),
        ("*/cm* or (/cm)", "*/blob* or (/blob)"),
        ("/cmx and /cm-1 and a/cm and https://x/cm and /cm/x", "/cmx and /cm-1 and a/cm and https://x/cm and /cm/x"),
        ("nothing", "nothing"),
    ],
)
def test_only_the_command_is_replaced(text: str, named: str) -> None:
    assert with_command(text, "/blob") == named
    assert with_command(text, "/cm") == text


def test_text_that_would_be_too_long_keeps_the_default() -> None:
    text = "/cm stat ".ljust(MAX_TEXT, "x")
    assert with_command(text, "/storage-bot") == text


def test_what_no_one_reads_is_kept() -> None:
    block: dict[str, Any] = {
        "type": "actions",
        "elements": [{"type": "button", "text": {"type": "plain_text", "text": "/cm stat"}, "value": "/cm stat"}],
        "block_id": "/cm",
    }
    named = json_with_command(block, "/blob")
    assert named["elements"][0]["text"]["text"] == "/blob stat"
    assert (named["elements"][0]["value"], named["block_id"]) == ("/cm stat", "/cm")
    message = message_with_command(Message("See /cm.", (block,)), "/blob")
    assert (message.text, message.blocks[0]) == ("See /blob.", named)
