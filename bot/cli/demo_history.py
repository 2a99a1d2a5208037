"""A month of made-up measurements for the demo, so that its summaries and trends have something to show."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from bot.alerting.reports.timeseries import HOUR
from bot.alerting.reports.trend import DAY
from bot.alerting.sample import sample_of
from bot.clustermgr.models import Snapshot
from bot.runtime.lifecycle import App

MONTH = 30 * DAY
EVERY = 2 * HOUR
"""Seconds between two made-up measurements."""
GROWTH: Mapping[str, float] = {"prod": 0.0034}
"""The share of its size by which a cluster fills each day; others hardly move."""
_SLOW = 0.0003
_WAVE = 0.0006
_ADDED_DAYS = 19.0
"""So many days ago a quarter of the disks was added to a cluster that fills."""
_AWAY = (11.2 * DAY, 10.7 * DAY)
"""Between so many seconds ago nobody measured anything."""


async def remember_a_month(app: App) -> None:
    """Write the month before now into the store, as if cmbot had been running, its last summaries posted."""
    now = app.clock()
    looks = {name: await cluster.look(5.0) for name, cluster in app.clusters.items()}
    async with app.store.begin() as uow:
        for name, snapshot in looks.items():
            await uow.samples.fill(name, month(name, snapshot, now))
        for entry in app.entries:
            due_at = entry.latest(now)
            if due_at is not None:
                await uow.firings.once(entry.job, due_at)


def month(name: str, snapshot: Snapshot, now: float) -> Iterator[tuple[float, dict[str, Any]]]:
    """Measurements that lead to what a cluster is now; none where it has no leader to tell."""
    values = sample_of(snapshot)
    if values is None:
        return
    a_day = GROWTH.get(name, _SLOW)
    for step in range(int(MONTH / EVERY), 0, -1):
        ago = step * EVERY
        if not _AWAY[1] <= ago <= _AWAY[0]:
            yield now - ago, {**values, **_then(values, ago / DAY, a_day)}


def _then(now: Mapping[str, Any], days: float, a_day: float) -> dict[str, Any]:
    """Space and disks so many days ago: less used but for the rhythm of day and night, and fewer disks at first."""
    moved = int(now["total"] * (a_day * days + _WAVE * math.sin(2 * math.pi * days)))
    used = max(0, now["used"] - moved)
    share = 0.75 if a_day > _SLOW and days > _ADDED_DAYS else 1.0
    total = int(now["total"] * share)
    # Half of what is free may be written: the other half are the copies' and checksums'.
    writable = max(0, now["writable"] + moved // 2 - (now["total"] - total) // 2)
    return {"used": used, "total": total, "writable": writable, "disks": int(now["disks"] * share)}
