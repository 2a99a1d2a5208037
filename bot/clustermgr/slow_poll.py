"""Slow poll: state that changes slowly, read once a minute from the leader (switches, dropping disks, chunks left)."""

from collections.abc import Awaitable, Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from bot.clustermgr.client import ClusterApi
from bot.clustermgr.dialect import keys_of
from bot.clustermgr.models import Disk, DiskStatus, ZoneChunks
from bot.clustermgr.tasks import DetectedDialect, Dialect
from bot.common.errors import AuthRejected, ClusterBadAnswer, ClusterError, ClusterRefused, NoLeader

_PRESENT = (DiskStatus.NORMAL, DiskStatus.BROKEN, DiskStatus.REPAIRING)


def count_zones(disks: Iterable[Disk], dropping: Container[int]) -> tuple[ZoneChunks, ...]:
    """The zones that have a disk still, by name.

    A disk takes new chunks if it is normal, writable and not being dropped: `/stat` counts the chunks of all others too
    (recorded of v1 and master: even those of dropped disks).
    """
    found: dict[str, tuple[int, int]] = {}
    for disk in disks:
        if disk.status not in _PRESENT:
            continue
        free, total = found.get(disk.idc, (0, 0))
        usable = disk.status == DiskStatus.NORMAL and not disk.readonly and disk.disk_id not in dropping
        more = (max(0, disk.free_chunk_cnt), max(0, disk.max_chunk_cnt)) if usable else (0, 0)
        found[disk.idc] = (free + more[0], total + more[1])
    return tuple(ZoneChunks(idc, *found[idc]) for idc in sorted(found))


T = TypeVar("T")

ROUND_SECONDS = 60.0
"""Seconds between two rounds."""
LIST_SECONDS = 300.0
"""Seconds between two readings of the whole disk list."""
MOST_COUNTED = 4
"""Disks whose chunks are counted in one round: such an answer may have thousands of lines."""


@dataclass(frozen=True, slots=True)
class SlowPoll:
    """The answers of one round; `switches` is empty where the dialect, and with it the keys, is not known.

    A part that is refused or unreadable is missing: `dropping` is None then, or a key is not in `switches`. `chunks`
    are the chunks left by disk id, of those that were counted this time. `zones` are the usable chunks of each zone,
    None when they were not counted this time.
    """

    dialect: Dialect | None
    switches: Mapping[str, str | None]
    dropping: tuple[Disk, ...] | None
    chunks: Mapping[int, int]
    zones: tuple[ZoneChunks, ...] | None = None


async def _part(question: Awaitable[T]) -> T | None:
    """The answer to one question of a round, None where it is refused or unreadable: the others are asked all the same.

    Raises the ClusterError of a host or cluster that cannot answer just now: the others would fail, too.
    """
    try:
        return await question
    except (NoLeader, AuthRejected):
        raise
    except (ClusterBadAnswer, ClusterRefused):
        return None


async def _keyed(key: str, question: Awaitable[T]) -> dict[str, T]:
    return {key: await question}


@dataclass(slots=True)
class SlowPoller:
    """The rounds of one cluster: the disks that were counted longest ago come first. `made_at` in Unix seconds."""

    api: ClusterApi
    dialect: Callable[[], Awaitable[DetectedDialect]]
    made_at: float = 0.0
    _listed_at: float = 0.0
    _counted: dict[int, float] = field(default_factory=dict)

    def due(self, now: float) -> bool:
        """Whether a round is to be made; one that got no answer is made again."""
        return now - self.made_at >= ROUND_SECONDS

    async def make(self, now: float, bad: Iterable[int], first: Callable[[], Awaitable[str | None]]) -> SlowPoll:
        """Ask one thing after the other over the connection that is open anyway; raises ClusterError.

        `bad` are the ids of disks broken or being repaired. `first` tells whom to ask: a host that answers /stat may
        hold such a read for ten seconds once it is removed.
        """
        host = await first()
        dropping = await _part(self.api.disk_dropping(first=host))
        told = (await self.dialect()).dialect
        switches: dict[str, str | None] = {}
        for key in keys_of(told) if told else ():
            read = await _part(_keyed(key, self.api.config_get(key, host=host)))
            switches |= read or {}
        chunks = await self._count({*bad, *(disk.disk_id for disk in dropping or ())}, now, host)
        zones = await self._zones(dropping, now, host)
        self.made_at = now
        return SlowPoll(told, switches, dropping, chunks, zones)

    async def _zones(
        self, dropping: tuple[Disk, ...] | None, now: float, host: str | None
    ) -> tuple[ZoneChunks, ...] | None:
        """The usable chunks of each zone; the whole disk list is read as often as servers count their disks."""
        if now - self._listed_at < LIST_SECONDS:
            return None
        # Noted first: a list that takes longer than a look may take does not hold every look up.
        self._listed_at = now
        try:
            disks = await self.api.disk_list(first=host)
        except ClusterError:
            return None
        return count_zones(disks, {disk.disk_id for disk in dropping or ()})

    async def _count(self, disks: set[int], now: float, host: str | None) -> dict[int, int]:
        """The chunks left on the disks whose turn it is; none where a release does not tell."""
        self._counted = {disk: self._counted.get(disk, 0.0) for disk in disks}
        turn = sorted(disks, key=lambda disk: (self._counted[disk], disk))[:MOST_COUNTED]
        chunks = {}
        try:
            for disk in turn:
                self._counted[disk] = now
                chunks[disk] = await self.api.disk_chunks(disk, first=host)
        except ClusterError:
            # The rest of the round is worth having without it.
            return chunks
        return chunks
