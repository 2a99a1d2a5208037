"""Disk scene: twelve disks of three blobnodes in one zone, with volumes, described by what is wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.clustermgr.disk_facts import DiskFacts, DiskLimits
from bot.clustermgr.models import Disk, DiskStatus, Service
from bot.clustermgr.tasks import Dialect, meaning_of
from bot.clustermgr.volume_survey import PlacedVolume

DISKS = tuple(range(1, 13))
EC3P3 = 11
_GB = 1 << 30
_SCHEDULER = Service(cluster_id=1, name="SCHEDULER", host="http://10.0.0.9:9800", idc="z0")


def blobnode(disk: int) -> str:
    """The address of the blobnode of a disk: four disks each."""
    return f"http://10.0.1.{(disk - 1) // 4 + 1}:8889"


@dataclass(frozen=True, slots=True)
class DiskScene:
    """Disks and volumes of a cluster; disk 7 is the one that is changed.

    `states` are those of disks that are not normal. `volumes` are disks by volume id, each of code mode `mode`.
    `switches` are the stored values by task. `listed` is False if the disk list was not read.
    """

    states: Mapping[int, int] = field(default_factory=dict)
    readonly: frozenset[int] = frozenset()
    dropping: frozenset[int] | None = frozenset()
    volumes: Mapping[int, tuple[int, ...]] = field(
        default_factory=lambda: {1: (1, 2, 5, 7, 9, 10), 2: (3, 4, 6, 7, 11, 12), 3: (1, 3, 5, 7, 9, 11)}
    )
    mode: int = EC3P3
    health: Mapping[int, int] = field(default_factory=dict)
    unread: tuple[int, ...] = ()
    units_unread: bool = False
    free: int = 100
    free_bytes: int = 400 * _GB
    used: Mapping[int, int] = field(default_factory=dict)
    expired: Mapping[str, int] | None = field(default_factory=lambda: {"z0": 0})
    dialect: Dialect | None = Dialect.V3
    switches: Mapping[str, str | None] = field(
        default_factory=lambda: {"disk_drop": "true", "disk_repair": "true", "shard_repair": "true"}
    )
    services: tuple[Service, ...] | None = (_SCHEDULER,)
    limits: DiskLimits = field(default_factory=DiskLimits)
    listed: bool = True
    targets: tuple[int, ...] = (7,)
    later: tuple[int, ...] = ()

    def facts(self) -> DiskFacts:
        """What is read of such a cluster."""
        if not self.listed:
            return DiskFacts(errors=("10.0.0.1:9998 did not answer in time.",))
        units = {
            target: tuple(
                vid << 32 | disks.index(target) << 24 | 1 for vid, disks in self.volumes.items() if target in disks
            )
            for target in self.targets
            if target not in self.later
        }
        known = {
            vid for vid, disks in self.volumes.items() if (set(self.targets) - set(self.later)) & set(disks)
        } - set(self.unread)
        volumes = {
            vid: PlacedVolume(vid, self.mode, self.health.get(vid, 0), self.volumes[vid], 1000.0)
            for vid in sorted(known)
        }
        return DiskFacts(
            targets=self.targets,
            later=self.later,
            disks=tuple(map(self._disk, DISKS)),
            dropping=self.dropping,
            units={} if self.units_unread else units,
            volumes={} if self.units_unread else volumes,
            unread=self.unread,
            expired=self.expired,
            dialect=self.dialect,
            switches={
                task: meaning_of(value, self.dialect)
                for task, value in self.switches.items()
                if self.dialect is not None
            },
            services=self.services,
            limits=self.limits,
        )

    def _disk(self, disk: int) -> Disk:
        return Disk(
            disk_id=disk,
            status=self.states.get(disk, DiskStatus.NORMAL),
            idc="z0",
            rack="r1",
            host=blobnode(disk),
            node_id=(disk - 1) // 4 + 1,
            readonly=disk in self.readonly,
            used=10 * _GB,
            free=self.free_bytes,
            size=500 * _GB,
            max_chunk_cnt=self.free + 20,
            free_chunk_cnt=self.free,
            used_chunk_cnt=self.used.get(disk, 20),
        )
