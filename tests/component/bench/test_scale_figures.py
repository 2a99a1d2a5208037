"""The calculations of the rows with many clusters, and what a run leaves: no time is measured here."""

import json
import math
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bot.telemetry.metrics import Metrics
from bot.views.status import too_many_clusters
from tests.bench.figures import Figure
from tests.bench.hosts import BROKEN_DISK, recorded
from tests.bench.overload import Burden, figures_of, last_late, longest_gap, rate, said_interval
from tests.bench.plot import nice, plot
from tests.bench.results import plain, save_json, save_plot
from tests.bench.scale import Sample
from tests.bench.scale import figures_of as scale_figures
from tests.bench.watching import lag_within, lags_of

SVG = "{http://www.w3.org/2000/svg}"


def test_lag_is_the_bound_that_covers_the_delays_between_two_scrapes() -> None:
    metrics = Metrics()
    for seconds in [0.9] * 50:
        metrics.loop_lag(seconds)
    before = lags_of(metrics.exposed())
    for seconds in [0.004] * 98 + [0.04, 0.2]:
        metrics.loop_lag(seconds)
    after = lags_of(metrics.exposed())
    assert [lag_within(before, after, percent) for percent in (50, 99, 100)] == [0.005, 0.05, 0.25]


def test_lag_above_every_bound_is_infinite() -> None:
    metrics = Metrics()
    metrics.loop_lag(99.0)
    assert lag_within({}, lags_of(metrics.exposed()), 99) == math.inf


def test_rate_counts_the_polls_of_all_clusters_between_two_times() -> None:
    assert rate([[0.0, 1.0, 2.0, 9.0], [1.5]], 1.0, 3.0) == 1.5


def test_longest_gap_counts_a_cluster_that_was_not_polled_at_all() -> None:
    assert longest_gap([[1.0, 2.0, 3.0], []], 0.0, 4.0) == 4.0
    assert longest_gap([[1.0, 2.0, 3.0], [0.5, 3.0]], 0.0, 4.0) == 2.5


def test_last_late_poll_counts_only_after_the_load_and_among_the_clusters_that_are_still_polled() -> None:
    times = [[0.0, 9.0, 12.0, 14.0, 16.0], [0.0, 9.0, 13.0, 15.0], [0.0, 40.0]]
    assert last_late(times, 10.0, interval=2.0, remaining=2) == 3.0
    assert last_late([[9.0, 11.0, 13.0]], 10.0, interval=2.0, remaining=1) == 0.0


def test_interval_of_an_overload_is_read_as_readyz_says_it() -> None:
    said = json.dumps({"checks": {"watch": too_many_clusters(1000, 3.5, 7.2)}}).encode()
    assert said_interval(said) == 7.2
    assert said_interval(b'{"checks": {"watch": "ok"}}') is None


@pytest.mark.parametrize(("said", "reached"), [(2.0, True), (3.0, False), (None, False)])
def test_overload_is_reached_only_if_readyz_says_the_interval(said: float | None, *, reached: bool) -> None:
    burden = Burden(1.0, 0.0, 8.0, [[0.0, 2.0, 4.0, 6.0]] * 4, [0.1], said, 0)
    figures = figures_of(burden, carried=2.0, clusters=4)
    assert [figure.reached for figure in figures] == [True, True, reached, True, True]


def test_cost_of_the_smallest_size_is_the_mean_of_its_two_samples() -> None:
    used = ((10, 40, 0.4), (100, 400, 3.0), (1000, 4000, 30.0))
    samples = [Sample(clusters, 60.0, polls, processor, 100.0, 5.0) for clusters, polls, processor in used]
    cost, against_middle, share, *_ = scale_figures([*samples, Sample(10, 60, 40, 0.2, 100.0, 5.0)], 15)
    assert [(size, round(value, 6)) for size, value in cost.by_size] == [(10, 7.5), (100, 7.5), (1000, 7.5)]
    assert [round(each.result, 6) for each in (cost, against_middle, share)] == [1.0, 1.0, 50.0]


def test_plot_has_a_panel_with_every_size_and_value(tmp_path: Path) -> None:
    figures = [
        Figure("cost <1>", 7.0, 6.0, "ms", 1.2, 1, by_size=((10, 6.0), (100, 6.5), (1000, 7.0))),
        Figure("not measured at many sizes", 1.0, 1.0, "ms", 1.2, 1),
        Figure(
            "1,000 clusters every 15 s: late",
            math.inf,
            0,
            "ms",
            50,
            1,
            absolute=True,
            by_size=((10, 5.0), (1000, math.inf)),
        ),
    ]
    save_plot(tmp_path / "plot.svg", figures)
    tree = ET.parse(tmp_path / "plot.svg").getroot()  # noqa: S314 - written above
    texts = [each.text for each in tree.iter(f"{SVG}text")]
    names = ("cost <1>, by the number of clusters", "late, by the number of clusters")
    assert [texts.count(shown) for shown in (*names, "1,000", "6.5")] == [1, 1, 2, 1]
    assert [len(list(tree.iter(f"{SVG}{tag}"))) for tag in ("polyline", "circle")] == [2, 4]


def test_plot_of_one_size_or_none_is_an_svg() -> None:
    for panels in ([], [("one", "ms", ((10, 0.0),))]):
        assert ET.fromstring(plot(panels)).tag == f"{SVG}svg"  # noqa: S314 - written here


@pytest.mark.parametrize(("value", "end"), [(0, 1), (0.9, 1), (0.95, 2), (7.0, 8), (60.0, 80), (248.0, 400)])
def test_axis_ends_at_a_round_value_above_the_greatest(value: float, end: float) -> None:
    assert nice(value) == end


def test_results_have_the_commit_and_the_verdict_of_every_figure(tmp_path: Path) -> None:
    save_json(tmp_path / "bench.json", [Figure("one", 3.0, 2.0, "ms", 1.5, 4, note="slow")])
    saved = json.loads((tmp_path / "bench.json").read_text())
    assert {"commit", "changed", "at", "python", "system", "cores", "load"} < saved.keys()
    assert [(each["name"], each["result"], each["reached"]) for each in saved["figures"]] == [("one", 1.5, True)]


def test_value_without_a_bound_is_null_in_the_results() -> None:
    saved = plain(Figure("never", math.inf, 1.0, "s", 1.0, 1))
    assert (saved["ours"], saved["result"], saved["reached"]) == (None, None, False)


@pytest.mark.parametrize(
    "target",
    [
        f"/volume/unit/list?disk_id={BROKEN_DISK}",
        "/volume/unit/list?disk_id=4",
        "/volume/list?marker=0&count=100",
        "/volume/get?vid=4",
        "/node/info?node_id=1",
        "/config/get?key=volume_chunk_size",
        "/disk/list?status=1&count=200",
        "/no/such/path",
    ],
)
async def test_hosts_answer_every_request_of_a_poll_with_a_broken_disk(target: str) -> None:
    async with recorded(1) as hosts:
        hosts.sites[0].turn(broken=True)
        known = hosts.known(hosts.sites[0], 1, target) or await hosts.make(hosts.sites[0], 1, target)
        assert known.startswith(b"HTTP/1.1 404" if "no/such" in target else b"HTTP/1.1 200")
        assert hosts.known(hosts.sites[0], 1, target) == known
