"""One chaos run: people act while faults occur; then the faults end and every invariant is checked."""

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.fault_schedule import Kind, blows
from tests.chaos.invariants import problems, settled
from tests.chaos.people import Changes, DiskFaults
from tests.chaos.world import World, world


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a run; `took` in seconds."""

    seed: int
    blows: Counter[Kind]
    alerts: int
    operations: int
    took: float
    problems: list[str]

    def __str__(self) -> str:
        struck = ", ".join(f"{number} {kind}" for kind, number in sorted(self.blows.items()))
        found = "".join(f"\n  - {problem}" for problem in self.problems) or " none"
        return (
            f"seed {self.seed}: {struck}; {self.alerts} alerts, {self.operations} operations, {self.took:.0f} s; "
            f"problems:{found}"
        )


async def chaos(
    seed: int,
    kills: int,
    *,
    replicas: int,
    folder: Path | None = None,
    most_seconds: float = 3600.0,
    long: bool = False,
) -> Report:
    """Cause faults until `kills` processes were killed or the time is over, then check the result."""
    began = time.monotonic()
    async with world(replicas, folder, long=long) as made:
        dice = random.Random(seed)
        disk_faults = [DiskFaults(made, name, random.Random(dice.random())) for name in made.clusters]
        changes = [Changes(made, name) for name in made.clusters]
        await asyncio.gather(*(process.start() for process in made.processes))
        await made.slack.wait_connected(timeout=60)
        ending = asyncio.Event()
        runs = [*(each.run(ending) for each in disk_faults), *(each.run(ending) for each in changes)]
        people = [asyncio.create_task(run) for run in runs]
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(most_seconds):
                    await _strike(made, seed, kills, people)
            ending.set()
            await made.calm()
            await asyncio.gather(*people)
        finally:
            for task in people:
                task.cancel()
            await asyncio.gather(*people, return_exceptions=True)
        found = [*await settled(made), *await problems(made, disk_faults, changes)]
        posted, confirmed = sum(len(each.posted) for each in disk_faults), sum(each.confirmed for each in changes)
        return Report(seed, made.counts, posted, confirmed, time.monotonic() - began, found)


async def _strike(made: World, seed: int, kills: int, people: list[asyncio.Task[None]]) -> None:
    for blow in blows(seed, len(made.processes)):
        if made.counts[Kind.KILL] >= kills or any(task.done() for task in people):
            return
        await asyncio.sleep(blow.after)
        if len(made.processes) == 1 and blow.kind is Kind.KILL:
            # A process that is killed before it has started would never do any work.
            await made.slack.wait_connected(timeout=60)
            await asyncio.sleep(blow.after)
        await made.strike(blow)
