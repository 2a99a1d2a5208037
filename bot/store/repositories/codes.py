"""Codes of break-glass in the store: one row a person, with an encrypted secret.

A row without a secret is the lock of a person whose code was taken away: see Enrolment.is_kept_lock.
"""

from dataclasses import asdict

from sqlalchemy import delete, select

from bot.permissions.one_time_codes import Enrolment
from bot.store.schema import codes
from bot.store.session import Session


class Codes:
    """Enrolments by the person's id."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, user: str) -> Enrolment | None:
        """Return the enrolment of a person, or their lock; a writing transaction locks the row."""
        query = select(codes).where(codes.c.user == user)
        row = await self._session.row(query.with_for_update() if self._session.writable else query)
        return None if row is None else Enrolment(**row)

    async def every(self) -> list[Enrolment]:
        """Return the enrolments of all who have a code."""
        query = select(codes).where(codes.c.sealed != "").order_by(codes.c.user)
        return [Enrolment(**row) for row in await self._session.rows(query)]

    async def put(self, enrolment: Enrolment) -> None:
        """Store an enrolment in the place of an earlier one of the person."""
        values = asdict(enrolment)
        new = self._session.insert(codes).values(values)
        changed = {name: new.excluded[name] for name in values if name != "user"}
        await self._session.change(new.on_conflict_do_update(index_elements=["user"], set_=changed))

    async def remove(self, user: str) -> bool:
        """Delete the enrolment of a person; False if there is none."""
        return await self._session.change(delete(codes).where(codes.c.user == user)) > 0
