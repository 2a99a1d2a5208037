"""Admission of polls: how many run at once, which one is next, and by how much the load is too high.

The polls of all clusters share one event loop with commands and approvals. A poll that is due waits for its turn, and
its deadlines count from its turn. The cluster whose last poll is the oldest is next, so no cluster starves.
"""

import asyncio
import heapq
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

from bot.common.frozen import frozen

FEWEST = 2
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
BUSY_SHARE = 0.9
"""Share of the time that the thread of the event loop works, from which on fewer polls run at once: they would only
wait for each other, and each command for all of them."""
SPARE_SHARE = 0.75
"""Share up to which more of them run at once: the event loop waits for hosts."""
BUSY_SHARE_LATE, SPARE_SHARE_LATE = 0.98, 0.9
"""The same while polls are left out: then the thread must not wait for a host."""
LONG_WAIT = 1.0
"""Seconds that a poll waits for its turn, from which on at least BESIDE_COMMANDS run at once if the event loop is not
late: the thread may be busy with other work than polls, and polls must not starve."""
SHARE_SECONDS = 0.05
"""Shortest time over which this share is measured."""
HOLD_SECONDS = 0.1
"""Longest time for which no poll begins, and none goes on to read, because a command or an approval is being worked on,
or an alert is being written; most are done by then. After that, polls begin and read beside these until half of this
time is regained."""
REGAINED = 1 / 3
"""Seconds of it that a second without a hold gives back: commands may hold polls for a quarter of the time, and alerts
for another one."""
LOOK_SECONDS = 0.005
"""Seconds between two looks whether it is done."""
BESIDE_COMMANDS = 8
"""Polls at once beside a command or an approval that takes longer."""
REMEMBERED_INTERVALS = 2
"""Intervals of a cluster after its last skipped poll at which the overload is over."""
WORTH_SAYING = 1.05
"""Stretch of an interval from which on an overload is said."""
LONGEST_STRETCH = 4.0
"""Greatest stretch that excuses a late poll: a process that polls even less often is blind, not busy."""


@frozen
class Overload:
    """A load of `clusters` clusters, which are more than this process can poll at their intervals.

    `interval` is the interval in the settings that is missed by most, `actual` the mean time between two polls of its
    clusters (both in seconds). `skipped` counts the polls that were left out since the start.
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
class _Hold:
    """A reason for which polls wait, for a part of the time at most; `busy` is true while there is that reason."""

    busy: Callable[[], bool]
    holds: bool = False
    _left: float = HOLD_SECONDS
    _used_up: bool = False

    def pass_by(self, seconds: float) -> bool:
        """Account for the seconds since the last call; True if polls wait now."""
        if self.holds:
            self._left = max(0.0, self._left - seconds)
            self._used_up = self._left == 0
        else:
            self._left = min(HOLD_SECONDS, self._left + seconds * REGAINED)
            self._used_up = self._used_up and self._left < HOLD_SECONDS / 2
        self.holds = self.busy() and not self._used_up
        return self.holds


@dataclass(slots=True)
class Admission:
    """Admits the polls of clusters with these intervals (seconds).

    `busy` is true while a command is worked on, `alerting` while an alert is written: each holds polls by its own time,
    the one of alerts also for a poll that presses.
    `clock` is steady, in seconds; `worked` gives the processor seconds of the thread. All methods belong to one event
    loop.
    """

    intervals: Mapping[str, float]
    clock: Callable[[], float]
    busy: Callable[[], bool] = lambda: False
    alerting: Callable[[], bool] = lambda: False
    worked: Callable[[], float] = time.thread_time
    limit: float = FIRST
    skipped: int = 0
    closed: bool = False
    """True once the program ends: then no further poll begins."""
    _due: list[tuple[float, int, str, asyncio.Future[float]]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)
    _waiting: set[str] = field(default_factory=set)
    _running: set[str] = field(default_factory=set)
    _brief: set[str] = field(default_factory=set)
    _owed: set[str] = field(default_factory=set)
    _pressing: set[str] = field(default_factory=set)
    _timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict)
    _begun: dict[str, float] = field(default_factory=dict)
    _gaps: dict[str, float] = field(default_factory=dict)
    _times: Mapping[float, deque[float]] = field(init=False)
    _admitted_at: float = float("-inf")
    _said_until: float = float("-inf")
    _commands: _Hold = field(init=False)
    _alerts: _Hold = field(init=False)
    _asked_at: float = field(init=False)
    _look: asyncio.TimerHandle | None = None
    _share: float = 0.0
    _share_from: tuple[float, float] = field(init=False)
    _free: asyncio.Event = field(default_factory=asyncio.Event)
    _quiet: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._asked_at = self.clock()
        self._share_from = self._asked_at, self.worked()
        clusters = Counter(self.intervals.values())
        self._times = {interval: deque(maxlen=2 * number + 1) for interval, number in clusters.items()}
        self._commands = _Hold(self.busy)
        self._alerts = _Hold(lambda: bool(self._pressing) or self.alerting())

    @property
    def waiting(self) -> int:
        """Number of polls that are due and have not begun."""
        return len(self._waiting)

    @property
    def late(self) -> bool:
        """True while polls are left out, and for a while after that."""
        return self.clock() <= self._said_until

    @property
    def running(self) -> int:
        """Number of polls that have begun and not ended."""
        return len(self._running)

    @asynccontextmanager
    async def turn(self, cluster: str) -> AsyncIterator[None]:
        """Wait for the turn of this cluster and run its poll in the block; polls of one cluster do not overlap."""
        turn: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        asked_at = self.clock()
        heapq.heappush(self._due, (self._begun.get(cluster, float("-inf")), next(self._order), cluster, turn))
        self._waiting.add(cluster)
        self._admit()
        try:
            admitted_at = await turn
            self._adapt(self.clock() - admitted_at, admitted_at - asked_at)
            self._look_for_slow_host(cluster)
            yield
        finally:
            self._end_look_for_slow_host(cluster)
            for places in (self._waiting, self._running, self._brief, self._pressing):
                places.discard(cluster)
            self._admit()

    async def run(self, cluster: str, poll: Callable[[], Awaitable[None]]) -> None:
        """Poll the cluster in its turn, and once more if it became due while the poll ran.

        Otherwise a poll that takes about an interval would be followed by a whole interval without one.
        """
        while True:
            self._owed.discard(cluster)
            async with self.turn(cluster):
                if not self.closed:
                    await poll()
            if self.closed or cluster not in self._owed:
                return

    def press(self, cluster: str) -> None:
        """Let other polls wait until that of this cluster has ended or waits for a slow host: it has found an alert."""
        self._pressing.add(cluster)
        self._end_look_for_slow_host(cluster)
        self._look_for_slow_host(cluster)

    async def give_way(self, cluster: str = "") -> None:
        """Wait before a read or the evaluation of a poll, until no command, approval or alert holds the polls.

        A poll that presses does not wait for other alerts.
        """
        while self._held():
            if cluster not in self._pressing:
                await self._free.wait()
            elif self._commands.holds:
                await self._quiet.wait()
            else:
                return

    def release(self, cluster: str) -> None:
        """Give the place of a poll that only waits to be saved with others to the next one; others go on beside it."""
        self._end_look_for_slow_host(cluster)
        self._brief.discard(cluster)
        self._pressing.discard(cluster)
        self._admit()

    def skip(self, cluster: str) -> bool:
        """Count a poll that is due while the one before still waits for its turn; False if none waits.

        A poll that is due while the one before runs comes after it (`run`).
        """
        if cluster not in self._waiting:
            if cluster in self._running:
                self._owed.add(cluster)
            return False
        self.skipped += 1
        self._said_until = max(self._said_until, self.clock() + REMEMBERED_INTERVALS * self.intervals[cluster])
        return True

    def forget(self, cluster: str) -> None:
        """Another process polls the cluster now."""
        self._begun.pop(cluster, None)
        self._gaps.pop(cluster, None)

    def overload(self) -> Overload | None:
        """The present overload, None while every cluster is polled at its interval."""
        now = self.clock()
        if not self._begun or not self.late:
            return None
        by_interval: dict[float, list[str]] = {}
        for name in self._begun:
            by_interval.setdefault(self.intervals[name], []).append(name)
        worst, interval = max((self._gap(each, names, now) / each, each) for each, names in by_interval.items())
        if worst < WORTH_SAYING:
            return None
        return Overload(len(self._begun.keys() | self._waiting), interval, interval * worst, self.skipped)

    @property
    def stretch(self) -> float:
        """Time between two polls as a multiple of the interval in the settings; 1 without overload."""
        overload = self.overload()
        return overload.stretch if overload else 1.0

    def stretch_of(self, cluster: str) -> float:
        """By how much the load alone delays the polls of a cluster, at most LONGEST_STRETCH.

        1 while no poll begins: then this process does not work through a load, it is stuck. A poll that does not end
        is no load either.
        """
        now, gap = self.clock(), self._gaps.get(cluster, 0.0)
        if now - self._admitted_at > self.intervals[cluster]:
            return 1.0
        if cluster in self._waiting and cluster in self._begun:
            gap = max(gap, now - self._begun[cluster])
        return min(LONGEST_STRETCH, max(1.0, gap / self.intervals[cluster]))

    def _gap(self, interval: float, clusters: Sequence[str], now: float) -> float:
        """Mean seconds between two polls of these clusters: of the last two rounds, or more if none has begun since.

        A round is as many polls as there are clusters. Their last gaps alone would tell less: where a poll is left out
        now and then, gaps of one interval and of two take turns, and mostly it is the longer one that is not over.
        Polls of clusters that came or went meanwhile are in these rounds, so no cluster's own gap is exceeded.
        """
        times, round_ = self._times[interval], len(clusters)
        rounds = min(2, (len(times) - 1) // round_)
        mean = (times[-1] - times[-1 - rounds * round_]) / rounds if rounds else 0.0
        longest = max(max(self._gaps.get(name, 0.0), now - self._begun[name]) for name in clusters)
        return min(longest, max(mean, now - times[-min(round_, len(times))]))

    def _admit(self) -> None:
        if not self._due:
            return
        most = self._most()
        while self._due and len(self._brief) < most and len(self._running) < MOST:
            _, _, cluster, turn = heapq.heappop(self._due)
            if turn.done():
                # The poll was cancelled while it waited.
                continue
            now = self.clock()
            if cluster in self._begun:
                self._gaps[cluster] = now - self._begun[cluster]
            self._begun[cluster] = self._admitted_at = now
            self._times[self.intervals[cluster]].append(now)
            self._waiting.discard(cluster)
            self._running.add(cluster)
            self._brief.add(cluster)
            turn.set_result(now)

    def _most(self) -> float:
        """How many polls may run at once now."""
        if self._held():
            return 0
        return min(self.limit, BESIDE_COMMANDS) if self.busy() else self.limit

    def _held(self) -> bool:
        """True while polls wait for a command, an approval or an alert; asks itself again soon."""
        now = self.clock()
        passed, self._asked_at = now - self._asked_at, now
        # Each of them accounts for the time.
        by_commands, by_alerts = self._commands.pass_by(passed), self._alerts.pass_by(passed)
        holding = by_commands or by_alerts
        # Also if a look of an earlier hold is still to come: else `give_way` would not wait.
        _set(self._free, to=not holding)
        _set(self._quiet, to=not by_commands)
        if holding and self._look is None:
            self._look = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look_again)
        return holding

    def _look_again(self) -> None:
        self._look = None
        self._held()
        self._admit()

    def _look_for_slow_host(self, cluster: str) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time() + BRIEF_SECONDS
        self._timers[cluster] = loop.call_at(at, self._slow, cluster, at)

    def _end_look_for_slow_host(self, cluster: str) -> None:
        if (timer := self._timers.pop(cluster, None)) is not None:
            timer.cancel()

    def _slow(self, cluster: str, at: float) -> None:
        """Give the place of a poll that waits for a slow host to the next one; it was due for that at `at`."""
        late = asyncio.get_running_loop().time() - at > SLOW_TURN
        if not late:
            self._pressing.discard(cluster)
        if late or self._held():
            # The poll waits for the event loop, or is held: more polls would make that worse.
            self._look_for_slow_host(cluster)
            return
        self._brief.discard(cluster)
        self._admit()

    def _adapt(self, late: float, waited: float) -> None:
        """Follow the event loop, which began a poll `late` seconds after its admission, for which it had `waited`."""
        measured = self._measure_share()
        busy, spare = (BUSY_SHARE_LATE, SPARE_SHARE_LATE) if self.late else (BUSY_SHARE, SPARE_SHARE)
        if late > SLOW_TURN or self._share > busy:
            self.limit = max(FEWEST, self.limit * 0.9)
        elif late < PROMPT_TURN and self._share < spare and self._due:
            self.limit = min(MOST, self.limit + 1)
        elif measured and not self._due and len(self._brief) < self.limit / 2:
            # A limit far above what was needed lets the next burst of polls begin all at once.
            self.limit = max(FEWEST, self.limit * 0.9)
        if waited > LONG_WAIT and late <= SLOW_TURN:
            self.limit = max(BESIDE_COMMANDS, self.limit)

    def _measure_share(self) -> bool:
        """Measure the share of the time that the thread worked lately; False if it was measured just before."""
        now, worked = self.clock(), self.worked()
        before, worked_before = self._share_from
        if now - before < SHARE_SECONDS:
            return False
        self._share = (worked - worked_before) / (now - before)
        self._share_from = now, worked
        return True


def _set(event: asyncio.Event, *, to: bool) -> None:
    if to:
        event.set()
    else:
        event.clear()
