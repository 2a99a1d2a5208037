"""Row: time to answer `/cm trend 90d` of one of a hundred clusters that were measured for a year."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from bot.alerting.reports.trend import Measurement
from bot.store.state_codec import encode_measurement
from tests.bench.asking import answered
from tests.bench.figures import Figure, milliseconds
from tests.bench.workspace import workspace
from tests.bench.world import hosts, program, settings, wait_for_polls

DAY = 86400
EVERY = 600
"""Seconds between two measurements."""
TARGET_MS = 200
_FILL = """
WITH RECURSIVE places(place) AS (SELECT 0 UNION ALL SELECT place + 1 FROM places WHERE place + 1 < :samples)
INSERT INTO samples (cluster, at, data)
SELECT :cluster, :first + place * :every,
       json_set(:data, '$.used', 1000000000000 + place * 90000000 + (place * 7919 % 997) * 1000000,
                '$.writable', 9000000000000 - place * 90000000)
FROM places
"""
_MEASURED = Measurement(term=7, leader=1, total=10e12, bad_disks=1, disks=24, members=3, bad=(3,))


async def trend(folder: Path, *, clusters: int = 100, days: int = 365, rounds: int = 60) -> Figure:
    """Fill the database once the program has started, because housekeeping thins measurements five minutes after it."""
    async with hosts(clusters) as held, workspace() as slack:
        async with program(slack, settings(folder, slack, held.clusters)):
            await wait_for_polls(held, 1)
            await asyncio.to_thread(_fill, folder / "cmbot.db", [f"c{number}" for number in range(clusters)], days)
            took = [await answered(slack, f"trend c{number % clusters} 90d") for number in range(1 + rounds)][1:]
    name = f"/cm trend 90d, {clusters} clusters measured each 10 min for {days} days, p50"
    note = f"p99 {milliseconds(took, 99):.0f} ms; {clusters * days * DAY // EVERY:,} measurements on SQLite"
    return Figure(name, milliseconds(took), 0, "ms", TARGET_MS, rounds, absolute=True, note=note)


def _fill(file: Path, names: Sequence[str], days: int) -> None:
    """Insert the measurements, one transaction a cluster, so that the program can write between them."""
    count, now = days * DAY // EVERY, time.time()
    data = json.dumps(encode_measurement(_MEASURED))
    with closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as connection:
        for name in names:
            first = now - count * EVERY - 1
            connection.execute(_FILL, {"cluster": name, "samples": count, "first": first, "every": EVERY, "data": data})
