"""Rows of outputs: what each receiver outside Slack must know of an alert, and what it has.

Level-triggered as the outbox: a row has the newest content of one alert for one receiver, its version, and the version
that the receiver has. The version rises with what the receiver must hear of (`Receiver.mark`). A row is `pending` until
the receiver has its version, then `sent`, or `kept` if it must be sent to an Alertmanager again; `held` while a
receiver for outages of Slack need not know, and `dead` once the receiver refused the content for good. `attempts` are
the refusals of the content that counted: a row with any is sent alone, after those that have none.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, case, delete, func, select, update

from bot.alerting.model import AlertState
from bot.alerting.receivers import OutputAlert, Receiver, When
from bot.common.frozen import frozen
from bot.store.schema import alerts, outputs
from bot.store.session import Session

_FREE = {"claimed_by": "", "claimed_until": 0.0}
_DUE = outputs.c.state.in_(["pending", "kept"])
_NOT_ENDED = outputs.c.mark.not_like(f"{AlertState.RESOLVED}%")
_AT_ONCE = 500
"""Most ids in one query."""


@frozen
class OutputClaim:
    """A row as it was claimed. `delivered` is what the receiver has, None for nothing.

    `event` names the version. `refusals` are those of this content that counted, `tried_at` is when the last attempt
    ended.
    """

    seq: int
    receiver: str
    alert: OutputAlert
    delivered: OutputAlert | None
    version: int
    event: str
    refusals: int
    tried_at: float = 0.0


@frozen
class ReceiverRows:
    """Rows of one receiver: those that wait and the age of the oldest in seconds, and dead ones."""

    waiting: int = 0
    oldest_age: float = 0.0
    dead: int = 0


@frozen
class GivenUp:
    """Open alerts that a receiver refused for good: their number, the last one of them, and the reason."""

    count: int
    last: OutputAlert
    why: str


class Outputs:
    """Puts, claims and settles rows; `receivers` are those of this replica, and those of others."""

    def __init__(self, session: Session, clock: Callable[[], float], receivers: Sequence[Receiver]) -> None:
        self._session = session
        self._clock = clock
        self.receivers = receivers

    async def put(self, alerts: Sequence[OutputAlert]) -> None:
        """Make these alerts what their receivers must know; one that has an alert hears of its end too."""
        if not alerts or not self.receivers:
            return
        now = self._clock()
        held = await self._rows_of([alert.id for alert in alerts])
        new: list[dict[str, Any]] = []
        for receiver in self.receivers:
            for alert in alerts:
                row = held.get((receiver.name, alert.id))
                if row is not None:
                    await self._renew(receiver, alert, row, now)
                elif receiver.takes(alert):
                    new.append(_row(receiver, alert, now))
        if new:
            await self._session.change_all(self._session.insert(outputs).on_conflict_do_nothing(), new)

    async def lock(self, alerts: Sequence[int]) -> None:
        """Let no other unit of work change the rows of these alerts until this one ends."""
        await self._rows_of(alerts)

    async def _rows_of(self, ids: Sequence[int]) -> Mapping[tuple[str, int], Mapping[Any, Any]]:
        found: dict[tuple[str, int], Mapping[Any, Any]] = {}
        for start in range(0, len(ids), _AT_ONCE):
            these = outputs.c.alert.in_(ids[start : start + _AT_ONCE])
            rows = await self._session.rows(select(outputs).where(these).with_for_update())
            found |= {(row["receiver"], row["alert"]): row for row in rows}
        return found

    async def _renew(self, receiver: Receiver, alert: OutputAlert, row: Mapping[Any, Any], now: float) -> None:
        content, mark = alert.to_json(), receiver.mark(alert)
        # Not `updated_at`, which tells when the receiver last heard of the alert.
        values: dict[str, Any] = {"content": content}
        if mark != row["mark"]:
            held = row["state"] == "held"
            state = "pending" if not held else "held" if alert.open else "sent"
            values |= {"mark": mark, "version": row["version"] + 1, "state": state, "attempts": 0}
            values |= {"next_attempt_at": 0.0}
            if row["state"] != "pending":
                values["pending_since"] = now
        elif content == row["content"]:
            return
        await self._session.change(update(outputs).where(outputs.c.seq == row["seq"]).values(values))

    async def held_since(self, since: float, names: Collection[str]) -> bool:
        """True if something is held for these receivers that changed at `since` or later."""
        return await self._session.value(select(outputs.c.seq).where(_held(since, names)).limit(1)) is not None

    async def release(self, since: float, names: Collection[str]) -> int:
        """Send what is held for these receivers and changed at `since` or later; return the number of rows."""
        return await self._session.change(update(outputs).where(_held(since, names)).values(state="pending"))

    async def due(self, now: float) -> Mapping[str, float]:
        """When the first row of each receiver that has one may be sent (Unix seconds)."""
        at = case((outputs.c.claimed_until > now, outputs.c.claimed_until), else_=outputs.c.next_attempt_at)
        query = select(outputs.c.receiver, func.min(at).label("at")).where(_DUE).group_by(outputs.c.receiver)
        return {row["receiver"]: row["at"] for row in await self._session.rows(query)}

    async def claim(self, receiver: str, owner: str, now: float, lease: float, limit: int) -> list[OutputClaim]:
        """Claim up to `limit` rows of a receiver for `lease` seconds, those that wait longest first.

        One that was refused is claimed alone, and only if there is no other; such ones take turns.
        """
        first = (outputs.c.pending_since, outputs.c.seq)
        taken = await self._free(receiver, now, outputs.c.attempts == 0, limit, *first)
        taken = taken or await self._free(receiver, now, outputs.c.attempts > 0, 1, outputs.c.next_attempt_at, *first)
        if not taken:
            return []
        values = {"claimed_by": owner, "claimed_until": now + lease}
        claimed = update(outputs).where(outputs.c.seq.in_(taken)).values(values).returning(outputs)
        return sorted(
            (_claim(row) for row in await self._session.rows(claimed)), key=lambda each: taken.index(each.seq)
        )

    async def _free(
        self, receiver: str, now: float, which: ColumnElement[bool], limit: int, *first: ColumnElement[Any]
    ) -> list[int]:
        free = (outputs.c.next_attempt_at <= now) & (outputs.c.claimed_until <= now)
        query = select(outputs.c.seq).where(_DUE, outputs.c.receiver == receiver, free, which).order_by(*first)
        rows = await self._session.rows(query.limit(limit).with_for_update(skip_locked=True))
        return [row["seq"] for row in rows]

    async def delivered(self, claims: Collection[OutputClaim], owner: str, now: float, again: float) -> None:
        """Record that the receiver has these versions; open alerts are sent again in `again` seconds (0: never)."""
        for each in claims:
            kept = "kept" if again and each.alert.open else "sent"
            newest = outputs.c.version == each.version
            values = {
                "delivered": each.alert.to_json(),
                "sent_version": each.version,
                "state": case((newest, kept), else_="pending"),
                "next_attempt_at": case((newest, now + again), else_=0.0),
                "attempts": 0,
                "last_error": "",
                "updated_at": now,
                **_FREE,
            }
            this = (outputs.c.seq == each.seq) & (outputs.c.claimed_by == owner)
            await self._session.change(update(outputs).where(this).values(values))

    async def failed(
        self,
        claims: Collection[OutputClaim],
        owner: str,
        now: float,
        *,
        error: str,
        retry_at: float | None,
        refusals: int = 0,
    ) -> None:
        """Record that telling failed; `retry_at` None: never again with this content.

        `refusals` are those of this content that count now, 0 to leave them as they are.
        """
        for each in claims:
            newest = outputs.c.version == each.version
            values = {
                "next_attempt_at": case((newest, retry_at or 0.0), else_=0.0),
                "last_error": error,
                "updated_at": now,
                **_FREE,
            }
            if retry_at is None:
                values["state"] = case((newest, "dead"), else_=outputs.c.state)
            if refusals:
                values["attempts"] = case((newest, refusals), else_=outputs.c.attempts)
            this = (outputs.c.seq == each.seq) & (outputs.c.claimed_by == owner)
            await self._session.change(update(outputs).where(this).values(values))

    async def accepted(self, receiver: str, since: float) -> bool:
        """True if a receiver took any alert at `since` or later."""
        taken = (outputs.c.sent_version > 0) & (outputs.c.last_error == "") & (outputs.c.updated_at >= since)
        query = select(outputs.c.seq).where(outputs.c.receiver == receiver, taken).limit(1)
        return await self._session.value(query) is not None

    async def try_again(self, names: Collection[str]) -> int:
        """Send these receivers what they refused as if it was new, because they may take it now.

        Not alerts that are over and of which the receiver never had anything. Return the number of rows.
        """
        gone = outputs.c.state == "dead"
        owed = gone & (_NOT_ENDED | (outputs.c.sent_version > 0)) | _DUE & (outputs.c.attempts > 0)
        values = {
            "state": case((gone, "pending"), else_=outputs.c.state),
            "pending_since": case((gone, self._clock()), else_=outputs.c.pending_since),
            "attempts": 0,
            "next_attempt_at": 0.0,
        }
        theirs = outputs.c.receiver.in_(list(names))
        return await self._session.change(update(outputs).where(theirs, owed).values(values))

    async def given_up(self) -> Mapping[str, GivenUp]:
        """The open alerts that each receiver refused for good, of those that have any."""
        theirs = (outputs.c.state == "dead") & _NOT_ENDED
        query = select(outputs.c.receiver, func.count().label("n"), func.max(outputs.c.seq).label("last"))
        counts = {
            row["last"]: row["n"] for row in await self._session.rows(query.where(theirs).group_by(outputs.c.receiver))
        }
        if not counts:
            return {}
        rows = await self._session.rows(select(outputs).where(outputs.c.seq.in_(counts)))
        return {
            row["receiver"]: GivenUp(counts[row["seq"]], OutputAlert.from_json(row["content"]), row["last_error"])
            for row in rows
        }

    async def health(self, now: float) -> Mapping[str, ReceiverRows]:
        """The rows of each receiver that wait, or that it refused for good."""
        named = (outputs.c.receiver, outputs.c.state)
        query = select(*named, func.count().label("n"), func.min(outputs.c.pending_since).label("first"))
        rows = await self._session.rows(query.where(outputs.c.state.in_(["pending", "dead"])).group_by(*named))
        found: dict[str, ReceiverRows] = {}
        for row in rows:
            known = found.get(row["receiver"], ReceiverRows())
            if row["state"] == "dead":
                found[row["receiver"]] = ReceiverRows(known.waiting, known.oldest_age, row["n"])
            else:
                found[row["receiver"]] = ReceiverRows(row["n"], max(0.0, now - row["first"]), known.dead)
        return found

    async def known(self) -> set[tuple[str, int]]:
        """Every receiver and alert that have a row."""
        return {
            (row["receiver"], row["alert"])
            for row in await self._session.rows(select(outputs.c.receiver, outputs.c.alert))
        }

    async def unended(self, names: Collection[str]) -> list[int]:
        """The alerts that are over, or no longer stored, of which a row of these receivers does not say so."""
        still_open = select(alerts.c.id).where(alerts.c.state != AlertState.RESOLVED)
        missed = _NOT_ENDED & outputs.c.alert.not_in(still_open)
        theirs = missed & outputs.c.receiver.in_(list(names))
        return [row["alert"] for row in await self._session.rows(select(outputs.c.alert).where(theirs).distinct())]

    async def drop(self, ids: Collection[int]) -> int:
        """Delete the rows of these alerts; return their number."""
        return await self._session.change(delete(outputs).where(outputs.c.alert.in_(list(ids)))) if ids else 0

    async def named(self) -> set[str]:
        """The receivers that have rows."""
        return {row["receiver"] for row in await self._session.rows(select(outputs.c.receiver).distinct())}

    async def drop_receivers(self, names: Collection[str]) -> int:
        """Delete the rows of these receivers; return their number."""
        if not names:
            return 0
        return await self._session.change(delete(outputs).where(outputs.c.receiver.in_(list(names))))


def _held(since: float, names: Collection[str]) -> ColumnElement[bool]:
    changed = outputs.c.pending_since >= since
    return (outputs.c.state == "held") & changed & outputs.c.receiver.in_(list(names))


def _row(receiver: Receiver, alert: OutputAlert, now: float) -> dict[str, Any]:
    held = receiver.when is When.SLACK_DOWN
    state = "pending" if not held else "held" if alert.open else "sent"
    return {
        "receiver": receiver.name,
        "alert": alert.id,
        "content": alert.to_json(),
        "delivered": {},
        "mark": receiver.mark(alert),
        "version": 1,
        "sent_version": 0,
        "state": state,
        "attempts": 0,
        "next_attempt_at": 0.0,
        "last_error": "",
        "pending_since": now,
        "created_at": now,
        "updated_at": now,
        **_FREE,
    }


def _claim(row: Mapping[Any, Any]) -> OutputClaim:
    return OutputClaim(
        seq=row["seq"],
        receiver=row["receiver"],
        alert=OutputAlert.from_json(row["content"]),
        delivered=OutputAlert.from_json(row["delivered"]) if row["delivered"] else None,
        version=row["version"],
        # With the time, so that a row that was made again does not repeat the name of an event.
        event=f"{row['alert']}.{row['version']}.{row['created_at']:.0f}",
        refusals=row["attempts"],
        tried_at=row["updated_at"],
    )
