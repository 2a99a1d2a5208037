"""Fallback for messages that Slack refuses in their channel: another channel, a later try, or giving up.

A channel that accepts nothing gets its own outbox row (`unposted:<channel>`): the note that cmbot can post there again.
The note is retried regularly. Until it is sent, every replica counts the channel as closed.
"""

from collections.abc import Awaitable, Callable
from types import MappingProxyType

from bot.common.frozen import frozen
from bot.common.message_key import UNPOSTED_PREFIX, MessageKey
from bot.delivery.retry_policy import FINAL_IN_CHANNEL
from bot.store.database import Store
from bot.store.repositories.outbox import OutboxMessage
from bot.store.unit_of_work import UnitOfWork
from bot.views.fallback import channel_recovered

RETRY_SECONDS = 60.0
"""Seconds between two tries of a closed channel."""
NEWS_SECONDS = 600.0
"""Seconds for which the end of an operation is still posted: its people wait for it."""
RENEWALS = MappingProxyType({"alert": 120.0, "digest": 120.0, "status": 900.0})
"""Minimum age in seconds, by kind, of a message that Slack does not let us edit, before a new one replaces it."""


@frozen
class Fallback:
    """Decides what the outbox does with refused messages; every method raises StoreError.

    `fallback` is the id of a channel or "". `withdraw` closes the operation of a card (by its number).
    """

    store: Store
    clock: Callable[[], float]
    wake: Callable[[], None]
    withdraw: Callable[[int, str], Awaitable[None]]
    fallback: str = ""

    async def on_dead(self, post: OutboxMessage) -> None:
        """Move a refused message to the fallback channel; withdraw a card that was never posted."""
        card_id = post.message_key.card_id
        if card_id is not None and not post.seen:
            # A card that was never posted must not stay open: no approver can see it.
            await self.withdraw(card_id, post.last_error)
        if post.last_error not in FINAL_IN_CHANNEL or post.message_key.is_unposted:
            return
        async with self.store.begin() as uow:
            await self._close(uow, post)
            await self._detour(uow, post)
        self.wake()

    async def _close(self, uow: UnitOfWork, post: OutboxMessage) -> None:
        """Record that the channel is closed, unless that is recorded already."""
        message_key = MessageKey.unposted(post.channel)
        noted = await uow.outbox.get(message_key)
        if noted is None or noted.state == "sent":
            meanwhile = self.fallback if self.fallback != post.channel else ""
            await uow.outbox.put(message_key, post.channel, channel_recovered(self.clock(), post.last_error, meanwhile))

    async def _detour(self, uow: UnitOfWork, post: OutboxMessage) -> None:
        message_key = post.parent or post.message_key
        if not self.fallback or post.channel == self.fallback or not message_key.of_alerts:
            return
        root = await uow.outbox.get(message_key)
        # Resolved alerts too: in the closed channel they still look open and cannot be edited.
        if root is not None:
            await uow.fallback.move(message_key, away_from=post.channel, to=self.fallback)

    async def wanted(self, message_key: MessageKey) -> bool:
        """Return True if a message that a person deleted must be posted again."""
        async with self.store.read() as uow:
            return await _open(uow, message_key, self.clock())

    async def renew(self, message_key: MessageKey, ts: str) -> float | None:
        """Return the seconds until a new message replaces `ts`, which Slack does not let us edit; None to leave it.

        Ended subjects and cards are replaced at once, changing ones only now and then.
        """
        if not message_key.is_root:
            # A reply: the message above it shows the state.
            return None
        left = float(ts) + RENEWALS.get(message_key.kind, 0.0) - self.clock()
        if left <= 0:
            return 0.0
        if message_key.is_status:
            return None
        async with self.store.read() as uow:
            return left if await _open(uow, message_key, self.clock()) else 0.0

    async def retry_closed_channels(self) -> None:
        """Retry closed channels that are due; in a channel that has opened, post what is still open."""
        async with self.store.read() as uow:
            notes = [note for key in await uow.fallback.named(UNPOSTED_PREFIX) if (note := await uow.outbox.get(key))]
        opened = [note for note in notes if note.state == "sent"]
        now = self.clock()
        # A note from the future was written by a wrong clock: retry it now.
        due = [each for each in notes if each.state == "dead" and not 0 <= now - each.updated_at < RETRY_SECONDS]
        if not opened and not due:
            return
        async with self.store.begin() as uow:
            for note in due:
                await uow.outbox.requeue(note.message_key)
            for note in opened:
                await _revive(uow, note, now)
        self.wake()

    async def problem(self) -> str:
        """Return a sentence that names the closed channels, "" if there are none."""
        async with self.store.read() as uow:
            notes = [note for key in await uow.fallback.named(UNPOSTED_PREFIX) if (note := await uow.outbox.get(key))]
        shut = [f"{note.channel} ({note.last_error or 'being tried'})" for note in notes if note.state != "sent"]
        if not shut:
            return ""
        where = f"alerts go to {self.fallback} meanwhile" if self.fallback else "set alerts.fallback_channel"
        lacks = any(note.last_error == "team_access_not_granted" for note in notes if note.state != "sent")
        grant = ", or let an admin of the organisation grant the app access to its workspace" if lacks else ""
        return f"cannot post in {', '.join(shut)}: unarchive it, or type /invite @cmbot in it{grant}; {where}"


async def _revive(uow: UnitOfWork, note: OutboxMessage, now: float) -> None:
    for message_key in await uow.fallback.stranded(note.channel, sorted(FINAL_IN_CHANNEL)):
        post = await uow.outbox.get(message_key)
        # Also ended subjects that were seen there: they still look open.
        if (post is not None and post.seen) or await _open(uow, message_key, now):
            await uow.outbox.requeue(message_key)
    await uow.fallback.forget(note.message_key)


async def _open(uow: UnitOfWork, message_key: MessageKey, now: float) -> bool:
    """Return True if the subject of the message is still open at `now`, or ended only just before."""
    if message_key.alert_id is not None:
        alert = await uow.alerts.get(message_key.alert_id)
        return alert is not None and alert.open
    if message_key.card_id is not None:
        op = await uow.operations.of_card(message_key.card_id)
        return op is not None and (not op.final or now - op.history[-1].at < NEWS_SECONDS)
    if (channel := message_key.group_channel) is not None:
        return (await uow.channel_histories.get(channel)).group(message_key) is not None
    return message_key.is_status
