"""Host reader: the disks of one host and the volumes on them, read at once, bounded in time, size and number."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field

from bot.clustermgr.client import ClusterApi
from bot.clustermgr.host_matching import alike
from bot.clustermgr.models import Disk, DiskStatus, Snapshot
from bot.clustermgr.volume_reader import VolumeReader
from bot.clustermgr.volume_survey import SuspectDisks, VolumeSurvey
from bot.common.errors import ClusterError

PIECE_SECONDS = 2.0
"""Limit of the reads of one piece."""
MAX_PIECES = 100
"""Limit of pieces in one reading."""
_GONE = frozenset({DiskStatus.REPAIRED, DiskStatus.DROPPED})


@dataclass(frozen=True, slots=True)
class HostFacts:
    """Facts that were read about one host, as typed; `before` is an earlier snapshot that proves voters healthy.

    `disks` is the whole disk list, None if it was not read. `suspects` are all disks of the cluster that are not safe.
    `survey` has the volumes with a unit on the host, as far as they were read.
    """

    host: str
    before: Snapshot | None
    snapshot: Snapshot
    disks: tuple[Disk, ...] | None = None
    suspects: SuspectDisks = field(default_factory=lambda: SuspectDisks(listed=False))
    survey: VolumeSurvey | None = None

    @property
    def own(self) -> tuple[Disk, ...]:
        """The disks of the host that are in service, by id."""
        return disks_of(self.disks or (), self.host)

    @property
    def unread_units(self) -> int:
        """Number of units on the host whose volume was not read; 0 says nothing while unit lists are missing."""
        if self.survey is None:
            return 0
        own = {disk.disk_id for disk in self.own}
        placed = sum(disk in own for volume in self.survey.volumes.values() for disk in volume.disks)
        return max(0, sum(self.survey.units[disk].units for disk in own & self.survey.units.keys()) - placed)

    @property
    def unread_disks(self) -> tuple[int, ...]:
        """The disks of the host whose units were not read."""
        known = self.survey.units.keys() if self.survey is not None else frozenset[int]()
        return tuple(disk.disk_id for disk in self.own if disk.disk_id not in known)

    @property
    def complete(self) -> bool:
        """True if everything was read."""
        return self.disks is not None and not self.unread_disks and not self.unread_units


def disks_of(disks: Collection[Disk], host: str) -> tuple[Disk, ...]:
    """The disks in service on a host in any spelling, by id; without a port, of every port of it."""
    found = (disk for disk in disks if disk.status not in _GONE and alike(disk.host, host))
    return tuple(sorted(found, key=lambda disk: disk.disk_id))


def suspects_of(disks: Collection[Disk], dropping: Collection[int]) -> SuspectDisks:
    """Sort a whole disk list; a disk in a state that is not known here counts as bad: its units are not known safe."""
    gone = frozenset(disk.disk_id for disk in disks if disk.status in _GONE)
    bad = frozenset(disk.disk_id for disk in disks if disk.status != DiskStatus.NORMAL) - gone
    readonly = frozenset(disk.disk_id for disk in disks if disk.readonly)
    return SuspectDisks(bad, frozenset(dropping) - bad - gone, gone, readonly - bad - gone)


async def read_host(
    api: ClusterApi, host: str, before: Snapshot | None, snapshot: Snapshot, within: float
) -> HostFacts:
    """Read a host for at most `within` seconds from the leader of `snapshot`; never raises ClusterError.

    Without a leader nothing is read, because such reads hang for seconds. What is not read in time stays unknown.
    """
    facts = HostFacts(host, before, snapshot)
    if snapshot.leader is None:
        return facts
    leader, ends = snapshot.leader[0], asyncio.get_running_loop().time() + within
    with suppress(TimeoutError, ClusterError):
        async with asyncio.timeout(within):
            disks = await api.disk_list(first=leader)
            suspects = suspects_of(disks, ())
            facts = HostFacts(host, before, snapshot, disks, suspects)
            dropping = {disk.disk_id for disk in await api.disk_dropping(first=leader)}
            facts = HostFacts(host, before, snapshot, disks, suspects_of(disks, dropping))
    # The reader asks for the units of disks that are not safe: here of all disks of the host.
    targets = SuspectDisks(bad=frozenset(disk.disk_id for disk in facts.own))
    if not targets.bad:
        return facts
    reader, at = VolumeReader(api), snapshot.at
    for _ in range(MAX_PIECES):
        left = ends - asyncio.get_running_loop().time()
        if left <= 0:
            break
        known = facts.survey
        survey = await reader.read(targets, at, leader, min(PIECE_SECONDS, left))
        facts = HostFacts(host, before, snapshot, facts.disks, facts.suspects, survey)
        if survey.complete or (known is not None and not _advanced(known, survey)):
            break
    return facts


def _advanced(before: VolumeSurvey, after: VolumeSurvey) -> bool:
    """True if the last piece read anything; pages may have none of the volumes that are looked for."""
    read = (len(before.units), len(before.volumes)) != (len(after.units), len(after.volumes))
    return read or after.pending_volumes is None or before.pending_volumes != after.pending_volumes
