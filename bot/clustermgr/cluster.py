"""One configured cluster as commands, operations and the watch use it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from functools import partial

from bot.clustermgr.client import ClusterApi
from bot.clustermgr.collector import fetch, watch
from bot.clustermgr.dialect import detect_dialect
from bot.clustermgr.health import MIN_APART, same_reign
from bot.clustermgr.models import Snapshot
from bot.clustermgr.slow_poll import SlowPoller
from bot.clustermgr.tasks import DetectedDialect, Dialect
from bot.common.errors import ClusterError

FIRST_SHARE = 0.9
"""The part of the answer deadline after which a command answers with what it knows, so that it is out in time."""
MOST_COUNTED = 20
"""Disks whose units are counted when they are no longer bad, and for how many seconds at most."""
COUNT_SECONDS = 2.0
GLIMPSE_SECONDS = 0.5
"""After so long a look of the watch that is held up shows what is known by then."""
_LOOK_SHARE = 0.8
_SHORTEST_LOOK = 3.0
STRAGGLER_SECONDS = 14.0
"""How long a command waits in all for hosts that hold their answers (a new leader may for ten seconds)."""


APART_SECONDS = MIN_APART + 0.2
"""How long to wait for a second look that proves something, when no earlier one does."""
OLDEST_SECONDS = 60.0
"""How old a look may be to serve as the earlier of two."""
DIALECT_SECONDS = 3600.0
"""How long the watch believes the dialect that a cluster told: an upgrade may change it."""
Glimpse = Callable[[Snapshot], Awaitable[None]]
"""Takes a look that some hosts hold up, as far as it has come."""


async def _unglimpsed(_: Snapshot) -> None:
    """Wait for the whole look."""


def look_deadline(answer: float, interval: float) -> float:
    """How long a look of the watch may last (seconds): it ends before the next one is due, where that leaves time."""
    return min(answer, max(_SHORTEST_LOOK, _LOOK_SHARE * interval))


@dataclass(slots=True)
class Cluster:
    """Name, hosts, channel and calls of one cluster; remembers the dialect it last told, and its last looks."""

    name: str
    operations_channel: str
    api: ClusterApi
    clock: Callable[[], float]
    deadline: float
    pinned: Dialect | None = None
    _told: DetectedDialect | None = field(default=None)
    _told_at: float = field(default=0.0)
    _rounds: SlowPoller = field(init=False)

    def __post_init__(self) -> None:
        """Rounds go by the dialect that the handle knows."""
        self._rounds = SlowPoller(self.api, self._lasting_dialect)

    _recent: deque[Snapshot] = field(default_factory=deque)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The configured hosts."""
        return self.api.hosts

    def looks(self, *, bad_disks: bool = True, switches: tuple[str, ...] = ()) -> AsyncIterator[Snapshot]:
        """What all hosts say: at the deadline at the latest, and once more when stragglers have answered."""
        return watch(
            self.api,
            self.name,
            now=self.clock(),
            deadlines=(self.deadline * FIRST_SHARE, self.deadline + STRAGGLER_SECONDS),
            bad_disks=bad_disks,
            switches=switches,
        )

    async def look(self, deadline: float, *, bad_disks: bool = True, switches: tuple[str, ...] = ()) -> Snapshot:
        """What all hosts say within `deadline` seconds."""
        snapshot = await fetch(
            self.api, self.name, now=self.clock(), deadline=deadline, bad_disks=bad_disks, switches=switches
        )
        self._remember(snapshot)
        return snapshot

    async def poll(self, deadline: float, glimpse: Glimpse = _unglimpsed) -> Snapshot:
        """A look of the watch: now and then it makes a round too, and asks what changes slowly.

        `glimpse` is handed what is known when a host holds the look up, so that one slow host hides no other's news.
        """
        now = self.clock()
        latest = self._recent[-1].bad_disks if self._recent else None
        bad = [disk.disk_id for disk in latest or ()]
        make = partial(self._rounds.make, now, bad) if self._rounds.due(now) else None
        deadlines = (GLIMPSE_SECONDS, deadline) if deadline > GLIMPSE_SECONDS else (deadline,)
        looks = watch(self.api, self.name, now=now, deadlines=deadlines, make_round=make)
        async with aclosing(looks):
            snapshot = await anext(looks)
            if not snapshot.complete and len(deadlines) > 1:
                await glimpse(snapshot)
                snapshot = await anext(looks)
        snapshot = await self._with_units_left(snapshot, bad)
        self._remember(snapshot)
        return snapshot

    async def _with_units_left(self, snapshot: Snapshot, bad: Sequence[int]) -> Snapshot:
        """The look with the units left on disks that are no longer bad: a state does not prove them empty."""
        if snapshot.bad_disks is None:
            return snapshot
        gone = sorted(set(bad) - {disk.disk_id for disk in snapshot.bad_disks})[:MOST_COUNTED]
        found = dict(snapshot.chunks or {})
        with suppress(TimeoutError, ClusterError):
            async with asyncio.timeout(COUNT_SECONDS):
                for disk in gone:
                    found[disk] = await self.api.disk_chunks(disk)
        return replace(snapshot, chunks=found) if gone and found else snapshot

    async def _lasting_dialect(self) -> DetectedDialect:
        return await self.dialect(fresh=self.clock() - self._told_at >= DIALECT_SECONDS)

    def _remember(self, snapshot: Snapshot) -> None:
        """Keep what may be the earlier of two looks: the newest that is far enough back, and all after it."""
        self._recent.append(snapshot)
        while len(self._recent) > 1 and snapshot.at - self._recent[1].at >= MIN_APART:
            self._recent.popleft()

    def _earlier(self, now: Snapshot) -> Snapshot | None:
        young = (look for look in reversed(self._recent) if now.at - look.at <= OLDEST_SECONDS)
        return next((look for look in young if same_reign(look, now) is not None), None)

    def before(self, now: Snapshot) -> Snapshot | None:
        """The look of the watch with which one of now is compared: of the same leader and term if there is one."""
        apart = (look for look in reversed(self._recent) if MIN_APART <= now.at - look.at <= OLDEST_SECONDS)
        return self._earlier(now) or next(apart, None)

    async def second_snapshot(self, first: Snapshot, *, bad_disks: bool = True) -> Snapshot:
        """A look that is far enough from the first to confirm or contradict it."""
        await asyncio.sleep(min(APART_SECONDS, max(0.0, first.at + APART_SECONDS - self.clock())))
        return await self.look(self.deadline * FIRST_SHARE, bad_disks=bad_disks)

    async def snapshot_pair(self, *, patient: bool = True, bad_disks: bool = False) -> tuple[Snapshot | None, Snapshot]:
        """A fresh look, and before it one of the same leader and term that is far enough back to prove voters healthy.

        The watch's own looks serve as the earlier one. Where there is none, a `patient` caller waits for a second look.
        """
        now = await self.look(self.deadline * FIRST_SHARE, bad_disks=bad_disks)
        before = self._earlier(now)
        if before is not None or now.leader is None or not patient:
            return before, now
        await asyncio.sleep(APART_SECONDS)
        later = await self.look(self.deadline * FIRST_SHARE, bad_disks=bad_disks)
        return self._earlier(later), later

    async def dialect(self, *, fresh: bool = False) -> DetectedDialect:
        """How the cluster spells its switches: pinned by the settings, as remembered, or probed anew."""
        if self.pinned is not None:
            return DetectedDialect(self.pinned, "the settings pin it.", pinned=True)
        if self._told is not None and not fresh:
            return self._told
        verdict = await detect_dialect(self.api, deadline=self.deadline * FIRST_SHARE)
        if verdict.dialect is not None:
            self._told, self._told_at = verdict, self.clock()
        return verdict
