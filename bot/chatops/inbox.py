"""Inbox: stores what Slack delivered, so that one process executes each delivery once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import field

import structlog

from bot.common.errors import CmbotError, Conflict, Fenced, StoreError
from bot.common.frozen import frozen
from bot.common.json_object import JsonObject
from bot.interactions.events import AgentProposal, Work
from bot.store.database import Store
from bot.store.repositories.inbox import Malformed, decode_work, encode_work

log = structlog.get_logger(__name__)

ACCEPT_SECONDS = 2.0
"""Seconds that storing may take: Slack waits three seconds for the acknowledgement."""


@frozen
class Inbox:
    """The inbound rows as one process (`owner`) uses them; raises StoreError.

    `working` has the keys that this process works on, so that it takes none of them twice. `late` has the
    writes that ran out of time and still run.
    """

    store: Store
    owner: str
    clock: Callable[[], float]
    working: set[str] = field(default_factory=set)
    late: set[asyncio.Task[bool]] = field(default_factory=set)

    async def accept(self, work: Work) -> bool:
        """Store one piece of work; False if the same delivery is stored already.

        Raises StoreError after `ACCEPT_SECONDS` if the database is locked or does not answer.
        """
        until = asyncio.get_running_loop().time() + ACCEPT_SECONDS
        accepting = asyncio.create_task(self._accept(work, until), name=f"accept {work.key}")
        await asyncio.wait({accepting}, timeout=ACCEPT_SECONDS)
        if accepting.done():
            return await accepting
        # Not cancelled: asyncio would wait for the database call all the same.
        self.late.add(accepting)
        accepting.add_done_callback(self._ended)
        raise StoreError("The database did not answer in time.")

    async def _accept(self, work: Work, until: float) -> bool:
        kind, payload = encode_work(work)
        async with self.store.begin() as uow:
            fresh = await uow.inbox.insert_if_new(work.key, kind, payload, self.clock())
            if asyncio.get_running_loop().time() > until:
                # The sender has read that nothing was saved, so nothing may be saved.
                raise StoreError("The database answered too late.")
            return fresh

    async def once(self, key: str, kind: str) -> bool:
        """Record a delivery that needs no further work; False if any replica recorded it before."""
        async with self.store.begin() as uow:
            return await uow.inbox.insert_if_new(key, kind, {}, self.clock(), done=True)

    def _ended(self, accepting: asyncio.Task[bool]) -> None:
        self.late.discard(accepting)
        if not accepting.cancelled():
            accepting.exception()

    @asynccontextmanager
    async def claimed(self, key: str, seconds: float) -> AsyncIterator[bool]:
        """Claim the work within the block; False if it is done or claimed already, also by this process."""
        if key in self.working:
            yield False
            return
        self.working.add(key)
        try:
            now = self.clock()
            async with self.store.begin() as uow:
                ours = await uow.inbox.claim(key, self.owner, now=now, until=now + seconds)
            yield ours
        finally:
            self.working.discard(key)

    async def done(self, key: str) -> None:
        """Mark the work done; raises Fenced if another process has taken it over."""
        async with self.store.begin() as uow:
            await uow.inbox.done(key)

    async def pending(self) -> Sequence[Work]:
        """Return the work that is neither done nor claimed by an active process, oldest first.

        A row that no release can read is marked done. One of another release stays, as its replicas may read it.
        """
        async with self.store.read() as uow:
            rows = await uow.inbox.pending(self.clock())
        found: list[Work] = []
        for key, kind, payload in rows:
            try:
                found.append(_decoded(key, kind, payload))
            except Malformed as error:
                log.warning("inbound.unreadable", key=key, kind=kind, error=str(error))
                await self._drop(key)
            except (LookupError, TypeError, ValueError) as error:
                log.warning("inbound.unreadable", key=key, kind=kind, error=str(error))
        return found

    async def _drop(self, key: str) -> None:
        now = self.clock()
        async with self.store.begin() as uow:
            if await uow.inbox.claim(key, self.owner, now=now, until=now):
                await uow.inbox.done(key)


def _decoded(key: str, kind: str, payload: JsonObject) -> Work:
    work = decode_work(kind, payload)
    if isinstance(work, AgentProposal) and work.key != key:
        raise Malformed("The payload has another key.")
    return work


def is_left_to_the_row(work: Work, error: CmbotError) -> bool:
    """True if the stored row decides what comes next, so that this process answers and records nothing.

    Another process took the row over; or the database failed a proposal of an agent: its card may be stored already,
    and then the row is done, else it is taken again.
    """
    if isinstance(work, AgentProposal) and isinstance(error, StoreError):
        return not isinstance(error, Conflict)
    return isinstance(error, Fenced)
