"""What becomes of messages that Slack will not take where they belong: another channel, another try, or an end.

A channel that takes nothing has a row in the outbox of its own (`unposted:<channel>`): the note that cmbot can post
there again. It is tried now and then; as long as it is not sent, the channel is closed to us, whoever looks.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import MappingProxyType

from bot.delivery.retry_policy import CHANNEL
from bot.store.database import Store
from bot.store.repositories.outbox import OutboxMessage
from bot.store.unit_of_work import UnitOfWork
from bot.views.detour import back

RETRY_SECONDS = 60.0
"""How often a channel is tried that takes nothing."""
NEWS_SECONDS = 600.0
"""How long the end of an operation is news, which somebody waits for."""
NOTE = "unposted:"
RENEWALS = MappingProxyType({"alert": 120.0, "digest": 120.0, "status": 900.0})
"""How old a message is at least (seconds) before another one takes its place, where Slack lets none be edited."""
_MOVED = frozenset({"alert", "digest"})
"""What is told elsewhere rather than not at all."""


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
        kind, _, rest = post.slot.partition(":")
        if kind == "op" and rest.isdigit() and not post.seen:
            # A card that was never posted must not stay open: no one could decide on it.
            await self.withdraw(int(rest), post.last_error)
        if post.last_error not in CHANNEL or post.slot.startswith(NOTE):
            return
        async with self.store.begin() as uow:
            await self._close(uow, post)
            await self._detour(uow, post)
        self.wake()

    async def _close(self, uow: UnitOfWork, post: OutboxMessage) -> None:
        """Note that the channel takes nothing; what is noted already stays."""
        slot = f"{NOTE}{post.channel}"
        noted = await uow.outbox.get(slot)
        if noted is None or noted.state == "sent":
            told = self.fallback if self.fallback != post.channel else ""
            await uow.outbox.put(slot, post.channel, back(self.clock(), post.last_error, told))

    async def _detour(self, uow: UnitOfWork, post: OutboxMessage) -> None:
        slot = post.parent or post.slot
        if not self.fallback or post.channel == self.fallback or slot.partition(":")[0] not in _MOVED:
            return
        root = await uow.outbox.get(slot)
        # Also what is over: where it was seen it still looks open, and cannot be edited there.
        if root is not None:
            await uow.detours.move(slot, away_from=post.channel, to=self.fallback)

    async def wanted(self, slot: str) -> bool:
        """Whether the slot's message, that somebody deleted, is to be posted anew."""
        async with self.store.read() as uow:
            return await _open(uow, slot, self.clock())

    async def renew(self, slot: str, ts: str) -> float | None:
        """Seconds until the slot gets a new message because Slack does not let `ts` be edited; None to leave it.

        What is over, and a card, gets it at once. What goes on changing gets one now and then.
        """
        kind, *rest = slot.split(":")
        if len(rest) > (2 if kind == "digest" else 1):
            # A line in a thread: the message above it shows the state.
            return None
        left = float(ts) + RENEWALS.get(kind, 0.0) - self.clock()
        if left <= 0:
            return 0.0
        if kind == "status":
            return None
        async with self.store.read() as uow:
            return left if await _open(uow, slot, self.clock()) else 0.0

    async def sweep(self) -> None:
        """Try closed channels again when it is time; where one has opened, tell there what is still open."""
        async with self.store.read() as uow:
            notes = [note for slot in await uow.detours.named(NOTE) if (note := await uow.outbox.get(slot))]
        opened = [note for note in notes if note.state == "sent"]
        now = self.clock()
        # One of a time to come was noted on a clock that was wrong: it is not waited for.
        due = [each for each in notes if each.state == "dead" and not 0 <= now - each.updated_at < RETRY_SECONDS]
        if not opened and not due:
            return
        async with self.store.begin() as uow:
            for note in due:
                await uow.outbox.requeue(note.slot)
            for note in opened:
                await _revive(uow, note, now)
        self.wake()

    async def trouble(self) -> str:
        """A sentence that names the channels that take nothing, "" when all do."""
        async with self.store.read() as uow:
            notes = [note for slot in await uow.detours.named(NOTE) if (note := await uow.outbox.get(slot))]
        shut = [f"{note.channel} ({note.last_error or 'being tried'})" for note in notes if note.state != "sent"]
        if not shut:
            return ""
        where = f"alerts go to {self.fallback} meanwhile" if self.fallback else "set alerts.fallback_channel"
        lacks = any(note.last_error == "team_access_not_granted" for note in notes if note.state != "sent")
        grant = ", or let an admin of the organisation grant the app access to its workspace" if lacks else ""
        return f"cannot post in {', '.join(shut)}: unarchive it, or type /invite @cmbot in it{grant}; {where}"


async def _revive(uow: UnitOfWork, note: OutboxMessage, now: float) -> None:
    for slot in await uow.detours.stranded(note.channel, sorted(CHANNEL)):
        post = await uow.outbox.get(slot)
        # Also what is over, where it was seen: it still looks open there.
        if (post is not None and post.seen) or await _open(uow, slot, now):
            await uow.outbox.requeue(slot)
    await uow.detours.forget(note.slot)


async def _open(uow: UnitOfWork, slot: str, now: float) -> bool:
    """Whether what a slot's message tells of still concerns somebody at `now`."""
    kind, _, rest = slot.partition(":")
    if kind == "alert" and rest.isdigit():
        alert = await uow.alerts.get(int(rest))
        return alert is not None and alert.open
    if kind == "op" and rest.isdigit():
        op = await uow.operations.of_card(int(rest))
        return op is not None and (not op.final or now - op.history[-1].at < NEWS_SECONDS)
    if kind == "digest":
        channel = rest.partition(":")[0]
        return (await uow.channels.get(channel)).group(slot) is not None
    return kind == "status"
