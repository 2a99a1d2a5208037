"""Volume reader: the volumes with a unit on a disk that is not safe, read in bounded pieces, the worst first.

One poll reads a few unit lists and a few volumes; the next one goes on. Few volumes are read one by one
(`/volume/get`), many in pages (`/volume/list`).
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from bot.clustermgr.client import ClusterApi
from bot.clustermgr.models import Volume
from bot.common.errors import ClusterError, NotFound

MAX_UNIT_LISTS = 8
"""Unit lists read in one poll."""
MAX_SINGLE = 80
"""Volumes read one by one in one poll."""
PAGED_ABOVE = 300
"""Above this number of volumes to read, pages are cheaper than single volumes."""
PAGE = 200
MAX_PAGES = 6
"""Pages read in one poll, of PAGE volumes each."""
PARALLEL = 4
"""Single volumes read at the same time."""
REREAD_SECONDS = 300.0
"""Age at which a unit list or a volume is read again."""


@dataclass(frozen=True, slots=True)
class PlacedVolume:
    """A volume as it is kept: the disks of its units in the order of their indexes; read at `at` (Unix seconds)."""

    vid: int
    code_mode: int
    health_score: int
    disks: tuple[int, ...]
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class UnitCount:
    """Number of units on a disk, and when they were read (Unix seconds)."""

    units: int
    at: float


@dataclass(frozen=True, slots=True)
class VolumeSurvey:
    """The volumes with a unit on a disk that is not safe, as last read.

    `pending_disks` are the disks whose units were not read yet, `pending_volumes` is the number of volumes not read yet
    (None while pages are read: their number is not known). While anything is pending, a volume that is not listed is
    not known to be safe.
    """

    volumes: Mapping[int, PlacedVolume]
    units: Mapping[int, UnitCount]
    pending_disks: tuple[int, ...] = ()
    pending_volumes: int | None = 0

    @property
    def complete(self) -> bool:
        """True if every unit list and every volume was read."""
        return not self.pending_disks and self.pending_volumes == 0


def placed(volume: Volume, at: float) -> PlacedVolume:
    """Keep what is needed of a volume."""
    units = sorted(volume.units, key=lambda unit: unit.index)
    return PlacedVolume(volume.vid, volume.code_mode, volume.health_score, tuple(unit.disk_id for unit in units), at)


@dataclass(slots=True)
class VolumeReader:
    """Reads the volumes of one cluster; keeps what it has read between polls."""

    api: ClusterApi
    _units: dict[int, frozenset[int]] = field(default_factory=dict)
    _counted: dict[int, UnitCount] = field(default_factory=dict)
    _volumes: dict[int, PlacedVolume] = field(default_factory=dict)
    _marker: int | None = None
    _suspects: frozenset[int] = frozenset()

    async def read(self, suspects: Collection[int], now: float, host: str | None, within: float) -> VolumeSurvey:
        """Read one piece for at most `within` seconds, from the leader at `host`; never raises ClusterError.

        `suspects` are the ids of disks that are not safe: broken, repairing, being dropped, or listed as repaired or
        dropped.
        """
        self._keep(frozenset(suspects))
        with suppress(TimeoutError, ClusterError):
            async with asyncio.timeout(within):
                await self._read_unit_lists(now, host)
                await self._read_volumes(now, host)
        return self.survey()

    def survey(self) -> VolumeSurvey:
        """What is known now."""
        pending = tuple(sorted(self._suspects - self._counted.keys()))
        missing = None if self._marker is not None else len(self._missing())
        return VolumeSurvey(dict(self._volumes), dict(self._counted), pending, missing)

    def _keep(self, suspects: frozenset[int]) -> None:
        """Forget disks that are safe now, and volumes without a unit on a disk that is not safe."""
        if suspects - self._suspects and self._marker is not None:
            self._marker = 0
        self._suspects = suspects
        self._units = {disk: vids for disk, vids in self._units.items() if disk in suspects}
        self._counted = {disk: count for disk, count in self._counted.items() if disk in suspects}
        wanted = self._wanted()
        self._volumes = {
            vid: volume
            for vid, volume in self._volumes.items()
            if vid in wanted or not suspects.isdisjoint(volume.disks)
        }

    def _wanted(self) -> Counter[int]:
        """The volumes with a unit on a suspect disk, with the number of those disks."""
        return Counter(vid for vids in self._units.values() for vid in vids)

    def _missing(self) -> list[int]:
        """The volumes that were not read yet, those on most suspect disks first."""
        wanted = self._wanted()
        return sorted(wanted.keys() - self._volumes.keys(), key=lambda vid: (-wanted[vid], vid))

    async def _read_unit_lists(self, now: float, host: str | None) -> None:
        due = [disk for disk in self._suspects if now - self._read_at(disk) >= REREAD_SECONDS]
        for disk in sorted(due, key=lambda disk: (self._read_at(disk), disk))[:MAX_UNIT_LISTS]:
            vuids = await self.api.disk_units(disk, first=host)
            self._units[disk] = frozenset(vuid >> 32 for vuid in vuids)
            self._counted[disk] = UnitCount(len(vuids), now)

    def _read_at(self, disk: int) -> float:
        return self._counted[disk].at if disk in self._counted else float("-inf")

    async def _read_volumes(self, now: float, host: str | None) -> None:
        missing = self._missing()
        if self._marker is None and len(missing) > PAGED_ABOVE:
            self._marker = 0
        if self._marker is not None:
            await self._read_pages(now, host)
            return
        old = [vid for vid, volume in self._volumes.items() if now - volume.at >= REREAD_SECONDS]
        oldest = sorted(old, key=lambda vid: self._volumes[vid].at)
        await self._read_singly([*missing, *oldest][:MAX_SINGLE], now, host)

    async def _read_pages(self, now: float, host: str | None) -> None:
        for _ in range(MAX_PAGES):
            marker = self._marker or 0
            page = await self.api.volumes(after=marker, count=PAGE, first=host)
            following = max((volume.vid for volume in page), default=0)
            # A page that does not go on ends the list: a server may never end it.
            if following <= marker:
                self._end_pages()
                return
            found = (placed(volume, now) for volume in page)
            self._volumes |= {each.vid: each for each in found if not self._suspects.isdisjoint(each.disks)}
            self._marker = following

    def _end_pages(self) -> None:
        """End the reading of pages; a volume that no page had is gone or has moved off its disk."""
        self._marker = None
        gone = set(self._missing())
        self._units = {disk: vids - gone for disk, vids in self._units.items()}

    async def _read_singly(self, vids: list[int], now: float, host: str | None) -> None:
        waiting = iter(vids)

        async def work() -> None:
            for vid in waiting:
                await self._read_one(vid, now, host)

        async with asyncio.TaskGroup() as group:
            for _ in range(PARALLEL):
                group.create_task(work())

    async def _read_one(self, vid: int, now: float, host: str | None) -> None:
        try:
            volume = await self.api.volume(vid, first=host)
        except NotFound:
            self._volumes.pop(vid, None)
            self._units = {disk: vids - {vid} for disk, vids in self._units.items()}
            return
        self._volumes[vid] = placed(volume, now)
