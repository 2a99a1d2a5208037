"""Disk facts: what is read of a cluster before disks are changed, and the limits that hold for them. No I/O."""

from collections.abc import Mapping
from dataclasses import field

from bot.clustermgr.code_modes import CodeMode
from bot.clustermgr.models import Disk, DiskStatus, Service
from bot.clustermgr.scheduler_survey import SchedulerSurvey
from bot.clustermgr.tasks import Dialect, Meaning
from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks, VolumeSurvey
from bot.common.frozen import frozen

SCHEDULER = "SCHEDULER"
"""Name of a scheduler in GET /service/list."""


@frozen
class DiskLimits:
    """Limits of the settings: disks out of service at once in a host and in a zone, and the reserve of chunks.

    `reserve_percent` of the chunks that must move has to be free beside them.
    """

    per_host: int = 1
    per_zone: int = 2
    reserve_percent: int = 10


@frozen
class DiskFacts:
    """What is known of the cluster for a change of `targets` (disk ids); None: not read, or not in time.

    `later` are targets whose volumes are judged at their turn, right before each is changed, and were not read now.
    `disks` is the whole disk list, `dropping` the ids of those that are being dropped. `units` are the vuids on each
    target whose list was read; `volumes` are their volumes as far as they were read, `unread` the ids of the others
    (a volume that was deleted meanwhile is in neither). `expired` is the number of disks without a heartbeat by the
    leader's counters, by zone; they may lag by minutes. `switches` has the meaning of each stored switch that was
    read, by the name of its task. `statistics` are those of the schedulers, None if they were
    not asked lately. `breaking` and `leaving` are other disks that an open operation declares broken or takes offline,
    as far as the cluster does not show it yet; `changed_by` has the numbers of those operations. `sound` are disks that
    have their heartbeat, because the watch has seen a volume on them whose units are all explained. `errors` are
    sentences about what could not be read.
    """

    targets: tuple[int, ...] = ()
    later: tuple[int, ...] = ()
    disks: tuple[Disk, ...] | None = None
    dropping: frozenset[int] | None = None
    units: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    volumes: Mapping[int, PlacedVolume] = field(default_factory=dict)
    unread: tuple[int, ...] = ()
    expired: Mapping[str, int] | None = None
    dialect: Dialect | None = None
    switches: Mapping[str, Meaning] = field(default_factory=dict)
    services: tuple[Service, ...] | None = None
    statistics: SchedulerSurvey | None = None
    limits: DiskLimits = DiskLimits()
    breaking: frozenset[int] = frozenset()
    leaving: frozenset[int] = frozenset()
    changed_by: Mapping[int, int] = field(default_factory=dict)
    sound: frozenset[int] = frozenset()
    survey: VolumeSurvey | None = None
    """The volumes that the watch has read: they may name disks without a heartbeat that these volumes do not."""
    errors: tuple[str, ...] = ()
    extended: tuple[CodeMode, ...] = ()
    """The code modes that users defined, as far as they were read."""

    @property
    def schedulers(self) -> tuple[str, ...] | None:
        """Addresses of the registered schedulers; None if the list of services was not read."""
        if self.services is None:
            return None
        return tuple(sorted({service.host for service in self.services if service.name.upper() == SCHEDULER}))

    @property
    def moving(self) -> frozenset[int]:
        """Disks that are being dropped, or soon will be; those that are known."""
        return (self.dropping or frozenset()) | self.leaving

    @property
    def suspects(self) -> SuspectDisks:
        """The disks whose units are lost or move; not known (`listed` is False) while the disk list was not read.

        A disk in a state that is not known here counts as bad: nothing shows that its units are safe.
        """
        if self.disks is None:
            return SuspectDisks(self.breaking, self.moving, listed=False)
        states: dict[int, set[int]] = {}
        for disk in self.disks:
            states.setdefault(disk.status, set()).add(disk.disk_id)
        gone = states.pop(DiskStatus.REPAIRED, set()) | states.pop(DiskStatus.DROPPED, set())
        states.pop(DiskStatus.NORMAL, None)
        bad = {disk for disks in states.values() for disk in disks} | self.breaking
        readonly = {disk.disk_id for disk in self.disks if disk.readonly}
        moving = self.moving - bad - gone
        return SuspectDisks(frozenset(bad), moving, frozenset(gone), frozenset(readonly - bad - gone))
