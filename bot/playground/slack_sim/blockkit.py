"""Every limit of Block Kit for messages, modals and Home tabs; where two sources disagree, the stricter one."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from bot.playground.slack_sim.containers import container
from bot.playground.slack_sim.elements import ACCESSORIES, IMAGE_ELEMENT, INPUTS, INTERACTIVE, block_id, plain, text
from bot.playground.slack_sim.shapes import Check, Findings, array, by_type, flag, number, one_of, shape, string

_STYLE = shape({"bold": flag, "italic": flag, "strike": flag, "code": flag, "underline": flag})
_LEAVES: Mapping[str, Check] = {
    "text": shape({"text": string(12000), "style": _STYLE}, ("text",)),
    "link": shape({"url": string(3000), "text": string(3000), "style": _STYLE, "unsafe": flag}, ("url",)),
    "emoji": shape({"name": string(100), "unicode": string(100)}, ("name",)),
    "user": shape({"user_id": string(20), "style": _STYLE}, ("user_id",)),
    "usergroup": shape({"usergroup_id": string(20), "style": _STYLE}, ("usergroup_id",)),
    "channel": shape({"channel_id": string(20), "style": _STYLE}, ("channel_id",)),
    "broadcast": shape({"range": one_of("here", "channel", "everyone")}, ("range",)),
    "date": shape(
        {"timestamp": number(whole=True), "format": string(200), "url": string(3000), "fallback": string(200)},
        ("timestamp", "format"),
    ),
}
_LEAF = by_type(_LEAVES, "rich text element")
_SECTION = shape({"elements": array(_LEAF, 1000, 0)}, ("elements",))
_PARTS: Mapping[str, Check] = {
    "rich_text_section": _SECTION,
    "rich_text_preformatted": shape(
        {"elements": array(_LEAF, 1000, 0), "border": number(0, 1, whole=True), "language": string(50)}, ("elements",)
    ),
    "rich_text_quote": shape({"elements": array(_LEAF, 1000, 0), "border": number(0, 1, whole=True)}, ("elements",)),
    "rich_text_list": shape(
        {
            "style": one_of("bullet", "ordered"),
            "elements": array(by_type({"rich_text_section": _SECTION}, "list item"), 1000),
            "indent": number(0, 8, whole=True),
            "offset": number(0, whole=True),
            "border": number(0, 1, whole=True),
        },
        ("style", "elements"),
    ),
}
PARTS: Check = array(by_type(_PARTS, "rich text part"), 100, 0)


def length(value: Any) -> int:
    """The number of characters of text in a rich text value."""
    if isinstance(value, dict):
        return sum(
            len(held) if key == "text" and isinstance(held, str) else length(held) for key, held in value.items()
        )
    return sum(length(item) for item in value) if isinstance(value, list) else 0


def cell(kinds: Mapping[str, Check], total: str) -> Check:
    """A table cell of one of these kinds, its text counted in `total`."""
    chosen = by_type(kinds, "cell")

    def check(value: Any, path: str, found: Findings) -> None:
        chosen(value, path, found)
        found.add(total, length(value))

    return check


MAX_CHARTS = 2
"""Limit of charts in a message."""


def counted(_value: Any, _path: str, found: Findings) -> None:
    """Count the charts of a message."""
    found.add("charts", 1)


def _labels(series: Any) -> list[Any]:
    data = series.get("data") if isinstance(series, dict) else None
    return [point.get("label") if isinstance(point, dict) else None for point in data] if isinstance(data, list) else []


def _points_meet_categories(value: Any, path: str, found: Findings) -> None:
    axis, held = value.get("axis_config"), value.get("series")
    categories = axis.get("categories") if isinstance(axis, dict) else None
    every = held if isinstance(held, list) else []
    for index, series in enumerate(every):
        if _labels(series) != categories:
            found.wrong(f"{path}/series/{index}", "every series needs one point for each category, in order")
    names = [str(series.get("name")) for series in every if isinstance(series, dict)]
    if len(set(names)) != len(names):
        found.wrong(f"{path}/series", "series names must be unique")


_POINT = shape({"label": string(20), "value": number()}, ("label", "value"))
_SERIES = shape({"name": string(20), "data": array(_POINT, 20)}, ("name", "data"))
_AXIS = shape({"categories": array(string(20), 20), "x_label": string(50), "y_label": string(50)}, ("categories",))


_AXIS_CHART = shape(
    {"series": array(_SERIES, 6), "axis_config": _AXIS}, ("series", "axis_config"), (_points_meet_categories,)
)
_SEGMENT = shape({"label": string(20), "value": number(1e-300)}, ("label", "value"))
CHART = by_type(
    {
        "line": _AXIS_CHART,
        "bar": _AXIS_CHART,
        "area": _AXIS_CHART,
        "pie": shape({"segments": array(_SEGMENT, 6)}, ("segments",)),
    },
    "chart",
)


MESSAGE, MODAL, HOME = "message", "modal", "home"
_MAX_BLOCKS = {MESSAGE: 50, MODAL: 100, HOME: 100}
_TOTALS = {"markdown": 12_000, "table": 10_000, "data_table": 10_000}
MAX_TEXT = 40_000


def _section(value: Any, path: str, found: Findings) -> None:
    if "text" not in value and "fields" not in value:
        found.wrong(path, "missing required field: text or fields")


def _markdown(value: Any, _path: str, found: Findings) -> None:
    found.add("markdown", len(str(value.get("text", ""))))


def _even_rows(value: Any, path: str, found: Findings) -> None:
    rows = value.get("rows")
    if isinstance(rows, list) and len({len(row) for row in rows if isinstance(row, list)}) > 1:
        found.wrong(f"{path}/rows", "all rows must have the same number of columns")


def _plain_header(value: Any, path: str, found: Findings) -> None:
    rows = value.get("rows")
    header = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], list) else []
    if any(isinstance(item, dict) and item.get("type") == "rich_text" for item in header):
        found.wrong(f"{path}/rows/0", "header cells must not be rich_text")


_RAW = shape({"text": string(10_000)}, ("text",))
_RAW_EMPTY = shape({"text": string(10_000, 0)}, ("text",))
_RAW_NUMBER = shape({"value": number(), "text": string(10_000)}, ("value", "text"))
_RICH = shape({"elements": PARTS, "block_id": string(255)}, ("elements",))
_TABLE_CELL = cell({"raw_text": _RAW_EMPTY, "rich_text": _RICH}, "table")
_DATA_CELL = cell({"raw_text": _RAW, "raw_number": _RAW_NUMBER, "rich_text": _RICH}, "data_table")
_COLUMN = shape({"align": one_of("left", "center", "right"), "is_wrapped": flag})


def _block(fields: Mapping[str, Check], required: tuple[str, ...] = (), *also: Check) -> Check:
    return shape({"block_id": block_id, **fields}, required, also)


_COMMON: Mapping[str, Check] = {
    "header": _block({"text": plain(150)}, ("text",)),
    "section": _block(
        {
            "text": text(3000),
            "fields": array(text(2000), 10),
            "accessory": by_type(ACCESSORIES, "accessory"),
            "expand": flag,
        },
        (),
        _section,
    ),
    "divider": _block({}),
    "context": _block(
        {
            "elements": array(
                by_type({"image": IMAGE_ELEMENT, "mrkdwn": text(3000), "plain_text": text(3000)}, "item"), 10
            )
        },
        ("elements",),
    ),
    "actions": _block({"elements": array(by_type(INTERACTIVE, "element"), 25)}, ("elements",)),
    "image": _block(
        {"image_url": string(3000), "alt_text": string(2000), "title": plain(2000)}, ("alt_text", "image_url")
    ),
    "rich_text": _block({"elements": PARTS}, ("elements",)),
    "input": _block(
        {
            "label": plain(2000),
            "element": by_type(INPUTS, "input element"),
            "hint": plain(2000),
            "optional": flag,
            "dispatch_action": flag,
        },
        ("label", "element"),
    ),
}
_NOT_IN_MODALS: Mapping[str, Check] = {
    "table": _block(
        {"rows": array(array(_TABLE_CELL, 20), 100), "column_settings": array(_COLUMN, 20)}, ("rows",), _even_rows
    ),
    "data_table": _block(
        {
            "rows": array(array(_DATA_CELL, 20), 101, 2),
            "caption": string(3000),
            "page_size": number(1, 100, whole=True),
            "row_header_column_index": number(0, 19, whole=True),
        },
        ("rows", "caption"),
        _even_rows,
        _plain_header,
    ),
}
_CONTAINER = container({**_COMMON, "table": _NOT_IN_MODALS["table"]}, {"elements": PARTS})
_MESSAGE_ONLY: Mapping[str, Check] = {
    "markdown": _block({"text": string(12_000)}, ("text",), _markdown),
    "data_visualization": _block({"title": string(50), "chart": CHART}, ("title", "chart"), counted),
}
_MODAL_ONLY: Mapping[str, Check] = {
    "alert": _block({"text": text(200), "level": one_of("default", "info", "warning", "error", "success")}, ("text",)),
}
_ALLOWED: Mapping[str, Mapping[str, Check]] = {
    MESSAGE: {**_COMMON, **_NOT_IN_MODALS, **_MESSAGE_ONLY, "container": _CONTAINER},
    MODAL: {**_COMMON, **_MODAL_ONLY},
    HOME: {**_COMMON, **_NOT_IN_MODALS},
}


def check_blocks(blocks: Any, surface: str = MESSAGE) -> list[str]:
    """The errors of Slack for these blocks, in its form ("must be …  [json-pointer:/blocks/0/text]")."""
    found = Findings(surface)
    if not isinstance(blocks, list):
        return ["must be an array [json-pointer:/blocks]"]
    if len(blocks) > _MAX_BLOCKS[surface]:
        found.wrong("/blocks", f"no more than {_MAX_BLOCKS[surface]} items allowed")
    check = by_type(_ALLOWED[surface], f"block in a {surface}")
    for index, block in enumerate(blocks):
        known = len(found.action_ids)
        check(block, f"/blocks/{index}", found)
        _differ(found.action_ids[known:], f"/blocks/{index}", "action_id", found)
    _differ(found.block_ids, "/blocks", "block_id", found)
    _totals(found)
    return found.problems


def doubled_action_ids(blocks: Any) -> list[str]:
    """The action_ids of more than one block: Slack accepts them, but their clicks are ambiguous."""
    found = Findings(MESSAGE)
    check = array(by_type({**_ALLOWED[MESSAGE], **_MODAL_ONLY}, "block"), 100, 0)
    check(blocks, "/blocks", found)
    return [value for value, times in Counter(found.action_ids).items() if times > 1]


def _differ(values: list[str], path: str, what: str, found: Findings) -> None:
    for value, times in Counter(values).items():
        if times > 1:
            found.wrong(path, f"{what} {value!r:.60} is used {times} times")


def _totals(found: Findings) -> None:
    for total, most in _TOTALS.items():
        if found.totals.get(total, 0) > most:
            found.wrong("/blocks", f"{total} blocks hold more than {most} characters in all")
    if found.totals.get("charts", 0) > MAX_CHARTS:
        found.wrong("/blocks", f"no more than {MAX_CHARTS} data_visualization blocks allowed")


_VIEW_COMMON: Mapping[str, Check] = {
    "blocks": lambda _value, _path, _found: None,
    "private_metadata": string(3000, 0),
    "callback_id": string(255),
    "external_id": string(255),
}
_VIEWS: Mapping[str, Check] = {
    "modal": shape(
        {
            **_VIEW_COMMON,
            "title": plain(24),
            "submit": plain(24),
            "close": plain(24),
            "clear_on_close": flag,
            "notify_on_close": flag,
            "submit_disabled": flag,
        },
        ("title", "blocks"),
    ),
    "home": shape(_VIEW_COMMON, ("blocks",)),
}


def check_view(view: Any) -> list[str]:
    """The errors of Slack for this view."""
    found = Findings(MODAL)
    by_type(_VIEWS, "view")(view, "/view", found)
    if found.problems:
        return found.problems
    problems = check_blocks(view["blocks"], HOME if view["type"] == "home" else MODAL)
    blocks = view["blocks"] if isinstance(view["blocks"], list) else []
    inputs = any(isinstance(block, dict) and block.get("type") == "input" for block in blocks)
    if inputs and view["type"] == "modal" and "submit" not in view:
        problems.append("a modal with input blocks needs submit [json-pointer:/view/submit]")
    return problems
