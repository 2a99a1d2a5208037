"""Inbound work in the store: what was accepted is done once, by whoever holds its claim."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.store.store import Store


@dataclass(frozen=True, slots=True)
class Inbox:
    """The store's inbound rows as one process (`owner`) uses them; raises StoreError.

    `working` are the keys of what this process works on: it takes none of them twice, however long one lasts.
    """

    store: Store
    owner: str
    clock: Callable[[], float]
    working: set[str] = field(default_factory=set)

    async def accept(self, key: str, kind: str, payload: Mapping[str, Any]) -> bool:
        """Persist one piece of work; False when it had been accepted before."""
        async with self.store.begin() as uow:
            return await uow.inbound.first_seen(key, kind, payload, self.clock())

    @asynccontextmanager
    async def claimed(self, key: str, seconds: float) -> AsyncIterator[bool]:
        """Take it to work on within the block; False when somebody has it, be it this process, or it is done."""
        if key in self.working:
            yield False
            return
        self.working.add(key)
        try:
            now = self.clock()
            async with self.store.begin() as uow:
                ours = await uow.inbound.claim(key, self.owner, now=now, until=now + seconds)
            yield ours
        finally:
            self.working.discard(key)

    async def done(self, key: str) -> None:
        """Mark it done; raises Fenced when another process has taken it over."""
        async with self.store.begin() as uow:
            await uow.inbound.done(key)

    async def pending(self) -> Sequence[tuple[str, str, Mapping[str, Any]]]:
        """What was accepted and is neither done nor claimed by the living."""
        async with self.store.read() as uow:
            return await uow.inbound.pending(self.clock())
