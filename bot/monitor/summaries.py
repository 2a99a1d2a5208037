"""Posting the periodic summaries: each once in all, whoever else runs and however often this is started."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from bot.monitor.memory import Memory
from bot.monitor.ports import WatchStore, WatchUnit
from bot.monitor.summary import Deed, Facts, Sample, summarise
from bot.views.summary import summary

log = structlog.get_logger(__name__)

CATCH_UP_SECONDS = 3600.0
"""How late a summary that was due while nothing ran is still worth posting."""
_DAY = 86400.0

Deeds = Callable[[str, float], Awaitable[Sequence[Deed]]]
"""What was done to a cluster with the bot since a time."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One configured summary: a `job` name that stays the same over restarts, its channel (id), its clusters.

    `latest` gives the last time it was due at or before a time (Unix seconds), None when never.
    """

    job: str
    channel: str
    clusters: tuple[str, ...]
    latest: Callable[[float], float | None]


async def no_deeds(_cluster: str, _since: float) -> Sequence[Deed]:
    """For a program that keeps no operations."""
    return ()


class Summaries:
    """Posts summaries through the outbox; both methods raise StoreError."""

    def __init__(self, store: WatchStore, *, wake: Callable[[], None], deeds: Deeds = no_deeds) -> None:
        self._store = store
        self._wake = wake
        self._deeds = deeds

    async def fire(self, entry: Entry, due_at: float, now: float) -> bool:
        """Post the summary that was due at `due_at`; False when somebody has already."""
        since = entry.latest(due_at - 1)
        since = due_at - _DAY if since is None else since
        deeds = {name: await self._deeds(name, since) for name in entry.clusters}
        async with self._store.begin() as uow:
            if not await uow.firings.once(entry.job, due_at):
                return False
            facts = [await _facts(uow, name, since, deeds[name]) for name in entry.clusters]
            message = summary(summarise(facts, since, now))
            await uow.outbox.put(f"summary:{entry.job}:{due_at:.0f}", entry.channel, message)
        log.info("summary_posted", job=entry.job, due_at=due_at)
        self._wake()
        return True

    async def catch_up(self, entry: Entry, now: float) -> bool:
        """Post what was due lately and nobody posted, if there was a watch then; for the start and after outages."""
        due_at = entry.latest(now)
        if due_at is None or now - due_at > CATCH_UP_SECONDS or not await self._watched_at(entry, due_at):
            return False
        return await self.fire(entry, due_at, now)

    async def _watched_at(self, entry: Entry, time: float) -> bool:
        async with self._store.read() as uow:
            kept = [await uow.samples.range(name, time - _DAY) for name in entry.clusters]
        return any(at <= time for samples in kept for at, _ in samples)


async def _facts(uow: WatchUnit, name: str, since: float, deeds: Sequence[Deed]) -> Facts:
    samples: list[Sample] = [(at, values) for at, values in await uow.samples.range(name, since)]
    return Facts(
        name=name,
        memory=Memory.from_json(await uow.memory.get(name)),
        open=await uow.alerts.open(name),
        recent=await uow.alerts.recent(since, name),
        samples=samples,
        deeds=deeds,
    )
