"""Host facts: the disks of one host and the volumes on them, as the disk reader read them. No I/O."""

from collections.abc import Collection, Mapping
from dataclasses import field

from bot.clustermgr.code_modes import CodeMode
from bot.clustermgr.disk_facts import DiskFacts
from bot.clustermgr.host_matching import alike
from bot.clustermgr.models import Disk, DiskStatus, Snapshot
from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks, VolumeSurvey
from bot.common.frozen import frozen

GONE = frozenset({DiskStatus.REPAIRED, DiskStatus.DROPPED})
"""States of disks that are out of service."""


@frozen
class HostFacts:
    """Facts that were read about one host, as typed; `before` is an earlier snapshot that proves voters healthy.

    `disks` is the whole disk list, None if it was not read. `suspects` are all disks of the cluster that are not safe.
    `units` are the vuids on each disk of the host whose units were read, `volumes` are their volumes, as far as they
    were read. `sound` are disks that are known to have their heartbeat.
    """

    host: str
    before: Snapshot | None
    snapshot: Snapshot
    disks: tuple[Disk, ...] | None = None
    suspects: SuspectDisks = field(default_factory=lambda: SuspectDisks(listed=False))
    units: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    volumes: Mapping[int, PlacedVolume] = field(default_factory=dict)
    extended: tuple[CodeMode, ...] = ()
    """The code modes that users defined, as far as they were read."""
    sound: frozenset[int] = frozenset()
    survey: VolumeSurvey | None = None
    """The volumes that the watch has read."""

    @property
    def own(self) -> tuple[Disk, ...]:
        """The disks of the host that are in service, by id."""
        return disks_of(self.disks or (), self.host)

    @property
    def unread_units(self) -> int:
        """Number of units on the host whose volume was not read; 0 says nothing while unit lists are missing.

        So is a unit that its volume shows elsewhere: the two answers differ. Each unit is looked up by itself, because
        units that land on the host between two reads would hide as many unread ones in a difference of sums.
        """
        placed = {vid: frozenset(volume.disks) for vid, volume in self.volumes.items()}
        return sum(
            disk.disk_id not in placed.get(vuid >> 32, ())
            for disk in self.own
            for vuid in self.units.get(disk.disk_id, ())
        )

    @property
    def unread_disks(self) -> tuple[int, ...]:
        """The disks of the host whose units were not read."""
        return tuple(disk.disk_id for disk in self.own if disk.disk_id not in self.units)


def disks_of(disks: Collection[Disk], host: str) -> tuple[Disk, ...]:
    """The disks in service on a host in any spelling, by id; without a port, of every port of it."""
    found = (disk for disk in disks if disk.status not in GONE and alike(disk.host, host))
    return tuple(sorted(found, key=lambda disk: disk.disk_id))


def ids_of(host: str, disks: Collection[Disk] | None) -> tuple[int, ...]:
    """The ids of the disks in service on a host; none if the disk list was not read."""
    return tuple(disk.disk_id for disk in disks_of(disks or (), host))


def host_facts(host: str, before: Snapshot | None, snapshot: Snapshot, known: DiskFacts) -> HostFacts:
    """The facts of a host from a reading of its disks."""
    return HostFacts(
        host,
        before,
        snapshot,
        known.disks,
        known.suspects,
        known.units,
        known.volumes,
        known.extended,
        known.sound,
        known.survey,
    )
