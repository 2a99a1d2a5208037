"""Slow poll: state that changes slowly, read once a minute from the leader (switches, dropping disks, chunks left)."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.dialect import keys_of
from bot.clustermgr.models import Disk, DiskStatus, Service, Snapshot, ZoneChunks
from bot.clustermgr.read_ages import STALE_AFTER
from bot.clustermgr.read_pace import ReadPace, Urgency
from bot.clustermgr.tasks import DetectedDialect, Dialect
from bot.common.errors import AuthRejected, ClusterBadAnswer, ClusterError, ClusterRefused, NoLeader, NotFound
from bot.common.frozen import frozen
from bot.common.periods import Due, elapsed

BAD = (DiskStatus.BROKEN, DiskStatus.REPAIRING)
_GONE = (DiskStatus.REPAIRED, DiskStatus.DROPPED)
_KNOWN = frozenset(DiskStatus)


def count_zones(disks: Iterable[Disk], dropping: Container[int]) -> tuple[ZoneChunks, ...]:
    """Count the usable chunks of each zone that still has a disk, sorted by name.

    Only a normal, writable disk that is not being dropped takes new chunks. A disk in an unknown state belongs to its
    zone and has no usable chunk. `/stat` counts all other disks too (recorded on v1 and master: even dropped ones).
    """
    found: dict[str, tuple[int, int]] = {}
    for disk in disks:
        if disk.status in _GONE:
            continue
        free, total = found.get(disk.idc, (0, 0))
        usable = disk.status == DiskStatus.NORMAL and not disk.readonly and disk.disk_id not in dropping
        added = (max(0, disk.free_chunk_cnt), max(0, disk.max_chunk_cnt)) if usable else (0, 0)
        found[disk.idc] = (free + added[0], total + added[1])
    return tuple(ZoneChunks(idc, *found[idc]) for idc in sorted(found))


T = TypeVar("T")

INTERVAL_SECONDS = 60.0
"""Seconds between two slow polls."""
DISK_LIST_SECONDS = 300.0
"""Seconds between two reads of the whole disk list."""
LEFT_SECONDS = 1.0
"""Least time between two reads of it while a disk has left the bad ones: the end of its alert waits for that."""
MAX_LIST_AGE = 3 * DISK_LIST_SECONDS
"""Seconds after the last attempt to read it, from which on the whole list proves no disk to be bad."""
LIST_AGAIN_SECONDS = 2.0
"""Limit of such a read in a poll that waits for it."""
LIST_TRUSTED_SECONDS = 3600.0
"""Seconds for which the list of all stored values of a host counts once it agreed with all switches read for themselves
(later with two of them), and for which it is not read again once it did not or could not be read."""
MAX_COUNTED = 16
"""Disks whose chunks are counted in one slow poll."""
UNKNOWN_DISK = 911
"""Status of an answer about a disk that the cluster does not know; a 404 may come from another server."""
MAX_ASKED = 16
"""Disks missing from a list that the leader is asked for, after each list."""
MAX_ROWS = 10_000
"""No further disk is counted in a slow poll whose answers had so many rows; one answer may have 16,384."""


@frozen
class ListedDisks:
    """Disks of the whole list that are not safe or not written: ids by state; read at `at` (Unix seconds).

    `missing` are disks that an earlier list had and the last one lacked. `at` is 0 if there are any, or if no list was
    read.
    """

    gone: frozenset[int] = frozenset()
    """Listed as repaired or dropped."""
    readonly: frozenset[int] = frozenset()
    at: float = 0.0
    normal: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """The normal disks of each host, by its address."""
    unknown: frozenset[int] = frozenset()
    """In a state of a later release."""
    missing: frozenset[int] = frozenset()
    bad: Mapping[int, Disk] = field(default_factory=dict)
    """Broken or being repaired, by id."""
    all_normal: frozenset[int] = field(init=False, compare=False, repr=False)
    """The normal disks of all hosts."""

    def __post_init__(self) -> None:
        """Put the normal disks together once: each poll needs them."""
        object.__setattr__(self, "all_normal", frozenset[int]().union(*self.normal.values()))

    def unfiltered(self, bad: Iterable[Disk]) -> tuple[Disk, ...]:
        """The bad disks that the lists of bad disks lack: these may end early."""
        return tuple(self.bad[disk] for disk in sorted(self.bad.keys() - {disk.disk_id for disk in bad}))

    def shared(self, bad: tuple[Disk, ...]) -> tuple[Disk, ...]:
        """The same disks; those that equal the ones of this list are its objects, so that they are kept once."""
        return tuple(own if (own := self.bad.get(disk.disk_id)) == disk else disk for disk in bad)

    def is_current(self, now: float) -> bool:
        """True if the whole list was read, and not too long ago."""
        return bool(self.at) and now - self.at <= STALE_AFTER * DISK_LIST_SECONDS


def listed(disks: Iterable[Disk], at: float) -> ListedDisks:
    """The disks of a whole list by state."""
    gone, readonly, unknown, bad = set(), set(), set(), dict[int, Disk]()
    normal: defaultdict[str, set[int]] = defaultdict(set)
    for disk in disks:
        if disk.status in _GONE:
            gone.add(disk.disk_id)
        elif disk.status not in _KNOWN:
            unknown.add(disk.disk_id)
        elif disk.readonly:
            readonly.add(disk.disk_id)
        if disk.status == DiskStatus.NORMAL:
            normal[disk.host].add(disk.disk_id)
        if disk.status in BAD:
            bad[disk.disk_id] = disk
    hosts = {host: frozenset(own) for host, own in normal.items()}
    return ListedDisks(frozenset(gone), frozenset(readonly), at, hosts, frozenset(unknown), bad=bad)


@frozen
class ReadFrom:
    """The host to read from: the leader by its own `/stat` if `leads`, else one that answered, or None."""

    host: str | None = None
    leads: bool = False

    @property
    def leader(self) -> str | None:
        """The host, if it leads."""
        return self.host if self.leads else None


@frozen
class SlowPoll:
    """The answers of one slow poll; `switches` is empty when the dialect is unknown.

    A part that was refused or unreadable is missing: `dropping` or `services` is None, or its key is not in `switches`.
    `chunks` maps the ids of disks counted this time to the chunks left. `zones` are the usable chunks of each zone,
    None when not counted this time. `services` are the registered services. `leader` is the host that gave `dropping`,
    `chunks` and `zones`: another host may not know the disks, so without a leader these are not read.
    """

    dialect: Dialect | None
    switches: Mapping[str, str | None]
    dropping: tuple[Disk, ...] | None
    chunks: Mapping[int, int]
    zones: tuple[ZoneChunks, ...] | None = None
    services: tuple[Service, ...] | None = None
    leader: str | None = None


async def _part(read: Awaitable[T]) -> T | None:
    """Return the answer to one read, None if it was refused or unreadable; the other reads go on.

    Raises the ClusterError of a host or cluster that cannot answer now: the other reads would fail too.
    """
    try:
        return await read
    except (NoLeader, AuthRejected):
        raise
    except (ClusterBadAnswer, ClusterRefused):
        return None


async def _keyed(key: str, read: Awaitable[T]) -> dict[str, T]:
    return {key: await read}


@dataclass(slots=True)
class SlowPoller:
    """The slow polls of one cluster; disks counted longest ago are counted first. `polled_at` in Unix seconds."""

    api: ClustermgrClient
    dialect: Callable[[], Awaitable[DetectedDialect]]
    due: Due = elapsed
    polled_at: float = 0.0
    listed: ListedDisks = ListedDisks()  # noqa: RUF009 - frozen
    _ids: frozenset[int] = frozenset()
    _listed_at: float = 0.0
    _hurried_at: float = 0.0
    _counted: dict[int, float] = field(default_factory=dict)
    _units: dict[int, tuple[int, ...]] = field(default_factory=dict)
    _watched: frozenset[int] = frozenset()
    _left_at: float = 0.0
    _sought_at: float = 0.0
    _agreed_at: float = 0.0
    _refuted_at: float = 0.0
    _agreed_host: str = ""
    _compared: int = 0
    """Number of later comparisons of such a list: they go through the switches."""
    _contradicted: bool = False
    """True while the whole list has bad disks that the lists of bad disks lack."""

    def is_due(self, now: float) -> bool:
        """True if a slow poll is due; a failed one stays due."""
        return now - self.polled_at >= INTERVAL_SECONDS

    async def read(
        self,
        now: float,
        bad: Iterable[int],
        first: Callable[[], Awaitable[ReadFrom]],
        pace: ReadPace | None = None,
    ) -> SlowPoll:
        """Read one part after the other over one kept connection; raises ClusterError.

        `bad` are the ids of disks that are broken or being repaired. `first` finds the host to read from: a removed
        host answers `/stat` but may hold these reads for ten seconds. With a `pace`, no disk is counted while other
        clusters come first.
        """
        self._units = {}
        source = await first()
        host, leader = source.host, source.leader
        dropping = await _part(self.api.disk_dropping(at=leader)) if leader else None
        services = await _part(self.api.services(first=host))
        dialect = (await self.dialect()).dialect
        switches = await self._switches(dialect, now, host) if dialect else {}
        counted = {*bad, *(disk.disk_id for disk in dropping or ())}
        known = all(self._counted.get(disk) for disk in counted)
        most = min(len(counted), MAX_COUNTED)
        may_count = pace is None or pace.admits(Urgency.AGAIN if known else Urgency.FIRST, most)
        chunks = await self._count(counted, now, leader) if leader and may_count else {}
        if pace is not None and may_count:
            pace.made(len(chunks), booked=most)
        zones = await self._zones(dropping, now, leader) if leader else None
        self.polled_at = now
        return SlowPoll(dialect, switches, dropping, chunks, zones, services, leader)

    async def _switches(self, dialect: Dialect, now: float, host: str | None) -> dict[str, str | None]:
        """Read each switch, from one list of all stored values where that gives the same values.

        A switch that the list lacks is read by a separate request, as all are where the list is of another store. v1
        reads a stored "" in another way than it lists it.
        """
        keys, switches = keys_of(dialect), dict[str, str | None]()
        if host is not None and dialect is Dialect.V3 and self.due(self._refuted_at, now, LIST_TRUSTED_SECONDS):
            switches = await self._stored(keys, dialect, now, host)
        for key in keys:
            if key not in switches:
                found = await _part(_keyed(key, self.api.config_get(key, host=host)))
                switches |= found or {}
        return switches

    async def _stored(self, keys: Iterable[str], dialect: Dialect, now: float, host: str) -> dict[str, str | None]:
        """The switches of the list of all stored values; note if it has none, is unreadable or has another value."""
        # Until it has proven itself: a list that cannot be read is not read again either.
        self._refuted_at = now
        stored = await _part(self.api.stored_values(host, dialect)) or {}
        shared: dict[str, str | None] = {key: stored[key] for key in keys if key in stored}
        agreed = host == self._agreed_host and not self.due(self._agreed_at, now, LIST_TRUSTED_SECONDS)
        if shared and agreed:
            self._refuted_at = 0.0
            return shared
        compared: dict[str, str | None] = {}
        for key in self._samples(shared) if host == self._agreed_host else shared:
            compared |= await _part(_keyed(key, self.api.config_get(key, host=host))) or {}
            if compared.get(key) != shared[key]:
                self._agreed_host = ""
                return compared
        if shared:
            self._agreed_host, self._agreed_at, self._refuted_at = host, now, 0.0
        return shared

    def _samples(self, listed: Mapping[str, str | None]) -> list[str]:
        """A switch of a list that agreed before, another one each time, and one with another value."""
        names = list(listed)
        if not names:
            return []
        first = names[self._compared % len(names)]
        self._compared += 1
        return [first, *(name for name in names if listed[name] != listed[first])][:2]

    def take_units(self) -> Mapping[int, tuple[int, ...]]:
        """The units (vuids) on the disks counted in the last slow poll; kept until they are taken."""
        taken, self._units = self._units, {}
        return taken

    async def _zones(self, dropping: tuple[Disk, ...] | None, now: float, host: str) -> tuple[ZoneChunks, ...] | None:
        """Count the usable chunks of each zone, as often as the servers count their disks."""
        disks = await self.list_disks(now, host)
        return None if disks is None else count_zones(disks, {disk.disk_id for disk in dropping or ()})

    async def list_disks(self, now: float, host: str, *, due: bool = False) -> tuple[Disk, ...] | None:
        """Read the whole disk list of the leader at `host` if it is old or `due` (at most once a minute).

        None if it is neither, or if the list is unreadable.
        """
        if due and now - self._hurried_at < INTERVAL_SECONDS:
            return None
        if not due and not self.due(self._listed_at, now, DISK_LIST_SECONDS):
            return None
        # Set the time first, so that a list slower than one poll does not delay every poll.
        if due:
            self._hurried_at = now
        else:
            self._listed_at = now
        try:
            disks = await self.api.disk_list(at=host)
        except ClusterError:
            return None
        missing = self._ids - {disk.disk_id for disk in disks}
        self._ids -= await self._forgotten(missing, host) if missing else frozenset()
        self._note(disks, now)
        return disks

    async def list_again(self, bad_disks: Iterable[Disk], dropping: frozenset[int], at: float, host: str) -> None:
        """Read the whole list when a disk has left the bad or dropping ones: its units may still be on it.

        Until that list is read, it is not known which disks are repaired or dropped. It is read again as well while it
        has bad disks that `bad_disks`, as the filtered lists give them, lack.
        """
        bad = tuple(bad_disks)
        watched = dropping.union(disk.disk_id for disk in bad)
        if self._watched - watched:
            self._left_at = at
        self._watched = watched
        if self.listed.at < self._left_at and at - self._sought_at >= LEFT_SECONDS:
            self._sought_at, self._hurried_at = at, 0.0
        if self.listed.at < self._left_at or self.listed.unfiltered(bad):
            with suppress(TimeoutError):
                async with asyncio.timeout(LIST_AGAIN_SECONDS):
                    await self.list_disks(at, host, due=True)
        self._contradicted = bool(self.listed.unfiltered(bad))

    def is_current(self, now: float) -> bool:
        """True if the whole list is current, no disk has left the bad ones since, and no other list contradicts it."""
        return self.listed.is_current(now) and self.listed.at >= self._left_at and not self._contradicted

    def with_bad(self, snapshot: Snapshot) -> Snapshot:
        """Add the bad disks that the last whole list has, and the lists of bad disks lack: these may end early.

        A process that does not watch the cluster any more keeps its last list, which then proves nothing.
        """
        if snapshot.bad_disks and self.listed.bad:
            snapshot = replace(snapshot, bad_disks=self.listed.shared(snapshot.bad_disks))
        tried_at = max(self._listed_at, self._hurried_at)
        if snapshot.bad_disks is None or snapshot.at - tried_at > MAX_LIST_AGE:
            return snapshot
        more = self.listed.unfiltered(snapshot.bad_disks)
        return replace(snapshot, bad_disks=(*snapshot.bad_disks, *more)) if more else snapshot

    async def _forgotten(self, missing: frozenset[int], host: str) -> frozenset[int]:
        """The disks of these that the leader at `host` does not know any more (911), of the first ones."""
        found: set[int] = set()
        with suppress(ClusterError):
            for disk in sorted(missing)[:MAX_ASKED]:
                try:
                    await self.api.disk_info(disk, at=host)
                except NotFound as error:
                    if error.status == UNKNOWN_DISK:
                        found.add(disk)
        return frozenset(found)

    def _note(self, disks: tuple[Disk, ...], now: float) -> None:
        """Note the disks by state. A list that lacks a known disk is not whole: what it lacks stays."""
        found, ids = listed(disks, now), frozenset(disk.disk_id for disk in disks)
        missing = self._ids - ids
        self._ids |= ids
        if not missing:
            self.listed = found
            return
        old = self.listed
        self.listed = replace(
            found,
            gone=found.gone | old.gone & missing,
            unknown=found.unknown | old.unknown & missing,
            at=0.0,
            missing=missing,
            bad={**{disk: row for disk, row in old.bad.items() if disk in missing}, **found.bad},
        )

    async def _count(self, disks: set[int], now: float, host: str) -> dict[int, int]:
        """Count the chunks left on the disks whose turn it is; stop where a release has no such call."""
        self._counted = {disk: self._counted.get(disk, 0.0) for disk in disks}
        turn = sorted(disks, key=lambda disk: (self._counted[disk], disk))[:MAX_COUNTED]
        chunks: dict[int, int] = {}
        try:
            for disk in turn:
                if sum(chunks.values()) >= MAX_ROWS:
                    break
                self._counted[disk] = now
                self._units[disk] = await self.api.disk_units(disk, at=host)
                chunks[disk] = len(self._units[disk])
        except ClusterError:
            # The rest of the slow poll is useful without the counts.
            return chunks
        return chunks
