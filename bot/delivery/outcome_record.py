"""Records what became of a message in Slack: shown, deleted by a person, not editable any more, or not sent at all."""

from collections.abc import Awaitable, Callable

import structlog

from bot.common.frozen import frozen
from bot.common.message_key import MessageKey
from bot.delivery.attempt import Deleted, Done, Frozen, Gone, Poster, Sent, Unsaid, delete_others
from bot.store.database import Store
from bot.store.repositories.outbox_claims import Claim

log = structlog.get_logger(__name__)


@frozen
class OutcomeRecord:
    """Writes outcomes into the rows that `owner` claimed; raises StoreError. The other fields are those of `Outbox`."""

    store: Store
    poster: Poster
    owner: str
    clock: Callable[[], float]
    wanted: Callable[[MessageKey], Awaitable[bool]]
    renew: Callable[[MessageKey, str], Awaitable[float | None]]
    posted_after: Callable[[float], float]

    async def record(self, claim: Claim, outcome: Done) -> None:
        """Write the outcome of one claim."""
        if isinstance(outcome, Deleted):
            await self._deleted(claim, outcome)
        elif isinstance(outcome, Frozen):
            await self._frozen(claim, outcome)
        elif isinstance(outcome, Unsaid):
            async with self.store.begin() as uow:
                await uow.fallback.give_up(claim, self.owner)
        elif isinstance(outcome, Gone):
            async with self.store.begin() as uow:
                await uow.outbox.gone(claim, self.owner, self.clock())
        else:
            await self._shown(claim, outcome)

    async def _deleted(self, claim: Claim, deleted: Deleted) -> None:
        """Post the message again if it still matters, then its unseen replies; otherwise give it up."""
        message_key = claim.parent if deleted.parent and claim.parent else claim.message_key
        again = await self.wanted(message_key)
        log.info("outbox.deleted_by_someone", slot=str(message_key), channel=claim.channel, again=again)
        async with self.store.begin() as uow:
            if again:
                await uow.fallback.again(message_key, deleted.ts)
            if deleted.parent:
                await (uow.fallback.wait if again else uow.fallback.give_up)(claim, self.owner)
            elif not again:
                await uow.outbox.sent(claim, self.owner, deleted.ts, self.clock(), version=claim.version)

    async def _frozen(self, claim: Claim, frozen: Frozen) -> None:
        """Post the content as a new message, now or later, or leave it until the content changes."""
        wait = await self.renew(claim.message_key, frozen.ts)
        log.info("outbox.frozen", slot=str(claim.message_key), channel=claim.channel, code=frozen.error, wait=wait)
        now = self.clock()
        async with self.store.begin() as uow:
            if wait is None:
                await uow.outbox.sent(claim, self.owner, frozen.ts, now, version=claim.version)
            elif wait <= 0:
                await uow.fallback.replace(claim.message_key, frozen.ts)
            else:
                await uow.outbox.failed(
                    claim, self.owner, error=frozen.error, now=now, retry_at=now + wait, maybe_sent=False
                )

    async def _shown(self, claim: Claim, sent: Sent) -> None:
        async with self.store.begin() as uow:
            held = await uow.outbox.sent(claim, self.owner, sent.ts, self.clock(), version=sent.version)
        await delete_others(self.poster, claim, sent, held, self.posted_after)
