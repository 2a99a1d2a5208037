"""/cm trend of a cluster that is new: true sentences, and each figure with the time at which it was measured."""

from datetime import UTC, datetime

import pytest

from bot.alerting.reports.timeseries import timeseries
from bot.alerting.reports.trend import DAY, Measurement
from bot.views.trend import trend


@pytest.mark.parametrize("samples", [0, 1, 2])
def test_fresh_cluster_trend_says_true_sentences(samples: int) -> None:
    now = 1_700_000_000.0
    taken = [(now - 600.0 * place, Measurement(total=100, used=10, writable=90)) for place in range(samples)][::-1]
    since = taken[0][0] if taken else None
    shown = trend(timeseries("prod", taken, window=30 * DAY, now=now, watched_since=since))
    assert "while before that it was" not in shown.text
    assert ("Nothing was measured yet" in shown.text) is (samples == 0)
    rows = [cell for block in shown.blocks for cell in str(block).split("'") if cell.startswith("Nov 14 ")]
    assert {datetime.fromtimestamp(at, UTC).strftime("%b %d %H:%M") for at, _ in taken} <= set(rows)


def test_cluster_without_disks_has_no_space_to_measure_yet() -> None:
    now = 1_700_000_000.0
    taken = [(now - 600.0, Measurement(total=0, used=0, writable=0))]
    shown = trend(timeseries("prod", taken, window=30 * DAY, now=now, watched_since=now - 600.0))
    assert "no space to measure yet" in shown.text


def test_trend_figures_have_the_time_of_their_sample() -> None:
    now = 1_700_000_000.0
    taken = [(now - hours * 3600.0, Measurement(total=100, used=10, writable=90)) for hours in (5, 3)]
    shown = trend(timeseries("prod", taken, window=30 * DAY, now=now, watched_since=now - 5 * 3600.0))
    assert f"writable <!date^{now - 3 * 3600:.0f}^" in shown.text
