"""Rows: a poll of a large cluster with no or 50 broken disks, against the same poll that reads no volumes."""

import gc
import tracemalloc
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import fmean

from bot.clustermgr.volume_survey import SuspectDisks, VolumeSurvey
from bot.runtime.memory import collect_and_spare
from bot.runtime.parts import App
from tests.bench.figures import Figure, milliseconds
from tests.bench.polling import Poll, processor_time, watch
from tests.bench.world import Hosts, large_hosts

DISKS, VOLUMES, BROKEN = 1_000, 10_000, 50
HOUR = 240
"""Polls in an hour at an interval of 15 s."""
TARGET = 1.3
JUDGED = 20
"""Polls in which every volume on the broken disks must have been judged: five minutes at an interval of 15 s."""
WARM_UP = 12
MB = 1e6


class NoVolumes:
    """Stands for the reader of volumes and reads none."""

    others = ()

    async def read(self, disks: SuspectDisks, now: float, host: str | None, within: float, pace: None) -> VolumeSurvey:  # noqa: ARG002
        """Return an empty survey."""
        return VolumeSurvey(SuspectDisks(), {}, {})

    def take_units(self, units: Mapping[int, tuple[int, ...]], now: float) -> None:
        """Ignore them."""

    def survey(self, *_: float) -> VolumeSurvey:
        """Return an empty survey."""
        return VolumeSurvey(SuspectDisks(), {}, {})


def _without_volumes(app: App) -> None:
    for cluster in app.clusters.values():
        cluster._volume_reader = NoVolumes()  # type: ignore[assignment] # nothing else turns it off


async def _both(stack: AsyncExitStack, folder: Path, held: Hosts) -> tuple[Poll, Poll, list[App]]:
    """The poll with and without volumes, and the program that has them."""
    apps: list[App] = []
    for name in ("with", "without"):
        (folder / name).mkdir(parents=True)
    ours = await stack.enter_async_context(watch(folder / "with", held.clusters, apps.append))
    other = await stack.enter_async_context(watch(folder / "without", held.clusters, _without_volumes))
    return ours, other, apps


async def _warm_up(folder: Path, held: Hosts, polls: int) -> None:
    """Poll with a pair that is not measured: what a process does once must not count for either."""
    async with AsyncExitStack() as stack:
        ours, other, _ = await _both(stack, folder, held)
        for _ in range(polls):
            await ours()
            await other()


@asynccontextmanager
async def _measurable(folder: Path, held: Hosts, warm_up: int) -> AsyncIterator[tuple[Poll, Poll, App]]:
    """The pair that is measured, with the collector of garbage set as in the running program."""
    await _warm_up(folder / "before", held, warm_up)
    async with AsyncExitStack() as stack:
        ours, other, [app] = await _both(stack, folder / "measured", held)
        stack.callback(gc.unfreeze)
        collect_and_spare()
        yield ours, other, app


async def idle(folder: Path, *, polls: int = HOUR, disks: int = DISKS, volumes: int = VOLUMES) -> tuple[Figure, ...]:
    """Measure an hour in which no disk is broken."""
    async with large_hosts(disks, volumes, 0) as held, _measurable(folder, held, min(polls, WARM_UP)) as pair:
        took = [await _in_turn(pair, number) for number in range(polls)]
    return mean_and_median(f"{disks:,} disks, none broken, {volumes:,} volumes", took)


async def judging(folder: Path, *, polls: int = HOUR, disks: int = DISKS, volumes: int = VOLUMES) -> tuple[Figure, ...]:
    """Measure an hour from the poll that finds the disks broken."""
    took, judged = [], 0
    async with large_hosts(disks, volumes, BROKEN) as held, _measurable(folder, held, min(polls, WARM_UP)) as pair:
        for number in range(polls):
            took.append(await _in_turn(pair, number))
            judged = judged or (number + 1 if _complete(pair[2]) else 0)
    first = _ratio(took[:JUDGED])
    note = f"all volumes judged after {judged} polls; by the means of the first {JUDGED} polls {first:.2f} x"
    return mean_and_median(f"{disks:,} disks, {BROKEN} broken, {volumes:,} volumes", took, note)


async def _in_turn(pair: tuple[Poll, Poll, App], number: int) -> tuple[float, float]:
    """Processor seconds of one poll of each; they take turns in who is first."""
    ours, other, _ = pair
    if number % 2:
        return await processor_time(ours), await processor_time(other)
    second = await processor_time(other)
    return await processor_time(ours), second


def _ratio(took: Sequence[tuple[float, float]]) -> float:
    return sum(ours for ours, _ in took) / sum(other for _, other in took)


def mean_and_median(name: str, took: Sequence[tuple[float, float]], note: str = "") -> tuple[Figure, ...]:
    """The ratio of the means, and that of the medians."""
    ours, other = zip(*took, strict=True)
    named = f"processor time of a poll: {name}"
    mean = Figure(f"{named}, mean", fmean(ours) * 1000, fmean(other) * 1000, "ms", TARGET, len(took), note=note)
    return mean, Figure(f"{named}, p50", milliseconds(ours), milliseconds(other), "ms", TARGET, len(took))


def _complete(app: App) -> bool:
    [watched] = app.watches.values()
    return watched.latest is not None and watched.latest.volumes is not None and watched.latest.volumes.complete


async def _traced(poll: Poll, times: int) -> int:
    """Bytes that so many polls leave allocated."""
    gc.collect()
    tracemalloc.start()
    for _ in range(times):
        await poll()
    gc.collect()
    amount = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return amount


async def remembering(folder: Path, *, polls: int = 65, disks: int = DISKS, volumes: int = VOLUMES) -> Figure:
    """Measure the memory that the volumes take, once all of them are judged and were read again."""
    async with AsyncExitStack() as stack:
        held = await stack.enter_async_context(large_hosts(disks, volumes, BROKEN))
        amounts = []
        # What is allocated once in a process must not count for either: the first round is not measured.
        for rounds in (WARM_UP, polls):
            ours, other, _ = await _both(stack, folder / str(rounds), held)
            amounts = [await _traced(poll, rounds) for poll in (other, ours)]
    name = f"memory for the volumes of a cluster: {disks:,} disks, {BROKEN} broken, {volumes:,} volumes"
    return Figure(name, (amounts[1] - amounts[0]) / MB, 0.0, "MB", 2.0, 1, absolute=True)
