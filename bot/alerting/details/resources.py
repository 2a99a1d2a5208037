"""Details of findings about disks, space and background tasks. No I/O."""

from enum import StrEnum

from bot.alerting.details.schedulers import DiskProgress
from bot.alerting.details.volumes import AffectedVolumes
from bot.alerting.model import Detail, LegacyText
from bot.alerting.progress import WorkProgress
from bot.clustermgr.tasks import SwitchEffect
from bot.common.frozen import frozen


@frozen
class DiskName:
    """A disk and where it is ("" where the cluster does not say); `status` as the cluster numbers it.

    `op` is the operation that declared it broken, or that began its drop (0: none).
    """

    id: int
    status: int
    host: str = ""
    path: str = ""
    zone: str = ""
    op: int = 0


@frozen
class DisksBroken(Detail):
    """Disks that are broken or being repaired; `disks` are the first of them.

    `by_counters` if the leader only counts them: `disks` are then those of the last list. `repair_on` is the switch of
    disk_repair (None: not known); `waiting_since` is set while no repair has begun. `affected` are the volumes
    with units on these disks, None if there are none.
    """

    broken: int
    repairing: int
    disks: tuple[DiskName, ...] = ()
    repairing_ids: tuple[int, ...] = ()
    by_counters: bool = False
    repair_on: bool | None = None
    waiting_since: float | None = None
    affected: AffectedVolumes | None = None
    progress: tuple[DiskProgress, ...] = ()
    """Units left on the first of the disks whose units were counted."""
    no_scheduler: bool = False
    """True if no scheduler is registered, so that no repair runs."""

    @property
    def more(self) -> int:
        """Number of disks that are not among `disks`."""
        return 0 if self.by_counters else self.broken + self.repairing - len(self.disks)


@frozen
class ZoneLoss:
    """`expired` of the `available` disks of a zone have lost their heartbeat."""

    zone: str
    expired: int
    available: int

    @property
    def whole(self) -> bool:
        """True if no writable disk of the zone reports."""
        return self.expired >= self.available > 0


@frozen
class DisksExpired(Detail):
    """`lost` disks have lost their heartbeat; `zones` are the first of their zones, `more` the number of others.

    `named` are the first of the disks that the cluster's dashboard names, `inferred` of those that the health of
    volumes shows; `unnamed` others are not known. `affected` are the volumes with units on any of them.
    `away` are the disks of both kinds, up to a greater limit, and `silent_hosts` the members that give no answer.
    `doubtful` are all disks that may be without a heartbeat: no healthy volume proves the contrary. It is None where
    that is not known, or where they are too many.
    """

    lost: int
    zones: tuple[ZoneLoss, ...]
    whole: tuple[str, ...] = ()
    more: int = 0
    named: tuple[int, ...] = ()
    inferred: tuple[int, ...] = ()
    unnamed: int = 0
    affected: AffectedVolumes | None = None
    away: tuple[int, ...] = ()
    silent_hosts: tuple[str, ...] = ()
    doubtful: tuple[int, ...] | None = None


class DiskWork(StrEnum):
    """Work of a task on a disk."""

    REPAIR = "repair"
    DROP = "drop"


@frozen
class StuckDisk:
    """A disk whose repair or drop makes no progress; `left` chunks since `moved_at` (None: not known)."""

    disk: DiskName
    since: float
    moved_at: float
    left: int | None = None
    listed: bool = True


@frozen
class DisksStuck(Detail):
    """The repair or drop of disks makes no progress; `disks` are the first of `total`.

    `affected` are the volumes with units on these disks, None if there are none.
    """

    work: DiskWork
    disks: tuple[StuckDisk, ...]
    total: int
    affected: AffectedVolumes | None = None


class DropResult(StrEnum):
    """End of the drop of a disk, by its units."""

    EMPTY = "empty"
    HELD = "held"
    """Units are still on it."""
    UNCOUNTED = "uncounted"
    NOT_DROPPED = "not_dropped"
    """It is neither being dropped nor listed as dropped."""
    UNLISTED = "unlisted"
    """Only the last list of drops lacks it: no end yet."""


@frozen
class DropEnd:
    """The end of a drop; `units` were left on the disk when they were counted `at` (Unix seconds)."""

    result: DropResult
    units: int = 0
    at: float = 0.0


@frozen
class DroppedDisk:
    """A disk whose drop has ended."""

    disk: int
    end: DropEnd


@frozen
class DroppingDisk:
    """A disk that is being dropped, or whose drop has ended (`end`); `progress` if its units were counted."""

    disk: DiskName
    progress: WorkProgress | None = None
    end: DropEnd | None = None


@frozen
class DisksDropping(Detail):
    """`others` disks whose drop no operation began; `disks` are the first of `total` that are being dropped now.

    Among `disks` are those whose drop by others has ended. `affected` are the volumes with units on these disks.
    """

    others: int
    disks: tuple[DroppingDisk, ...]
    total: int
    affected: AffectedVolumes | None = None


@frozen
class WritableLow(Detail):
    """`share` percent (whole, rounded down) of the space is writable; full in `days` at the pace of the last days."""

    share: int
    none: bool = False
    days: int | None = None


@frozen
class ChunksLow(Detail):
    """`share` percent (whole, rounded down) of the chunks of a zone are free."""

    zone: str
    share: int
    none: bool = False


@frozen
class NoVolume(Detail):
    """The cluster has no volume, although `disks` disks are writable."""

    disks: int


@frozen
class VolumesLow(Detail):
    """`allocatable` of `total` volumes can be allocated."""

    allocatable: int
    total: int


@frozen
class StoredSwitch:
    """The value under the key of a task (None: nothing is stored), and how services read it."""

    key: str
    value: str | None
    services: SwitchEffect | LegacyText


@frozen
class TaskOff(Detail):
    """A task has been off (or its switch not set) for more than `limit` seconds."""

    task: str
    switch: StoredSwitch
    limit: float
    unset: bool = False


@frozen
class TaskOffWithWork(Detail):
    """A task is off while `disks` disks wait for it."""

    task: str
    switch: StoredSwitch
    disks: int


@frozen
class SwitchMeaningless(Detail):
    """The stored value means nothing to the services; `off` if they treat it as off."""

    task: str
    switch: StoredSwitch
    off: bool


@frozen
class SwitchValue:
    """A stored value and its meaning: on, off, unset or meaningless."""

    value: str | None
    meaning: str


@frozen
class SwitchMove:
    """One change of a switch, noticed after `away` seconds without a poll."""

    task: str
    before: SwitchValue
    after: SwitchValue
    away: float = 0.0


@frozen
class SwitchesChanged(Detail):
    """Changes of switches that no operation caused, oldest first."""

    moves: tuple[SwitchMove, ...]
