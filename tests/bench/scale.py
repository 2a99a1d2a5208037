"""Row: what a poll costs while the program watches 10, 100 and 1,000 clusters, and what all of it costs."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.load import carried
from tests.bench.watching import lag_within, watching
from tests.bench.world import Hosts, hosts

POLLED_BEFORE = 3
"""Polls of each cluster before it is measured; the first ones also read what is read once in a while."""
PATIENCE = 20
"""Intervals in which every cluster must have been polled before the measurement."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The program with `clusters` clusters over `seconds`: processor seconds, resident MB, lag of the loop in ms."""

    clusters: int
    seconds: float
    polls: int
    processor: float
    memory: float
    lag: float

    @property
    def cost(self) -> float:
        """Processor time of a poll in ms, with all else that the program does."""
        return self.processor / max(1, self.polls) * 1000

    @property
    def share(self) -> float:
        """Percent of one core."""
        return self.processor / self.seconds * 100

    @property
    def gap(self) -> float:
        """Mean seconds between two polls of a cluster."""
        return self.clusters * self.seconds / max(1, self.polls)


async def scale(
    folder: Path, *, clusters: int = 1000, seconds: int = 60, interval: int = 15, polled: int = POLLED_BEFORE
) -> tuple[Figure, ...]:
    """Measure the program with a hundredth and a tenth of the clusters, all of them, and a hundredth again."""
    sizes = sorted({max(1, clusters // 100), max(1, clusters // 10), clusters})
    async with hosts(clusters) as held:
        samples = [
            await _sample(folder / str(number), held, size, seconds, interval, polled)
            for number, size in enumerate([*sizes, sizes[0]])
        ]
        needed = clusters / interval
        load = await carried(folder, held, needed, min(10.0, seconds))
    return (*figures_of(samples, interval), load)


def figures_of(samples: Sequence[Sample], interval: float) -> tuple[Figure, ...]:
    """The figures; the last sample repeats the smallest size, so that a slower machine by then does not count."""
    small, *_, most, _ = samples
    again = samples[-1]
    base = (small.processor + again.processor) / max(1, small.polls + again.polls) * 1000
    middle = samples[-3] if len(samples) > 3 else None
    costs = ((small.clusters, base), *((each.clusters, each.cost) for each in samples[1:-1]))
    name = f"processor time of a poll, {most.clusters:,} clusters"
    watched = f"{most.clusters:,} clusters every {interval:g} s"
    rest = samples[:-1]

    def absolute(what: str, value: float, unit: str, target: float, points: Sequence[tuple[int, float]]) -> Figure:
        return Figure(f"{watched}: {what}", value, 0, unit, target, 1, absolute=True, by_size=tuple(points))

    note = f"the whole process, so its fixed work too: {costs_text(costs)}"
    return (
        Figure(
            f"{name}; {small.clusters:,} clusters", most.cost, base, "ms", 1.2, most.polls, note=note, by_size=costs
        ),
        *(
            [Figure(f"{name}; {middle.clusters:,} clusters", most.cost, middle.cost, "ms", 1.2, most.polls)]
            if middle
            else []
        ),
        absolute("share of a core", most.share, "%", 60, [(each.clusters, each.share) for each in rest]),
        absolute("resident memory", most.memory, "MB", 250, [(each.clusters, each.memory) for each in rest]),
        absolute("event loop late, p99 at most", most.lag, "ms", 50, [(each.clusters, each.lag) for each in rest]),
        Figure(f"{watched}: time between two polls; the interval", most.gap, interval, "s", 1.02, most.polls),
    )


def costs_text(costs: Sequence[tuple[int, float]]) -> str:
    """The processor time of a poll by the number of clusters."""
    return ", ".join(f"{value:.2f} ms with {size:,} clusters" for size, value in costs)


async def _sample(folder: Path, held: Hosts, clusters: int, seconds: float, interval: float, polled: int) -> Sample:
    async with watching(folder, held, clusters, interval) as program:
        await program.polled(polled, within=PATIENCE * interval)
        lags = await program.lags()
        polls, processor, began = await program.polls(), program.processor_time(), time.monotonic()
        await asyncio.sleep(seconds)
        done, used = await program.polls() - polls, program.processor_time() - processor
        took = time.monotonic() - began
        lag = lag_within(lags, await program.lags(), 99)
        return Sample(clusters, took, done, used, program.memory(), lag * 1000)
