"""Grace: more polls than fit into the interval are skipped, said and recovered from; no cluster starves."""

import asyncio
from collections import Counter
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.runtime.job_problems import JobProblems
from bot.runtime.polling import poll_job, spread
from bot.runtime.scheduler import Scheduler
from bot.telemetry.metrics import Metrics
from bot.views.status import too_many_clusters
from bot.watch.admission import Admission

pytestmark = pytest.mark.fast_time

INTERVAL = 5.0
CLUSTERS = 40
AT_ONCE, TAKES = 2, 1.0
ROUND = CLUSTERS * TAKES / AT_ONCE
"""Seconds that one poll of each cluster takes while this many run at once, each for `TAKES` seconds."""


class Polls:
    """Polls of many clusters by the scheduler of the program; while `slow`, each waits for its hosts."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.slow = True
        self.begun: list[str] = []
        self.intervals = {f"c{n}": INTERVAL for n in range(CLUSTERS)}
        self.admission = Admission(self.intervals, loop.time)
        self.problems = JobProblems(Metrics(), cast("Any", self), self.admission)
        self.scheduler = Scheduler(self.problems.report)
        for name, after in spread(self.intervals).items():
            self.scheduler.every(INTERVAL, partial(self.poll, name), name=poll_job(name), after=after)

    def record_schedule_error(self, cluster: str, problem: str) -> None:
        raise AssertionError(f"{cluster}: {problem}")

    async def poll(self, name: str) -> None:
        async def work() -> None:
            self.begun.append(name)
            await asyncio.sleep(TAKES if self.slow else 0)

        await self.admission.run(name, work)


async def test_too_many_polls_are_skipped_said_and_recovered_from(monkeypatch: pytest.MonkeyPatch) -> None:
    # Fast time looks like a system clock that is set again and again.
    monkeypatch.setattr(Scheduler, "check_clock", lambda _: None)
    monkeypatch.setattr("bot.watch.admission.MOST", AT_ONCE)
    polls = Polls()
    polls.scheduler.start()
    try:
        await asyncio.sleep(4 * ROUND)
        overload = polls.admission.overload()
        assert overload is not None
        assert overload.actual == pytest.approx(ROUND, rel=0.25)
        said = too_many_clusters(overload.clusters, overload.interval, overload.actual)
        assert said.startswith("40 clusters are more than this process can poll every 5 s; the interval is now ")
        counts = Counter(polls.begun)
        assert set(counts) == set(polls.intervals)
        assert max(counts.values()) - min(counts.values()) <= 1
        polls.slow = False
        await asyncio.sleep(2 * INTERVAL)
        polls.begun.clear()
        await asyncio.sleep(2 * INTERVAL)
        assert polls.admission.overload() is None
        assert min(Counter(polls.begun).values()) >= 1
        assert len(polls.begun) >= 2 * CLUSTERS - CLUSTERS // 4
    finally:
        polls.slow = False
        await polls.scheduler.stop()


async def test_poll_that_is_due_while_the_one_before_runs_follows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scheduler, "check_clock", lambda _: None)
    loop = asyncio.get_running_loop()
    admission = Admission({"c0": INTERVAL}, loop.time)
    recorder = cast("Any", SimpleNamespace(record_schedule_error=lambda *_: None))
    scheduler = Scheduler(JobProblems(Metrics(), recorder, admission).report)
    begun: list[float] = []

    async def poll() -> None:
        begun.append(loop.time())
        await asyncio.sleep(1.2 * INTERVAL if len(begun) <= 3 else 0)

    scheduler.every(INTERVAL, partial(admission.run, "c0", poll), name=poll_job("c0"))
    scheduler.start()
    try:
        await asyncio.sleep(8 * INTERVAL)
    finally:
        await scheduler.stop()
    gaps = [after - before for before, after in pairwise(begun)]
    assert gaps[:3] == pytest.approx([1.2 * INTERVAL] * 3, abs=0.1)
    assert max(gaps) <= 1.2 * INTERVAL + 0.1
