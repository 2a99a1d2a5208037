"""Time series of space: evenly spaced points; gaps and too little data are stated."""

from hypothesis import given
from hypothesis import strategies as st

from bot.alerting.reports.timeseries import spread, timeseries, together
from bot.alerting.reports.trend import Measurement, Point, Sample
from bot.interactions.message import Message
from bot.playground.slack_sim.blockkit import check_blocks
from bot.views.trend import trend
from tests.support.watch_builders import TIB

NOW = 1_790_000_000.0
DAY, HOUR = 86400.0, 3600.0


def samples(since: float, until: float = 0.0, every: float = HOUR, total: int = 100 * TIB) -> list[Sample]:
    """Growing by a TiB a day to 50 TiB now, from `since` to `until` days ago."""
    count = int((since - until) * DAY / every)
    times = [NOW - until * DAY - n * every for n in range(count, -1, -1)]
    return [
        (at, Measurement(used=int(50 * TIB - (NOW - at) / DAY * TIB), total=total, writable=25 * TIB)) for at in times
    ]


def shown(message: Message) -> str:
    texts = [block["text"]["text"] for block in message.blocks if "text" in block]
    return "\n".join([*texts, *(each["text"] for block in message.blocks for each in block.get("elements", ()))])


def test_month_has_even_steps_that_end_now() -> None:
    made = timeseries("prod", samples(30), window=30 * DAY, now=NOW, watched_since=NOW - 90 * DAY)
    assert len(made.shown) == 16
    assert made.labels[-1] == "Sep 21"
    assert made.shown[-1].at == NOW
    assert made.gaps == ()
    message = trend(made)
    assert "rows" in message.blocks[3]
    assert "reliable" in shown(message)
    assert "watching since" not in shown(message)


def test_trend_names_the_start_of_its_samples() -> None:
    made = timeseries("prod", samples(1), window=30 * DAY, now=NOW, watched_since=NOW - DAY)
    assert made.labels[0] == "Sep 20 14:13"
    text = shown(trend(made))
    assert "rough: the time is short" in text
    assert "full in very roughly 50 days" in text
    assert "only, so this is less than 30 days" in text


def test_one_hour_of_samples_has_no_forecast() -> None:
    made = timeseries("prod", samples(0.05, every=600), window=30 * DAY, now=NOW, watched_since=NOW - 0.05 * DAY)
    message = trend(made)
    assert "Too early for a growth rate: measuring since" in message.text
    assert check_blocks(list(message.blocks)) == []


def test_single_sample_is_a_table_without_chart() -> None:
    message = trend(timeseries("prod", samples(0), window=7 * DAY, now=NOW, watched_since=NOW))
    assert [block["type"] for block in message.blocks] == ["section", "table", "context"]


def test_trend_without_samples_says_what_to_do() -> None:
    assert "Try again later" in trend(timeseries("prod", [], window=7 * DAY, now=NOW)).text
    before = trend(timeseries("prod", samples(30, 10), window=7 * DAY, now=NOW, watched_since=NOW - 30 * DAY))
    assert before.text.startswith("Nothing was measured of prod in the last 7 days, while before that it was")


def test_gap_in_samples_is_stated_and_not_drawn() -> None:
    """Five days are missing: they are no points of the chart, and the words say so."""
    made = timeseries("prod", [*samples(30, 20), *samples(15)], window=30 * DAY, now=NOW, every=30 * DAY / 200)
    assert made.gaps == ((NOW - 20 * DAY, NOW - 15 * DAY),)
    assert len(made.shown) < 16
    assert "Nothing was measured from <!date^" in shown(trend(made))


def test_added_disks_are_named() -> None:
    grown = [*samples(30, 10), *samples(10 - 1 / 24, total=200 * TIB)]
    assert "The total size changed once" in shown(trend(timeseries("prod", grown, window=30 * DAY, now=NOW)))


def test_cluster_without_growth_has_no_full_date() -> None:
    flat: list[Sample] = [(at, Measurement(used=TIB, total=9 * TIB, writable=4 * TIB)) for at, _ in samples(30)]
    text = trend(timeseries("prod", flat, window=30 * DAY, now=NOW)).text
    assert "hardly moving. At this pace it does not fill up within ten years." in text


def test_clusters_are_drawn_together_while_both_are_known() -> None:
    old = [Point(NOW - n * HOUR, TIB, TIB, 9 * TIB) for n in range(720, -1, -1)]
    labels, lines = together({"old": old, "same": old[5:], "new": old[-5:], "none": []}, NOW)
    assert set(lines) == {"old", "same"}
    assert {len(line) for line in lines.values()} == {len(labels)}
    assert together({}, NOW) == ((), {})


POINTS = st.builds(Point, st.floats(NOW - 100 * DAY, NOW), st.just(1.0), st.just(1.0), st.just(2.0))


@given(st.lists(POINTS, max_size=300), st.sampled_from([600.0, HOUR, DAY, 5 * DAY]))
def test_any_points_are_spread_over_even_times(known: list[Point], width: float) -> None:
    found = spread(sorted(known, key=lambda point: point.at), width, NOW)
    assert len(found) <= 20
    assert all(end - width < point.at <= end for end, point in found.items())


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.lists(POINTS, max_size=60), max_size=8))
def test_any_clusters_are_drawn_with_a_point_for_each_label(histories: dict[str, list[Point]]) -> None:
    labels, lines = together(histories, NOW)
    assert len(labels) <= 20
    assert all(len(line) == len(labels) for line in lines.values())
    assert bool(labels) == bool(lines) == any(histories.values())
