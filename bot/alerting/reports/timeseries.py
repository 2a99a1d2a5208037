"""Timeseries: a cluster's space over days, as evenly spaced points for a chart. No I/O."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from operator import attrgetter

from bot.alerting.reports.trend import DAY, Point, Sample, Trend, points, trend
from bot.common.frozen import frozen

HOUR = 3600.0
MAX_POINTS = 20
_WIDTHS = (600.0, 1800.0, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 5 * DAY, 10 * DAY, 30 * DAY)
_GAP_WIDTHS = 2.5
MIN_GAP = 2 * HOUR
"""Seconds without measurements that count as a gap."""


EXACT = 60.0
"""The width with which `label` gives a time to the minute."""


@frozen
class Timeseries:
    """One cluster's measurements of the last `window` seconds before `now`; times in Unix seconds.

    `shown` are at most 20 of them, `labels` are their times (UTC); `gaps` are the times (from, to) without any;
    `watched_since` is the time of the oldest stored measurement, None without any.
    """

    cluster: str
    window: float
    now: float
    shown: tuple[Point, ...]
    labels: tuple[str, ...]
    trend: Trend
    gaps: tuple[tuple[float, float], ...]
    watched_since: float | None


def timeseries(
    cluster: str,
    samples: Sequence[Sample],
    *,
    window: float,
    now: float,
    every: float = 0.0,
    watched_since: float | None = None,
) -> Timeseries:
    """Build the timeseries: the last measurement of each span; `every` is the distance of measurements (seconds)."""
    known = [point for point in points(samples) if now - window <= point.at <= now]
    width = _width((known[-1].at - known[0].at) if known else 0.0)
    shown = spread(known, width, now)
    return Timeseries(
        cluster,
        window,
        now,
        tuple(shown.values()),
        tuple(label(end, width) for end in shown),
        trend([(at, values) for at, values in samples if now - window <= at <= now]),
        tuple(_gaps(known, now, max(MIN_GAP, _GAP_WIDTHS * every))),
        watched_since,
    )


def _width(span: float) -> float:
    """Seconds between two points, so that no more than MAX_POINTS - 1 of them fit into a span."""
    return next((width for width in _WIDTHS if span / width <= MAX_POINTS - 2), _WIDTHS[-1])


def spread(known: Sequence[Point], width: float, now: float) -> dict[float, Point]:
    """The last point of each span of `width` seconds by the end of the span, the last of which is `now`."""
    found: dict[float, Point] = {}
    for point in known:
        found[now - width * int((now - point.at) // width)] = point
    return dict(sorted(found.items())[-MAX_POINTS:])


def label(at: float, width: float) -> str:
    """A time in a few characters, as exact as points that are `width` seconds apart need it (UTC)."""
    form = "%b %d" if width >= DAY else "%b %d %H:%M"
    return datetime.fromtimestamp(at, UTC).strftime(form)


def _gaps(known: Sequence[Point], now: float, least: float) -> Iterator[tuple[float, float]]:
    times = [*(point.at for point in known), now] if known else []
    for before, after in pairwise(times):
        if after - before >= least:
            yield (before, after)


def together(histories: Mapping[str, Sequence[Point]], now: float) -> tuple[tuple[str, ...], dict[str, list[Point]]]:
    """Timeseries of several clusters at the same times: labels, and points by cluster.

    A cluster that begins later than the first by more than a step is left out; a later hole shows the point before it.
    """
    known = {name: sorted(each, key=attrgetter("at")) for name, each in histories.items() if each}
    if not known:
        return (), {}
    first = min(each[0].at for each in known.values())
    width = _width(now - first)
    ends = sorted({end for each in known.values() for end in spread(each, width, now)})[-MAX_POINTS:]
    lines = {name: [_at(each, end) for end in ends] for name, each in known.items() if each[0].at <= ends[0] + width}
    return tuple(label(end, width) for end in ends), lines


def _at(known: Sequence[Point], time: float) -> Point:
    return known[max(0, bisect_right(known, time, key=attrgetter("at")) - 1)]
