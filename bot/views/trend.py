"""/cm trend: past and expected use of a cluster's space, as a chart and as text. No I/O."""

from collections.abc import Iterator

from bot.alerting.reports.timeseries import EXACT, Timeseries, label
from bot.alerting.reports.trend import DAY, MIN_SPAN, Sureness
from bot.interactions.message import Message
from bot.views.blocks import context, count, date, escape, message, percent, section, size, table
from bot.views.parts import UNKNOWN_MARK
from bot.views.spaces import course_chart, days, forecast, gap_words, pace, range_of, used

_HEADER = ("When (UTC)", "Used", "Share", "Writable")
_ROWS = 10
_SURE = {
    Sureness.ROUGH: "rough: the time is short, has gaps, or the space moves up and down",
    Sureness.FAIR: "fair; two weeks of data improve it",
    Sureness.GOOD: "reliable",
}


def trend(timeseries: Timeseries) -> Message:
    """The sentence, the chart, its table, and the reliability of the forecast."""
    sentence = _sentence(timeseries)
    if not timeseries.shown:
        return message(sentence, section(f"{UNKNOWN_MARK} {sentence}"))
    chart = course_chart(timeseries)
    rows = [
        (label(point.at, EXACT), size(int(point.used)), percent(point.used, point.total), size(int(point.writable)))
        for point in timeseries.shown
    ]
    step = -(-len(rows) // _ROWS)
    shown = rows[::-1][::step]
    return message(
        sentence,
        section(sentence),
        *([chart] if chart else []),
        table(shown, header=_HEADER, right=(1, 2, 3)),
        context(*_small_print(timeseries)),
    )


def _sentence(timeseries: Timeseries) -> str:
    name = escape(timeseries.cluster)
    if not timeseries.shown:
        return _nothing(timeseries)
    now = timeseries.shown[-1]
    moving = pace(timeseries.trend, now.total)
    measured = f"{used(now)}, {size(int(now.writable))} writable {date(now.at, 'minute')}"
    head = f"{name}: {measured}{f', {moving}' if moving else ''}."
    if not moving:
        return f"{head} {_too_early(timeseries)}"
    until = forecast(timeseries.trend)
    if not until:
        return f"{head} At this pace it does not fill up within ten years."
    full = timeseries.now + (timeseries.trend.full_in or 0) * DAY
    between = range_of(timeseries.trend)
    return f"{head} At this pace it is {until}, {date(full, 'day')}{f' ({between})' if between else ''}."


def _nothing(timeseries: Timeseries) -> str:
    name = escape(timeseries.cluster)
    if timeseries.watched_since is None:
        return (
            f"Nothing was measured yet of {name}: cmbot measures its space every ten minutes while it has a leader. "
            f"Try again later."
        )
    if timeseries.watched_since >= timeseries.now - timeseries.window:
        return (
            f"{name} has no space to measure yet: since {date(timeseries.watched_since, 'minute')} each measurement "
            f"was without disks. `/cm stat {name}` shows the current state."
        )
    return (
        f"Nothing was measured of {name} in the last {days(timeseries.window / DAY)}, while before that it was "
        f"(since {date(timeseries.watched_since, 'minute')}). `/cm stat {name}` shows the current state."
    )


def _too_early(timeseries: Timeseries) -> str:
    return (
        f"Too early for a growth rate: measuring since {date(timeseries.trend.since, 'minute')}, "
        f"and {count(round(MIN_SPAN / 3600), 'hour')} are needed."
    )


def _small_print(timeseries: Timeseries) -> Iterator[str]:
    found = timeseries.trend
    first = date(found.since, "minute")
    span = f"from {first} to {date(found.until, 'minute')}"
    yield f"{count(found.samples, 'measurement')} {span if found.samples > 1 else f'at {first}'}"
    if found.sure in _SURE:
        yield f"The forecast is {_SURE[found.sure]}"
    if timeseries.watched_since is not None and timeseries.watched_since > timeseries.now - timeseries.window + DAY:
        asked = days(timeseries.window / DAY)
        yield f"watching since {date(timeseries.watched_since, 'minute')} only, so this is less than {asked}"
    if found.jumps:
        times = "once" if found.jumps == 1 else f"{found.jumps:,} times"
        yield f"The total size changed {times} (disks added or removed), which does not count as growth"
    if gaps := gap_words(timeseries.gaps):
        yield gaps
