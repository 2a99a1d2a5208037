"""Rows: a poll of a large cluster with 50 broken disks, against the same poll that reads no volumes."""

import gc
import tracemalloc
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import fmean

from bot.clustermgr.volume_survey import SuspectDisks, VolumeSurvey
from bot.runtime.parts import App
from tests.bench.figures import Figure, milliseconds
from tests.bench.polling import Poll, processor_time, watch
from tests.bench.world import Hosts, large_hosts

DISKS, VOLUMES, BROKEN = 1_000, 10_000, 50
JUDGED = 20
"""Polls in which every volume on the broken disks must have been judged: five minutes at an interval of 15 s."""
WARM_UP = 12
MB = 1e6


class NoVolumes:
    """Stands for the reader of volumes and reads none."""

    async def read(self, disks: SuspectDisks, now: float, host: str | None, within: float) -> VolumeSurvey:  # noqa: ARG002
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
        (folder / name).mkdir()
    ours = await stack.enter_async_context(watch(folder / "with", held.clusters, apps.append))
    other = await stack.enter_async_context(watch(folder / "without", held.clusters, _without_volumes))
    return ours, other, apps


async def judging(folder: Path, *, polls: int = 240, disks: int = DISKS, volumes: int = VOLUMES) -> Figure:
    """Measure one poll at a time, by both in turn, from the moment the disks are broken."""
    async with AsyncExitStack() as stack:
        held = await stack.enter_async_context(large_hosts(disks, volumes, BROKEN))
        ours, other, [app] = await _both(stack, folder, held)
        took, judged = [], 0
        for number in range(1, polls + 1):
            took.append((await processor_time(ours), await processor_time(other)))
            judged = judged or (number if _complete(app) else 0)
    column_ours, column_other = zip(*took, strict=True)
    first = sum(column_ours[:JUDGED]) / sum(column_other[:JUDGED])
    mean = fmean(column_ours) / fmean(column_other)
    note = (
        f"all volumes judged after {judged} polls; by the means {mean:.2f} x, of the first {JUDGED} polls {first:.2f} x"
    )
    name = f"processor time of a poll: {disks:,} disks, {BROKEN} broken, {volumes:,} volumes, p50"
    return Figure(name, milliseconds(column_ours), milliseconds(column_other), "ms", 1.3, polls, note=note)


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
            (folder / str(rounds)).mkdir()
            ours, other, _ = await _both(stack, folder / str(rounds), held)
            amounts = [await _traced(poll, rounds) for poll in (other, ours)]
    name = f"memory for the volumes of a cluster: {disks:,} disks, {BROKEN} broken, {volumes:,} volumes"
    return Figure(name, (amounts[1] - amounts[0]) / MB, 0.0, "MB", 2.0, 1, absolute=True)
