"""What becomes of messages that Slack will not take where they belong: another channel, another try, or an end.

A channel that takes nothing has a row in the outbox of its own (`unposted:<channel>`): the note that cmbot can post
there again. It is tried now and then; as long as it is not sent, the channel is closed to us, whoever looks.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import MappingProxyType

from bot.alerting.grouping import ChannelHistory
from bot.common.message_key import UNPOSTED_PREFIX, MessageKey
from bot.delivery.retry_policy import CHANNEL
from bot.store.database import Store
from bot.store.repositories.outbox import OutboxMessage
from bot.store.unit_of_work import UnitOfWork
from bot.views.detour import back

RETRY_SECONDS = 60.0
"""How often a channel is tried that takes nothing."""
NEWS_SECONDS = 600.0
"""How long the end of an operation is news, which somebody waits for."""
RENEWALS = MappingProxyType({"alert": 120.0, "digest": 120.0, "status": 900.0})
"""How old a message is at least (seconds) before another one takes its place, where Slack lets none be edited."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """Handed to the outbox; `fallback` is a channel's id or "", `withdraw` closes the operation of a card (its id).

    Every method raises StoreError.
    """

    store: Store
    clock: Callable[[], float]
    wake: Callable[[], None]
    withdraw: Callable[[int, str], Awaitable[None]]
    fallback: str = ""

    async def on_dead(self, post: OutboxMessage) -> None:
        """Find another way for a message that Slack will not take."""
        card_id = post.message_key.card_id
        if card_id is not None and not post.seen:
            # A card that was never posted must not stay open: no one could decide on it.
            await self.withdraw(card_id, post.last_error)
        if post.last_error not in CHANNEL or post.message_key.is_unposted:
            return
        async with self.store.begin() as uow:
            await self._close(uow, post)
            await self._detour(uow, post)
        self.wake()

    async def _close(self, uow: UnitOfWork, post: OutboxMessage) -> None:
        """Note that the channel takes nothing; what is noted already stays."""
        message_key = MessageKey.unposted(post.channel)
        noted = await uow.outbox.get(message_key)
        if noted is None or noted.state == "sent":
            told = self.fallback if self.fallback != post.channel else ""
            await uow.outbox.put(message_key, post.channel, back(self.clock(), post.last_error, told))

    async def _detour(self, uow: UnitOfWork, post: OutboxMessage) -> None:
        message_key = post.parent or post.message_key
        if not self.fallback or post.channel == self.fallback or not message_key.of_alerts:
            return
        root = await uow.outbox.get(message_key)
        # Also what is over: where it was seen it still looks open, and cannot be edited there.
        if root is not None:
            await uow.detours.move(message_key, away_from=post.channel, to=self.fallback)

    async def wanted(self, message_key: MessageKey) -> bool:
        """Whether the slot's message, that somebody deleted, is to be posted anew."""
        async with self.store.read() as uow:
            return await _open(uow, message_key, self.clock())

    async def renew(self, message_key: MessageKey, ts: str) -> float | None:
        """Seconds until the slot gets a new message because Slack does not let `ts` be edited; None to leave it.

        What is over, and a card, gets it at once. What goes on changing gets one now and then.
        """
        if not message_key.is_root:
            # A line in a thread: the message above it shows the state.
            return None
        left = float(ts) + RENEWALS.get(message_key.kind, 0.0) - self.clock()
        if left <= 0:
            return 0.0
        if message_key.is_status:
            return None
        async with self.store.read() as uow:
            return left if await _open(uow, message_key, self.clock()) else 0.0

    async def sweep(self) -> None:
        """Try closed channels again when it is time; where one has opened, tell there what is still open."""
        async with self.store.read() as uow:
            notes = [note for key in await uow.detours.named(UNPOSTED_PREFIX) if (note := await uow.outbox.get(key))]
        opened = [note for note in notes if note.state == "sent"]
        now = self.clock()
        # One of a time to come was noted on a clock that was wrong: it is not waited for.
        due = [each for each in notes if each.state == "dead" and not 0 <= now - each.updated_at < RETRY_SECONDS]
        if not opened and not due:
            return
        async with self.store.begin() as uow:
            for note in due:
                await uow.outbox.requeue(note.message_key)
            for note in opened:
                await _revive(uow, note, now)
        self.wake()

    async def trouble(self) -> str:
        """A sentence that names the channels that take nothing, "" when all do."""
        async with self.store.read() as uow:
            notes = [note for key in await uow.detours.named(UNPOSTED_PREFIX) if (note := await uow.outbox.get(key))]
        shut = [f"{note.channel} ({note.last_error or 'being tried'})" for note in notes if note.state != "sent"]
        if not shut:
            return ""
        where = f"alerts go to {self.fallback} meanwhile" if self.fallback else "set alerts.fallback_channel"
        lacks = any(note.last_error == "team_access_not_granted" for note in notes if note.state != "sent")
        grant = ", or let an admin of the organisation grant the app access to its workspace" if lacks else ""
        return f"cannot post in {', '.join(shut)}: unarchive it, or type /invite @cmbot in it{grant}; {where}"


async def _revive(uow: UnitOfWork, note: OutboxMessage, now: float) -> None:
    for message_key in await uow.detours.stranded(note.channel, sorted(CHANNEL)):
        post = await uow.outbox.get(message_key)
        # Also what is over, where it was seen: it still looks open there.
        if (post is not None and post.seen) or await _open(uow, message_key, now):
            await uow.outbox.requeue(message_key)
    await uow.detours.forget(note.message_key)


async def _open(uow: UnitOfWork, message_key: MessageKey, now: float) -> bool:
    """Whether what a slot's message tells of still concerns somebody at `now`."""
    if message_key.alert_id is not None:
        alert = await uow.alerts.get(message_key.alert_id)
        return alert is not None and alert.open
    if message_key.card_id is not None:
        op = await uow.operations.of_card(message_key.card_id)
        return op is not None and (not op.final or now - op.history[-1].at < NEWS_SECONDS)
    if (channel := message_key.group_channel) is not None:
        return ChannelHistory.from_json(channel, await uow.channels.get(channel)).digest(str(message_key)) is not None
    return message_key.is_status
