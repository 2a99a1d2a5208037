"""Facts about the installation as a whole, which all replicas read."""

from sqlalchemy import select

from bot.operations.policy import PolicyMode
from bot.store.schema import facts
from bot.store.session import Session

_POLICIES = "policies"


class Facts:
    """Facts by name; each is recorded once, when the database begins."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def policies(self) -> PolicyMode:
        """Return the default policies with which the installation began."""
        found = await self._session.value(select(facts.c.value).where(facts.c.name == _POLICIES))
        return PolicyMode(found or PolicyMode.LOOSE)

    async def put_policies(self, mode: PolicyMode, now: float) -> None:
        """Record them for an installation that moved here."""
        new = self._session.insert(facts).values(name=_POLICIES, value=mode.value, since=now)
        changed = {"value": new.excluded.value, "since": new.excluded.since}
        await self._session.change(new.on_conflict_do_update(index_elements=["name"], set_=changed))
