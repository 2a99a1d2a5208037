"""What a mention asks: the command behind our name, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chatops.mentions import command_in

ME = "U0CMBOT"


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("<@U0CMBOT> stat prod", "stat prod"),
        ("<@U0CMBOT|cmbot> stat", "stat"),
        ("  <@U0CMBOT>: stat prod?", "stat prod"),
        ("<@U0CMBOT>, /cm stat prod", "stat prod"),
        ("<@U0CMBOT> `disk 3`", "disk 3"),
        ("<@U0CMBOT>\nstat prod\nthank you", "stat prod"),
        ("<@U0CMBOT>", ""),
        ("<@U0CMBOT> /cm", ""),
        ("<@U0BOB> <@U0CMBOT> stat", "stat"),
        ("hello <@U0CMBOT> disks prod", "disks prod"),
        ("<@U0CMBOT> statt prod", "statt prod"),
        ("<@U0CMBOT> silence disk_broken prod reason=“two words”", "silence disk_broken prod reason=“two words”"),
    ],
)
def test_the_words_behind_the_name_are_the_command(text: str, command: str) -> None:
    assert command_in(text, ME) == command


@pytest.mark.parametrize(
    "text",
    ["thanks to <@U0CMBOT>", "ask <@U0CMBOT> about it", "<@U0OTHER> stat", "cmbot stat", "", "<!channel> stat"],
)
def test_talk_about_the_bot_is_no_question(text: str) -> None:
    assert command_in(text, ME) is None


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_breaks_the_reading(before: str, after: str) -> None:
    found = command_in(f"{before}<@U0CMBOT>{after}", ME)
    assert found is None or "\n" not in found
