"""Volume reader: the volumes with a unit on a disk that is not safe, read in bounded pieces, the worst first.

One poll reads a few unit lists and a few volumes; the next one goes on. Few volumes are read one by one
(`/volume/get`), many in pages (`/volume/list`). A volume whose unit has left a disk, or has landed on one, is read
again at once.
"""

import asyncio
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from bot.clustermgr.backoff import Backoff
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.health_scan import HealthScan
from bot.clustermgr.read_ages import Pace, read_ages, rounds
from bot.clustermgr.read_pace import ReadPace, Urgency
from bot.clustermgr.volume_answers import Rows, disks_of, is_whole, placed, rows_of
from bot.clustermgr.volume_notes import VolumeNotes
from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks, VolumeSurvey
from bot.clustermgr.wire import Others
from bot.common.errors import ClusterBadAnswer, ClusterError, ClusterRefused, NoLeader, NotFound

MAX_UNIT_LISTS = 8
"""Unit lists read in one poll."""
MAX_SINGLE = 80
"""Volumes read one by one in one poll."""
PAGED_ABOVE = 300
"""Above this number of volumes to read, pages are cheaper than single volumes."""
PAGE = 400
MAX_PAGES = 5
"""Pages read in one poll, of PAGE volumes each."""
MAX_KEPT = 20_000
"""Limit of volumes that are kept: a server may never end its list."""
PARALLEL = 4
"""Single volumes read at the same time."""
REREAD_SECONDS = 300.0
"""Age at which a unit list or a volume is read again; of many volumes, a page is read again at a time."""
SHARED_BY = 20
"""Disks whose unit lists are read again in REREAD_SECONDS; of more disks each is read less often."""
REFRESH_SECONDS = 300.0
"""Time between two pages of volumes that are read again; all are, while disks have lost their heartbeat."""
RECHECK_SECONDS = 6 * 3600.0
"""Time after its repair or drop for which the units of a disk are read again that often, unless the settings say so."""
REREAD_GONE_SECONDS = 86400.0
"""Age at which the units of a disk that has long been repaired or dropped are read again."""
_UNITS, _VOLUME = "units", "volume"
_PAGES, _SCAN = ("pages", 0), ("scan", 0)


def _newest(one: Mapping[int, PlacedVolume], other: Mapping[int, PlacedVolume]) -> Mapping[int, PlacedVolume]:
    """The volumes of both, each as it was read last."""
    return {**one, **{vid: volume for vid, volume in other.items() if vid not in one or one[vid].at < volume.at}}


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
    expired: int = 0
    """Number of disks without a heartbeat by the leader's counters: the health of the volumes names them."""
    total: int = 0
    """Number of volumes by the leader's counters."""
    others: Others = ()
    """Unknown fields of the last volume that had any."""
    _notes: VolumeNotes = field(default_factory=VolumeNotes)
    _tried: dict[int, float] = field(default_factory=dict)
    _asked: dict[int, float] = field(default_factory=dict)
    _backoff: Backoff = field(default_factory=Backoff)
    _marker: int | None = None
    _requests: int = 0
    _again: int = 0
    _again_at: float = 0.0
    _paged_at: float = 0.0
    _read_at: float = 0.0
    _spacing: float = 0.0
    _intervals: Mapping[int, float] = field(default_factory=dict)
    _disks: SuspectDisks = field(default_factory=SuspectDisks)
    _begun: bool = False
    """True if the last piece has read some of what was never read, and left the rest."""
    _gone_since: dict[int, float] = field(default_factory=dict)
    _scan: HealthScan = field(init=False)
    _memo: tuple[object, object, dict[Hashable, Any]] = (None, None, {})
    _merged: tuple[object, object, Mapping[int, PlacedVolume]] = (None, None, {})

    def __post_init__(self) -> None:
        """Scan over the same connection; a page of the scan is not read twice."""
        self._scan = HealthScan(self.api, self._take)

    async def read(
        self, disks: SuspectDisks, now: float, host: str | None, within: float, pace: ReadPace | None = None
    ) -> VolumeSurvey:
        """Read one piece for at most `within` seconds, from the leader at `host`; never raises ClusterError.

        A unit can land on a disk after its repair (CubeFS, issue 3736), so the units of such a disk are read again.
        With a `pace`, nothing is read while other clusters come first.
        """
        self._disks, self._read_at, self._spacing = disks, now, now - self._read_at
        self._scan.total = self.total
        self._scan.expect(self.expired, now)
        often = REREAD_SECONDS * max(1.0, len(disks.unsafe) / SHARED_BY)
        self._keep(dict.fromkeys(disks.unsafe, often) | self._intervals_of_gone(disks, now))
        booked = 0
        if pace is not None:
            urgency, booked = self._next(now)
            if not pace.admits(urgency, booked):
                return self.survey(now)
        before = self.requests
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(within):
                    # One part that fails must not hold up the others.
                    for part in (self._read_unit_lists, self._read_volumes, self._scan_health):
                        with suppress(ClusterError):
                            await part(now, host)
        finally:
            if pace is not None:
                pace.made(self.requests - before, booked=booked)
        self._begun = pace is not None and self.requests > before and self._next(now)[0] is not Urgency.AGAIN
        return self.survey(now)

    def _next(self, now: float) -> tuple[Urgency, int]:
        """How urgent the next piece is, and about how many requests it makes at most.

        Volumes that are not judged come first, but for those that were refused.
        """
        first, units = len(self._first(now)), min(MAX_UNIT_LISTS, len(self._intervals))
        unknown = self._marker is not None or self._scan.pending or self._uncounted(now)
        if not first and not unknown:
            return Urgency.AGAIN, units
        return Urgency.GO_ON if self._begun else Urgency.FIRST, units + (
            MAX_SINGLE if unknown else min(MAX_SINGLE, first)
        )

    def _uncounted(self, now: float) -> bool:
        """True if a disk can be read whose units were never read."""
        return any(
            self._counted_at(disk) < 0 and not self._backoff.waits((_UNITS, disk), now) for disk in self._intervals
        )

    @property
    def requests(self) -> int:
        """Number of requests made so far."""
        return self._requests + self._scan.requests

    def survey(self, now: float) -> VolumeSurvey:
        """What is known `now` (Unix seconds), with what was read too long ago."""
        scan = self._scan
        listing = self._marker is not None or scan.pending
        found = self._notes.survey(self._disks, listing=listing, read_at=self._read_at)
        found = self._aged(found, now)
        if not scan.low and not scan.sound:
            return found
        # What was computed is shared for as long as neither the notes nor the scan change.
        if self._memo[0] is not found.memo or self._memo[1] is not scan.version:
            self._memo = found.memo, scan.version, {}
        if self._merged[0] is not found.volumes or self._merged[1] is not scan.low:
            self._merged = found.volumes, scan.low, _newest(found.volumes, scan.low)
        return replace(found, volumes=self._merged[2], sound=scan.sound, changed_at=scan.changed_at, memo=self._memo[2])

    def sound(self, expired: int, now: float) -> frozenset[int]:
        """The disks that have their heartbeat by a current round, while `expired` disks have lost theirs."""
        return self._scan.sound if self._is_scanned(expired, now) else frozenset()

    def doubtful(self, disks: frozenset[int], now: float) -> frozenset[int] | None:
        """Those of the disks without a volume whose units can all be written; None without a current round."""
        return disks - self._scan.healthy if self._is_scanned(self.expired, now) else None

    def _is_scanned(self, expired: int, now: float) -> bool:
        scan = self._scan
        return 0 < expired == self.expired and bool(scan.as_of) and not scan.pending and not scan.is_stale(now)

    def _aged(self, found: VolumeSurvey, now: float) -> VolumeSurvey:
        """The survey with the time of its oldest read, and with what was read too long ago."""
        often = sum(seconds < REREAD_GONE_SECONDS for seconds in self._intervals.values())
        many = len(self._notes.volumes) > PAGED_ABOVE
        pace = Pace(
            self._intervals,
            rounds(often, MAX_UNIT_LISTS, self._spacing),
            REREAD_GONE_SECONDS,
            REFRESH_SECONDS if many else REREAD_SECONDS,
        )
        # Many volumes are read again in turns: where their units are is known from the unit lists meanwhile.
        read = (
            [(self._paged_at, len(self._notes.volumes))] if many else [(v.at, 1) for v in self._notes.volumes.values()]
        )
        ages = read_ages(found.units, read, pace, now)
        as_of, stale = min(ages.as_of, self._read_at), ages.stale
        if began := self._scan.as_of:
            as_of = min(as_of, began)
            if self._scan.is_stale(now):
                stale = replace(stale, volumes=None, since=min(stale.since or began, began))
        return replace(found, as_of=as_of, gone_as_of=ages.gone_as_of, stale=stale)

    def _intervals_of_gone(self, disks: SuspectDisks, now: float) -> dict[int, float]:
        """Seconds between two reads of each disk listed as repaired or dropped; often while units are left.

        A disk that was not watched so far counts as repaired or dropped now: no call says since when it is.
        """
        new = disks.gone - self._gone_since.keys()
        earlier = self.gone_since() if new else {}
        known = self._gone_since | {disk: min(now, earlier.get(disk, now)) for disk in new}
        self._gone_since = {disk: known[disk] for disk in disks.gone}
        # Units that were counted before a disk was repaired or dropped prove nothing about it now.
        if new:
            self._notes.uncount(new)
        empty = {disk for disk, count in self._notes.counted.items() if not count.units}
        return {
            disk: REREAD_GONE_SECONDS if disk in empty and now - since > self.recheck_for else REREAD_SECONDS
            for disk, since in self._gone_since.items()
        }

    def _keep(self, intervals: Mapping[int, float]) -> None:
        """Watch these disks, and no others."""
        if intervals.keys() - self._notes.suspects and self._marker is not None:
            self._marker = 0
        self._intervals = intervals
        self._notes.keep(frozenset(intervals))

    async def _read_unit_lists(self, now: float, host: str | None) -> None:
        due = [disk for disk, seconds in self._intervals.items() if now - self._counted_at(disk) >= seconds]
        self._asked = {disk: at for disk, at in self._asked.items() if disk in self._intervals}
        ready = [disk for disk in due if not self._backoff.waits((_UNITS, disk), now)]
        # A disk whose units cannot be read must not hold up the others.
        turn = sorted(ready, key=self._turn)
        for disk in turn[:MAX_UNIT_LISTS]:
            self._asked[disk] = now
            self._requests += 1
            with self._refusable((_UNITS, disk), now):
                self._note_units(disk, await self.api.disk_units(disk, at=host), now)

    def _turn(self, disk: int) -> tuple[int, float, int]:
        """Place in the order of reads: units that are lost come first, the ones of disks long gone last."""
        disks = self._disks
        return (0 if disk in disks.bad else 2 if disk in disks.gone else 1), self._asked_at(disk), disk

    def take_units(self, units: Mapping[int, tuple[int, ...]], now: float) -> None:
        """Take unit lists that another reader has just read from the leader, so that they are not read twice."""
        for disk in units.keys() & self._intervals.keys():
            self._note_units(disk, units[disk], now)

    def _note_units(self, disk: int, vuids: tuple[int, ...], now: float) -> None:
        self._notes.note_units(disk, frozenset({vuid >> 32 for vuid in vuids}), len(vuids), now)

    def _asked_at(self, disk: int) -> float:
        return max(self._counted_at(disk), self._asked.get(disk, float("-inf")))

    @contextmanager
    def _refusable(self, what: tuple[str, int], now: float) -> Iterator[None]:
        """Note a refusal, or an answer that cannot be used, of one read: it waits, and the others go on."""
        try:
            yield
        except NoLeader:
            raise
        except (ClusterBadAnswer, ClusterRefused):
            self._backoff.refused(what, now)
        else:
            self._backoff.accepted(what)

    def _counted_at(self, disk: int) -> float:
        count = self._notes.counted.get(disk)
        return float("-inf") if count is None else count.at

    async def _read_volumes(self, now: float, host: str | None) -> None:
        notes = self._notes
        if self._marker is None and len(notes.missing) > PAGED_ABOVE:
            self._marker = 0
        paged = not self._backoff.waits(_PAGES, now)
        if self._marker is not None:
            if paged:
                with self._refusable(_PAGES, now):
                    await self._read_pages(now, host)
            return
        many = len(notes.volumes) > PAGED_ABOVE
        if not many:
            self._paged_at = now
        await self._read_singly([*self._first(now), *(() if many else self._old(now))][:MAX_SINGLE], now, host)
        if many and paged:
            with self._refusable(_PAGES, now):
                await self._read_again(now, host)

    async def _scan_health(self, now: float, host: str | None) -> None:
        if self._backoff.waits(_SCAN, now):
            return
        with self._refusable(_SCAN, now):
            await self._scan.read(self._disks, now, host)

    def _first(self, now: float) -> list[int]:
        """The volumes to read first: those not tried lately, then those on most suspect disks."""
        due = self._notes.missing | self._notes.stale
        self._tried = {vid: at for vid, at in self._tried.items() if vid in due}
        if not due:
            return []
        wanted = self._notes.wanted
        ready = (vid for vid in due if not self._backoff.waits((_VOLUME, vid), now))
        return sorted(ready, key=lambda vid: (self._tried.get(vid, 0.0), -wanted[vid], vid))

    def _old(self, now: float) -> list[int]:
        """The volumes that were read long ago, the oldest first."""
        volumes = self._notes.volumes
        old = (vid for vid, volume in volumes.items() if now - volume.at >= REREAD_SECONDS)
        ready = (vid for vid in old if not self._backoff.waits((_VOLUME, vid), now))
        return sorted(ready, key=lambda vid: volumes[vid].at)

    async def _read_again(self, now: float, host: str | None) -> None:
        """Read a page of volumes again; while the health of the volumes must name disks, the scan reads all pages."""
        if self.expired or now - self._again_at < REFRESH_SECONDS:
            return
        self._again_at = now
        self._requests += 1
        page = await self.api.volumes(after=self._again, count=PAGE, at=host)
        self._paged_at = now
        following = max((volume.vid for volume in page), default=0)
        if following <= self._again:
            self._again = 0
            return
        self._take(rows_of(page, now), now)
        self._again = following

    def _take(self, rows: Rows, now: float) -> None:
        """Note the volumes of a page that have a unit on a suspect disk; a row that cannot be used proves nothing."""
        suspects, known, wanted = self._notes.suspects, self._notes.volumes, self._notes.wanted
        full = len(known) >= MAX_KEPT
        meant = [
            (volume.vid, kept)
            for volume, kept in rows
            if volume.vid in known
            or (
                not full and (volume.vid in wanted or not suspects.isdisjoint(kept.disks if kept else disks_of(volume)))
            )
        ]
        self.others = next((volume.others for volume, _ in rows if volume.others), self.others)
        unusable = {vid for vid, kept in meant if kept is None}
        self._paged_at = now
        self._notes.put([kept for vid, kept in meant if kept and vid not in unusable], unusable)

    async def _read_pages(self, now: float, host: str | None) -> None:
        for _ in range(MAX_PAGES):
            marker = self._marker or 0
            self._requests += 1
            page = await self.api.volumes(after=marker, count=PAGE, at=host)
            self._paged_at = now
            following = max((volume.vid for volume in page), default=0)
            # A page that does not go on ends the reading: a server may never end its list. What no page had stays
            # missing: only a later unit list that no longer names it proves that it has left its disk.
            if following <= marker or len(self._notes.volumes) >= MAX_KEPT:
                self._marker = None
                return
            self._take(rows_of(page, now), now)
            self._marker = following

    async def _read_singly(self, vids: list[int], now: float, host: str | None) -> None:
        if not vids:
            return
        waiting, found, useless = iter(vids), [], []

        async def work() -> None:
            # A volume that cannot be read stays missing and must not hold up the others.
            with suppress(ClusterError):
                for vid in waiting:
                    self._tried[vid] = now
                    self._requests += 1
                    with self._refusable((_VOLUME, vid), now):
                        try:
                            volume = await self.api.volume(vid, at=host)
                        except NotFound:
                            # A unit list names it, so one of the two answers is wrong: it stays missing until a later
                            # unit list no longer has it.
                            useless.append(vid)
                            raise
                        # An answer about another volume, or about a part of its units, proves nothing about this one.
                        if volume.vid != vid or not is_whole(volume):
                            useless.append(vid)
                            raise ClusterBadAnswer(f"The answer about volume {vid} is not whole.")
                        found.append(placed(volume, now))
                        self.others = volume.others or self.others

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(PARALLEL):
                    group.create_task(work())
        finally:
            self._notes.put(found, useless)
