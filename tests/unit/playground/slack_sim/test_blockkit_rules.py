"""Rules of Block Kit that are no lengths: ids, types, fields, structure; and no JSON may break the checker."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.slack_sim.blockkit import check_blocks, check_view, doubled_action_ids

BUTTON = {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "Go"}}
PLAIN = {"type": "plain_text", "text": "x"}
MRKDWN = {"type": "mrkdwn", "text": "x"}
INPUT = {"type": "input", "label": PLAIN, "element": {"type": "plain_text_input", "action_id": "a"}}


def rich(*parts: Any) -> dict[str, Any]:
    return {"type": "rich_text", "elements": list(parts)}


def line(*leaves: Any) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": list(leaves)}


@pytest.mark.parametrize(
    "blocks",
    [
        [rich(line({"type": "text", "text": "x", "style": {"bold": True}}, {"type": "link", "url": "http://x"}))],
        [rich({"type": "rich_text_list", "style": "bullet", "elements": [line({"type": "emoji", "name": "tada"})]})],
        [rich({"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x"}]})],
        [{"type": "section", "text": MRKDWN, "accessory": BUTTON}],
        [{"type": "actions", "elements": [{"type": "multi_users_select", "initial_users": ["U0BOB"]}]}],
        [{"type": "actions", "elements": [{"type": "datetimepicker", "initial_date_time": 1_700_000_000}]}],
        [INPUT | {"element": {"type": "conversations_select", "response_url_enabled": True}}],
        [INPUT | {"element": {"type": "url_text_input"}}],
        [{"type": "context", "elements": [MRKDWN, {"type": "image", "image_url": "http://x", "alt_text": "x"}]}],
        [
            {
                "type": "data_visualization",
                "title": "t",
                "chart": {"type": "pie", "segments": [{"label": "a", "value": 1}]},
            }
        ],
    ],
)
def test_right_blocks_are_taken(blocks: list[Any]) -> None:
    assert check_blocks(blocks) == []


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ([{"type": "header", "text": MRKDWN}], "must be plain_text [json-pointer:/blocks/0/text/type]"),
        ([{"type": "header"}], "missing required field: text"),
        ([{"type": "section"}], "missing required field: text or fields"),
        ([{"type": "divider", "colour": "red"}], "invalid additional property: colour"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": ""}}], "must be at least 1 characters"),
        ([{"type": "section", "text": "x"}], "must be an object [json-pointer:/blocks/0/text]"),
        (["x"], "must be an object [json-pointer:/blocks/0]"),
        ("x", "must be an array"),
        ([{"type": "actions", "elements": []}], "must have at least 1 items"),
        ([{"type": "actions", "elements": [BUTTON, BUTTON]}], "action_id 'a' is used 2 times"),
        ([{"type": "divider", "block_id": "b"}] * 2, "block_id 'b' is used 2 times"),
        ([{"type": "actions", "elements": [{**BUTTON, "style": "green"}]}], "must be one of primary, danger"),
        ([{"type": "actions", "elements": [{**BUTTON, "url": "javascript:x"}]}], "must be a valid URL"),
        ([{"type": "actions", "elements": [{**BUTTON, "confirm": {"title": PLAIN}}]}], "missing required field: text"),
        ([{"type": "actions", "elements": [INPUT["element"]]}], "is no element allowed here"),
        ([{"type": "actions", "elements": [{"type": "static_select"}]}], "needs either options or option_groups"),
        ([INPUT | {"element": {"type": "plain_text_input", "min_length": 3, "max_length": 2}}], "max_length"),
        ([{"type": "table", "rows": [[PLAIN]]}], "is no cell allowed here"),
        ([{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}], []]}], "must have at least 1 items"),
        ([rich({"type": "text", "text": "x"})], "is no rich text part allowed here"),
        ([rich(line({"type": "text"}))], "missing required field: text"),
        ([rich(line(rich()))], "is no rich text element allowed here"),
    ],
)
def test_wrong_blocks_are_refused_with_the_place(blocks: Any, words: str) -> None:
    assert any(words in problem for problem in check_blocks(blocks)), check_blocks(blocks)


def test_rows_of_a_table_are_as_long_as_each_other() -> None:
    cell = {"type": "raw_text", "text": "x"}
    assert check_blocks([{"type": "table", "rows": [[cell], [cell, cell]]}]) != []


def test_a_data_table_needs_a_caption_and_a_plain_header() -> None:
    cell, styled = {"type": "raw_text", "text": "x"}, rich(line({"type": "text", "text": "x"}))
    assert any("caption" in each for each in check_blocks([{"type": "data_table", "rows": [[cell], [cell]]}]))
    block = {"type": "data_table", "caption": "c", "rows": [[styled], [cell]]}
    assert any("header cells" in each for each in check_blocks([block]))
    assert check_blocks([block | {"rows": [[cell], [styled]]}]) == []


def test_every_series_of_a_chart_has_every_point() -> None:
    data = [{"label": "a", "value": 1}, {"label": "b", "value": 2}]
    series = [{"name": "one", "data": data}, {"name": "two", "data": data}]
    drawn = {"type": "bar", "axis_config": {"categories": ["a", "b"]}, "series": series}
    block = {"type": "data_visualization", "title": "t", "chart": drawn}
    assert check_blocks([block]) == []
    short = [series[0], {"name": "two", "data": data[:1]}]
    assert check_blocks([block | {"chart": drawn | {"series": short}}]) != []
    alike = [series[0], series[0]]
    assert check_blocks([block | {"chart": drawn | {"series": alike}}]) != []


@pytest.mark.parametrize("value", [0, -1, "1", True])
def test_pie_slice_must_be_positive(value: Any) -> None:
    chart = {"type": "pie", "segments": [{"label": "a", "value": value}]}
    assert check_blocks([{"type": "data_visualization", "title": "t", "chart": chart}]) != []


def test_action_id_in_two_blocks_is_accepted_and_listed() -> None:
    blocks = [{"type": "actions", "elements": [BUTTON]}, {"type": "section", "text": MRKDWN, "accessory": BUTTON}]
    assert check_blocks(blocks) == []
    assert doubled_action_ids(blocks) == ["a"]
    assert doubled_action_ids(blocks[:1]) == []


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ({"type": "modal", "blocks": []}, "missing required field: title"),
        ({"type": "modal", "title": PLAIN, "blocks": [INPUT]}, "needs submit"),
        ({"type": "home", "title": PLAIN, "blocks": []}, "invalid additional property: title"),
        ({"type": "sheet", "blocks": []}, "is no view allowed here"),
        ({"type": "home", "blocks": 5}, "must be an array"),
        (None, "must be an object"),
    ],
)
def test_wrong_views_are_refused(view: Any, words: str) -> None:
    assert any(words in problem for problem in check_view(view)), check_view(view)


TYPES = ["section", "header", "actions", "input", "table", "data_table", "data_visualization", "rich_text", "context"]
KEYS = [
    "type",
    "text",
    "elements",
    "rows",
    "chart",
    "series",
    "axis_config",
    "data",
    "block_id",
    "action_id",
    "element",
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=3)
    | st.sampled_from([*TYPES, "line", "pie", "button"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=25,
)
BLOCK = st.dictionaries(st.sampled_from(KEYS), JSON, max_size=5).flatmap(
    lambda block: st.sampled_from(TYPES).map(lambda kind: {**block, "type": kind})
)


@given(st.lists(BLOCK, max_size=3), st.sampled_from(["message", "modal", "home"]))
def test_no_json_breaks_the_checker(blocks: list[Any], surface: str) -> None:
    assert all(isinstance(problem, str) for problem in check_blocks(blocks, surface))
    doubled_action_ids(blocks)
    check_view({"type": "modal", "title": PLAIN, "blocks": blocks})


@given(JSON)
def test_no_json_breaks_the_checker_of_views(view: Any) -> None:
    assert all(isinstance(problem, str) for problem in check_view(view))
    check_blocks(view)
    doubled_action_ids(view)
