"""Rows: a poll of a large cluster with no or 50 broken disks, against the same poll that reads no volumes."""

import gc
import tracemalloc
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Pair:
    """The poll with and the one without volumes, and their programs."""

    ours: Poll
    other: Poll
    app: App
    without: App

    @property
    def commits(self) -> int:
        """Number of transactions of both."""
        return self.app.store.commits + self.without.store.commits


@dataclass(frozen=True, slots=True)
class Took:
    """Processor seconds of a poll of each, and whether one of them saved something."""

    ours: float
    other: float
    saved: bool = False


async def _both(stack: AsyncExitStack, folder: Path, held: Hosts) -> Pair:
    apps: list[App] = []
    for name in ("with", "without"):
        (folder / name).mkdir(parents=True)
    ours = await stack.enter_async_context(watch(folder / "with", held.clusters, apps.append))
    other = await stack.enter_async_context(watch(folder / "without", held.clusters, apps.append))
    for cluster in apps[1].clusters.values():
        cluster._volume_reader = NoVolumes()  # type: ignore[assignment] # nothing else turns it off
    return Pair(ours, other, *apps)


async def _warm_up(folder: Path, held: Hosts, polls: int) -> None:
    """Poll with a pair that is not measured: what a process does once must not count for either."""
    async with AsyncExitStack() as stack:
        pair = await _both(stack, folder, held)
        for _ in range(polls):
            await pair.ours()
            await pair.other()


@asynccontextmanager
async def _measurable(folder: Path, held: Hosts, warm_up: int) -> AsyncIterator[Pair]:
    """The pair that is measured, with the collector of garbage set as in the running program."""
    await _warm_up(folder / "before", held, warm_up)
    async with AsyncExitStack() as stack:
        pair = await _both(stack, folder / "measured", held)
        stack.callback(gc.unfreeze)
        collect_and_spare()
        yield pair


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
            judged = judged or (number + 1 if _complete(pair.app) else 0)
    first = _ratio(took[:JUDGED])
    note = f"all volumes judged after {judged} polls; by the means of the first {JUDGED} polls {first:.2f} x"
    return mean_and_median(f"{disks:,} disks, {BROKEN} broken, {volumes:,} volumes", took, note)


async def _in_turn(pair: Pair, number: int) -> Took:
    """Measure one poll of each; they take turns in who is first."""
    commits = pair.commits
    if number % 2:
        ours = await processor_time(pair.ours)
        other = await processor_time(pair.other)
    else:
        other = await processor_time(pair.other)
        ours = await processor_time(pair.ours)
    return Took(ours, other, saved=pair.commits > commits)


def _ratio(took: Sequence[Took]) -> float:
    return sum(each.ours for each in took) / sum(each.other for each in took)


def mean_and_median(name: str, took: Sequence[Took], note: str = "") -> tuple[Figure, ...]:
    """The ratio of the means, and that of the medians where neither poll saved anything.

    One poll in two or in four saves, and costs much more: the median of all is that of the one kind or of the other.
    """
    named = f"processor time of a poll: {name}"
    ours, other = _columns(took)
    mean = Figure(f"{named}, mean", fmean(ours) * 1000, fmean(other) * 1000, "ms", TARGET, len(took), note=note)
    quiet = [each for each in took if not each.saved] or took
    ours, other = _columns(quiet)
    words = f"{named}, p50 where nothing is saved"
    return mean, Figure(words, milliseconds(ours), milliseconds(other), "ms", TARGET, len(quiet))


def _columns(took: Sequence[Took]) -> tuple[list[float], list[float]]:
    return [each.ours for each in took], [each.other for each in took]


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
            pair = await _both(stack, folder / str(rounds), held)
            amounts = [await _traced(poll, rounds) for poll in (pair.other, pair.ours)]
    name = f"memory for the volumes of a cluster: {disks:,} disks, {BROKEN} broken, {volumes:,} volumes"
    return Figure(name, (amounts[1] - amounts[0]) / MB, 0.0, "MB", 2.0, 1, absolute=True)
