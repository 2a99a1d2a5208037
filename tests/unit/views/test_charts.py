"""Charts keep Slack's limits and agree with their text."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.slack_sim.blockkit import check_blocks
from bot.views.blocks import context, message, section, table
from bot.views.charts import Series, as_text, line_chart
from bot.views.plain_forms import forms
from tests.support.view_samples import assert_postable

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)
NAMES = st.text(st.sampled_from(string.ascii_letters + " <>&\n"), max_size=60)


def chart() -> dict[str, object]:
    return dict(line_chart("Space used", ["Nov 1", "Nov 2"], [Series("prod", (1.5, 1000.0))], x_label="UTC"))


def test_a_chart_is_figures_and_the_same_figures_as_text() -> None:
    assert chart()["chart"] == {
        "type": "line",
        "series": [
            {"name": "prod", "data": [{"label": "Nov 1", "value": 1.5}, {"label": "Nov 2", "value": 1000.0}]},
        ],
        "axis_config": {"categories": ["Nov 1", "Nov 2"], "x_label": "UTC"},
    }
    assert as_text(chart()) == "Space used\nUTC     prod\nNov 1    1.5\nNov 2  1,000"


def test_workspace_without_charts_or_blocks_gets_text() -> None:
    full = message("It grows.", section("It grows."), chart(), table([["a"]], header=("n",)))
    first, with_table, drawn, bare = forms(full)
    assert first == full
    assert [block["type"] for block in with_table.blocks] == ["section", "section", "context", "table"]
    assert [block["type"] for block in drawn.blocks] == ["section", "section", "context", "section"]
    assert "Nov 2  1,000" in drawn.blocks[1]["text"]["text"]
    assert (bare.text, bare.blocks) == (full.text, ())
    assert_postable(drawn)


def test_text_message_has_no_plainer_form() -> None:
    assert list(forms(message("It grows."))) == [message("It grows.")]
    _, bare = forms(message("It grows.", section("It grows.")))
    assert bare.blocks == ()


def test_chart_has_its_figures_as_text_for_those_who_do_not_see_it() -> None:
    shown = message("It grows.", chart())
    figures = "Space used: prod first 1.5, lowest 1.5, highest 1,000, last 1,000, change +998.5."
    assert shown.text == f"It grows. {figures}"
    assert shown.blocks[1] == context(figures)


@given(
    st.integers(1, 20).flatmap(
        lambda points: st.tuples(
            st.lists(NAMES, min_size=points, max_size=points),
            st.lists(st.tuples(NAMES, st.lists(FINITE, min_size=points, max_size=points)), min_size=1, max_size=9),
        )
    ),
    NAMES,
)
def test_any_figures_make_a_chart_that_slack_takes(
    drawn: tuple[list[str], list[tuple[str, list[float]]]], name: str
) -> None:
    categories, lines = drawn
    block = line_chart(name, categories, [Series(own, tuple(values)) for own, values in lines], x_label=name)
    shown = message("A chart.", block)
    assert check_blocks(list(shown.blocks)) == []
    assert_postable(list(forms(shown))[-2])
    assert check_blocks(list(list(forms(shown))[-2].blocks)) == []


@pytest.mark.parametrize(
    ("categories", "values"), [([], ()), (["a"], (1.0, 2.0)), (["a"], (float("nan"),)), (["a"] * 21, (1.0,) * 21)]
)
def test_invalid_chart_is_a_program_fault(categories: list[str], values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="chart"):
        line_chart("t", categories, [Series("a", values)])
