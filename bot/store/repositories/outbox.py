"""Outbox rows: the messages that must exist in Slack, and the version of each that Slack shows.

The outbox is level-triggered: a row holds the newest content of one message, by its key (`alert:17`, `op:12`), and is
no order to send something. A put replaces the content and raises the version, so that edits coalesce and only the
newest content is sent after an outage. A row is `pending` while Slack shows another version (`sent_version`) or a
message that must be deleted, then `sent`, or `dead` once Slack refuses it for good. The column `doubt` (maybe sent) is
set before a first post and cleared with its outcome: such a row is searched for in Slack before it is posted again.
outbox_claims.py claims and settles rows. The column `slot` holds the message key.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import Executable, bindparam, case, delete, func, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.common.frozen import frozen
from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.store.repositories.outbox_claims import PARENT_DEAD, Claims
from bot.store.schema import posts
from bot.store.session import Session, insert_into
from bot.telemetry.trace import current

_RESENT = {"state": "pending", "attempts": 0, "next_attempt_at": 0.0, "last_error": ""}


@frozen
class OutboxMessage:
    """One row; `ts` is the id of the message in Slack, None until it was posted.

    `former` is the message that this one replaced (`channel/ts`, "" for none). `home` is the channel where the message
    belongs, `parent` the key of the message in whose thread it is.
    """

    message_key: MessageKey
    channel: str
    home: str
    parent: MessageKey | None
    state: str
    ts: str | None
    former: str
    version: int
    sent_version: int
    attempts: int
    last_error: str
    updated_at: float
    text: str

    @property
    def seen(self) -> bool:
        """True if Slack has a message of this row, with this content or an earlier one."""
        return self.ts is not None or bool(self.former)


@frozen
class OutboxHealth:
    """Rows to send, the age of the oldest in seconds (0 if there is none), and dead rows."""

    depth: int
    oldest_age: float
    dead: int


class OutboxMessages(Claims):
    """Puts, removes and reads rows; the parent class claims and settles them."""

    def __init__(self, session: Session, clock: Callable[[], float]) -> None:
        super().__init__(session)
        self._clock = clock

    async def put(
        self,
        message_key: MessageKey,
        channel: str,
        message: Message,
        *,
        parent: MessageKey | None = None,
        broadcast: bool = False,
    ) -> None:
        """Make `message` the content of the message in `channel`; the same content again is no new version.

        `parent` is the key of the message in whose thread a reply is posted; `broadcast` shows the reply in the channel
        too. Both count for the first post only. A posted message stays in its channel, also one that the fallback
        moved; a reply goes to the channel of its parent. The row has the trace of its newest content.
        """
        now = self._clock()
        values = {
            "slot": str(message_key),
            "home": channel,
            "parent": None if parent is None else str(parent),
            "broadcast": broadcast,
            "former": "",
            "content": message.to_json(),
            "version": 1,
            "sent_version": 0,
            "removed": False,
            "claimed_by": "",
            "claimed_until": 0.0,
            "doubt": False,
            "pending_since": now,
            "created_at": now,
            "updated_at": now,
            "trace": str(current()),
            **_RESENT,
        }
        values |= {"channel": channel} if parent is None else {"thread": str(parent), "otherwise": channel}
        await self._session.change(_PUT[self._session.postgres, parent is not None], values)

    async def remove(self, message_key: MessageKey) -> None:
        """Delete the message from Slack; drop a row that was never tried."""
        untried = posts.c.ts.is_(None) & ~posts.c.doubt
        if await self._session.change(delete(posts).where(posts.c.slot == str(message_key), untried)):
            await self._drop_replies(message_key)
            return
        this = (posts.c.slot == str(message_key)) & ~posts.c.removed
        await self._session.change(update(posts).where(this).values(removed=True, **_raised(self._clock())))

    async def ts_of(self, message_key: MessageKey) -> str | None:
        """Return the id of the message in Slack, None until it was posted."""
        found: str | None = await self._session.value(select(posts.c.ts).where(posts.c.slot == str(message_key)))
        return found

    async def key_at(self, channel: str, ts: str) -> MessageKey | None:
        """Return the key of the message that Slack shows there, None if it is none of ours."""
        this = (posts.c.channel == channel) & (posts.c.ts == ts)
        found = await self._session.value(select(posts.c.slot).where(this))
        return None if found is None else MessageKey.parse(found)

    async def get(self, message_key: MessageKey) -> OutboxMessage | None:
        """Return the row, None if there is none."""
        row = await self._session.row(select(posts).where(posts.c.slot == str(message_key)))
        return None if row is None else _post(row)

    async def dead(self, limit: int = 50) -> list[OutboxMessage]:
        """Return the dead rows, newest first."""
        query = select(posts).where(posts.c.state == "dead").order_by(posts.c.updated_at.desc(), posts.c.seq.desc())
        return [_post(row) for row in await self._session.rows(query.limit(limit))]

    async def requeue(self, message_key: MessageKey) -> bool:
        """Retry a dead row and the replies that died with it; False if the row is not dead."""
        again = {**_RESENT, "pending_since": self._clock(), "updated_at": self._clock()}
        dead = posts.c.state == "dead"
        found = await self._session.change(update(posts).where(posts.c.slot == str(message_key), dead).values(again))
        if found:
            orphans = (posts.c.parent == str(message_key)) & dead & (posts.c.last_error == PARENT_DEAD)
            await self._session.change(update(posts).where(orphans).values(again))
        return bool(found)

    async def drop_unposted(self, prefix: str, *, loud: bool = False) -> int:
        """Drop the replies whose keys start with `prefix` and that are certainly not in Slack; returns their number.

        Broadcast replies are kept, unless with `loud`.
        """
        unsent = posts.c.ts.is_(None) & ~posts.c.doubt & posts.c.parent.is_not(None)
        unsent &= true() if loud else ~posts.c.broadcast
        return await self._session.change(delete(posts).where(posts.c.slot.startswith(prefix, autoescape=True), unsent))

    async def stubborn(self, tries: int, general: Collection[str]) -> list[OutboxMessage]:
        """Return pending rows that Slack refused at least `tries` times with a code not in `general`, oldest first."""
        this = (posts.c.state == "pending") & (posts.c.attempts >= tries) & posts.c.last_error.not_in(list(general))
        return [_post(row) for row in await self._session.rows(select(posts).where(this).order_by(posts.c.seq))]

    async def depth(self) -> int:
        """Return how many rows are to be sent."""
        return (await self.health(0.0)).depth

    async def health(self, now: float) -> OutboxHealth:
        """Return the numbers in one query."""
        query = select(posts.c.state, func.count().label("n"), func.min(posts.c.pending_since).label("first"))
        rows = await self._session.rows(query.where(posts.c.state.in_(["pending", "dead"])).group_by(posts.c.state))
        found = {row["state"]: row for row in rows}
        waiting = found.get("pending")
        age = max(0.0, now - waiting["first"]) if waiting else 0.0
        return OutboxHealth(waiting["n"] if waiting else 0, age, found["dead"]["n"] if "dead" in found else 0)


def _raised(now: Any) -> dict[str, Any]:
    """Raise the version at `now`, a number or a column; keep a back-off, and retry a dead row."""
    waiting = posts.c.state == "pending"
    return {
        "version": posts.c.version + 1,
        "state": "pending",
        "attempts": case((waiting, posts.c.attempts), else_=0),
        "next_attempt_at": case((waiting, posts.c.next_attempt_at), else_=0.0),
        "pending_since": case((waiting, posts.c.pending_since), else_=now),
        "updated_at": now,
    }


def _put(new: sqlite.Insert | postgresql.Insert, *, reply: bool) -> Executable:
    """Put a row; a reply goes to the channel of the message `thread`, and to `otherwise` while that does not exist.

    It is made once: each time it takes a copy of the table, which the collector of garbage has to find.
    """
    if reply:
        others = posts.alias("others")
        parent = select(others.c.channel).where(others.c.slot == bindparam("thread")).scalar_subquery()
        new = new.values(channel=func.coalesce(parent, bindparam("otherwise", type_=posts.c.channel.type)))
    unposted = posts.c.ts.is_(None) & ~posts.c.doubt
    moved = unposted & (posts.c.home != new.excluded.home)
    return new.on_conflict_do_update(
        index_elements=["slot"],
        set_={
            "content": new.excluded.content,
            "channel": case((moved, new.excluded.channel), else_=posts.c.channel),
            "home": case((moved, new.excluded.home), else_=posts.c.home),
            "removed": False,
            "trace": new.excluded.trace,
            **_raised(new.excluded.updated_at),
        },
        where=or_(posts.c.content.is_distinct_from(new.excluded.content), posts.c.removed, moved),
    )


_PUT = {
    (postgres, reply): _put(insert_into(posts, postgres=postgres), reply=reply)
    for postgres in (False, True)
    for reply in (False, True)
}


def _post(row: Mapping[Any, Any]) -> OutboxMessage:
    return OutboxMessage(
        message_key=MessageKey.parse(row["slot"]),
        channel=row["channel"],
        home=row["home"],
        parent=None if row["parent"] is None else MessageKey.parse(row["parent"]),
        state=row["state"],
        ts=row["ts"],
        former=row["former"],
        version=row["version"],
        sent_version=row["sent_version"],
        attempts=row["attempts"],
        last_error=row["last_error"],
        updated_at=row["updated_at"],
        text=row["content"].get("text", ""),
    )
