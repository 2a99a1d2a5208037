"""Outbox rows that Slack refuses where they belong: moved to another channel, posted again, or given up."""

from collections.abc import Callable, Sequence

from sqlalchemy import and_, case, delete, select, update

from bot.common.message_key import MessageKey
from bot.store.repositories.outbox_claims import PARENT_DEAD, Claim
from bot.store.schema import posts
from bot.store.session import Session

_REPOST = {
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
    """Moves, reposts and drops outbox rows."""

    def __init__(self, session: Session, clock: Callable[[], float]) -> None:
        self._session, self._clock = session, clock

    async def move(self, message_key: MessageKey, *, away_from: str, to: str, home: str = "") -> bool:
        """Post the message, and its unposted replies, in channel `to` instead; with `home` it belongs there now.

        False if the message is not in channel `away_from` any more, because another replica moved it.
        """
        now = self._clock()
        here = (posts.c.slot == str(message_key)) & (posts.c.channel == away_from)
        belongs = {"home": home} if home else {}
        repost = {**_REPOST, **belongs, "channel": to, "pending_since": now, "updated_at": now}
        former = case((posts.c.ts.is_(None), posts.c.former), else_=posts.c.channel + "/" + posts.c.ts)
        if not await self._session.change(update(posts).where(here).values(**repost, former=former)):
            return False
        unseen = and_(posts.c.parent == str(message_key), posts.c.channel == away_from, posts.c.ts.is_(None))
        await self._session.change(update(posts).where(unseen).values(repost))
        return True

    async def again(self, message_key: MessageKey, ts: str) -> None:
        """Post the message again, because `ts` was deleted in Slack."""
        now = self._clock()
        this = (posts.c.slot == str(message_key)) & (posts.c.ts == ts)
        await self._session.change(update(posts).where(this).values(**_REPOST, pending_since=now, updated_at=now))

    async def replace(self, message_key: MessageKey, ts: str) -> None:
        """Post the content as a new message, because `ts` cannot be edited any more; `ts` stays."""
        now = self._clock()
        this = (posts.c.slot == str(message_key)) & (posts.c.ts == ts)
        former = posts.c.channel + "/" + ts
        values = {**_REPOST, "former": former, "pending_since": now, "updated_at": now}
        await self._session.change(update(posts).where(this).values(values))

    async def wait(self, claim: Claim, owner: str) -> None:
        """End the claim of a reply, which then waits for the next message of its parent."""
        this = (posts.c.seq == claim.seq) & (posts.c.claimed_by == owner)
        await self._session.change(update(posts).where(this).values(_REPOST))

    async def give_up(self, claim: Claim, owner: str) -> None:
        """Drop a reply whose thread does not exist any more."""
        await self._session.change(delete(posts).where(posts.c.seq == claim.seq, posts.c.claimed_by == owner))

    async def forget(self, message_key: MessageKey) -> None:
        """Drop the row; its message in Slack stays as it is."""
        await self._session.change(delete(posts).where(posts.c.slot == str(message_key)))

    async def stranded(self, channel: str, errors: Sequence[str]) -> list[MessageKey]:
        """Return the keys of the dead messages of a channel that failed with one of `errors`, without replies."""
        this = and_(posts.c.state == "dead", posts.c.channel == channel, posts.c.parent.is_(None))
        died = posts.c.last_error.in_([*errors, PARENT_DEAD])
        rows = await self._session.rows(select(posts.c.slot).where(this, died).order_by(posts.c.seq))
        return [MessageKey.parse(row["slot"]) for row in rows]

    async def named(self, prefix: str) -> list[MessageKey]:
        """Return the keys that start with `prefix`, oldest first."""
        query = select(posts.c.slot).where(posts.c.slot.startswith(prefix, autoescape=True)).order_by(posts.c.seq)
        return [MessageKey.parse(row["slot"]) for row in await self._session.rows(query)]
