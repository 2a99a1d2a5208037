"""States of disks: the one state of each, the counts of a whole list, and its order. No I/O."""

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from bot.clustermgr.models import Disk, DiskStatus
from bot.common.frozen import frozen


class DiskState(StrEnum):
    """The one state of a disk, the least normal first.

    *Dropping*, *read-only* and *expired* are flags beside the status normal. `UNKNOWN` is a status of a later release.
    """

    UNKNOWN = "unknown"
    BROKEN = "broken"
    REPAIRING = "repairing"
    EXPIRED = "expired"
    DROPPING = "dropping"
    REPAIRED = "repaired"
    DROPPED = "dropped"
    READONLY = "readonly"
    NORMAL = "normal"


_OF_STATUS: Mapping[int, DiskState] = {
    DiskStatus.BROKEN: DiskState.BROKEN,
    DiskStatus.REPAIRING: DiskState.REPAIRING,
    DiskStatus.REPAIRED: DiskState.REPAIRED,
    DiskStatus.DROPPED: DiskState.DROPPED,
}
_ORDER: Mapping[DiskState, int] = {state: place for place, state in enumerate(DiskState)}
STATES = tuple(DiskState)


class SortBy(StrEnum):
    """Order of a list of disks: by state if none is given."""

    USED = "used"
    """The fullest first, by the share of bytes."""
    FREE = "free"
    """The most free chunks first."""
    ID = "id"
    HOST = "host"


def used_share(disk: Disk) -> float:
    """Used bytes as a share of the size, 0 without a size."""
    return disk.used / disk.size if disk.size > 0 else 0.0


@frozen
class DiskListing:
    """The disks of a cluster as listed.

    `dropping` is None if that list was not read. `expired` is the number of disks without a heartbeat by the leader's
    counters, None if no leader answered; no call names them. `inferred` are those that the health of volumes shows.
    `complete` is False if the cluster has more disks than are read. `by_leader` is False if another host listed them.
    With a `tally` (the number of disks in each state), `disks` are only those that a command shows.
    """

    disks: tuple[Disk, ...]
    dropping: frozenset[int] | None = frozenset()
    expired: int | None = 0
    inferred: frozenset[int] = frozenset()
    complete: bool = True
    by_leader: bool = True
    tally: Mapping[DiskState, int] | None = None

    @property
    def total(self) -> int:
        """Number of disks in the list."""
        return len(self.disks) if self.tally is None else sum(self.tally.values())

    def state_of(self, disk: Disk) -> DiskState:
        """The state of one of the disks."""
        if disk.status != DiskStatus.NORMAL:
            return _OF_STATUS.get(disk.status, DiskState.UNKNOWN)
        if disk.disk_id in (self.dropping or ()):
            return DiskState.DROPPING
        if disk.disk_id in self.inferred:
            return DiskState.EXPIRED
        return DiskState.READONLY if disk.readonly else DiskState.NORMAL

    def counts(self) -> Mapping[DiskState, int]:
        """Number of disks in each state."""
        if self.tally is not None:
            return {**dict.fromkeys(DiskState, 0), **self.tally}
        found = dict.fromkeys(DiskState, 0)
        for disk in self.disks:
            found[self.state_of(disk)] += 1
        return found

    def is_room(self, disk: Disk) -> bool:
        """True if the disk takes new chunks: normal, writable, not dropping, with a heartbeat as far as known."""
        return self.state_of(disk) is DiskState.NORMAL

    def ordered(self, disks: Iterable[Disk], by: SortBy | None = None) -> tuple[Disk, ...]:
        """Sort disks; equal ones by id, as a number (the servers compare the ids of filtered lists as text)."""
        return tuple(sorted(disks, key=partial(self.place, by=by)))

    def place(self, disk: Disk, by: SortBy | None = None) -> tuple[float | str, int]:
        """The key by which a disk is sorted."""
        if by is SortBy.USED:
            return -used_share(disk), disk.disk_id
        if by is SortBy.FREE:
            return -disk.free_chunk_cnt, disk.disk_id
        if by is SortBy.HOST:
            return disk.host, disk.disk_id
        return (0 if by is SortBy.ID else _ORDER[self.state_of(disk)]), disk.disk_id


@dataclass(slots=True)
class DiskTally:
    """Counts the disks of a list page by page, and keeps only the first `limit` of those that are `wanted`.

    `listing` knows what the list itself does not: the disks that are being dropped. `matching` counts the wanted disks.
    """

    listing: DiskListing
    wanted: Callable[[DiskListing, Disk], bool]
    limit: int
    by: SortBy | None = None
    matching: int = 0
    first: list[Disk] = field(default_factory=list)
    counts: Counter[DiskState] = field(default_factory=Counter)

    def take(self, page: Sequence[Disk]) -> None:
        """Count a page."""
        self.counts.update(map(self.listing.state_of, page))
        wanted = [disk for disk in page if self.wanted(self.listing, disk)]
        self.matching += len(wanted)
        self.first = heapq.nsmallest(self.limit, [*self.first, *wanted], key=partial(self.listing.place, by=self.by))


def ids_in(listing: DiskListing, states: Collection[DiskState]) -> frozenset[int]:
    """The ids of the disks in one of these states."""
    return frozenset(disk.disk_id for disk in listing.disks if listing.state_of(disk) in states)
