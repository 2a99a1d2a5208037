"""Space in words: how fast, until when, how sure."""

from dataclasses import replace

import pytest

from bot.alerting.reports.trend import Point, Slope, Sureness, Trend
from bot.views.spaces import days, forecast, gap_words, pace, range_of, shares
from tests.support.watch_builders import TIB

NOW = 1_790_000_000.0
SURE = Trend(growth=Slope(TIB, TIB, TIB), full_in=60, soonest=50, latest=75, sure=Sureness.GOOD)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 hours"),
        (0.2, "5 hours"),
        (1, "1 day"),
        (3.5, "3.5 days"),
        (5.01, "5 days"),
        (59.6, "60 days"),
        (731, "2 years"),
        (1439, "3.9 years"),
    ],
)
def test_days_have_a_rounded_figure_and_unit(number: float, words: str) -> None:
    assert days(number) == words


@pytest.mark.parametrize(
    ("trend", "words"),
    [
        (SURE, "50 to 75 days"),
        (replace(SURE, soonest=58, latest=62), ""),
        (replace(SURE, latest=None), "50 days or more, perhaps never"),
        (replace(SURE, soonest=0.5, latest=3, full_in=1), "12 hours to 3 days"),
        (Trend(), ""),
    ],
)
def test_between_which_times_it_is_full(trend: Trend, words: str) -> None:
    assert range_of(trend) == words


def test_how_fast_and_until_when() -> None:
    assert (pace(SURE, 100 * TIB), forecast(SURE)) == ("growing by 1.0 TiB a day", "full in about 60 days")
    assert forecast(replace(SURE, sure=Sureness.ROUGH)) == "full in very roughly 60 days"
    assert pace(replace(SURE, growth=Slope(-TIB, -TIB, -TIB)), 100 * TIB) == "shrinking by 1.0 TiB a day"
    assert (pace(SURE, 1e6 * TIB), pace(Trend(), TIB), forecast(Trend())) == ("hardly moving", "", "")


def test_the_fullest_six_of_many_clusters_are_drawn() -> None:
    histories = {
        f"c{n}": [Point(NOW - 3600 * hour, n * TIB, TIB, 10 * TIB) for hour in range(48, -1, -1)] for n in range(9)
    }
    chart = shares(histories, NOW)
    assert chart is not None
    assert [line["name"] for line in chart["chart"]["series"]] == ["c8", "c7", "c6", "c5", "c4", "c3"]
    assert chart["chart"]["series"][0]["data"][-1]["value"] == 80
    assert shares({"one": [Point(NOW, TIB, TIB, TIB)]}, NOW) is None


def test_gap_words_begin_with_the_longest_gap() -> None:
    text = gap_words([(NOW, NOW + 3600), (NOW, NOW + 7200), (NOW, NOW + 60), (NOW, NOW + 90)])
    assert text.index(f"date^{NOW + 7200:.0f}") < text.index(f"date^{NOW + 3600:.0f}")
    assert text.endswith(" and 1 more time.")
    assert gap_words([]) == ""
