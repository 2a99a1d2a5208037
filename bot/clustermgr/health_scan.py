"""Health scan: while disks have lost their heartbeat, find the volumes that no known disk explains.

No call names such a disk, so a volume on it is found by its health alone. The whole volume list is read page by page,
one round after another. A volume that is found counts at once; that no other is affected, once a round has ended that
began after the number of these disks last changed and had as many volumes as the leader counts.
"""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.code_modes import CODE_MODES
from bot.clustermgr.read_ages import STALE_AFTER
from bot.clustermgr.volume_answers import Rows, rows_of
from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks, same, unexplained
from bot.common.errors import ClusterBadAnswer

PAGE = 400
MAX_PAGES = 5
"""Pages read in one poll."""
PAUSE_SECONDS = 300.0
"""Time between two rounds."""
MAX_LOW = 2_000
"""Limit of volumes that are kept, the worst of those found."""


OnPage = Callable[[Rows, float], None]
"""Takes each page, read at a time (Unix seconds)."""


@dataclass(slots=True)
class HealthScan:
    """The scan of one cluster; `low` are the volumes found, `sound` disks that hold a healthy volume by a whole round.

    `total` is the number of volumes that the leader counts.
    """

    api: ClustermgrClient
    on_page: OnPage
    total: int = 0
    low: Mapping[int, PlacedVolume] = field(default_factory=dict)
    sound: frozenset[int] = frozenset()
    healthy: frozenset[int] = frozenset()
    """Disks with a volume whose units can all be written, by the last round."""
    pending: bool = False
    """True until a whole round has ended that began after the number of disks without a heartbeat has changed."""
    version: object = field(default_factory=object)
    """Another object once `low` or `sound` says something else."""
    changed_at: float = 0.0
    """When that number changed last (Unix seconds)."""
    as_of: float = 0.0
    """When the last round began, the time of its oldest read (Unix seconds, 0: none has ended)."""
    requests: int = 0
    """Number of pages asked for so far."""
    _expired: int = 0
    _marker: int = 0
    _rows: int = 0
    _ended_at: float = float("-inf")
    _began_at: float = 0.0
    _found: dict[int, PlacedVolume] = field(default_factory=dict)
    _good: set[int] = field(default_factory=set)
    _well: set[int] = field(default_factory=set)
    _unusable: bool = False
    _outdated: bool = False
    """True if the number has changed since this round began."""

    def is_stale(self, now: float) -> bool:
        """True if the last round is older than a few rounds and the pauses between them take."""
        lasted = self._ended_at - self.as_of
        return bool(self.as_of) and now - self.as_of > STALE_AFTER * (PAUSE_SECONDS + max(0.0, lasted))

    def expect(self, expired: int, now: float) -> None:
        """Note the number of disks without a heartbeat that the leader counts; once it changes, a new round is due.

        Volumes that were found stay until they are read again: the round goes on. But a disk that was healthy before
        may be the one that has lost its heartbeat since.
        """
        if expired == self._expired:
            return
        self._expired, self.pending, self.changed_at = expired, expired > 0, now
        self.sound, self.version = frozenset(), object()
        self._good, self._well, self._outdated = set(), set(), self._marker > 0
        self._ended_at = float("-inf")
        if not expired:
            self.low, self.as_of = {}, 0.0
            self._begin()

    async def read(self, disks: SuspectDisks, now: float, host: str | None) -> None:
        """Read some pages, if a round is due; raises ClusterError, also for a list that ends early."""
        if not self._expired or (not self._marker and now - self._ended_at < PAUSE_SECONDS):
            return
        if not self._marker:
            self._began_at = now
        low = dict(self.low)
        try:
            for _ in range(MAX_PAGES):
                self.requests += 1
                page = await self.api.volumes(after=self._marker, count=PAGE, at=host)
                following = max((volume.vid for volume in page), default=0)
                if not page:
                    self._end(now, low)
                    return
                if following <= self._marker:
                    # A server may never end its list.
                    self._begin()
                    raise ClusterBadAnswer("The volume list does not go on after its marker.")
                self._rows += len({volume.vid for volume in page if volume.vid > self._marker})
                self._note(rows_of(page, now), disks, low, now)
                self._marker = following
        finally:
            self._publish(low)

    def _note(self, rows: Rows, disks: SuspectDisks, low: dict[int, PlacedVolume], now: float) -> None:
        self.on_page(rows, now)
        for _, volume in rows:
            if volume is None:
                self._unusable = True
                continue
            if volume.health_score >= 0:
                self._well.update(volume.disks)
            if unexplained(volume, disks):
                low[volume.vid] = self._found[volume.vid] = volume
            else:
                low.pop(volume.vid, None)
                self._good.update(volume.disks)
        if len(self._found) >= 2 * MAX_LOW:
            self._found = _worst(self._found)

    def _publish(self, low: Mapping[int, PlacedVolume]) -> None:
        low = _worst(low) if len(low) > MAX_LOW else low
        known = self.low
        if low.keys() != known.keys() or not all(self._agrees(known[vid], volume) for vid, volume in low.items()):
            self.version = object()
        self.low = low

    def _agrees(self, old: PlacedVolume, new: PlacedVolume) -> bool:
        """True if nothing follows from the new row that did not follow from the old one."""
        return same(old, new) and (old.at >= self.changed_at or new.at < self.changed_at)

    def _end(self, now: float, low: dict[int, PlacedVolume]) -> None:
        """End the round; raises ClusterBadAnswer if it had fewer volumes than the leader counts."""
        short, outdated = self._rows < self.total, self._outdated
        self.sound, self.healthy = frozenset(self._good), frozenset(self._well)
        self.pending = short or outdated or self._unusable
        self.as_of, self.version = self._began_at, object()
        # A round that is outdated is followed by another one at once.
        self._ended_at = float("-inf") if short or outdated else now
        if not self._unusable and not short:
            low.clear()
            low.update(self._found)
        rows = self._rows
        self._begin()
        if short:
            raise ClusterBadAnswer(f"The volume list ended after {rows} of {self.total} volumes.")

    def _begin(self) -> None:
        self._marker, self._rows, self._outdated = 0, 0, False
        self._found, self._good, self._well, self._unusable = {}, set(), set(), False


def _worst(volumes: Mapping[int, PlacedVolume]) -> dict[int, PlacedVolume]:
    kept = heapq.nsmallest(MAX_LOW, volumes.values(), key=lambda each: (_spare(each), each.vid))
    return {volume.vid: volume for volume in kept}


def _spare(volume: PlacedVolume) -> int:
    """Number of units that can be away yet, by the health score; the least for an unknown code mode."""
    mode = CODE_MODES.get(volume.code_mode)
    return -1 if mode is None else mode.tolerated + volume.health_score
