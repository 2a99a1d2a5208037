"""Volume reader: the volumes with a unit on a disk that is not safe, read in bounded pieces, the worst first.

One poll reads a few unit lists and a few volumes; the next one goes on. Few volumes are read one by one
(`/volume/get`), many in pages (`/volume/list`).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.code_modes import CODE_MODES
from bot.clustermgr.models import Volume
from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks, UnitCount, VolumeSurvey
from bot.common.errors import ClusterBadAnswer, ClusterError, ClusterRefused, NotFound

MAX_UNIT_LISTS = 8
"""Unit lists read in one poll."""
MAX_SINGLE = 80
"""Volumes read one by one in one poll."""
PAGED_ABOVE = 300
"""Above this number of volumes to read, pages are cheaper than single volumes."""
PAGE = 200
MAX_PAGES = 6
"""Pages read in one poll, of PAGE volumes each."""
MAX_KEPT = 20_000
"""Limit of volumes that are kept: a server may never end its list."""
PARALLEL = 4
"""Single volumes read at the same time."""
REREAD_SECONDS = 300.0
"""Age at which a unit list or a volume is read again."""
RECHECK_SECONDS = 6 * 3600.0
"""Time after its repair or drop for which the units of a disk are read again that often, unless the settings say so."""
REREAD_GONE_SECONDS = 86400.0
"""Age at which the units of a disk that has long been repaired or dropped are read again."""


def is_whole(volume: Volume) -> bool:
    """True if the answer has each unit once, at its index: what is missing from it must not count as safe."""
    mode = CODE_MODES.get(volume.code_mode)
    indexes = sorted(unit.index for unit in volume.units)
    number = len(indexes) if mode is None else mode.units
    own = all(unit.vuid >> 32 == volume.vid and unit.disk_id for unit in volume.units)
    return own and number > 0 and indexes == list(range(number))


def placed(volume: Volume, at: float) -> PlacedVolume:
    """Keep what is needed of a volume."""
    units = sorted(volume.units, key=lambda unit: unit.index)
    return PlacedVolume(volume.vid, volume.code_mode, volume.health_score, tuple(unit.disk_id for unit in units), at)


def _nothing_known() -> Mapping[int, float]:
    """Return the times of a cluster that was never watched before."""
    return {}


@dataclass(slots=True)
class VolumeReader:
    """Reads the volumes of one cluster; keeps what it has read between polls.

    `recheck_for` is how long the units of a disk are read often after its repair or drop (seconds). `gone_since`
    returns since when disks were known as repaired or dropped before this process read them (Unix seconds, by id).
    """

    api: ClustermgrClient
    recheck_for: float = RECHECK_SECONDS
    gone_since: Callable[[], Mapping[int, float]] = _nothing_known
    _units: dict[int, frozenset[int]] = field(default_factory=dict)
    _counted: dict[int, UnitCount] = field(default_factory=dict)
    _volumes: dict[int, PlacedVolume] = field(default_factory=dict)
    _tried: dict[int, float] = field(default_factory=dict)
    _marker: int | None = None
    _unusable: set[int] = field(default_factory=set)
    _read_at: float = 0.0
    _suspects: Mapping[int, float] = field(default_factory=dict)
    _disks: SuspectDisks = field(default_factory=SuspectDisks)
    _gone_since: dict[int, float] = field(default_factory=dict)

    async def read(self, disks: SuspectDisks, now: float, host: str | None, within: float) -> VolumeSurvey:
        """Read one piece for at most `within` seconds, from the leader at `host`; never raises ClusterError.

        A unit can land on a disk after its repair (CubeFS, issue 3736), so the units of such a disk are read again.
        """
        self._disks, self._read_at = disks, now
        self._keep(dict.fromkeys(disks.unsafe, REREAD_SECONDS) | self._intervals_of_gone(disks, now))
        with suppress(TimeoutError, ClusterError):
            async with asyncio.timeout(within):
                await self._read_unit_lists(now, host)
                await self._read_volumes(now, host)
        return self.survey()

    def survey(self) -> VolumeSurvey:
        """What is known now."""
        pending = tuple(sorted(self._suspects.keys() - self._counted.keys()))
        missing = None if self._marker is not None else len(self._missing())
        return VolumeSurvey(self._disks, dict(self._volumes), dict(self._counted), pending, missing, self._read_at)

    def _intervals_of_gone(self, disks: SuspectDisks, now: float) -> dict[int, float]:
        """Seconds between two reads of each disk listed as repaired or dropped; often while units are left.

        A disk that was not watched so far counts as repaired or dropped now: no call says since when it is.
        """
        new = disks.gone - self._gone_since.keys()
        earlier = self.gone_since() if new else {}
        known = self._gone_since | {disk: min(now, earlier.get(disk, now)) for disk in new}
        self._gone_since = {disk: known[disk] for disk in disks.gone}
        # Units that were counted before a disk was repaired or dropped prove nothing about it now.
        for disk in new:
            self._counted.pop(disk, None)
        empty = {disk for disk, count in self._counted.items() if not count.units}
        return {
            disk: REREAD_GONE_SECONDS if disk in empty and now - since > self.recheck_for else REREAD_SECONDS
            for disk, since in self._gone_since.items()
        }

    def _keep(self, suspects: Mapping[int, float]) -> None:
        """Forget disks that are safe now, and volumes without a unit on a disk that is not safe."""
        if suspects.keys() - self._suspects.keys() and self._marker is not None:
            self._marker = 0
        self._suspects = dict(suspects)
        self._units = {disk: vids for disk, vids in self._units.items() if disk in suspects}
        self._counted = {disk: count for disk, count in self._counted.items() if disk in suspects}
        wanted = self._wanted()
        self._tried = {vid: at for vid, at in self._tried.items() if vid in wanted}
        self._volumes = {
            vid: volume
            for vid, volume in self._volumes.items()
            if vid in wanted or not suspects.keys().isdisjoint(volume.disks)
        }

    def _wanted(self) -> Counter[int]:
        """The volumes with a unit on a suspect disk, with the number of those disks."""
        return Counter(vid for vids in self._units.values() for vid in vids)

    def _missing(self) -> list[int]:
        """The volumes that were not read yet: those not tried lately first, then those on most suspect disks."""
        wanted = self._wanted()
        missing = wanted.keys() - self._volumes.keys()
        return sorted(missing, key=lambda vid: (self._tried.get(vid, 0.0), -wanted[vid], vid))

    async def _read_unit_lists(self, now: float, host: str | None) -> None:
        due = [disk for disk, seconds in self._suspects.items() if now - self._counted_at(disk) >= seconds]
        turn = sorted(due, key=lambda disk: (disk in self._disks.gone, self._counted_at(disk), disk))
        for disk in turn[:MAX_UNIT_LISTS]:
            vuids = await self.api.disk_units(disk, first=host)
            self._units[disk] = frozenset(vuid >> 32 for vuid in vuids)
            self._counted[disk] = UnitCount(len(vuids), now, self._units[disk])

    def _counted_at(self, disk: int) -> float:
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
            # A page that does not go on ends the reading: a server may never end its list.
            if following <= marker or len(self._volumes) >= MAX_KEPT:
                self._end_pages(whole=not page)
                return
            usable = [volume for volume in page if is_whole(volume)]
            self._unusable |= {volume.vid for volume in page} - {volume.vid for volume in usable}
            found = (placed(volume, now) for volume in usable)
            self._volumes |= {each.vid: each for each in found if not self._suspects.keys().isdisjoint(each.disks)}
            self._marker = following

    def _end_pages(self, *, whole: bool) -> None:
        """End the reading of pages; after the whole list, a volume that no page had is gone or has left its disk.

        A volume whose row could not be used, or that a list cut short did not reach, stays missing.
        """
        self._marker = None
        gone = set(self._missing()) - self._unusable if whole else set()
        self._units = {disk: vids - gone for disk, vids in self._units.items()}
        self._unusable = set()

    async def _read_singly(self, vids: list[int], now: float, host: str | None) -> None:
        waiting = iter(vids)

        async def work() -> None:
            # A volume that cannot be read stays missing and must not hold up the others.
            with suppress(ClusterError):
                for vid in waiting:
                    self._tried[vid] = now
                    with suppress(ClusterBadAnswer, ClusterRefused):
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
        # An answer about another volume, or about a part of its units, proves nothing about this one.
        if volume.vid == vid and is_whole(volume):
            self._volumes[vid] = placed(volume, now)
        else:
            self._volumes.pop(vid, None)
