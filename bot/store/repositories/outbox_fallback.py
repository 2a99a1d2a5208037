"""Messages that cannot be where they belong: moved to another channel, posted anew, given up. See posts.py."""

from collections.abc import Callable, Sequence

from sqlalchemy import and_, case, delete, select, update

from bot.common.message_key import MessageKey
from bot.store.repositories.outbox_claims import PARENT_DEAD, Claim
from bot.store.schema import posts
from bot.store.session import Session

_ANEW = {
    "ts": None,
    "sent_version": 0,
    "doubt": False,
    "state": "pending",
    "attempts": 0,
    "next_attempt_at": 0.0,
    "last_error": "",
    "claimed_by": "",
    "claimed_until": 0.0,
}


class FallbackMessages:
    """What the outbox's rows go through when Slack will not have them as they are."""

    def __init__(self, session: Session, clock: Callable[[], float]) -> None:
        self._session, self._clock = session, clock

    async def move(self, message_key: MessageKey, *, away_from: str, to: str) -> bool:
        """Post the slot's message, and the replies that nobody has seen yet, in another channel instead.

        False when it is not in the channel `away_from` any more, as somebody moved it before.
        """
        now = self._clock()
        here = (posts.c.slot == str(message_key)) & (posts.c.channel == away_from)
        anew = {**_ANEW, "channel": to, "pending_since": now, "updated_at": now}
        former = case((posts.c.ts.is_(None), posts.c.former), else_=posts.c.channel + "/" + posts.c.ts)
        if not await self._session.change(update(posts).where(here).values(**anew, former=former)):
            return False
        unseen = and_(posts.c.parent == str(message_key), posts.c.channel == away_from, posts.c.ts.is_(None))
        await self._session.change(update(posts).where(unseen).values(anew))
        return True

    async def again(self, message_key: MessageKey, ts: str) -> None:
        """Post the slot's message anew: `ts`, that it had, is gone from Slack."""
        now = self._clock()
        this = (posts.c.slot == str(message_key)) & (posts.c.ts == ts)
        await self._session.change(update(posts).where(this).values(**_ANEW, pending_since=now, updated_at=now))

    async def replace(self, message_key: MessageKey, ts: str) -> None:
        """Post what the slot must show as a new message: `ts`, that it had, stays and cannot be edited any more."""
        now = self._clock()
        this = (posts.c.slot == str(message_key)) & (posts.c.ts == ts)
        former = posts.c.channel + "/" + ts
        values = {**_ANEW, "former": former, "pending_since": now, "updated_at": now}
        await self._session.change(update(posts).where(this).values(values))

    async def wait(self, claim: Claim, owner: str) -> None:
        """End the claim of a reply: it goes into the thread that its parent's next message will have."""
        this = (posts.c.seq == claim.seq) & (posts.c.claimed_by == owner)
        await self._session.change(update(posts).where(this).values(_ANEW))

    async def give_up(self, claim: Claim, owner: str) -> None:
        """Forget a reply whose thread nobody will see."""
        await self._session.change(delete(posts).where(posts.c.seq == claim.seq, posts.c.claimed_by == owner))

    async def forget(self, message_key: MessageKey) -> None:
        """Stop keeping the slot; its message stays as it is."""
        await self._session.change(delete(posts).where(posts.c.slot == str(message_key)))

    async def stranded(self, channel: str, errors: Sequence[str]) -> list[MessageKey]:
        """The slots of dead messages (not of replies) that belong in this channel and died of one of these errors."""
        this = and_(posts.c.state == "dead", posts.c.channel == channel, posts.c.parent.is_(None))
        died = posts.c.last_error.in_([*errors, PARENT_DEAD])
        rows = await self._session.rows(select(posts.c.slot).where(this, died).order_by(posts.c.seq))
        return [MessageKey.parse(row["slot"]) for row in rows]

    async def named(self, prefix: str) -> list[MessageKey]:
        """The slots that begin so, the oldest first."""
        query = select(posts.c.slot).where(posts.c.slot.startswith(prefix, autoescape=True)).order_by(posts.c.seq)
        return [MessageKey.parse(row["slot"]) for row in await self._session.rows(query)]
