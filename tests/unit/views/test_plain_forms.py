"""The forms of tables, from the richest to text, keep every row, and say what they leave out."""

import pytest

from bot.interactions.message import BlockJson, Message
from bot.playground.slack_sim.blockkit import check_blocks
from bot.views.blocks import NumberCell, PeopleCell, data_table, date, message, number, section
from bot.views.plain_forms import BlockForms, TableForm, form_of, forms, in_form, learned
from bot.views.tables import as_text

HEADER = ("State", "Disk", "Used", "Since")


def listed(rows: int, *, width: int = 5) -> BlockJson:
    made = [("x" * width, number(row), NumberCell("1.0 KiB", 1024), date(row)) for row in range(rows)]
    return data_table(made, header=HEADER, caption="Disks of <!channel>", names=1)


def shown(rows: int, *, width: int = 5) -> Message:
    return message("Disks.", section("Disks."), listed(rows, width=width))


def test_cells_are_typed_and_the_caption_is_plain() -> None:
    [_, block] = shown(1).blocks
    assert block["caption"] == "Disks of \u2039!channel\u203a"
    assert [cell["type"] for cell in block["rows"][1]] == ["raw_text", "raw_number", "raw_number", "rich_text"]
    assert block["rows"][1][2] == {"type": "raw_number", "value": 1024, "text": "1.0 KiB"}
    assert block["row_header_column_index"] == 1


def test_people_are_people_in_a_data_table() -> None:
    block = data_table([(PeopleCell("U0ALICE U0BOB"),)], header=("Who",), caption="People")
    assert check_blocks([block]) == []
    assert as_text(block) == "Who\nU0ALICE, U0BOB"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**64, -(2**70)])
def test_number_that_json_does_not_carry_is_cut(value: float) -> None:
    assert abs(NumberCell("many", value).value) < 2**53


def test_no_rows_are_a_plain_table() -> None:
    assert data_table([], header=HEADER, caption="Disks")["type"] == "table"


@pytest.mark.parametrize("rows", [1, 98, 99, 100, 101, 500])
@pytest.mark.parametrize("form", list(TableForm))
def test_every_form_has_all_rows_or_says_how_many_are_left_out(rows: int, form: TableForm) -> None:
    made = in_form(shown(rows), form)
    assert check_blocks(list(made.blocks)) == []
    text = "\n".join(as_text(each) if "rows" in each else str(each["text"]["text"]) for each in made.blocks)
    kept = text.count("1.0 KiB")
    caption = next((each.get("caption", "") for each in made.blocks if "rows" in each), "")
    assert kept == rows or f"… and {rows - kept:,} more" in text
    assert (rows > 100) == ("first" in caption) or form is not TableForm.DATA_TABLE


def test_numbers_stay_right_in_a_table() -> None:
    [_, block] = in_form(shown(2), TableForm.TABLE).blocks
    assert [each["align"] for each in block["column_settings"]] == ["left", "right", "right", "left"]
    assert block["rows"][1][2] == {"type": "raw_text", "text": "1.0 KiB"}


def test_wide_table_is_not_wider_than_a_message_as_text() -> None:
    made = in_form(shown(3, width=150), TableForm.TEXT)
    lines = "\n".join(block["text"]["text"] for block in made.blocks).split("\n")
    assert "  Used: 1.0 KiB · Since: 1970-01-01 00:00:02 UTC" in lines


def test_forms_go_from_rich_to_plain_from_the_known_one_on() -> None:
    full = shown(2)
    assert [form_of(form) for form in forms(full)] == [TableForm.DATA_TABLE, TableForm.TABLE, None, None]
    assert [form_of(form) for form in forms(full, BlockForms(TableForm.TABLE))] == [TableForm.TABLE, None, None]
    assert [len(form.blocks) for form in forms(full, BlockForms(TableForm.TEXT))] == [2, 0]


def test_what_a_refusal_tells_about_tables() -> None:
    rich, table, text, bare = forms(shown(2))
    assert learned(rich, table) == BlockForms(TableForm.TABLE)
    assert learned(rich, text) == BlockForms(TableForm.TEXT)
    assert learned(rich, bare) is None
    assert learned(text, bare) is None
