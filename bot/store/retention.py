"""Retention: the rules of docs/backup.md, applied every hour in small transactions.

Rows that may still be clicked, edited or answered are never deleted. A message is deleted after its alert, operation or
silence has ended; messages of kinds without a known end are kept.
"""

from collections.abc import Callable, Sequence
from types import MappingProxyType

from bot.common.frozen import frozen
from bot.common.message_key import MessageKey
from bot.store.database import Store
from bot.store.purge import Changeable

BATCH = 500
"""Most rows that one transaction deletes: on SQLite every other writer waits for it."""
PAGES = 2000
"""Pages of a SQLite file that are returned to the file system at a time."""
DAY = 86400.0


@frozen
class Keep:
    """Retention in seconds by kind of row; samples: all of them, then one an hour, then one a day, then none."""

    samples: float = 14 * DAY
    hourly_samples: float = 90 * DAY
    daily_samples: float = 730 * DAY
    alerts: float = 90 * DAY
    operations: float = 400 * DAY
    messages: float = 30 * DAY


INBOUND = 3600.0
"""Retention of done deliveries, so that a payload that Slack delivers again is recognised."""
FIRINGS = 400 * DAY
"""Longer than a year, so that a yearly summary is not posted again."""
SILENCES = 7 * DAY
"""Retention after the end; the poll of the cluster removes a silence when it announces the end."""

EXTERNAL = DAY
"""Retention of alerts of an Alertmanager after they are over."""

ENDING = MappingProxyType({"alert": "alerts", "op": "operations", "silence": "silences"})
"""Kinds of messages (the first part of a key) that end with the row whose number follows."""


def is_final(message_key: MessageKey, changeable: Changeable) -> bool:
    """True if nothing can change that message any more."""
    if message_key.group_channel is not None:
        return str(message_key.root) not in changeable.group_keys
    number = message_key.subject_id
    return message_key.is_notice or (number is not None and number not in changeable.of(ENDING[message_key.kind]))


def surplus(times: Sequence[float], every: float, last: float) -> list[float]:
    """Times to delete (sorted `times`) so that the first of each `every` seconds stays; `last` precedes them."""
    gone = []
    for time in times:
        if time // every == last // every:
            gone.append(time)
        last = time
    return gone


class Retention:
    """Deletes rows past their retention; keeps how far samples are thinned, so that each is checked once a process."""

    def __init__(self, store: Store, keep: Keep, clock: Callable[[], float]) -> None:
        self._store, self._keep, self._clock = store, keep, clock
        self._thinned: dict[tuple[str, float], float] = {}

    async def apply(self) -> int:
        """Delete every row past its retention; return the number of rows. Raises StoreError."""
        now = self._clock()
        gone = await self._thin(now - self._keep.samples, 3600.0) + await self._thin(
            now - self._keep.hourly_samples, DAY
        )
        for table, age in (
            ("samples", self._keep.daily_samples),
            ("inbound", INBOUND),
            ("firings", FIRINGS),
            ("silences", SILENCES),
            ("alerts", self._keep.alerts),
            ("operations", self._keep.operations),
            ("alert_events", self._keep.alerts),
            ("notes", self._keep.operations),
            ("outputs", self._keep.messages),
            ("external_alerts", EXTERNAL),
            ("codes", 0.0),
        ):
            gone += await self._aged(table, now - age)
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
                changeable = await uow.expiry.changeable()
                total += await uow.expiry.drop_posts(
                    [seq for seq, slot in page if is_final(MessageKey.parse(slot), changeable)]
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
