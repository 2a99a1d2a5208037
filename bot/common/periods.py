"""Periods: when work that each of many clusters repeats is due again.

Clusters that are first polled together would always repeat everything else together: a thousand of them would then do
the work of a minute in a quarter of it. No I/O.
"""

from collections.abc import Callable
from functools import partial
from math import floor
from zlib import crc32

Due = Callable[[float, float, float], bool]
"""True if work that was last done at one time (0: never) is due at another one; the third value is its period.

All in seconds; the times are Unix times.
"""


def elapsed(last: float, now: float, period: float) -> bool:
    """True once a period has elapsed since the last time."""
    return not last or now - last >= period


def staggered(name: str) -> Due:
    """Due once in each period, at a moment that depends on the name: at most one period after the last time."""
    return partial(_passed, crc32(name.encode()) / 2**32)


def _passed(share: float, last: float, now: float, period: float) -> bool:
    """True if the clock passed the moment of a period, or was set back over it; `share` is its place in the period."""
    return not last or floor(now / period - share) != floor(last / period - share)
