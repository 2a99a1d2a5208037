"""A month of invented measurements for the summaries and trends of the demo."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

from bot.alerting.reports.timeseries import HOUR
from bot.alerting.reports.trend import DAY, Measurement, sample_of
from bot.clustermgr.models import Snapshot
from bot.runtime.parts import App

MONTH = 30 * DAY
EVERY = 2 * HOUR
"""Seconds between two invented measurements."""
GROWTH: Mapping[str, float] = {"prod": 0.0034}
"""The share of its size by which a cluster fills each day; other clusters hardly change."""
_SLOW = 0.0003
_WAVE = 0.0006
_ADDED_DAYS = 19.0
"""How many days ago a quarter of the disks was added to a cluster that fills."""
_AWAY = (11.2 * DAY, 10.7 * DAY)
"""The gap in the measurements, in seconds before now."""


async def remember_a_month(app: App) -> None:
    """Store the month before now as if cmbot had been running and had posted its last summaries."""
    now = app.clock()
    answers = {name: await cluster.snapshot(5.0) for name, cluster in app.clusters.items()}
    async with app.store.begin() as uow:
        for name, snapshot in answers.items():
            await uow.samples.fill(name, month(name, snapshot, now))
        for entry in app.report_jobs:
            due_at = entry.latest(now)
            if due_at is not None:
                await uow.scheduled_runs.once(entry.job, due_at)


def month(name: str, snapshot: Snapshot, now: float) -> Iterator[tuple[float, Measurement]]:
    """Yield measurements that lead to the present state of a cluster; none for a cluster without a leader."""
    values = sample_of(snapshot)
    if values is None:
        return
    a_day = GROWTH.get(name, _SLOW)
    for step in range(int(MONTH / EVERY), 0, -1):
        ago = step * EVERY
        if not _AWAY[1] <= ago <= _AWAY[0]:
            yield now - ago, _then(values, ago / DAY, a_day)


def _then(now: Measurement, days: float, a_day: float) -> Measurement:
    """Return space and disks `days` ago: less used, apart from a daily wave, and fewer disks at first."""
    size, used, free = (now.total or 0), (now.used or 0), (now.writable or 0)
    moved = int(size * (a_day * days + _WAVE * math.sin(2 * math.pi * days)))
    used = max(0, used - moved)
    share = 0.75 if a_day > _SLOW and days > _ADDED_DAYS else 1.0
    total = int(size * share)
    # Half of the free space is writable: copies and checksums take the other half.
    writable = max(0, free + moved // 2 - (size - total) // 2)
    return replace(now, used=used, total=total, writable=writable, disks=int((now.disks or 0) * share))
