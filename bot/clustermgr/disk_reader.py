"""Disk reader: what a change of disks needs to know of the cluster, read at once, bounded in time, size and number.

What is not read in time, or is refused, stays unknown; it is never taken as safe.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.disk_facts import DiskFacts, DiskLimits
from bot.clustermgr.models import Disk, DiskStatus, Service, Snapshot
from bot.clustermgr.tasks import DetectedDialect, Dialect, Meaning, key_of, meaning_of
from bot.clustermgr.volume_answers import is_whole, placed
from bot.clustermgr.volume_models import Volume
from bot.clustermgr.volume_survey import PlacedVolume
from bot.common.errors import ClusterBadAnswer, ClusterError, ClusterRefused, NotFound

TASKS_READ = ("disk_drop", "disk_repair", "shard_repair")
"""Tasks whose switches are read."""
MAX_TARGETS = 256
"""Limit of disks that one change may have; dense blobnodes have 36 to 100 disks."""
VOLUMES_NOW = 1_500
"""Volumes of disks that are changed in turns above which no further disk is read now."""
MAX_VOLUMES = 20_000
"""Limit of volumes that are kept."""
PAGED_ABOVE = 300
"""Up to this number of volumes, single volumes are always cheap enough."""
MAX_SINGLE = 4_000
"""Limit of volumes that are read singly."""
PAGE = 200
MAX_PAGES = 400
"""Limit of pages in one reading."""
PARALLEL = 8
"""Reads of units or volumes at the same time."""
MAX_ERRORS = 3
"""Limit of errors that are kept."""

Selector = Callable[[tuple[Disk, ...] | None], Sequence[int]]
"""Picks the disks (ids) that a change concerns from the disk list."""


@dataclass(slots=True)
class DiskReader:
    """One reading of one cluster, from its leader at `host`; `errors` are sentences without duplicates.

    With `in_turns` the disks are changed one after another, each read again before that. Then the volumes of the
    first ones are read, as far as they are few enough, and `later` are the others.
    """

    api: ClustermgrClient
    dialect: Callable[[], Awaitable[DetectedDialect]]
    host: str
    now: float
    in_turns: bool = False
    disks: tuple[Disk, ...] | None = None
    dropping: frozenset[int] | None = None
    services: tuple[Service, ...] | None = None
    spelling: Dialect | None = None
    switches: dict[str, Meaning] = field(default_factory=dict)
    targets: tuple[int, ...] = ()
    later: tuple[int, ...] = ()
    units: dict[int, tuple[int, ...]] = field(default_factory=dict)
    volumes: dict[int, PlacedVolume] = field(default_factory=dict)
    errors: dict[str, None] = field(default_factory=dict)
    _waiting: set[int] = field(default_factory=set)
    _not_found: set[int] = field(default_factory=set)

    async def read(self, select: Selector, within: float) -> None:
        """Read all parts for at most `within` seconds; never raises ClusterError."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within), asyncio.TaskGroup() as group:
                for part in (self._dropping(), self._services(), self._switches(), self._volumes(select)):
                    group.create_task(self._part(part))

    def facts(self, snapshot: Snapshot, limits: DiskLimits) -> DiskFacts:
        """What is known now; the counters of `snapshot` tell the disks without a heartbeat."""
        zones = snapshot.leader[1].space_stat.disk_stat_infos if snapshot.leader else None
        return DiskFacts(
            targets=self.targets,
            later=self.later,
            disks=self.disks,
            dropping=self.dropping,
            units=dict(self.units),
            volumes=dict(self.volumes),
            unread=tuple(sorted(self._waiting)),
            expired=None if not zones else {zone.idc: zone.expired for zone in zones},
            dialect=self.spelling,
            switches=dict(self.switches),
            services=self.services,
            limits=limits,
            errors=tuple(self.errors)[:MAX_ERRORS],
        )

    async def _part(self, part: Awaitable[None]) -> None:
        try:
            await part
        except ClusterError as error:
            self.errors[error.sentence] = None

    async def _dropping(self) -> None:
        self.dropping = frozenset(disk.disk_id for disk in await self.api.disk_dropping(at=self.host))

    async def _services(self) -> None:
        self.services = await self.api.services(first=self.host)

    async def _switches(self) -> None:
        self.spelling = (await self.dialect()).dialect
        for task in TASKS_READ if self.spelling else ():
            key = key_of(task, self.spelling) if self.spelling else None
            if key and self.spelling:
                with suppress(ClusterBadAnswer, ClusterRefused):
                    self.switches[task] = meaning_of(await self.api.config_get(key, host=self.host), self.spelling)

    async def _volumes(self, select: Selector) -> None:
        self.disks = await self.api.disk_list(at=self.host)
        self.targets = tuple(select(self.disks))
        await (self._first_units() if self.in_turns else self._each(self.targets[:MAX_TARGETS], self._units_of))
        self._waiting = {vuid >> 32 for vuids in self.units.values() for vuid in vuids}
        paged = self._pages_are_cheaper()
        if paged:
            await self._pages()
        # What no page had may have moved off its disk meanwhile: it is asked for singly, and not taken as gone.
        await self._each(sorted(self._waiting)[: PAGED_ABOVE if paged else MAX_SINGLE], self._volume)
        if self._not_found:
            await self._confirm()

    async def _first_units(self) -> None:
        """Read the units of disk after disk until their volumes are many; at least those of one disk."""
        normal = {disk.disk_id for disk in self.disks or () if disk.status == DiskStatus.NORMAL}
        order = sorted(self.targets[:MAX_TARGETS], key=lambda disk: disk not in normal)
        vids: set[int] = set()
        for at in range(0, len(order), PARALLEL):
            await self._each(order[at : at + PARALLEL], self._units_of)
            for place, disk in enumerate(order[at : at + PARALLEL], start=at):
                own = {vuid >> 32 for vuid in self.units.get(disk, ())}
                if place and len(vids | own) > VOLUMES_NOW:
                    self.later = tuple(order[place:])
                    self.units = {read: units for read, units in self.units.items() if read not in self.later}
                    return
                vids |= own

    def _pages_are_cheaper(self) -> bool:
        """True if the pages up to the last wanted volume need fewer round trips than the volumes, PARALLEL at once.

        Ids of volumes rise by one, so there are no more pages than that.
        """
        wanted = len(self._waiting)
        if wanted <= PAGED_ABOVE:
            return False
        return wanted > MAX_SINGLE or wanted / PARALLEL >= max(self._waiting) / PAGE

    async def _confirm(self) -> None:
        """Read the units again that belong to volumes that were not found.

        A volume is gone once no unit list names it; while one does, the two answers differ and it stays unread.
        """
        holders = [disk for disk, vuids in self.units.items() if any(vuid >> 32 in self._not_found for vuid in vuids)]
        await self._each(holders, self._units_of)
        named = {vuid >> 32 for vuids in self.units.values() for vuid in vuids}
        self._waiting = (self._waiting - self._not_found) | (named - self.volumes.keys())

    async def _units_of(self, disk: int) -> None:
        self.units[disk] = await self.api.disk_units(disk, at=self.host)

    async def _pages(self) -> None:
        marker = 0
        for _ in range(MAX_PAGES):
            page = await self.api.volumes(after=marker, count=PAGE, at=self.host)
            following = max((volume.vid for volume in page), default=0)
            for volume in page:
                if volume.vid in self._waiting and len(self.volumes) < MAX_VOLUMES:
                    self._keep(volume.vid, volume)
            # A page that does not go on ends the list: a server may never end it.
            if following <= marker or not self._waiting:
                return
            marker = following

    async def _volume(self, vid: int) -> None:
        try:
            volume = await self.api.volume(vid, at=self.host)
        except NotFound:
            self._not_found.add(vid)
            return
        self._keep(vid, volume)

    def _keep(self, vid: int, volume: Volume) -> None:
        """Keep an answer; one about another volume, or about a part of its units, proves nothing about this one."""
        if volume.vid == vid and is_whole(volume):
            self.volumes[vid] = placed(volume, self.now)
            self._waiting.discard(vid)

    async def _each(self, items: Iterable[int], read: Callable[[int], Awaitable[None]]) -> None:
        """Read several items; one that is refused or unreadable must not hold up the others."""
        waiting = iter(items)

        async def work() -> None:
            for item in waiting:
                try:
                    await read(item)
                except (ClusterBadAnswer, ClusterRefused) as error:
                    self.errors[error.sentence] = None

        async with asyncio.TaskGroup() as group:
            for _ in range(PARALLEL):
                group.create_task(self._part(work()))
