"""The outbox's table: which messages must exist in Slack, and how far that is true.

It is level-triggered: a row is a *slot* (`alert:17`, `op:12`, `op:12:line:3`) with the newest content that its message
must show, not an order to send something. Putting a slot again replaces its content and raises its version, so edits
coalesce by construction and after an outage only the newest truth goes out. A row is `pending` while what Slack shows
(`sent_version`, or a message that should be gone) differs from what it must show, then `sent`; `dead` when Slack will
not take it. `doubt` is set before a first post is tried and cleared when its fate is known: a row found in doubt has
perhaps been posted, and is looked for before it is posted again. How rows are claimed and settled: claims.py.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, delete, func, or_, select, true, update

from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.store.repositories.outbox_claims import PARENT_DEAD, Claims
from bot.store.schema import posts
from bot.store.session import Session

_RESENT = {"state": "pending", "attempts": 0, "next_attempt_at": 0.0, "last_error": ""}


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """How far a slot's message is true in Slack; `ts` is its id there, None until it was posted.

    `former` is the message that this one stands in the place of (`channel/ts`, "" for none).
    `home` is the channel where it belongs, `parent` the slot of the message whose thread it is in.
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
        """Whether there is a message of it in Slack, of this content or an earlier one."""
        return self.ts is not None or bool(self.former)


@dataclass(frozen=True, slots=True)
class OutboxHealth:
    """How the outbox stands: rows to be sent, seconds that the oldest has waited (0 when none does), dead letters."""

    depth: int
    oldest_age: float
    dead: int


class OutboxMessages(Claims):
    """The messages that must exist; the sending side stands in the parent class."""

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
        """Make `message` what the slot's message in `channel` must show; the same content again is no new version.

        `parent` is the slot of the message into whose thread a new one goes (in the same channel), `broadcast` shows
        the reply in the channel too; both count only for a slot's first post. What was posted stays in its channel,
        and so does what detours.py moved; a reply goes where its parent is.
        """
        now = self._clock()
        new = self._session.insert(posts).values(
            slot=str(message_key),
            channel=channel if parent is None else func.coalesce(_place_of(parent), channel),
            home=channel,
            parent=None if parent is None else str(parent),
            broadcast=broadcast,
            former="",
            content=message.to_json(),
            version=1,
            sent_version=0,
            removed=False,
            claimed_by="",
            claimed_until=0.0,
            doubt=False,
            pending_since=now,
            created_at=now,
            updated_at=now,
            **_RESENT,
        )
        untold = posts.c.ts.is_(None) & ~posts.c.doubt
        moved = untold & (posts.c.home != new.excluded.home)
        differs = or_(posts.c.content.is_distinct_from(new.excluded.content), posts.c.removed, moved)
        await self._session.change(
            new.on_conflict_do_update(
                index_elements=["slot"],
                set_={
                    "content": new.excluded.content,
                    "channel": case((moved, new.excluded.channel), else_=posts.c.channel),
                    "home": case((moved, new.excluded.home), else_=posts.c.home),
                    "removed": False,
                    **self._raised(now),
                },
                where=differs,
            )
        )

    def _raised(self, now: float) -> dict[str, Any]:
        """One version up; a back-off that is under way goes on, a dead letter gets another chance."""
        waiting = posts.c.state == "pending"
        return {
            "version": posts.c.version + 1,
            "state": "pending",
            "attempts": case((waiting, posts.c.attempts), else_=0),
            "next_attempt_at": case((waiting, posts.c.next_attempt_at), else_=0.0),
            "pending_since": case((waiting, posts.c.pending_since), else_=now),
            "updated_at": now,
        }

    async def remove(self, message_key: MessageKey) -> None:
        """Make the slot's message not exist: one never tried is forgotten, any other is deleted in Slack."""
        untried = posts.c.ts.is_(None) & ~posts.c.doubt
        if await self._session.change(delete(posts).where(posts.c.slot == str(message_key), untried)):
            await self._drop_replies(message_key)
            return
        this = (posts.c.slot == str(message_key)) & ~posts.c.removed
        await self._session.change(update(posts).where(this).values(removed=True, **self._raised(self._clock())))

    async def ts_of(self, message_key: MessageKey) -> str | None:
        """The id of the slot's message in Slack, None until it was posted."""
        found: str | None = await self._session.value(select(posts.c.ts).where(posts.c.slot == str(message_key)))
        return found

    async def get(self, message_key: MessageKey) -> OutboxMessage | None:
        """How far the slot's message is true, or None when there is no such slot."""
        row = await self._session.row(select(posts).where(posts.c.slot == str(message_key)))
        return None if row is None else _post(row)

    async def dead(self, limit: int = 50) -> list[OutboxMessage]:
        """The dead letters, the newest first."""
        query = select(posts).where(posts.c.state == "dead").order_by(posts.c.updated_at.desc(), posts.c.seq.desc())
        return [_post(row) for row in await self._session.rows(query.limit(limit))]

    async def requeue(self, message_key: MessageKey) -> bool:
        """Try a dead letter again, with the replies that died of it; False when it is none."""
        again = {**_RESENT, "pending_since": self._clock(), "updated_at": self._clock()}
        dead = posts.c.state == "dead"
        found = await self._session.change(update(posts).where(posts.c.slot == str(message_key), dead).values(again))
        if found:
            orphans = (posts.c.parent == str(message_key)) & dead & (posts.c.last_error == PARENT_DEAD)
            await self._session.change(update(posts).where(orphans).values(again))
        return bool(found)

    async def drop_unposted(self, prefix: str, *, loud: bool = False) -> int:
        """Forget the replies whose slots begin so and that are surely not in Slack; returns how many those are.

        Those that the whole channel is to see are kept, unless with `loud`.
        """
        unsent = posts.c.ts.is_(None) & ~posts.c.doubt & posts.c.parent.is_not(None)
        unsent &= true() if loud else ~posts.c.broadcast
        return await self._session.change(delete(posts).where(posts.c.slot.startswith(prefix, autoescape=True), unsent))

    async def stubborn(self, tries: int, general: Collection[str]) -> list[OutboxMessage]:
        """What Slack has refused so many times with another code than these, and is tried again; the oldest first."""
        this = (posts.c.state == "pending") & (posts.c.attempts >= tries) & posts.c.last_error.not_in(list(general))
        return [_post(row) for row in await self._session.rows(select(posts).where(this).order_by(posts.c.seq))]

    async def depth(self) -> int:
        """How many rows are to be sent."""
        return (await self.health(0.0)).depth

    async def oldest_pending_age(self, now: float) -> float:
        """Seconds since the oldest row to be sent became so, 0 when there is none."""
        return (await self.health(now)).oldest_age

    async def health(self, now: float) -> OutboxHealth:
        """All the numbers at once."""
        query = select(posts.c.state, func.count().label("n"), func.min(posts.c.pending_since).label("first"))
        rows = await self._session.rows(query.where(posts.c.state.in_(["pending", "dead"])).group_by(posts.c.state))
        found = {row["state"]: row for row in rows}
        waiting = found.get("pending")
        age = max(0.0, now - waiting["first"]) if waiting else 0.0
        return OutboxHealth(waiting["n"] if waiting else 0, age, found["dead"]["n"] if "dead" in found else 0)


def _place_of(message_key: MessageKey) -> Any:
    others = posts.alias("others")
    return select(others.c.channel).where(others.c.slot == str(message_key)).scalar_subquery()


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
