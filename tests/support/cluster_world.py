"""A simulated cluster on its own ports, the watch on it over real sockets, and what a channel sees."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bot.alerting.cluster_state.state import Causes, Change
from bot.alerting.rules.thresholds import configure
from bot.clustermgr.client import ClustermgrClient
from bot.clustermgr.cluster import Cluster
from bot.clustermgr.scheduler_client import AllowedSchedulers, SchedulerClient
from bot.playground.clustermgr_sim import SimulatedCluster, VirtualClock
from bot.views.alert_actions import fix_command
from bot.watch.planning import Watched
from bot.watch.watcher import Explain, Watcher, unexplained
from tests.support.observed_store import ObservedStore, observed_store

HOUR = 3600.0
ASK_NONE = AllowedSchedulers()
Rules = Mapping[str, Mapping[str, object]]


@dataclass
class World:
    """A simulated cluster, watched every 15 s of the bot's own clock.

    The cluster's clock is another: one that is moved by hand goes with the bot's, the real one stands still beside it.
    """

    cluster: SimulatedCluster
    api: ClustermgrClient
    rules: Rules
    store: ObservedStore
    explain: Explain = unexplained
    now: float = 1_000_000.0
    allowed: AllowedSchedulers = field(default_factory=AllowedSchedulers)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    gone_since: Mapping[int, float] = field(default_factory=dict)
    handle: Cluster = field(init=False)
    watch: Watcher = field(init=False)

    def __post_init__(self) -> None:
        asked = SchedulerClient(self.allowed)
        self.handle = handle = Cluster("prod", "C1", self.api, lambda: self.now, 5.0, schedulers=asked)
        handle.restore_gone(lambda: self.gone_since)
        watched = Watched("prod", "C1", 15, configure(self.rules))
        self.watch = Watcher(
            watched,
            partial(handle.poll, 5.0),
            self.store,
            wake=self.woken.set,
            explain=self._explain,
        )

    async def _explain(self, changes: Sequence[Change]) -> Causes:
        """The time that the test has set."""
        return await self.explain(changes)

    async def ticks(self, count: int = 1, *, apart: float = 15) -> list[str]:
        """Tick `times` times with current counters; return the distinct messages posted meanwhile."""
        self.cluster.recount()
        before = len(self.store.posted)
        for _ in range(count):
            self.now += apart
            if isinstance(self.cluster.clock, VirtualClock):
                self.cluster.clock.advance(apart)
                await self.cluster.tick()
            await self.watch.tick(self.now)
            assert not self.watch.health.failures
        return list(dict.fromkeys(self.store.posted[before:]))

    def fixes(self) -> list[str]:
        """The commands that the open alerts offer."""
        return [fix_command(alert) for alert in self.store.firing() if alert.fix]


@asynccontextmanager
async def watched(
    rules: Rules | None = None, *, allowed: AllowedSchedulers = ASK_NONE, **options: Any
) -> AsyncIterator[World]:
    """A healthy cluster that has been watched for ten minutes, so that its leader's counters are believed.

    `options` are those of the SimulatedCluster, and `secret` is the bot's as well. The bot asks the `allowed`
    schedulers.
    """
    secret = options.get("secret") or None
    async with (
        SimulatedCluster(**options) as cluster,
        ClustermgrClient(cluster.hosts, secret=secret) as api,
        observed_store() as store,
    ):
        world = World(cluster, api, rules or {}, store, allowed=allowed)
        assert await world.ticks(3) == []
        assert await world.ticks(10, apart=60) == []
        yield world
