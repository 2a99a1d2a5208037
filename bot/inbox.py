"""Inbound work in the store: what was accepted is done once, by whoever holds its claim."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.store.store import Store

KEEP_SECONDS = 3600.0
"""How long a done row is kept, so that a payload delivered again is known for what it is."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """The store's inbound rows as one process (`owner`) uses them; raises StoreError."""

    store: Store
    owner: str
    clock: Callable[[], float]

    async def accept(self, key: str, kind: str, payload: Mapping[str, Any]) -> bool:
        """Persist one piece of work; False when it had been accepted before."""
        async with self.store.begin() as uow:
            return await uow.inbound.first_seen(key, kind, payload, self.clock())

    async def claim(self, key: str, seconds: float) -> bool:
        """Take it to work on; False when somebody else has it or it is done."""
        now = self.clock()
        async with self.store.begin() as uow:
            return await uow.inbound.claim(key, self.owner, now=now, until=now + seconds)

    async def done(self, key: str) -> None:
        """Mark it done."""
        async with self.store.begin() as uow:
            await uow.inbound.done(key)

    async def pending(self) -> Sequence[tuple[str, str, Mapping[str, Any]]]:
        """What was accepted and is neither done nor claimed by the living."""
        async with self.store.read() as uow:
            return await uow.inbound.pending(self.clock())

    async def forget(self) -> None:
        """Drop what was done long ago."""
        async with self.store.begin() as uow:
            await uow.inbound.forget_before(self.clock() - KEEP_SECONDS)
