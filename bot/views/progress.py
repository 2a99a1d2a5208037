"""Progress of repairs and drops in words: a bar, the units left, the rate, and an estimate with its basis. No I/O."""

from bot.alerting.progress import WorkProgress
from bot.common.text import count, duration
from bot.views.text import bar, date

WIDTH = 10
"""Characters of a bar."""
_MINUTE, _HOUR = 60.0, 3600.0


def progress_line(progress: WorkProgress | None, *, now: float | None = None) -> str:
    """Return one line of text about the units that are left; a date in it is for `escape`.

    `now` (Unix seconds) is the time of an answer: it then says for how long no unit moved. A message that is edited in
    place leaves it out and shows since when, which does not change with every poll.
    """
    if progress is None:
        return "the units left are not counted yet"
    return f"{progress_bar(progress)}: {units_left(progress)}; {pace(progress, now=now)}"


def progress_bar(progress: WorkProgress) -> str:
    """Return the bar with the share that is done, as in `████░░░░░░ 40 %`; 100 % only once no unit is left."""
    done = progress.total - progress.left
    percent = 100 * done // progress.total if progress.total else 100
    return f"{bar(progress.share, WIDTH)} {percent} %"


def units_left(progress: WorkProgress) -> str:
    """Return `72 of 120 units left`, or that none is left."""
    if not progress.left:
        return "no unit left"
    return f"{progress.left:,} of {count(progress.total, 'unit')} left"


def pace(progress: WorkProgress, *, now: float | None = None) -> str:
    """Return the estimate with its basis, or why there is none."""
    if not progress.left:
        return "it ends soon"
    if progress.stalled_since is not None:
        return f"no unit moved {_stalled(progress.stalled_since, now)}"
    if progress.rate is None or progress.window is None:
        return "no rate yet: one count is known"
    units = "unit" if progress.rate == 1 else "units"
    basis = f"at {progress.rate:,g} {units} a minute over the last {duration(progress.window)}"
    return f"about {_rough(progress.seconds or 0.0)} {basis}"


def _stalled(since: float, now: float | None) -> str:
    return f"since {date(since, 'minute')}" if now is None else f"for {duration(now - since)}"


def _rough(seconds: float) -> str:
    """A duration as exact as an estimate: to the minute, from an hour on to 10 minutes, from a day on to the hour."""
    step = _MINUTE if seconds < _HOUR else 10 * _MINUTE if seconds < 24 * _HOUR else _HOUR
    return duration(max(_MINUTE, round(seconds / step) * step))
