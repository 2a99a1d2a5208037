"""Whether a disk may be pulled: only its counted units decide, never its state. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.alerting.risk_facts import NotRebuilt
from bot.clustermgr.code_modes import CODE_MODES
from bot.clustermgr.models import Disk, DiskStatus

MAX_UNWRITTEN = max(mode.unwritten for mode in CODE_MODES.values())
"""Greatest number of units that a fresh blob of any known code mode may lack until `shard_repair` has run."""


class PullVerdict(StrEnum):
    """Whether a disk may be pulled, and why not."""

    SAFE = "safe"
    HELD = "held"
    """Units are on it."""
    IN_USE = "in_use"
    """No unit is on it now, but the disk takes new ones."""
    UNCOUNTED = "uncounted"
    """Its units could not be counted."""


@dataclass(frozen=True, slots=True)
class PullSafety:
    """The verdict as of `at` (Unix seconds), with the number of units left and the volumes that they belong to.

    Margins of volumes may be smaller by up to `unwritten` units while `not_rebuilt`.
    """

    verdict: PullVerdict
    at: float
    units: int = 0
    volumes: tuple[int, ...] = ()
    unwritten: int = 0
    not_rebuilt: NotRebuilt | None = None


def pull_safety(
    disk: Disk, units: Sequence[int] | None, at: float, not_rebuilt: NotRebuilt | None = None
) -> PullSafety:
    """Decide by the units (vuids) of a disk that `/disk/info` knows; None if they could not be read.

    For an unknown disk an empty list proves nothing: servers answer one with 200 as well (recorded exchanges).
    """
    unwritten = MAX_UNWRITTEN if not_rebuilt else 0
    if units is None:
        return PullSafety(PullVerdict.UNCOUNTED, at, 0, (), unwritten, not_rebuilt)
    volumes = tuple(sorted({vuid >> 32 for vuid in units}))
    if units:
        verdict = PullVerdict.HELD
    else:
        takes_units = disk.status == DiskStatus.NORMAL and not disk.readonly
        verdict = PullVerdict.IN_USE if takes_units else PullVerdict.SAFE
    return PullSafety(verdict, at, len(units), volumes, unwritten, not_rebuilt)
