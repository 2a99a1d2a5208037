"""Health scan: while disks have lost their heartbeat, find the volumes that no known disk explains.

No call names such a disk, so a volume on it is found by its health alone. The whole volume list is read page by page,
one round after another; what a round found counts once it has ended.
"""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.code_modes import CODE_MODES
from bot.clustermgr.read_ages import STALE_AFTER
from bot.clustermgr.volume_answers import Rows, rows_of
from bot.clustermgr.volume_survey import PlacedVolume, SuspectDisks, unexplained

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
    """The scan of one cluster; `low` are the volumes that the last round found, `sound` disks with a healthy volume."""

    api: ClustermgrClient
    on_page: OnPage
    low: Mapping[int, PlacedVolume] = field(default_factory=dict)
    sound: frozenset[int] = frozenset()
    healthy: frozenset[int] = frozenset()
    """Disks with a volume whose units can all be written, by the last round."""
    pending: bool = False
    """True until a round has ended since the number of disks without a heartbeat has changed."""
    _expired: int = 0
    _marker: int = 0
    _ended_at: float = float("-inf")
    _found: dict[int, PlacedVolume] = field(default_factory=dict)
    _good: set[int] = field(default_factory=set)
    _well: set[int] = field(default_factory=set)
    _unusable: bool = False
    _began_at: float = 0.0
    as_of: float = 0.0
    """When the last round began, the time of its oldest read (Unix seconds, 0: none has ended)."""

    def is_stale(self, now: float) -> bool:
        """True if the last round is older than a few rounds and the pauses between them take."""
        lasted = self._ended_at - self.as_of
        return bool(self.as_of) and now - self.as_of > STALE_AFTER * (PAUSE_SECONDS + lasted)

    def expect(self, expired: int) -> None:
        """Begin again if the leader counts another number of disks without a heartbeat: older health proves nothing."""
        if expired == self._expired:
            return
        self._expired, self.pending = expired, expired > 0
        self.low, self.sound, self._ended_at, self.as_of = {}, frozenset(), float("-inf"), 0.0
        self._begin()

    async def read(self, disks: SuspectDisks, now: float, host: str | None) -> None:
        """Read some pages, if a round is due; raises ClusterError."""
        if not self._expired or (not self._marker and now - self._ended_at < PAUSE_SECONDS):
            return
        if not self._marker:
            self._began_at = now
        for _ in range(MAX_PAGES):
            page = await self.api.volumes(after=self._marker, count=PAGE, at=host)
            following = max((volume.vid for volume in page), default=0)
            if not page:
                self._end(now)
                return
            if following <= self._marker:
                # The list is not whole, and a server may never end it: the round begins again at the next poll.
                self._begin()
                return
            rows = rows_of(page, now)
            self.on_page(rows, now)
            for _, volume in rows:
                if volume is None:
                    self._unusable = True
                else:
                    self._note(volume, disks)
            self._marker = following

    def _note(self, volume: PlacedVolume, disks: SuspectDisks) -> None:
        if volume.health_score >= 0:
            self._well.update(volume.disks)
        if unexplained(volume, disks):
            self._found[volume.vid] = volume
        else:
            self._good.update(volume.disks)
        if len(self._found) >= 2 * MAX_LOW:
            self._found = self._worst()

    def _worst(self) -> dict[int, PlacedVolume]:
        kept = heapq.nsmallest(MAX_LOW, self._found.values(), key=lambda each: (_spare(each), each.vid))
        return {volume.vid: volume for volume in kept}

    def _end(self, now: float) -> None:
        self.low, self.sound, self.pending = self._worst(), frozenset(self._good), self._unusable
        self._ended_at, self.as_of, self.healthy = now, self._began_at, frozenset(self._well)
        self._begin()

    def _begin(self) -> None:
        self._marker, self._found, self._good, self._well, self._unusable = 0, {}, set(), set(), False


def _spare(volume: PlacedVolume) -> int:
    """Number of units that can be away yet, by the health score; the least for an unknown code mode."""
    mode = CODE_MODES.get(volume.code_mode)
    return -1 if mode is None else mode.tolerated + volume.health_score
