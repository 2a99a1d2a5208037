"""Space as text and as a chart: usage, growth, and the forecast with its range. No I/O."""

from collections.abc import Mapping, Sequence

from bot.alerting.reports.timeseries import Timeseries, together
from bot.alerting.reports.trend import DAY, Point, Slope, Sureness, Trend
from bot.interactions.message import BlockJson
from bot.views.charts import MAX_SERIES, Series, line_chart
from bot.views.text import count, date, percent, size

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_STEADY = 0.0001
"""A cluster that changes by less than this share of its size a day is steady."""
_FEW_DAYS = 10
_MAX_GAPS = 3
_YEAR, _YEARS = 365.25, 2
_NARROW = 0.1
"""A forecast with a narrower range, as a share of its value, is shown without the range."""


def pace(trend: Trend, total: float) -> str:
    """Return the growth as a phrase without a full stop; "" if it is not known."""
    if trend.growth is None:
        return ""
    if abs(trend.growth.middle) < _STEADY * total:
        return "hardly moving"
    way = "growing" if trend.growth.middle > 0 else "shrinking"
    return f"{way} by {a_day(trend.growth)}"


def a_day(growth: Slope) -> str:
    """`1.2 GiB a day`."""
    return f"{size(round(abs(growth.middle)))} a day"


def forecast(trend: Trend) -> str:
    """Return when the space is full as a phrase without a full stop; "" if unknown or too far away."""
    if trend.full_in is None:
        return ""
    rough = trend.sure is Sureness.ROUGH
    return f"full in {'very ' if rough else ''}{'roughly' if rough else 'about'} {days(trend.full_in)}"


def days(number: float) -> str:
    """`5 hours`, `3.5 days`, `60 days`, `2.5 years`."""
    return "{} {}".format(*_measured(number))


def _measured(number: float) -> tuple[str, str]:
    """Return a number of days as a figure and its unit."""
    if number < 1:
        return _counted(round(number * 24), "hour")
    if number >= _YEARS * _YEAR:
        return f"{number / _YEAR:.1f}".removesuffix(".0"), "years"
    if number < _FEW_DAYS and round(number, 1) != round(number):
        return f"{number:.1f}", "days"
    return _counted(round(number), "day")


def _counted(number: int, noun: str) -> tuple[str, str]:
    figure, _, unit = count(number, noun).partition(" ")
    return figure, unit


def range_of(trend: Trend) -> str:
    """Return the range in which the space is full in 9 of 10 cases: `50 to 75 days`; "" if it is narrow."""
    if trend.soonest is None or trend.full_in is None:
        return ""
    if trend.latest is None:
        return f"{days(trend.soonest)} or more, perhaps never"
    if trend.latest - trend.soonest <= _NARROW * trend.full_in:
        return ""
    (low, small), (high, large) = _measured(trend.soonest), _measured(trend.latest)
    return f"{low} to {high} {large}" if small == large else f"{low} {small} to {high} {large}"


def used(point: Point) -> str:
    """`4.2 TiB of 10.0 TiB used (42 %)`."""
    return f"{size(int(point.used))} of {size(int(point.total))} used ({percent(point.used, point.total)})"


def shares(histories: Mapping[str, Sequence[Point]], now: float) -> BlockJson | None:
    """Return a chart of the used share of the fullest clusters; None with fewer than two points."""
    labels, lines = together(histories, now)
    if len(labels) < 2:  # noqa: PLR2004 - a line needs two points
        return None
    fullest = sorted(lines, key=lambda name: (-_share(lines[name][-1]), name))[:MAX_SERIES]
    series = [Series(name, tuple(round(100 * _share(point), 2) for point in lines[name])) for name in fullest]
    span = now - min(lines[name][0].at for name in fullest)
    title = f"Space used in the last {days(span / DAY)}"
    return line_chart(title, labels, series, x_label="UTC", y_label="per cent used")


def _share(point: Point) -> float:
    return point.used / point.total if point.total else 0.0


def course_chart(timeseries: Timeseries) -> BlockJson | None:
    """Return a chart of used and writable space in one unit; None with fewer than two points."""
    if len(timeseries.shown) < 2:  # noqa: PLR2004 - a line needs two points
        return None
    most = max(max(point.used, point.writable) for point in timeseries.shown)
    power = min(max(0, (int(most).bit_length() - 1) // 10), len(_UNITS) - 1)
    scale = 1024**power
    series = [
        Series("used", tuple(round(point.used / scale, 2) for point in timeseries.shown)),
        Series("writable", tuple(round(point.writable / scale, 2) for point in timeseries.shown)),
    ]
    return line_chart(f"Space of {timeseries.cluster}", timeseries.labels, series, x_label="UTC", y_label=_UNITS[power])


def gap_words(gaps: Sequence[tuple[float, float]]) -> str:
    """Return a sentence with the times without measurements, the longest first; "" without any."""
    if not gaps:
        return ""
    longest = sorted(gaps, key=lambda gap: gap[0] - gap[1])[:_MAX_GAPS]
    spans = ", ".join(f"{date(begun, 'minute')} to {date(ended, 'minute')}" for begun, ended in longest)
    more = f" and {count(len(gaps) - _MAX_GAPS, 'more time')}" if len(gaps) > _MAX_GAPS else ""
    return f"Nothing was measured from {spans}{more}."
