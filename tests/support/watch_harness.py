"""A cluster whose snapshots a test sets, the watch on it, and the store of that watch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.alerting.cluster_state.observations import MemberChange
from bot.alerting.cluster_state.state import Causes, Change
from bot.alerting.rules.thresholds import configure
from bot.clustermgr.models import Disk, Snapshot
from bot.watch.planning import Watched
from bot.watch.watcher import Watcher
from tests.support.observed_store import ObservedStore
from tests.support.watch_builders import polled

NO_HOLD = {"no_leader": {"hold": 0, "clear": 0}}


@dataclass
class World:
    """A cluster whose looks are set by hand, watched every 15 s, and the store the watch works on."""

    store: ObservedStore
    now: float = 1_000_000.0
    see: Callable[[float], Snapshot] = polled
    woken: int = 0
    causes: dict[int, tuple[int, str]] = field(default_factory=dict)
    watched: Watched = field(default_factory=lambda: Watched("prod", "C1", 15, configure(NO_HOLD)))
    watch: Watcher = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A new process: nothing but the store is left of the one before."""
        self.watch = Watcher(self.watched, self._poll, self.store, wake=self._wake, explain=self._explain)

    async def _explain(self, changes: Sequence[Change]) -> Causes:
        """The operations that changed a peer, by its id."""
        members = [change for change in changes if isinstance(change, MemberChange) and change.peer in self.causes]
        return {change: self.causes[change.peer] for change in members}

    async def _poll(self, _glimpse: object) -> Snapshot:
        return self.see(self.now)

    def _wake(self) -> None:
        self.woken += 1

    async def ticks(self, count: int = 1, *, apart: float = 15) -> list[str]:
        """Tick so often; return the messages posted meanwhile."""
        before = len(self.store.posted)
        for _ in range(count):
            self.now += apart
            await self.watch.tick(self.now)
        return self.store.posted[before:]


def with_disks(*disks: Disk) -> Callable[[float], Snapshot]:
    return lambda at: polled(at, bad=disks)
