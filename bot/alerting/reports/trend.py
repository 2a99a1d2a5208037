"""Trend: growth per day and days until full from measurements of snapshots, and their reliability. No I/O."""

import math
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import combinations, pairwise
from statistics import median

from bot.clustermgr.models import Snapshot
from bot.common.frozen import frozen


@frozen
class Measurement:
    """Stored measurement of a cluster; sizes in bytes, None where nothing was measured.

    `bad` are the ids of broken or repairing disks, `bad_disks` is their number.
    """

    term: int | None = None
    leader: int | None = None
    total: float | None = None
    used: float | None = None
    writable: float | None = None
    bad_disks: int | None = None
    disks: int | None = None
    members: int | None = None
    bad: tuple[int, ...] | None = None


MAX_IDS = 100
"""With more bad disks than this only their number is kept."""


def sample_of(snapshot: Snapshot) -> Measurement | None:
    """The measurement of a snapshot (sizes in bytes); None without a leader, as the views of followers may be stale."""
    if snapshot.leader is None:
        return None
    stat, bad = snapshot.leader[1], snapshot.bad_disks
    return Measurement(
        term=stat.raft_status.term,
        leader=stat.raft_status.leader,
        total=stat.space_stat.total_space,
        used=stat.space_stat.used_space,
        writable=stat.space_stat.writable_space,
        bad_disks=None if bad is None else len(bad),
        bad=None if bad is None or len(bad) > MAX_IDS else tuple(sorted(disk.disk_id for disk in bad)),
        disks=stat.space_stat.total_disk,
        members=len(stat.raft_status.peers),
    )


Sample = tuple[float, Measurement]
"""A measurement and its time (Unix seconds)."""

DAY = 86400.0
MAX_DAYS = 3650.0
"""A forecast beyond this does not count."""
MIN_POINTS = 6
MIN_SPAN = 6 * 3600.0
"""Less than this many samples, or seconds between the first and the last, is too little data."""
_ROUGH_SPAN, _FAIR_SPAN = 3 * DAY, 14 * DAY
_MAX_POINTS = 64
_COVERED = 0.6
_RESIZED = 0.001
_Z = 1.645
"""90 % of a normal distribution lie this many standard deviations around its middle."""


class Sureness(StrEnum):
    """Reliability of a trend."""

    NONE = "too little data"
    ROUGH = "rough"
    FAIR = "fair"
    GOOD = "good"


@frozen
class Slope:
    """Bytes a day: the likeliest value, and the interval that holds it nine times of ten."""

    middle: float
    low: float
    high: float


@frozen
class Trend:
    """What samples from `since` to `until` (Unix seconds, 0 without any) say.

    `growth` is the change of `used`, None with too little data. `full_in` is in days, None when nothing
    fills up within ten years or when that is not known; `soonest` and `latest` enclose it (`latest` None: perhaps
    never). `jumps` counts the moments that are left out because the size itself changed (disks that came or went),
    `gap` is the longest time without a sample (seconds), `samples` how many there were.
    """

    since: float = 0.0
    until: float = 0.0
    samples: int = 0
    growth: Slope | None = None
    full_in: float | None = None
    soonest: float | None = None
    latest: float | None = None
    sure: Sureness = Sureness.NONE
    jumps: int = 0
    gap: float = 0.0


@frozen
class Point:
    """A sample with sizes in bytes that make sense; `at` in Unix seconds."""

    at: float
    used: float
    writable: float
    total: float
    disks: int | None = None


def trend(samples: Sequence[Sample]) -> Trend:
    """Fit a line that outliers and single jumps do not move (the median of all slopes, by Theil and Sen).

    The cluster is full when nothing is writable any more, or when all of its size is used, whichever comes first:
    the two are counted differently (writable is what clients may still write, used is what lies on the disks).
    """
    known = points(samples)
    if not known:
        return Trend()
    steps = [(old, new) for old, new in pairwise(known) if not _resized(old, new)]
    watched = sum(new.at - old.at for old, new in steps)
    base = Trend(
        since=known[0].at,
        until=known[-1].at,
        samples=len(known),
        jumps=len(known) - 1 - len(steps),
        gap=max((new.at - old.at for old, new in pairwise(known)), default=0.0),
    )
    if len(steps) < MIN_POINTS - 1 or watched < MIN_SPAN:
        return base
    return _fitted(base, steps, known[-1], watched)


def _resized(old: Point, new: Point) -> bool:
    """True if disks were added or removed between two samples; small differences of size do not count."""
    if None not in {old.disks, new.disks} and old.disks != new.disks:
        return True
    return abs(new.total - old.total) > _RESIZED * old.total


def points(samples: Sequence[Sample]) -> list[Point]:
    """The samples with valid sizes, oldest first, one for each time."""
    found = (_point(at, values) for at, values in samples)
    return sorted({point.at: point for point in found if point is not None}.values(), key=lambda point: point.at)


def _point(at: float, values: Measurement) -> Point | None:
    if not math.isfinite(at) or values.used is None or values.writable is None or not values.total:
        return None
    return Point(at, float(values.used), float(values.writable), float(values.total), values.disks)


def _fitted(base: Trend, steps: Sequence[tuple[Point, Point]], now: Point, watched: float) -> Trend:
    used = _slope(_thinned(_line([(new.at - old.at, new.used - old.used) for old, new in steps])))
    written = _slope(_thinned(_line([(new.at - old.at, old.writable - new.writable) for old, new in steps])))
    ways = [(now.total - now.used, used), (now.writable, written)]
    full_in = _first(_days(room, slope.middle) for room, slope in ways)
    covered = _coverage([new.at for _, new in steps], now.at - base.since)
    return Trend(
        base.since,
        base.until,
        base.samples,
        used,
        full_in,
        None if full_in is None else _first(_days(room, slope.high) for room, slope in ways),
        None if full_in is None else _first(_days(room, slope.low) for room, slope in ways),
        _sureness(watched, covered, used),
        base.jumps,
        base.gap,
    )


def _line(steps: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Steps (seconds, bytes) put end to end, so that what was cut out between them leaves no trace."""
    line, at, value = [(0.0, 0.0)], 0.0, 0.0
    for seconds, amount in steps:
        at, value = at + seconds, value + amount
        line.append((at, value))
    return line


def _thinned(line: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most 64 points, evenly over time: the middle one of each span, so that dense times count no more."""
    width = line[-1][0] / _MAX_POINTS
    spans: dict[int, list[tuple[float, float]]] = {}
    for at, value in line:
        spans.setdefault(min(int(at / width), _MAX_POINTS - 1), []).append((at, value))
    return [(median(at for at, _ in span), median(value for _, value in span)) for span in spans.values()]


def _slope(line: Sequence[tuple[float, float]]) -> Slope:
    """The median of the slopes of all pairs, and Sen's interval around it, in bytes a day."""
    pairs = [(after[0] - before[0], after[1] - before[1]) for before, after in combinations(line, 2)]
    slopes = sorted(DAY * rise / seconds for seconds, rise in pairs if seconds > 0)
    count = len(line)
    spread = _Z * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(0, math.floor((len(slopes) - spread) / 2))
    high = min(len(slopes) - 1, math.ceil((len(slopes) + spread) / 2))
    return Slope(median(slopes), slopes[low], slopes[high])


def _days(room: float, a_day: float) -> float | None:
    if room <= 0:
        return 0.0 if a_day > 0 else None
    days = room / a_day if a_day > 0 else math.inf
    return days if days <= MAX_DAYS else None


def _first(days: Iterator[float | None]) -> float | None:
    return min((each for each in days if each is not None), default=None)


def _coverage(times: Sequence[float], span: float) -> float:
    """The share of the time that has samples, by 24ths of it."""
    parts = 24
    start = times[-1] - span
    filled = {min(int((at - start) / span * parts), parts - 1) for at in times} if span > 0 else set()
    return len(filled) / parts


def _sureness(watched: float, covered: float, slope: Slope) -> Sureness:
    vague = slope.high - slope.low > abs(slope.middle) and slope.low < 0 < slope.high
    if watched < _ROUGH_SPAN or covered < _COVERED or vague:
        return Sureness.ROUGH
    return Sureness.FAIR if watched < _FAIR_SPAN else Sureness.GOOD
