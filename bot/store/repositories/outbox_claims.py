"""Outbox claims: which process may send which row now, and the outcome.

A claim is a lease: at most one process holds the claim of a message. Order: a first post waits for all earlier first
posts of its channel (but for stubborn ones), a reply also for the message of its thread; edits wait for nothing.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Update,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.expression import Select

from bot.common.frozen import frozen
from bot.common.json_object import JsonObject
from bot.common.message_key import MessageKey
from bot.store.schema import posts, replicas
from bot.store.session import Session

PARENT_DEAD = "parent_dead"
"""The error of a reply whose thread will never exist."""

CLAIM_LOCK = 0x6F7574626F78
"""Key of the advisory lock of claims; no other lock has this number (migrate.py, audit.py)."""

_PENDING: ColumnElement[str] = literal_column("'pending'")
"""Not a parameter: SQLite then knows that its index of pending rows can be used."""
_FREE = {"claimed_by": "", "claimed_until": 0.0}


@frozen
class Claim:
    """A row as it was claimed; times in Unix seconds.

    If `ts` is None the message must be posted, after a search for an earlier post if `maybe_sent` is set. If `removed`
    is set it must be deleted. `thread_ts` is the message of its thread and `parent` the key of that message; `home` is
    the channel where it belongs. `former` is the message that this one replaces (`channel/ts`, or ""). `attempts`
    includes this attempt. `trace` is the stored trace of the content.
    """

    seq: int
    message_key: MessageKey
    channel: str
    home: str
    parent: MessageKey | None
    thread_ts: str | None
    broadcast: bool
    content: JsonObject
    version: int
    ts: str | None
    former: str
    removed: bool
    maybe_sent: bool
    attempts: int
    created_at: float
    until: float
    trace: str = ""


@frozen
class Shown:
    """The message `ts` shows `version` (0: unknown) of the claim's row."""

    claim: Claim
    ts: str
    version: int


@frozen
class Stubborn:
    """Rows that block no other row: refused at least `tries` times with a code not in `general`."""

    tries: int = 1_000_000
    general: tuple[str, ...] = ()

    def are(self, table: FromClause) -> ColumnElement[bool]:
        """Match these rows."""
        return and_(table.c.attempts >= self.tries, table.c.last_error.not_in(list(self.general)))


class Claims:
    """Claims rows and settles them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._alone = False

    async def next_attempt(self) -> float | None:
        """Return when the first pending row is due (Unix seconds), None if no row is pending."""
        found: float | None = await self._session.value(_NEXT)
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
        stubborn: Stubborn = Stubborn(),  # noqa: B008 - frozen
    ) -> list[Claim]:
        """Claim at most one row of each channel that is not busy, `limit` in all, oldest first.

        An earlier claim of `owner` in a channel that is not busy counts as abandoned. So does an expired claim of
        another process, unless that process is active: its clock may differ, and it retries the row itself. With
        `edits` False messages that exist already are left out.
        """
        await self._one_at_a_time()
        await self._fail_orphans(now)
        values = {"owner": owner, "now": now, "busy": list(busy_channels)}
        rows = await self._session.rows(_due(stubborn, edits=edits), values)
        first = {row["channel"]: row for row in reversed(rows)}
        taken = {row["seq"]: row for row in sorted(first.values(), key=lambda row: row["seq"])[:limit]}
        if not taken:
            return []
        until = now + lease_seconds
        claimed = await self._session.rows(_TAKE, {"owner": owner, "until": until, "taken": list(taken)})
        return [_claim(row, taken[row["seq"]], until) for row in sorted(claimed, key=lambda row: row["seq"])]

    async def _one_at_a_time(self) -> None:
        """Serialise claims on PostgreSQL: two at the same time would both claim rows of one channel.

        To skip locked rows is not enough: the next row of a channel is free while the first one is locked.
        """
        if self._session.postgres and not self._alone:
            await self._session.value(select(func.pg_advisory_xact_lock(CLAIM_LOCK)))
        self._alone = True

    async def _fail_orphans(self, now: float) -> None:
        """Mark replies as dead whose parent died or was deleted before they were posted."""
        await self._session.change(_ORPHANS, {"now": now})

    async def settle(self, shown: Collection[Shown], owner: str, now: float) -> Collection[int]:
        """Record that these messages are shown, and end their claims, in one statement.

        Returns the `seq` of those that are recorded. The others are for `sent`: the claim was lost, the row has another
        message or does not exist any more, or another transaction has locked it. This one does not wait for it, because
        the other may wait for a row that this one has locked.
        """
        by_seq = {each.claim.seq: each for each in shown}
        if self._session.postgres:
            await self._one_at_a_time()
            # It may wait for a row, so it comes before this transaction locks any.
            await self._fail_orphans(now)
            free = await self._session.rows(_UNLOCKED, {"settled": list(by_seq)})
            by_seq = {row["seq"]: by_seq[row["seq"]] for row in free}
        if not by_seq:
            return ()
        values = {"owner": owner, "now": now, "settled": list(by_seq)}
        for place, (seq, each) in enumerate(by_seq.items()):
            values |= {f"seq_{place}": seq, f"ts_{place}": each.ts, f"version_{place}": each.version}
        return [row["seq"] for row in await self._session.rows(_settle(len(by_seq)), values)]

    async def sent(self, claim: Claim, owner: str, ts: str, now: float, *, version: int) -> str | None:
        """Record that the claim's message is `ts` and shows `version` (0: unknown), and end the claim.

        Returns the message of the row from now on: the first one recorded, or None if the row does not exist any more.
        If that is not `ts`, then `ts` is a duplicate and its sender must delete it. A claim that was lost meanwhile can
        still record a first message, but does not end the claim of another process.
        """
        ours = or_(posts.c.ts.is_(None), posts.c.ts == ts)
        shown = case((ours, version), else_=posts.c.sent_version)
        values = {**_as_shown(shown), "ts": func.coalesce(posts.c.ts, ts), "updated_at": now}
        this = posts.c.seq == claim.seq
        ended = update(posts).where(this, posts.c.claimed_by == owner).values(**values, **_FREE)
        late = update(posts).where(this, posts.c.ts.is_(None)).values(values)
        for statement in (ended.returning(posts.c.ts), late.returning(posts.c.ts), select(posts.c.ts).where(this)):
            held: str | None = await self._session.value(statement)
            if held is not None:
                return held
        return None

    async def gone(self, claim: Claim, owner: str, now: float) -> None:
        """Record that the message was deleted; a message that was put since is posted again."""
        this = and_(posts.c.seq == claim.seq, posts.c.claimed_by == owner)
        if await self._session.change(delete(posts).where(this, posts.c.version == claim.version)):
            await self._drop_replies(claim.message_key)
            return
        repost = {"ts": None, "sent_version": 0, "doubt": False, "attempts": 0, "updated_at": now}
        await self._session.change(update(posts).where(this).values(**repost, **_FREE))

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
        """Record that sending failed, and end the claim; returns True if the row is dead now.

        `retry_at` None means never, unless there is newer content; `maybe_sent` is set if Slack may have posted it.
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
        """Drop the untried replies of a thread that does not exist any more."""
        untried = and_(posts.c.parent == str(message_key), posts.c.ts.is_(None), ~posts.c.doubt)
        await self._session.change(delete(posts).where(untried))


def _as_shown(version: ColumnElement[Any]) -> dict[str, Any]:
    """Return the columns of a row whose message shows `version`."""
    return {
        "sent_version": version,
        "state": case((posts.c.version == version, "sent"), else_="pending"),
        "doubt": False,
        "attempts": 0,
        "next_attempt_at": 0.0,
        "last_error": "",
    }


# The statements of every round are built once, and have named parameters: to build one takes longer than to run it.


@lru_cache(maxsize=64)
def _settle(number: int) -> ReturningUpdate[Any]:
    """Record so many messages: parameters owner, now, settled (list of seq), and seq_, ts_ and version_ of each."""

    def each(name: str) -> ColumnElement[Any]:
        kind = posts.c[name].type
        return case(
            *((posts.c.seq == bindparam(f"seq_{n}"), bindparam(f"{name}_{n}", type_=kind)) for n in range(number))
        )

    ours = or_(posts.c.ts.is_(None), posts.c.ts == each("ts"))
    return (
        update(posts)
        .where(posts.c.seq.in_(bindparam("settled", expanding=True)), posts.c.claimed_by == bindparam("owner"), ours)
        .values(**_as_shown(each("version")), ts=each("ts"), updated_at=bindparam("now"), **_FREE)
        .returning(posts.c.seq)
    )


@lru_cache(maxsize=8)
def _due(stubborn: Stubborn, *, edits: bool) -> Select[Any]:
    """Find the rows that may be claimed; without their contents, because most are not."""
    owner: BindParameter[str] = bindparam("owner")
    now: BindParameter[float] = bindparam("now")
    parents, earlier, others = posts.alias("parents"), posts.alias("earlier"), posts.alias("others")
    heads = posts.alias("heads")
    behind = select(heads.c.seq).where(heads.c.slot == earlier.c.parent, heads.c.ts.is_(None), stubborn.are(heads))
    overtakes = (
        select(earlier.c.seq)
        .where(
            earlier.c.channel == posts.c.channel,
            earlier.c.state == _PENDING,
            earlier.c.ts.is_(None),
            earlier.c.seq < posts.c.seq,
            ~stubborn.are(earlier),
            ~behind.exists(),
        )
        .exists()
    )
    # Of no row in particular, so that it is computed once: a storm has thousands of rows.
    elsewhere = select(others.c.channel).where(
        others.c.state == _PENDING,
        others.c.claimed_by != "",
        others.c.claimed_by != owner,
        or_(others.c.claimed_until > now, is_active(others.c.claimed_by)),
    )
    first: ColumnElement[bool] = and_(
        posts.c.ts.is_(None), ~overtakes, or_(posts.c.parent.is_(None), parents.c.ts.is_not(None), posts.c.removed)
    )
    return (
        select(posts.c.seq, posts.c.channel, posts.c.doubt, parents.c.ts.label("thread_ts"))
        .select_from(posts.outerjoin(parents, parents.c.slot == posts.c.parent))
        .where(
            posts.c.state == _PENDING,
            posts.c.next_attempt_at <= now,
            posts.c.channel.not_in(bindparam("busy", expanding=True)),
            or_(first, posts.c.ts.is_not(None)) if edits else first,
            posts.c.channel.not_in(elsewhere),
        )
        .order_by(posts.c.seq)
        .limit(_SCAN)
        .with_for_update(skip_locked=True, of=posts)
    )


_NEXT = select(func.min(posts.c.next_attempt_at)).where(posts.c.state == _PENDING)
_TAKE = (
    update(posts)
    .where(posts.c.seq.in_(bindparam("taken", expanding=True)))
    .values(
        claimed_by=bindparam("owner"),
        claimed_until=bindparam("until"),
        attempts=posts.c.attempts + 1,
        doubt=posts.c.ts.is_(None),
    )
    .returning(posts)
)
_UNLOCKED = (
    select(posts.c.seq)
    .where(posts.c.seq.in_(bindparam("settled", expanding=True)))
    .order_by(posts.c.seq)
    .with_for_update(skip_locked=True)
)


def _orphans() -> Update:
    parents = posts.alias("parents")
    alive = (
        select(parents.c.seq)
        .where(parents.c.slot == posts.c.parent, or_(parents.c.state != "dead", parents.c.ts.is_not(None)))
        .exists()
    )
    waiting = and_(posts.c.state == _PENDING, posts.c.ts.is_(None), posts.c.parent.is_not(None), ~posts.c.removed)
    dead = {"state": "dead", "last_error": PARENT_DEAD, "updated_at": bindparam("now"), **_FREE}
    return update(posts).where(waiting, ~alive).values(dead)


_ORPHANS = _orphans()


def is_active(claimer: ColumnElement[str]) -> ColumnElement[bool]:
    """Match claims of an active process (bot/leadership/membership.py)."""
    return select(replicas.c.name).where(replicas.c.name == claimer, replicas.c.until > 0).exists()


_SCAN = 200
"""Rows read for one claim: several of them may be edits in one channel."""


def _claim(row: Mapping[Any, Any], before: Mapping[Any, Any], until: float) -> Claim:
    """Make the claim of a row, and of what it was before."""
    return Claim(
        seq=row["seq"],
        message_key=MessageKey.parse(row["slot"]),
        channel=row["channel"],
        home=row["home"],
        parent=None if row["parent"] is None else MessageKey.parse(row["parent"]),
        thread_ts=before["thread_ts"],
        broadcast=row["broadcast"],
        content=row["content"],
        version=row["version"],
        ts=row["ts"],
        former=row["former"],
        removed=row["removed"],
        maybe_sent=before["doubt"],
        attempts=row["attempts"],
        created_at=row["created_at"],
        until=until,
        trace=row["trace"],
    )
