"""Blocks: the limits of Slack hold for any input, and equal values make equal messages."""

from typing import Any

import pytest
import slackblocks
from slackblocks.rich_text.objects import RichTextObject

from bot.views.blocks import (
    PeopleCell,
    actions,
    as_text,
    button,
    confirm,
    context,
    date,
    divider,
    fields,
    header,
    message,
    section,
    table,
)
from bot.views.plain_forms import without_tables
from tests.support.view_samples import assert_postable, seen

LONG = "x" * 5000


def test_every_block_keeps_its_limit_visibly() -> None:
    assert header(LONG)["text"]["text"].endswith("… (5,000 characters)")
    assert len(header(LONG)["text"]["text"]) <= 150
    assert len(section(LONG)["text"]["text"]) <= 3000
    assert [len(field["text"]) <= 2000 for field in fields(LONG, LONG)["fields"]] == [True, True]
    assert fields(*"abcdefghijkl")["fields"][-1]["text"] == "… and 3 more"
    assert context(*"abcdefghijkl")["elements"][-1]["text"] == "… and 3 more"
    assert divider() == {"type": "divider"}


def test_empty_texts_are_still_postable() -> None:
    for block in (section(""), header(""), context("")):
        assert seen(message("empty", block)) == " "


def test_buttons_and_dialogs_keep_their_limits() -> None:
    dialog = confirm(LONG, f"{LONG}\n<!channel>", LONG, LONG, style="danger")
    [shown] = actions(button(LONG, "go", "value", style="danger", confirm=dialog))["elements"]
    assert len(shown["text"]["text"]) <= 75
    assert len(shown["confirm"]["title"]["text"]) <= 100
    assert len(shown["confirm"]["text"]["text"]) <= 300
    assert len(shown["confirm"]["confirm"]["text"]) <= 30
    assert "<" not in shown["confirm"]["text"]["text"]


def test_equal_values_make_equal_messages() -> None:
    def drawn() -> Any:
        return message("m", section("a"), fields("b"), actions(button("Go", "go", "1"))).to_json()

    assert drawn() == drawn()


def test_message_counts_what_it_omits() -> None:
    shown = message("many", *(section(str(number)) for number in range(80)))
    assert_postable(shown)
    assert seen(shown).endswith("48\n… and 31 more parts that one message cannot hold")


def test_one_id_twice_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="used twice"):
        message("m", actions(button("a", "same", "1"), button("b", "same", "2")))
    with pytest.raises(ValueError, match="used twice"):
        message("m", {**divider(), "block_id": "x"}, {**divider(), "block_id": "x"})


def test_a_table_counts_the_rows_it_leaves_out() -> None:
    shown = message("t", table([[str(number), "y" * 40] for number in range(500)], header=("a", "b"), right=(0,)))
    assert_postable(shown)
    assert seen(shown).endswith("… and 402 more")


def test_a_table_of_long_cells_keeps_the_total_of_characters() -> None:
    shown = message("t", table([["y" * 500] * 5 for _ in range(90)], header=tuple("abcde")))
    assert_postable(shown)
    assert seen(shown).endswith("… and 80 more")


def test_a_second_table_beyond_the_total_becomes_text() -> None:
    big = table([["y" * 190] * 4 for _ in range(10)], header=tuple("abcd"))
    shown = message("t", big, big)
    assert_postable(shown)
    assert [block["type"] for block in shown.blocks] == ["table", "section"]


def test_table_equals_that_of_the_library() -> None:
    ours = table([["a", "1"], ["", "22"]], header=("n", "v"), right=(1,))
    cells: list[list[slackblocks.RawText | RichTextObject]]
    cells = [[slackblocks.RawText(text) for text in row] for row in (("n", "v"), ("a", "1"), ("-", "22"))]
    settings = [slackblocks.ColumnSettings(align=side) for side in ("left", "right")]
    [theirs] = slackblocks.Message("C", blocks=[slackblocks.TableBlock(cells, settings)]).to_dict()["blocks"]
    assert ours == {key: value for key, value in theirs.items() if key != "block_id"}
    assert as_text(ours) == "n   v\na   1\n-  22"


def test_a_workspace_without_tables_gets_the_same_rows() -> None:
    shown = without_tables(message("t", section("before"), table([["<!channel>", "1"]], header=("n", "v"))))
    assert "table" not in {block["type"] for block in shown.blocks}
    assert seen(shown) == "before\n```\nn           v\n\u2039!channel\u203a  1\n```"


def test_too_many_columns_are_our_mistake() -> None:
    with pytest.raises(ValueError, match="20 columns"):
        table([], header=tuple("x" * 21))


def test_people_in_a_table_are_shown_as_people() -> None:
    made = table([[PeopleCell("U0ALICE U0BOB"), PeopleCell("no one"), PeopleCell("")]], header=("Who", "Else", "None"))
    first, second, third = made["rows"][1]
    users = [part["user_id"] for part in first["elements"][0]["elements"] if part["type"] == "user"]
    assert users == ["U0ALICE", "U0BOB"]
    assert (second, third) == ({"type": "raw_text", "text": "no one"}, {"type": "raw_text", "text": "-"})
    assert "U0ALICE, U0BOB" in as_text(made)
    assert_postable(message("Who did what.", made))


def test_dates_in_a_table_are_shown_in_the_zone_of_the_reader() -> None:
    made = table([[f"at least since {date(60, 'minute')}"], ["no <date>"]], header=("Since",))
    [first, second] = [row[0] for row in made["rows"][1:]]
    assert first["elements"][0]["elements"] == [
        {"type": "text", "text": "at least since "},
        {
            "type": "date",
            "timestamp": 60,
            "format": "{date_short_pretty} at {time}",
            "fallback": "1970-01-01 00:01:00 UTC",
        },
    ]
    assert second == {"type": "raw_text", "text": "no \u2039date\u203a"}
    assert "at least since 1970-01-01 00:01:00 UTC" in as_text(made)
