"""What is kept and for how long: a rule for each table, carried out every hour in small transactions.

What may still be clicked, edited or answered is never dropped: a message goes when the alert, operation or silence that
it speaks of has ended, and only those kinds of messages that are known to be done with some day.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bot.common.message_key import MessageKey
from bot.store.database import Store
from bot.store.purge import Living

BATCH = 500
"""Rows that one transaction drops at most: on SQLite every other writer waits for it."""
PAGES = 2000
"""Pages of SQLite's file that are given back at a time."""
DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Keep:
    """Seconds that each kind of row is kept; samples: every one, then one an hour, then one a day, then none."""

    samples: float = 14 * DAY
    hourly_samples: float = 90 * DAY
    daily_samples: float = 730 * DAY
    alerts: float = 90 * DAY
    operations: float = 400 * DAY
    messages: float = 30 * DAY


INBOUND = 3600.0
"""How long a done row is kept, so that a payload delivered again is known for what it is."""
FIRINGS = 400 * DAY
"""Longer than a year, so that a yearly summary that was posted is not caught up with."""
SILENCES = 7 * DAY
"""After its end; the watch itself removes a silence when it tells that it is over."""

RETENTION: Mapping[str, str] = MappingProxyType(
    {
        "alerts": "until retention.alerts after it was resolved",
        "audit": "for ever",
        "channels": "as long as the channel is used: one row each",
        "firings": "400 days",
        "holds": "as long as its task exists: one row each",
        "inbound": "1 hour after it came, once done",
        "memory": "as long as the cluster is watched: one row each",
        "operations": "until retention.operations, once nothing can happen to it any more",
        "posts": "until retention.messages, once what it speaks of has ended",
        "replicas": "until a process has ended or is taken for dead",
        "samples": "all for retention.samples, then one an hour, then one a day",
        "silences": "until it has ended, 7 days longer at most",
    }
)
"""Each table and how long its rows are kept; docs/backup.md shows the same."""

ENDING = MappingProxyType({"alert": "alerts", "op": "operations", "silence": "silences"})
"""The kinds of messages (a slot's first word) that end with the thing whose number follows."""


def done_with(message_key: MessageKey, living: Living) -> bool:
    """Whether the message of `slot` speaks of nothing that may still change."""
    if message_key.group_channel is not None:
        return str(message_key.root) not in living.digests
    number = message_key.subject_id
    return message_key.is_notice or (number is not None and number not in living.of(ENDING[message_key.kind]))


def surplus(times: Sequence[float], every: float, last: float) -> list[float]:
    """Which of `times` (sorted) to drop so that the first of each `every` seconds stays; `last` came before them."""
    gone = []
    for time in times:
        if time // every == last // every:
            gone.append(time)
        last = time
    return gone


class Retention:
    """Drops what is over; remembers how far samples were thinned, so that each is looked at once a process."""

    def __init__(self, store: Store, keep: Keep, clock: Callable[[], float]) -> None:
        self._store, self._keep, self._clock = store, keep, clock
        self._thinned: dict[tuple[str, float], float] = {}

    async def carry_out(self) -> int:
        """Drop everything that is over now; returns how many rows went. Raises StoreError."""
        now = self._clock()
        gone = await self._thin(now - self._keep.samples, 3600.0) + await self._thin(
            now - self._keep.hourly_samples, DAY
        )
        for drop in (
            self._aged("samples", now - self._keep.daily_samples),
            self._aged("inbound", now - INBOUND),
            self._aged("firings", now - FIRINGS),
            self._aged("silences", now - SILENCES),
            self._aged("alerts", now - self._keep.alerts),
            self._aged("operations", now - self._keep.operations),
        ):
            gone += await drop
        gone += await self._messages(now - self._keep.messages)
        await self._store.give_back(PAGES)
        return gone

    async def _aged(self, table: str, before: float) -> int:
        total = 0
        while True:
            async with self._store.begin() as uow:
                gone = await uow.expiry.drop_aged(table, before, BATCH)
            total += gone
            if gone < BATCH:
                return total

    async def _messages(self, before: float) -> int:
        total, after = 0, 0
        while True:
            async with self._store.begin() as uow:
                page = await uow.expiry.settled_posts(before, after, BATCH)
                living = await uow.expiry.living()
                total += await uow.expiry.drop_posts(
                    [seq for seq, slot in page if done_with(MessageKey.parse(slot), living)]
                )
            if len(page) < BATCH:
                return total
            after = page[-1][0]

    async def _thin(self, before: float, every: float) -> int:
        async with self._store.read() as uow:
            names = await uow.expiry.sampled()
        return sum([await self._thin_one(name, before, every) for name in names])

    async def _thin_one(self, name: str, before: float, every: float) -> int:
        total = 0
        while True:
            last = self._thinned.get((name, every), -every)
            async with self._store.read() as uow:
                times = await uow.expiry.sample_times(name, last, before, BATCH)
            gone = surplus(times, every, last)
            if gone:
                async with self._store.begin() as uow:
                    total += await uow.expiry.drop_samples(name, gone)
            if times:
                self._thinned[name, every] = times[-1]
            if len(times) < BATCH:
                return total
