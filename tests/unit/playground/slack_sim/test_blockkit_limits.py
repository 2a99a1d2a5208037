"""Every length and count that Block Kit limits: right at the limit, refused one beyond it."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.playground.slack_sim.blockkit import HOME, MESSAGE, MODAL, check_blocks, check_view

Json = dict[str, Any]


def plain(size: int) -> Json:
    return {"type": "plain_text", "text": "x" * size}


def mrkdwn(size: int) -> Json:
    return {"type": "mrkdwn", "text": "x" * size}


def section(size: int) -> Json:
    return {"type": "section", "text": mrkdwn(size)}


def button(**changes: Any) -> Json:
    return {"type": "button", "action_id": "a", "text": plain(3), **changes}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def confirm(**sizes: int) -> Json:
    size = {"title": 3, "text": 3, "confirm": 3, "deny": 3} | sizes
    return actions(button(confirm={name: plain(length) for name, length in size.items()}))


def option(**sizes: int) -> Json:
    size = {"text": 3, "value": 3} | sizes
    made: Json = {"text": plain(size["text"]), "value": "v" * size["value"]}
    return made | ({"description": plain(size["description"])} if "description" in size else {})


def select(kind: str = "static_select", count: int = 2, placeholder: int = 3, **sizes: int) -> Json:
    options = [option(**sizes) for _ in range(count)]
    return actions({"type": kind, "action_id": "a", "options": options, "placeholder": plain(placeholder)})


def choices(kind: str, count: int) -> Json:
    return actions({"type": kind, "action_id": "a", "options": [option() for _ in range(count)]})


def table(rows: int = 2, columns: int = 2, cell: int = 1, kind: str = "table", **more: Any) -> Json:
    cells = [[{"type": "raw_text", "text": "x" * cell} for _ in range(columns)] for _ in range(rows)]
    return {"type": kind, "rows": cells} | ({"caption": "c"} if kind == "data_table" else {}) | more


def chart(series: int = 1, points: int = 2, **sizes: int) -> Json:
    size = {"title": 3, "name": 1, "label": 2, "axis": 3} | sizes
    labels = [f"{number:0{size['label']}}" for number in range(points)]
    data = [{"label": label, "value": 1} for label in labels]
    names = [f"{number:0{size['name']}}" for number in range(series)]
    axis = {"categories": labels, "x_label": "x" * size["axis"], "y_label": "y"}
    drawn = {"type": "line", "series": [{"name": name, "data": data} for name in names], "axis_config": axis}
    return {"type": "data_visualization", "title": "t" * size["title"], "chart": drawn}


def pie(segments: int = 2, value: float = 1.0, label: int = 2) -> Json:
    parts = [{"label": f"{number:0{label}}", "value": value} for number in range(segments)]
    return {"type": "data_visualization", "title": "t", "chart": {"type": "pie", "segments": parts}}


def field(element: Json, **changes: Any) -> Json:
    return {"type": "input", "label": plain(3), "element": element, **changes}


def typed(**changes: Any) -> Json:
    return field({"type": "plain_text_input", "action_id": "a", **changes})


IN_MESSAGES: list[tuple[str, int, Callable[[int], list[Json]]]] = [
    ("blocks of a message", 50, lambda n: [section(1)] * n),
    ("text of a section", 3000, lambda n: [section(n)]),
    ("fields of a section", 10, lambda n: [{"type": "section", "fields": [mrkdwn(1)] * n}]),
    ("text of a field", 2000, lambda n: [{"type": "section", "fields": [mrkdwn(n)]}]),
    ("text of a header", 150, lambda n: [{"type": "header", "text": plain(n)}]),
    ("elements of a context", 10, lambda n: [{"type": "context", "elements": [mrkdwn(1)] * n}]),
    ("text of a context element", 3000, lambda n: [{"type": "context", "elements": [mrkdwn(n)]}]),
    ("elements of actions", 25, lambda n: [actions(*(button(action_id=f"a{i}") for i in range(n)))]),
    ("text of a button", 75, lambda n: [actions(button(text=plain(n)))]),
    ("value of a button", 2000, lambda n: [actions(button(value="v" * n))]),
    ("url of a button", 3000, lambda n: [actions(button(url="https://x/" + "u" * (n - 10)))]),
    ("accessibility label of a button", 75, lambda n: [actions(button(accessibility_label="l" * n))]),
    ("action_id", 255, lambda n: [actions(button(action_id="a" * n))]),
    ("block_id", 255, lambda n: [{"type": "divider", "block_id": "b" * n}]),
    ("title of a confirm dialog", 100, lambda n: [confirm(title=n)]),
    ("text of a confirm dialog", 300, lambda n: [confirm(text=n)]),
    ("yes of a confirm dialog", 30, lambda n: [confirm(confirm=n)]),
    ("no of a confirm dialog", 30, lambda n: [confirm(deny=n)]),
    ("options of a select", 100, lambda n: [select(count=n)]),
    ("text of an option", 75, lambda n: [select(text=n)]),
    ("value of an option", 150, lambda n: [select(value=n)]),
    ("description of an option", 75, lambda n: [select(description=n)]),
    ("placeholder of a select", 150, lambda n: [select(placeholder=n)]),
    ("options of an overflow", 5, lambda n: [choices("overflow", n)]),
    ("options of checkboxes", 10, lambda n: [choices("checkboxes", n)]),
    ("options of radio buttons", 10, lambda n: [choices("radio_buttons", n)]),
    ("text of a markdown block", 12_000, lambda n: [{"type": "markdown", "text": "x" * n}]),
    ("markdown of a message", 12_000, lambda n: [{"type": "markdown", "text": "x" * (n // 2 + n % 2)}] * 2),
    ("rows of a table", 100, lambda n: [table(rows=n)]),
    ("columns of a table", 20, lambda n: [table(columns=n)]),
    ("characters of all tables", 10_000, lambda n: [table(1, 1, n - 1), table(1, 1, 1)]),
    ("column settings", 20, lambda n: [table(column_settings=[{"align": "left"}] * n)]),
    ("rows of a data table", 101, lambda n: [table(rows=n, kind="data_table")]),
    ("columns of a data table", 20, lambda n: [table(columns=n, kind="data_table")]),
    (
        "characters of all data tables",
        10_000,
        lambda n: [table(2, 1, n // 2, "data_table")] + [table(2, 1, 1, "data_table")] * (n % 2),
    ),
    ("page size of a data table", 100, lambda n: [table(kind="data_table", page_size=n)]),
    ("charts of a message", 2, lambda n: [chart()] * n),
    ("title of a chart", 50, lambda n: [chart(title=n)]),
    ("series of a chart", 6, lambda n: [chart(series=n)]),
    ("points of a series", 20, lambda n: [chart(points=n)]),
    ("label of a point", 20, lambda n: [chart(label=n)]),
    ("name of a series", 20, lambda n: [chart(name=n)]),
    ("label of an axis", 50, lambda n: [chart(axis=n)]),
    ("segments of a pie", 6, lambda n: [pie(n)]),
    ("label of a segment", 20, lambda n: [pie(label=n)]),
    ("alternative text of an image", 2000, lambda n: [{"type": "image", "image_url": "http://x", "alt_text": "x" * n}]),
    ("address of an image", 3000, lambda n: [{"type": "image", "image_url": "x" * n, "alt_text": "x"}]),
]

IN_MODALS: list[tuple[str, int, Callable[[int], Json]]] = [
    ("blocks of a modal", 100, lambda n: {"blocks": [section(1)] * n}),
    ("title", 24, lambda n: {"title": plain(n)}),
    ("submit", 24, lambda n: {"submit": plain(n)}),
    ("close", 24, lambda n: {"close": plain(n)}),
    ("private_metadata", 3000, lambda n: {"private_metadata": "p" * n}),
    ("callback_id", 255, lambda n: {"callback_id": "c" * n}),
    ("external_id", 255, lambda n: {"external_id": "e" * n}),
    ("label of an input", 2000, lambda n: {"blocks": [typed() | {"label": plain(n)}]}),
    ("hint of an input", 2000, lambda n: {"blocks": [typed() | {"hint": plain(n)}]}),
    ("initial value of a text input", 3000, lambda n: {"blocks": [typed(initial_value="x" * n)]}),
    ("placeholder of a text input", 150, lambda n: {"blocks": [typed(placeholder=plain(n))]}),
    ("max_length of a text input", 3000, lambda n: {"blocks": [typed(max_length=n)]}),
    ("text of an alert", 200, lambda n: {"blocks": [{"type": "alert", "text": mrkdwn(n)}]}),
]


@pytest.mark.parametrize(("what", "limit", "build"), IN_MESSAGES, ids=[row[0] for row in IN_MESSAGES])
def test_a_message_may_reach_the_limit_and_not_pass_it(
    what: str, limit: int, build: Callable[[int], list[Json]]
) -> None:
    assert check_blocks(build(limit), MESSAGE) == [], what
    assert check_blocks(build(limit + 1), MESSAGE) != [], what


@pytest.mark.parametrize(("what", "limit", "build"), IN_MODALS, ids=[row[0] for row in IN_MODALS])
def test_a_modal_may_reach_the_limit_and_not_pass_it(what: str, limit: int, build: Callable[[int], Json]) -> None:
    view = {"type": "modal", "title": plain(3), "submit": plain(2), "blocks": [section(1)]}
    assert check_view(view | build(limit)) == [], what
    assert check_view(view | build(limit + 1)) != [], what


def test_a_home_tab_takes_100_blocks() -> None:
    assert check_view({"type": "home", "blocks": [section(1)] * 100}) == []
    assert check_view({"type": "home", "blocks": [section(1)] * 101}) == [
        "no more than 100 items allowed [json-pointer:/blocks]"
    ]


@pytest.mark.parametrize(
    ("block", "where"),
    [
        ({"type": "alert", "text": mrkdwn(1)}, {MODAL}),
        ({"type": "markdown", "text": "x"}, {MESSAGE}),
        (chart(), {MESSAGE}),
        (table(), {MESSAGE, HOME}),
        (table(kind="data_table"), {MESSAGE, HOME}),
        (section(1), {MESSAGE, MODAL, HOME}),
        (typed(), {MESSAGE, MODAL, HOME}),
        ({"type": "carousel_of_doom"}, set()),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
def test_a_block_is_taken_only_where_slack_takes_it(block: Json, where: set[str]) -> None:
    assert {surface for surface in (MESSAGE, MODAL, HOME) if not check_blocks([block], surface)} == where
