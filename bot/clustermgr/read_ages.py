"""Read ages: which units and volumes were read too long ago to count as current. No I/O."""

import math
from collections.abc import Mapping, Sequence

from bot.clustermgr.volume_survey import StaleReads, UnitCount
from bot.common.frozen import frozen

STALE_AFTER = 3.0
"""A read that is older than so many of its intervals does not count as current."""
_SPACING = (15.0, 120.0)
"""Least and greatest time between two polls that is believed (seconds)."""


def rounds(disks: int, at_once: int, spacing: float) -> float:
    """Seconds that it takes to read the units of so many disks, `at_once` in each poll."""
    least, most = _SPACING
    return math.ceil(disks / at_once) * min(max(spacing, least), most)


@frozen
class Ages:
    """Time of the oldest read that counts, that of disks counted once a day (0: none), and what is stale."""

    as_of: float
    gone_as_of: float
    stale: StaleReads


@frozen
class Pace:
    """How often things should be read, in seconds.

    `intervals` are those of the units of each disk; `daily` is the interval of disks that are counted once a day, and
    one round over all others takes `round_seconds`. A volume is read again every `volumes`.
    """

    intervals: Mapping[int, float]
    round_seconds: float
    daily: float
    volumes: float


def read_ages(counted: Mapping[int, UnitCount], volumes: Sequence[tuple[float, int]], pace: Pace, now: float) -> Ages:
    """Judge the age of each read; `volumes` are times (Unix seconds), each with the number of volumes read then."""
    often: list[float] = []
    seldom: list[float] = []
    old: list[tuple[float, int]] = []
    for disk, count in counted.items():
        interval = pace.intervals.get(disk, 0.0)
        (seldom if interval >= pace.daily else often).append(count.at)
        if now - count.at > STALE_AFTER * max(interval, pace.round_seconds):
            old.append((count.at, disk))
    late = [(at, number) for at, number in volumes if now - at > STALE_AFTER * pace.volumes]
    return Ages(
        min([*often, *(at for at, _ in volumes)], default=now),
        min(seldom, default=0.0),
        StaleReads(
            tuple(sorted(disk for _, disk in old)),
            sum(number for _, number in late),
            min((at for at, _ in (*old, *late)), default=0.0),
        ),
    )
