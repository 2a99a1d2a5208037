"""Whether a disk may be pulled: only its counted units decide, never its state. No I/O."""

from collections.abc import Sequence
from enum import StrEnum

from bot.alerting.risk_facts import NotRebuilt
from bot.clustermgr.code_modes import CODE_MODES, CodeMode
from bot.clustermgr.models import Disk, DiskStatus
from bot.common.frozen import frozen

MAX_UNWRITTEN = max(mode.unwritten for mode in CODE_MODES.values())
"""Greatest number of units that a fresh blob of any known code mode may lack until `shard_repair` has run."""

_KNOWN = frozenset(DiskStatus)


class PullVerdict(StrEnum):
    """Whether a disk may be pulled, and why not."""

    SAFE = "safe"
    HELD = "held"
    """Units are on it."""
    IN_USE = "in_use"
    """No unit is on it now, but the disk takes new ones."""
    UNCOUNTED = "uncounted"
    """Its units could not be counted."""
    NO_LEADER = "no_leader"
    """No leader answers, and another host may not know the disk: its units could not be counted."""
    UNKNOWN_STATE = "unknown_state"
    """No unit is on it now, but it is in no known state: it may take new ones."""


@frozen
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
    disk: Disk,
    units: Sequence[int] | None,
    at: float,
    not_rebuilt: NotRebuilt | None = None,
    *,
    led: bool = True,
    extended: tuple[CodeMode, ...] = (),
) -> PullSafety:
    """Decide by the units (vuids) of a disk that `/disk/info` knows; None if the leader did not tell them.

    `extended` are the code modes that users defined.
    `led` is False if no leader answers. Both calls must be answered by the leader: another host may know no disk.
    For an unknown disk an empty list proves nothing: servers answer one with 200 as well (recorded exchanges).
    """
    unwritten = max((MAX_UNWRITTEN, *(mode.unwritten for mode in extended))) if not_rebuilt else 0
    volumes = tuple(sorted({vuid >> 32 for vuid in units or ()}))
    number = None if units is None else len(units)
    verdict = pull_verdict(disk.status, number, readonly=disk.readonly)
    if verdict is PullVerdict.UNCOUNTED and not led:
        verdict = PullVerdict.NO_LEADER
    return PullSafety(verdict, at, number or 0, volumes, unwritten, not_rebuilt)


def pull_verdict(status: int, units: int | None, *, readonly: bool = False) -> PullVerdict:
    """Decide by the number of units (None: not counted) on a disk that its leader knows in this state."""
    if units is None:
        return PullVerdict.UNCOUNTED
    if units:
        return PullVerdict.HELD
    if status not in _KNOWN:
        return PullVerdict.UNKNOWN_STATE
    takes_units = status == DiskStatus.NORMAL and not readonly
    return PullVerdict.IN_USE if takes_units else PullVerdict.SAFE
