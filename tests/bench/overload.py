"""Row: 1,000 clusters at an interval that needs twice what the program can carry, and the end of that load."""

import asyncio
import json
import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from tests.bench.figures import Figure, percentile
from tests.bench.watching import Watching, watching
from tests.bench.world import PATIENCE, Hosts, hosts

CALM = 15
"""Interval in seconds at which a poll's processor time is measured first."""
JUST_TOO_SHORT = 0.8
"""Share of the interval at which polls, at that processor time, would take the whole core; polls are cheaper then."""
SHORTEST = 0.1
"""Shortest interval of the settings."""
BETWEEN_COMMANDS = 0.3
BETWEEN_PAGES = 2.0
COMMAND = "stat c0"
LATE = 1.25
"""Multiple of the interval from which on a poll is late; polls are spread by a tenth of it in each direction."""
TOLERANCE = 0.2
"""Seconds more that a short interval needs: other programs run on the machine."""
AFTERWARDS = 4
"""Intervals for which polls are recorded after the end of the load."""
_SAYS = re.compile(r"every ([\d.]+) s; the interval is now ([\d.]+) s")
Times = Sequence[Sequence[float]]
"""The times of the polls of each cluster."""


@dataclass(frozen=True, slots=True)
class Burden:
    """What was seen during the load, from `began` to `ended`, and after it; `acked` in seconds."""

    interval: float
    began: float
    ended: float
    times: Times
    acked: Sequence[float]
    said: float | None
    store_down: int

    @property
    def rate(self) -> float:
        """Polls a second during the load."""
        return rate(self.times, self.began, self.ended)

    @property
    def gap(self) -> float:
        """Mean seconds between two polls of a cluster during the load."""
        return len(self.times) / self.rate if self.rate else math.inf


def rate(times: Times, began: float, ended: float) -> float:
    """Polls a second between two times."""
    return sum(began <= at < ended for each in times for at in each) / (ended - began)


def longest_gap(times: Times, began: float, ended: float) -> float:
    """The longest time without a poll that a cluster had between two times."""
    return max(
        after - before
        for each in times
        for within in [[began, *(at for at in each if began <= at < ended), ended]]
        for before, after in pairwise(within)
    )


def last_late(times: Times, ended: float, interval: float, remaining: int) -> float:
    """Seconds from the end of the load to the last late poll of the first `remaining` clusters; 0 if none was late."""
    late = [
        at - ended
        for each in times[:remaining]
        for before, at in pairwise(each)
        if at > ended and at - before > LATE * interval + TOLERANCE
    ]
    return max(late, default=0.0)


async def overload(folder: Path, *, clusters: int = 1000, seconds: int = 60, calm: int = CALM) -> tuple[Figure, ...]:
    """Find what the program carries at most, and measure twice that."""
    async with hosts(clusters) as held:
        cost = await _cost(folder / "calm", held, max(1, clusters // 2), calm, min(20, seconds))
        most = partial(_most, held, clusters, max(SHORTEST, round(JUST_TOO_SHORT * clusters * cost, 1)), seconds / 2)
        before = await most(folder / "before")
        double = await _double(
            folder / "double", held, clusters, max(SHORTEST, round(clusters / before / 2, 1)), seconds
        )
        # On both sides of the load: the speed of the machine changes within minutes.
        carried = fmean((before, await most(folder / "after")))
    return figures_of(double, carried, clusters)


def figures_of(double: Burden, carried: float, clusters: int) -> tuple[Figure, ...]:
    """The figures; `carried` is the rate when a little too much was asked for, in polls a second."""
    best = max(carried, double.rate)
    polls = sum(map(len, double.times))
    shown = f"{clusters:,} clusters every {double.interval:g} s, twice what is carried"
    starved = longest_gap(double.times, double.began, double.ended)
    note = f"{double.rate:.1f} polls/s; {carried:.1f} at a little overload; longest gap of a cluster {starved:.1f} s"
    said = double.said or math.inf
    recovered = last_late(double.times, double.ended, double.interval, max(1, clusters // 4))
    return (
        Figure(
            f"{shown}: time for a poll; at the best rate", 1000 / double.rate, 1000 / best, "ms", 1.11, polls, note=note
        ),
        Figure(
            f"{shown}: command acknowledged, p99",
            percentile(double.acked, 99) * 1000,
            0,
            "ms",
            1000,
            len(double.acked),
            absolute=True,
        ),
        Figure(
            f"{shown}: interval on /readyz; measured, the greater against the smaller",
            max(said, double.gap),
            min(said, double.gap),
            "s",
            1.25,
            1,
            note="" if double.said else "/readyz said nothing of the load",
        ),
        Figure(f"{shown}: store.down in the log", double.store_down, 0, "", 0, 1, absolute=True),
        Figure(
            f"{shown}: end of the load → last late poll; two intervals", recovered, 2 * double.interval, "s", 1.0, polls
        ),
    )


async def _cost(folder: Path, held: Hosts, clusters: int, interval: float, seconds: float) -> float:
    """Processor seconds of a poll without overload."""
    async with watching(folder, held, clusters, interval) as program:
        await program.polled(2, within=20 * interval)
        polls, used = await program.polls(), program.processor_time()
        await asyncio.sleep(seconds)
        return (program.processor_time() - used) / max(1, await program.polls() - polls)


async def _most(held: Hosts, clusters: int, interval: float, seconds: float, folder: Path) -> float:
    """Polls a second at an interval that is too short by the processor time of a poll without overload.

    The same commands and pages are asked for meanwhile as under the load that it is compared with.
    """
    async with watching(folder, held, clusters, interval) as program:
        await program.polled(3, within=_patience(interval))
        polls, began = await program.polls(), time.monotonic()
        await _commands(program, began + seconds)
        return (await program.polls() - polls) / (time.monotonic() - began)


async def _double(folder: Path, held: Hosts, clusters: int, interval: float, seconds: float) -> Burden:
    async with watching(folder, held, clusters, interval, steered=True) as program:
        await program.polled(3, within=_patience(interval))
        await held.send("record")
        began = time.monotonic()
        acked, said = await _commands(program, began + seconds)
        ended = time.monotonic()
        await program.order(f"polled {clusters // 4}")
        await asyncio.sleep(AFTERWARDS * interval)
        # The commands go to the first cluster and read its hosts too, so its requests are not polls alone.
        times = [await held.send(f"recorded {number}") for number in range(clusters)][1:]
        # A page that says nothing says that the clusters are polled at their interval.
        mean = fmean(each or interval for each in said) if any(said) else None
        return Burden(interval, began, ended, times, acked, mean, program.logged("store.down"))


async def _commands(program: Watching, until: float) -> tuple[list[float], list[float | None]]:
    """Send commands until then; return the times until they were acknowledged and the intervals on /readyz."""
    asking = asyncio.create_task(_said(program, until))
    sent = []
    while time.monotonic() < until:
        sent += await program.slack.commands(1, COMMAND)
        await asyncio.sleep(BETWEEN_COMMANDS)
    async with asyncio.timeout(PATIENCE):
        return [await each.acked - each.at for each in sent], await asking


async def _said(program: Watching, until: float) -> list[float | None]:
    said = []
    while time.monotonic() < until:
        said.append(said_interval(await program.page("/readyz")))
        await asyncio.sleep(BETWEEN_PAGES)
    return said


def said_interval(page: bytes) -> float | None:
    """The interval in seconds that `/readyz` says under overload, None if it says none."""
    found = _SAYS.search(json.loads(page)["checks"]["watch"])
    return float(found[2]) if found else None


def _patience(interval: float) -> float:
    return 120 + 20 * interval
