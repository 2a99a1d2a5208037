"""Inbound work in the store: what was accepted is done once, by whoever holds its claim."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.common.errors import StoreError
from bot.store.database import Store

ACCEPT_SECONDS = 2.0
"""How long accepting may take: Slack waits three seconds for its acknowledgement."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """The store's inbound rows as one process (`owner`) uses them; raises StoreError.

    `working` are the keys of what this process works on: it takes none of them twice, however long one lasts. `late`
    are acceptances that nobody waits for any more.
    """

    store: Store
    owner: str
    clock: Callable[[], float]
    working: set[str] = field(default_factory=set)
    late: set[asyncio.Task[bool]] = field(default_factory=set)

    async def accept(self, key: str, kind: str, payload: Mapping[str, Any]) -> bool:
        """Persist one piece of work; False when it had been accepted before.

        A database that is locked or does not answer is not waited for: StoreError after `ACCEPT_SECONDS`.
        """
        until = asyncio.get_running_loop().time() + ACCEPT_SECONDS
        accepting = asyncio.create_task(self._accept(key, kind, payload, until), name=f"accept {key}")
        await asyncio.wait({accepting}, timeout=ACCEPT_SECONDS)
        if accepting.done():
            return await accepting
        # Not cancelled: a database call that is cut off would be waited for all the same.
        self.late.add(accepting)
        accepting.add_done_callback(self._ended)
        raise StoreError("The database did not answer in time.")

    async def _accept(self, key: str, kind: str, payload: Mapping[str, Any], until: float) -> bool:
        async with self.store.begin() as uow:
            fresh = await uow.inbound.insert_if_new(key, kind, payload, self.clock())
            if asyncio.get_running_loop().time() > until:
                # Its sender was told that nothing was noted: so it must not be.
                raise StoreError("The database answered too late.")
            return fresh

    async def once(self, key: str, kind: str) -> bool:
        """Note a delivery that nobody must finish; False when it had come before, here or elsewhere."""
        async with self.store.begin() as uow:
            return await uow.inbound.insert_if_new(key, kind, {}, self.clock(), done=True)

    def _ended(self, accepting: asyncio.Task[bool]) -> None:
        self.late.discard(accepting)
        if not accepting.cancelled():
            accepting.exception()

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
