"""Repository of operations."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.engine import RowMapping

from bot.common.errors import Conflict, Refused, StoreError
from bot.operations import codec
from bot.operations.model import TRANSITIONS, Operation, OpState
from bot.operations.requests import OpKind
from bot.operations.step_codec import Wording
from bot.store.schema import operations
from bot.store.session import Session

_PLAIN = (
    "cluster",
    "requester",
    "created_at",
    "expires_at",
    "channel",
    "reason",
    "version",
    "card",
    "lease_until",
    "warn_at",
    "runner",
    "trace",
)
"""Columns that are stored as the fields are."""


def _values(op: Operation, wording: Wording) -> dict[str, Any]:
    return {name: getattr(op, name) for name in _PLAIN} | {
        "kind": op.kind.value,
        "request": codec.encode_request(op),
        "state": op.state.value,
        "seen": codec.encode_seen(op.seen, wording),
        "history": [codec.encode_event(event, wording) for event in op.history],
        "terms": codec.encode_terms(op.terms),
        "approvals": list(op.approvals),
        # The lock follows from the state; its column is there for the check that the database makes.
        "lock": op.lock,
    }


def _operation(row: RowMapping) -> Operation:
    try:
        return Operation(
            **{name: row[name] for name in ("id", *_PLAIN)},
            request=codec.stored_request(row["kind"], row["request"]),
            options=codec.decode_options(row["request"]),
            state=OpState(row["state"]),
            seen=codec.decode_seen(row["seen"]),
            history=tuple(codec.decode_event(event) for event in row["history"]),
            terms=codec.decode_terms(row["terms"]),
            approvals=tuple(row["approvals"]),
        )
    except Refused as error:
        incomplete = f"The stored request ({row['kind']}) is not complete: type the command again."
        raise StoreError(f"Operation #{row['id']} cannot be read from the database: {incomplete}") from error
    except (LookupError, TypeError, ValueError) as error:
        raise StoreError(f"Operation #{row['id']} cannot be read from the database: {error}") from error


STARTS = 0x6469736B73
"""Key of the advisory lock under which changes of disks start on PostgreSQL: "disks" in ASCII."""
PROPOSALS = 0x6167656E74
"""Key of the advisory lock under which proposals of agents are stored on PostgreSQL: "agent" in ASCII."""


class Operations:
    """Operations; every transition is a compare-and-set on `version`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, op: Operation, wording: Wording) -> Operation:
        """Store a new one with the words of its facts; returns it with its id.

        Raises Conflict when another one has its lock.
        """
        made = await self._session.value(insert(operations).values(_values(op, wording)).returning(operations.c.id))
        return replace(op, id=made)

    async def queue_start(self) -> None:
        """Wait until each start of a change of disks before this one has committed; call it first in a unit of work.

        Then of two that start at one moment the later one sees the earlier one. SQLite has one writer anyway.
        """
        if self._session.postgres:
            await self._session.value(select(func.pg_advisory_xact_lock(STARTS)))

    async def queue_proposal(self) -> None:
        """Wait until each proposal of an agent before this one has committed; call it first in a unit of work.

        Then none of two that are stored at one moment is left out of the count. SQLite has one writer anyway.
        """
        if self._session.postgres:
            await self._session.value(select(func.pg_advisory_xact_lock(PROPOSALS)))

    async def get(self, op_id: int) -> Operation | None:
        """Get an operation, or None."""
        row = await self._session.row(select(operations).where(operations.c.id == op_id))
        return None if row is None else _operation(row)

    async def save(self, op: Operation, wording: Wording) -> Operation:
        """Replace version - 1 by this one; raises Conflict when another step came first."""
        this = (operations.c.id == op.id) & (operations.c.version == op.version - 1)
        if not await self._session.change(update(operations).where(this).values(_values(op, wording))):
            raise Conflict(f"Operation #{op.id} was changed by another step.")
        return op

    async def open(self, cluster: str | None = None) -> list[Operation]:
        """List those that are not final, the oldest first."""
        return await self._in(TRANSITIONS.keys(), cluster)

    async def unfinished(self) -> bool:
        """True if one is not final or has a lease: else no periodic job has anything to do but to follow its effect."""
        found = operations.c.state.in_(list(TRANSITIONS)) | (operations.c.lease_until > 0)
        return await self._session.value(select(operations.c.id).where(found).limit(1)) is not None

    async def open_counts(self) -> dict[tuple[str, str], int]:
        """Number of those that are not final, by kind and state."""
        query = select(operations.c.kind, operations.c.state, func.count().label("n"))
        rows = await self._session.rows(
            query.where(operations.c.state.in_(list(TRANSITIONS))).group_by(operations.c.kind, operations.c.state)
        )
        return {(row["kind"], row["state"]): row["n"] for row in rows}

    async def in_state(self, state: OpState, cluster: str | None = None) -> list[Operation]:
        """List those in `state`, the oldest first."""
        return await self._in((state,), cluster)

    async def _in(self, states: Collection[OpState], cluster: str | None) -> list[Operation]:
        query = select(operations).where(operations.c.state.in_(list(states))).order_by(operations.c.id)
        return await self._list(query, cluster)

    async def recent(self, limit: int, since: float = 0.0, cluster: str | None = None) -> list[Operation]:
        """List the newest `limit` created at `since` or later, the newest first."""
        query = select(operations).where(operations.c.created_at >= since).order_by(operations.c.id.desc())
        return await self._list(query.limit(limit), cluster)

    async def of_kind(self, kind: OpKind, state: OpState, since: float) -> list[Operation]:
        """List those of a kind in `state` that were created at `since` or later, the oldest first."""
        wanted = (operations.c.kind == kind) & (operations.c.state == state) & (operations.c.created_at >= since)
        return await self._list(select(operations).where(wanted).order_by(operations.c.id), None)

    async def newest(
        self, kinds: Collection[OpKind], states: Collection[OpState], cluster: str, limit: int
    ) -> list[Operation]:
        """List the newest `limit` of these kinds in these states, the newest first."""
        wanted = operations.c.kind.in_(list(kinds)) & operations.c.state.in_(list(states))
        return await self._list(select(operations).where(wanted).order_by(operations.c.id.desc()).limit(limit), cluster)

    async def due(self, now: float) -> list[Operation]:
        """List waiting ones whose time is over, the oldest first."""
        late = (operations.c.state == OpState.WAITING) & (operations.c.expires_at <= now)
        return await self._list(select(operations).where(late).order_by(operations.c.id), None)

    async def time_limited(self, cluster: str | None = None) -> list[Operation]:
        """List those with a lease, the next to end first."""
        query = select(operations).where(operations.c.lease_until > 0).order_by(operations.c.lease_until)
        return await self._list(query, cluster)

    async def of_card(self, card: int) -> Operation | None:
        """Get the newest operation with the card of that number."""
        ours = (operations.c.id == card) | (operations.c.card == card)
        found = await self._list(select(operations).where(ours).order_by(operations.c.id.desc()).limit(1), None)
        return found[0] if found else None

    async def _list(self, query: Select[Any], cluster: str | None) -> list[Operation]:
        rows = await self._session.rows(query if cluster is None else query.where(operations.c.cluster == cluster))
        return [_operation(row) for row in rows]
