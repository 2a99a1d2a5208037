"""Samples of a process while it runs: its memory and the lag of its event loop, and what they show together."""

import asyncio
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp
import psutil  # type: ignore[import-untyped] # it has no types

from tests.chaos.people import rest
from tests.chaos.processes import Process

MB = 1e6
WARM_UP = 0.2
"""Share of the run at its begin that counts for no trend: caches fill, libraries are loaded."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Hours since the begin, resident MB, mean lag in ms since the sample before."""

    hours: float
    memory: float
    lag: float


@dataclass(frozen=True, slots=True)
class Trend:
    """Mean of a series, its slope per hour by least squares, and the standard error of the slope."""

    mean: float
    slope: float
    error: float

    @property
    def flat(self) -> bool:
        """True if the slope may as well be zero: it is within two standard errors of zero."""
        return abs(self.slope) <= 2 * self.error

    def text(self, unit: str) -> str:
        """Return the figures as people read them."""
        kind = "flat" if self.flat else "rising" if self.slope > 0 else "falling"
        return f"mean {self.mean:.1f} {unit}, slope {self.slope:+.2f} ± {self.error:.2f} {unit} an hour ({kind})"


def trend(points: Sequence[tuple[float, float]]) -> Trend:
    """Fit a line through (hours, value); with fewer than three points nothing is known of its slope."""
    mean = statistics.fmean(value for _, value in points) if points else math.nan
    if len(points) < 3:
        return Trend(mean, 0.0, math.inf)
    hours, values = [at for at, _ in points], [value for _, value in points]
    slope, base = statistics.linear_regression(hours, values)
    left = sum((value - slope * at - base) ** 2 for at, value in points)
    spread = sum((at - statistics.fmean(hours)) ** 2 for at in hours)
    return Trend(mean, slope, math.sqrt(left / (len(points) - 2) / spread))


@dataclass
class Sampler:
    """Samples one process every `every` seconds; `page` is its page of metrics."""

    process: Process
    page: str
    every: float
    samples: list[Sample] = field(default_factory=list)
    longest_hold: float = 0.0
    """Greatest value of the gauge of held loops, in ms."""

    async def run(self, ending: asyncio.Event) -> None:
        """Sample until the end."""
        began, before = time.monotonic(), (0.0, 0.0)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            while not ending.is_set():
                await rest(ending, self.every)
                if not ending.is_set():
                    before = await self._sample(session, (time.monotonic() - began) / 3600, before)

    async def _sample(
        self, session: aiohttp.ClientSession, hours: float, before: tuple[float, float]
    ) -> tuple[float, float]:
        assert self.process.process is not None
        try:
            async with session.get(self.page) as answer:
                figures = _figures(await answer.text())
            memory = psutil.Process(self.process.process.pid).memory_info().rss / MB
        except (aiohttp.ClientError, TimeoutError, psutil.Error):
            return before
        now = figures["cmbot_loop_lag_seconds_sum"], figures["cmbot_loop_lag_seconds_count"]
        self.longest_hold = max(self.longest_hold, 1000 * figures.get("cmbot_loop_longest_hold_seconds", 0.0))
        if now[1] > before[1]:
            self.samples.append(Sample(hours, memory, 1000 * (now[0] - before[0]) / (now[1] - before[1])))
        return now

    def trends(self) -> tuple[Trend, Trend]:
        """Return the trends of memory and of lag, without the warm-up."""
        last = self.samples[-1].hours if self.samples else 0.0
        kept = [each for each in self.samples if each.hours >= WARM_UP * last]
        return trend([(s.hours, s.memory) for s in kept]), trend([(s.hours, s.lag) for s in kept])


def _figures(page: str) -> dict[str, float]:
    """Metrics without labels, by name."""
    lines = [line.split(" ") for line in page.splitlines() if line and not line.startswith("#") and "{" not in line]
    return {words[0]: float(words[1]) for words in lines}
