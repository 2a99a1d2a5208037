"""Faults of one call in twenty, at the clusters and at Slack, and interruptions one after the other."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.playground.clustermgr_sim.faults import Fault as ClusterFault
from bot.playground.clustermgr_sim.faults import Faults as ClusterFaults
from bot.playground.clustermgr_sim.faults import Kind
from bot.playground.slack_sim.faults import Fault as SlackFault
from bot.playground.slack_sim.faults import Faults as SlackFaults
from tests.chaos.people import rest
from tests.chaos.processes import Process
from tests.chaos.world import World

SHARE = 0.05
"""Share of the calls that get a fault."""
WRITES = ("/config/set",)
"""Calls without faults: the load compares the requests that arrived with what was approved."""
OF_CLUSTERS = (Kind.FAIL, Kind.LOSE, Kind.GARBLE, Kind.TRUNCATE)
OF_SLACK = ("lost_reply", "lost_request", "ratelimited", "server_error", "duplicate")
OUTAGE_SECONDS = 10.0
DATABASE_SECONDS = 5.0


@dataclass(slots=True)
class FaultsOfClusters(ClusterFaults):
    """Some reads fail, are cut, or are answered with garbage."""

    dice: random.Random = field(default_factory=random.Random)
    counts: Counter[str] = field(default_factory=Counter)
    ended: bool = False

    def take(self, node: int, path: str) -> ClusterFault | None:
        """Return a fault for one read in twenty."""
        if self.ended or path in WRITES or self.dice.random() >= SHARE:
            return ClusterFaults.take(self, node, path)
        kind = self.dice.choice(OF_CLUSTERS)
        self.counts[f"cluster: {kind}"] += 1
        return ClusterFault(kind)


@dataclass(slots=True)
class FaultsOfSlack(SlackFaults):
    """Some calls are lost, limited or refused, some answers are lost, some payloads come twice."""

    dice: random.Random = field(default_factory=random.Random)
    counts: Counter[str] = field(default_factory=Counter)
    ended: bool = False

    def take(self, kinds: tuple[str, ...], method: str = "") -> SlackFault | None:
        """Return a fault for one call in twenty, of the kinds that are possible at this point."""
        possible = [kind for kind in kinds if kind in OF_SLACK]
        if self.ended or not possible or self.dice.random() >= SHARE / 2:
            return SlackFaults.take(self, kinds, method)
        # A call passes two points at which it may get a fault: before and after its execution.
        kind = self.dice.choice(possible)
        self.counts[f"slack: {kind}"] += 1
        return SlackFault(kind, 1, method)


@dataclass
class Interruptions:
    """Interrupt the program and what it needs, one thing after the other, `gap` seconds apart.

    Process 0 is never ended, so that its memory and its event loop can be followed for the whole time.
    """

    world: World
    gap: float
    counts: Counter[str] = field(default_factory=Counter)
    _turn: int = 0

    async def run(self, ending: asyncio.Event) -> None:
        """Go on until the end."""
        steps: tuple[Callable[[], Awaitable[None]], ...] = (
            self._reload,
            self._restart,
            self._slack,
            self._kill,
            self._database,
        )
        while not ending.is_set():
            await rest(ending, self.gap)
            if not ending.is_set():
                step = steps[self._turn % len(steps)]
                await step()
                self.counts[step.__name__.lstrip("_")] += 1
                self._turn += 1

    async def _reload(self) -> None:
        config = self.world.write_settings()
        with config.open("a") as settings:
            settings.write(f"docs_url: https://wiki.example.com/{self._turn}/\n")
        for process in self.world.processes:
            # Before the handler is set the signal would end the process.
            if "socket.opened" in process.log.read_text()[process.began :]:
                process.send(signal.SIGHUP)

    async def _restart(self) -> None:
        process = self._other()
        status = await process.end(within=60.0)
        if status != 0:
            process.ended_by_itself.append(f"replica {process.number} ended with status {status} after SIGTERM")
        process.process = None
        await process.start()

    async def _kill(self) -> None:
        process = self._other()
        await process.kill()
        await process.start()

    async def _slack(self) -> None:
        faults = self.world.slack.faults
        faults.inject("disconnect")
        refused = faults.order("server_error", count=10**6)
        await asyncio.sleep(OUTAGE_SECONDS)
        faults.withdraw(refused)

    async def _database(self) -> None:
        await self.world.restart_database(DATABASE_SECONDS)

    def _other(self) -> Process:
        others = self.world.processes[1:]
        return others[self._turn // 2 % len(others)]
