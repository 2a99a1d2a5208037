"""Admission of polls: how many run at once, which one is next, and by how much the load is too high.

The polls of all clusters share one event loop with commands and approvals. A poll that is due waits for its turn, and
its deadlines count from its turn. The cluster whose last poll is the oldest is next, so no cluster starves.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

FEWEST = 4
"""Least number of polls at once, however slow the event loop is."""
FIRST = 32
"""Number of polls at once at the start."""
MOST = 256
"""Greatest number of polls at once. Those that wait for a slow host count."""
BRIEF_SECONDS = 0.5
"""Time after which a poll counts as waiting for a slow host, and the next one may begin."""
SLOW_TURN = 0.03
"""Seconds that the event loop takes to begin an admitted poll, from which on fewer polls run at once."""
PROMPT_TURN = 0.01
"""Seconds below which more of them run at once."""
BESIDE_COMMANDS = 2
"""Polls at once while a command or an approval is being worked on."""
REMEMBERED_INTERVALS = 2
"""Poll intervals after the last skipped poll at which the overload is over."""


@dataclass(frozen=True, slots=True)
class Overload:
    """A load of `clusters` clusters, which are more than this process can poll at their intervals.

    `interval` is the shortest interval in the settings, `actual` the time between two polls that takes its place (both
    in seconds). `skipped` counts the polls that were left out since the start.
    """

    clusters: int
    interval: float
    actual: float
    skipped: int

    @property
    def stretch(self) -> float:
        """`actual` as a multiple of `interval`."""
        return self.actual / self.interval


@dataclass(slots=True)
class Admission:
    """Admits the polls of clusters with these intervals (seconds); `busy` is true while a command is worked on.

    `clock` is steady, in seconds. All methods belong to one event loop.
    """

    intervals: Mapping[str, float]
    clock: Callable[[], float]
    busy: Callable[[], bool] = lambda: False
    limit: float = FIRST
    skipped: int = 0
    _due: list[tuple[float, int, str, asyncio.Future[None]]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)
    _waiting: set[str] = field(default_factory=set)
    _running: set[str] = field(default_factory=set)
    _brief: set[str] = field(default_factory=set)
    _begun: dict[str, float] = field(default_factory=dict)
    _gaps: dict[str, float] = field(default_factory=dict)
    _skipped_at: float = float("-inf")
    _remembered: float = field(init=False)

    def __post_init__(self) -> None:
        """Remember an overload for as long as the slowest cluster needs."""
        self._remembered = REMEMBERED_INTERVALS * max(self.intervals.values(), default=0.0)

    @property
    def waiting(self) -> int:
        """Number of polls that are due and have not begun."""
        return len(self._waiting)

    @property
    def late(self) -> bool:
        """True while polls are left out, and for a while after that."""
        return self.clock() - self._skipped_at <= self._remembered

    @property
    def running(self) -> int:
        """Number of polls that have begun and not ended."""
        return len(self._running)

    @asynccontextmanager
    async def turn(self, cluster: str) -> AsyncIterator[None]:
        """Wait for the turn of this cluster and run its poll in the block; polls of one cluster do not overlap."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._due, (self._begun.get(cluster, float("-inf")), next(self._order), cluster, turn))
        self._waiting.add(cluster)
        self._admit()
        slow: asyncio.TimerHandle | None = None
        try:
            await turn
            self._adapt(self.clock() - self._begun[cluster])
            slow = asyncio.get_running_loop().call_later(BRIEF_SECONDS, self._slow, cluster)
            yield
        finally:
            if slow is not None:
                slow.cancel()
            for places in (self._waiting, self._running, self._brief):
                places.discard(cluster)
            self._admit()

    def skip(self, cluster: str) -> bool:
        """Count a poll that is due while the one before still waits for its turn; False if none waits."""
        if cluster not in self._waiting:
            return False
        self.skipped += 1
        self._skipped_at = self.clock()
        return True

    def forget(self, cluster: str) -> None:
        """Another process polls the cluster now."""
        self._begun.pop(cluster, None)
        self._gaps.pop(cluster, None)

    def overload(self) -> Overload | None:
        """The present overload, None while every cluster is polled at its interval."""
        if not self._begun or not self.late:
            return None
        now = self.clock()
        interval = min(self.intervals[name] for name in self._begun)
        stretched = [self._stretch(name, now) for name in self._begun]
        return Overload(len(stretched), interval, interval * sum(stretched) / len(stretched), self.skipped)

    @property
    def stretch(self) -> float:
        """Time between two polls as a multiple of the interval in the settings; 1 without overload."""
        overload = self.overload()
        return overload.stretch if overload else 1.0

    def _stretch(self, cluster: str, now: float) -> float:
        """How many intervals are between two polls of the cluster: the last two, or the last one and now."""
        gap = max(self._gaps.get(cluster, 0.0), now - self._begun[cluster])
        return max(1.0, gap / self.intervals[cluster])

    def _admit(self) -> None:
        most = min(self.limit, BESIDE_COMMANDS) if self.busy() else self.limit
        while self._due and len(self._brief) < most and len(self._running) < MOST:
            _, _, cluster, turn = heapq.heappop(self._due)
            if turn.done():
                # The poll was cancelled while it waited.
                continue
            now = self.clock()
            if cluster in self._begun:
                self._gaps[cluster] = now - self._begun[cluster]
            self._begun[cluster] = now
            self._waiting.discard(cluster)
            self._running.add(cluster)
            self._brief.add(cluster)
            turn.set_result(None)

    def _slow(self, cluster: str) -> None:
        """Give the place of a poll that waits for a slow host to the next one."""
        self._brief.discard(cluster)
        self._admit()

    def _adapt(self, late: float) -> None:
        """Follow the event loop, which began an admitted poll `late` seconds after its admission."""
        if late > SLOW_TURN:
            self.limit = max(FEWEST, self.limit * 0.9)
        elif late < PROMPT_TURN and self._due:
            self.limit = min(MOST, self.limit + 1)
