"""Progress of the repair or drop of a disk, from the units that were counted on it. No I/O.

The units left on the disk are the truth: the migrating count of the scheduler includes tasks that have moved nothing
(recorded exchanges, docs/clustermgr.md).
"""

from collections.abc import Sequence
from typing import NamedTuple

from bot.common.frozen import frozen

WINDOW = 600.0
"""Seconds of counts from which a rate is computed, if so many are known."""
STALLED_SECONDS = 120.0
"""Time without a move after which there is no estimate; where units take longer, twice their usual time."""
MAX_COUNTS = 12
"""Counts that are kept of one disk."""
_MINUTE = 60.0


class LeftCount(NamedTuple):
    """Number of units on a disk, counted at a time (Unix seconds)."""

    at: float
    left: int


@frozen
class WorkProgress:
    """Progress as of the last count: `left` of `total` units are on the disk yet.

    `rate` is the number of units that left it in a minute, to two digits, over the last `window` seconds, to a minute.
    Both are None without two counts, and while no unit moves: then `stalled_since` is the last move (Unix seconds).
    """

    left: int
    total: int
    rate: float | None = None
    window: float | None = None
    stalled_since: float | None = None

    @property
    def share(self) -> float:
        """Share that is done, 0 to 1."""
        return (self.total - self.left) / self.total if self.total else 1.0

    @property
    def seconds(self) -> float | None:
        """Estimate of the seconds to its end at this rate; None without one, 0 when no unit is left."""
        if not self.left:
            return 0.0
        return self.left / self.rate * _MINUTE if self.rate else None


def with_count(counts: Sequence[LeftCount], at: float, left: int) -> tuple[LeftCount, ...]:
    """The counts with another one, the newest last; at most MAX_COUNTS.

    A count that rises starts them again: units landed on the disk, so earlier counts say nothing about the end. Of
    equal counts in a row the first and the last are kept. A count that is not newer changes nothing.
    """
    if counts and at <= counts[-1].at:
        return tuple(counts)
    new = LeftCount(at, max(0, left))
    if counts and new.left > counts[-1].left:
        return (new,)
    kept = list(counts)
    if len(kept) > 1 and kept[-2].left == kept[-1].left == new.left:
        del kept[-1]
    return (*kept, new)[-MAX_COUNTS:]


def total_after(total: int | None, left: int) -> int:
    """The number of units at the beginning of the work; a higher count takes its place.

    Units that land are not added up: counts that swing would then show ever more work as done.
    """
    return max(total or 0, left)


def work_progress(counts: Sequence[LeftCount], total: int | None) -> WorkProgress | None:
    """Progress by these counts, None without any."""
    if not counts:
        return None
    last = counts[-1]
    whole = max(total or 0, *(count.left for count in counts))
    basis = _basis(counts)
    if basis is None:
        return WorkProgress(last.left, whole)
    moved = next(count.at for count in counts if count.left == last.left)
    gone = basis.left - last.left
    if not gone or (last.left and last.at - moved >= max(STALLED_SECONDS, 2 * (moved - basis.at) / gone)):
        return WorkProgress(last.left, whole, stalled_since=moved)
    window = last.at - basis.at
    rate = float(f"{gone / window * _MINUTE:.2g}")
    return WorkProgress(last.left, whole, rate, max(1, round(window / _MINUTE)) * _MINUTE)


def _basis(counts: Sequence[LeftCount]) -> LeftCount | None:
    """The count from which the rate is measured: the first one within the window, at least the last but one."""
    if len(counts) < 2:  # noqa: PLR2004 - a rate needs two counts
        return None
    within = [count for count in counts[:-1] if counts[-1].at - count.at <= WINDOW]
    return within[0] if within else counts[-2]
