"""The sending side of the outbox's table: who may send which row now, and what came of it.

A claim is a lease: at most one sender per slot holds it. Order: a first post waits for every earlier first post of its
channel (but for stubborn ones), a reply also for the message whose thread it goes into; edits wait for nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, delete, func, or_, select, update
from sqlalchemy.sql.expression import Select

from bot.common.message_key import MessageKey
from bot.store.schema import posts, replicas
from bot.store.session import Session

PARENT_DEAD = "parent_dead"
"""The error of a reply whose thread will not exist."""

CLAIM_LOCK = 0x6F7574626F78
"""The advisory lock of claims; any number that no other lock has (migrate.py, audit.py)."""

_FREE = {"claimed_by": "", "claimed_until": 0.0}


@dataclass(frozen=True, slots=True)
class Claim:
    """A row to be sent, as it was when it was claimed; times in Unix seconds.

    `ts` None means that it is to be posted, after a look for an earlier post of it when `doubt` is set; `removed` that
    it is to be deleted. `thread_ts` is the message into whose thread it goes, `parent` that one's slot; `home` the
    channel where it belongs. `former` is the message that it stands in the place of, as `channel/ts`, or "". `attempts`
    counts this one.
    """

    seq: int
    message_key: MessageKey
    channel: str
    home: str
    parent: MessageKey | None
    thread_ts: str | None
    broadcast: bool
    content: Mapping[str, Any]
    version: int
    ts: str | None
    former: str
    removed: bool
    maybe_sent: bool
    attempts: int
    created_at: float
    until: float


@dataclass(frozen=True, slots=True)
class Stubborn:
    """Rows that hold up no other: refused at least `tries` times, and not for a reason that all share (`general`)."""

    tries: int = 1_000_000
    general: Collection[str] = ()

    def are(self, table: FromClause) -> ColumnElement[bool]:
        """Whether a row is one of them."""
        return and_(table.c.attempts >= self.tries, table.c.last_error.not_in(list(self.general)))


class Claims:
    """Claims rows and settles them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def next_attempt(self) -> float | None:
        """When the first pending row may be tried (Unix seconds, past for those due), None when none is pending."""
        found: float | None = await self._session.value(
            select(func.min(posts.c.next_attempt_at)).where(posts.c.state == "pending")
        )
        return found

    async def claim(
        self,
        owner: str,
        now: float,
        lease_seconds: float,
        limit: int,
        busy_channels: Collection[str] = (),
        *,
        edits: bool = True,
        stubborn: Stubborn = Stubborn(),
    ) -> list[Claim]:
        """Take at most one row of each channel that is not busy, `limit` in all, oldest first.

        What `owner` itself claimed earlier in a channel that is not busy counts as abandoned, as does what another
        claimed and held beyond its lease, unless that one is a process that lives: its clock may be another one, and it
        tries again itself. `edits` False leaves out messages that exist already.
        """
        await self._one_at_a_time()
        await self._bury_orphans(now)
        rows = await self._session.rows(_due(owner, now, busy_channels, stubborn, edits=edits))
        first = {row["channel"]: row for row in reversed(rows)}
        taken = sorted(first.values(), key=lambda row: row["seq"])[:limit]
        if taken:
            await self._session.change(
                update(posts)
                .where(posts.c.seq.in_([row["seq"] for row in taken]))
                .values(
                    claimed_by=owner,
                    claimed_until=now + lease_seconds,
                    attempts=posts.c.attempts + 1,
                    doubt=posts.c.ts.is_(None),
                )
            )
        return [_claim(row, now + lease_seconds) for row in taken]

    async def _one_at_a_time(self) -> None:
        """On PostgreSQL claims queue up: two that see the same rows would both take from one channel.

        Skipping locked rows is not enough, since the next row of a channel is free while its first one is locked.
        """
        if self._session.postgres:
            await self._session.value(select(func.pg_advisory_xact_lock(CLAIM_LOCK)))

    async def _bury_orphans(self, now: float) -> None:
        """Replies to a message that died or was deleted before they were posted would wait for ever."""
        parents = posts.alias("parents")
        alive = (
            select(parents.c.seq)
            .where(parents.c.slot == posts.c.parent, or_(parents.c.state != "dead", parents.c.ts.is_not(None)))
            .exists()
        )
        waiting = and_(posts.c.state == "pending", posts.c.ts.is_(None), posts.c.parent.is_not(None), ~posts.c.removed)
        await self._session.change(
            update(posts).where(waiting, ~alive).values(state="dead", last_error=PARENT_DEAD, updated_at=now, **_FREE)
        )

    async def sent(self, claim: Claim, owner: str, ts: str, now: float, *, version: int) -> str | None:
        """Record that the claim's message is `ts` and shows `version` (0: unknown), and end the claim.

        Returns the message that the slot has from now on: the first one recorded, or None when the slot is gone. When
        it is not `ts`, then `ts` is a duplicate that its sender must delete. A claim that was lost meanwhile can still
        record a first message, but ends nobody else's claim.
        """
        ours = or_(posts.c.ts.is_(None), posts.c.ts == ts)
        shown = case((ours, version), else_=posts.c.sent_version)
        values = {
            "ts": func.coalesce(posts.c.ts, ts),
            "sent_version": shown,
            "state": case((posts.c.version == shown, "sent"), else_="pending"),
            "doubt": False,
            "attempts": 0,
            "next_attempt_at": 0.0,
            "last_error": "",
            "updated_at": now,
        }
        this = posts.c.seq == claim.seq
        ended = update(posts).where(this, posts.c.claimed_by == owner).values(**values, **_FREE)
        late = update(posts).where(this, posts.c.ts.is_(None)).values(values)
        for statement in (ended.returning(posts.c.ts), late.returning(posts.c.ts), select(posts.c.ts).where(this)):
            held: str | None = await self._session.value(statement)
            if held is not None:
                return held
        return None

    async def gone(self, claim: Claim, owner: str, now: float) -> None:
        """Record that the claim's message was deleted; when it was put again since, it is posted anew."""
        this = and_(posts.c.seq == claim.seq, posts.c.claimed_by == owner)
        if await self._session.change(delete(posts).where(this, posts.c.version == claim.version)):
            await self._drop_replies(claim.message_key)
            return
        anew = {"ts": None, "sent_version": 0, "doubt": False, "attempts": 0, "updated_at": now}
        await self._session.change(update(posts).where(this).values(**anew, **_FREE))

    async def failed(
        self,
        claim: Claim,
        owner: str,
        *,
        error: str,
        now: float,
        retry_at: float | None,
        maybe_sent: bool,
    ) -> bool:
        """Record that sending failed, and end the claim; returns whether the row is dead now.

        `retry_at` None means never again, unless newer content came meanwhile; `doubt` whether it may have been posted.
        """
        dies = posts.c.version == (claim.version if retry_at is None else 0)
        statement = (
            update(posts)
            .where(posts.c.seq == claim.seq, posts.c.claimed_by == owner)
            .values(
                state=case((dies, "dead"), else_="pending"),
                doubt=posts.c.ts.is_(None) if maybe_sent else False,
                next_attempt_at=retry_at or 0.0,
                last_error=error,
                updated_at=now,
                **_FREE,
            )
        )
        return bool(await self._session.value(statement.returning(posts.c.state)) == "dead")

    async def _drop_replies(self, message_key: MessageKey) -> None:
        """A thread that is gone needs no replies that were not tried yet."""
        untried = and_(posts.c.parent == str(message_key), posts.c.ts.is_(None), ~posts.c.doubt)
        await self._session.change(delete(posts).where(untried))


def _due(owner: str, now: float, busy: Collection[str], stubborn: Stubborn, *, edits: bool) -> Select[Any]:
    parents, earlier, others = posts.alias("parents"), posts.alias("earlier"), posts.alias("others")
    heads = posts.alias("heads")
    behind = select(heads.c.seq).where(heads.c.slot == earlier.c.parent, heads.c.ts.is_(None), stubborn.are(heads))
    overtakes = (
        select(earlier.c.seq)
        .where(
            earlier.c.channel == posts.c.channel,
            earlier.c.state == "pending",
            earlier.c.ts.is_(None),
            earlier.c.seq < posts.c.seq,
            ~stubborn.are(earlier),
            ~behind.exists(),
        )
        .exists()
    )
    elsewhere = (
        select(others.c.seq)
        .where(
            others.c.channel == posts.c.channel,
            others.c.state == "pending",
            others.c.claimed_by.not_in(["", owner]),
            or_(others.c.claimed_until > now, is_active(others.c.claimed_by)),
        )
        .exists()
    )
    first: ColumnElement[bool] = and_(
        posts.c.ts.is_(None), ~overtakes, or_(posts.c.parent.is_(None), parents.c.ts.is_not(None), posts.c.removed)
    )
    return (
        select(posts, parents.c.ts.label("thread_ts"))
        .select_from(posts.outerjoin(parents, parents.c.slot == posts.c.parent))
        .where(
            posts.c.state == "pending",
            posts.c.next_attempt_at <= now,
            posts.c.channel.not_in(list(busy)),
            or_(first, posts.c.ts.is_not(None)) if edits else first,
            ~elsewhere,
        )
        .order_by(posts.c.seq)
        .limit(_SCAN)
        .with_for_update(skip_locked=True, of=posts)
    )


def is_active(claimer: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a claim is that of a process that counts as alive (bot/leadership/membership.py)."""
    return select(replicas.c.name).where(replicas.c.name == claimer, replicas.c.until > 0).exists()


_SCAN = 200
"""Rows looked at for one claim: several of them may be edits in one channel."""


def _claim(row: Mapping[Any, Any], until: float) -> Claim:
    return Claim(
        seq=row["seq"],
        message_key=MessageKey.parse(row["slot"]),
        channel=row["channel"],
        home=row["home"],
        parent=None if row["parent"] is None else MessageKey.parse(row["parent"]),
        thread_ts=row["thread_ts"],
        broadcast=row["broadcast"],
        content=row["content"],
        version=row["version"],
        ts=row["ts"],
        former=row["former"],
        removed=row["removed"],
        maybe_sent=row["doubt"],
        attempts=row["attempts"] + 1,
        created_at=row["created_at"],
        until=until,
    )
