"""Facts about the installation as a whole, which all replicas read."""

from collections.abc import Collection, Mapping

from sqlalchemy import delete, select

from bot.operations.policy import PolicyMode
from bot.store.schema import facts
from bot.store.session import Session

_POLICIES = "policies"
_RECEIVER, _SETTINGS, _TURN = "receiver:", "settings:", "turn:"
_LONGEST_TURN = 900.0
"""A turn that ends later was noted by a clock that was wrong."""


class Facts:
    """Facts by name: the policies with which the database began; the receivers and settings that replicas report.

    Also the turns at receivers that may be called now and then only, by whichever replica.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    async def policies(self) -> PolicyMode:
        """Return the default policies with which the installation began."""
        found = await self._session.value(select(facts.c.value).where(facts.c.name == _POLICIES))
        return PolicyMode(found or PolicyMode.LOOSE)

    async def put_policies(self, mode: PolicyMode, now: float) -> None:
        """Record them for an installation that moved here."""
        await self._put({_POLICIES: mode.value}, now)

    async def receivers(self) -> Mapping[str, tuple[str, float]]:
        """Return the receivers that replicas reported: what each is, and when that was last said (Unix seconds)."""
        return await self._named(_RECEIVER)

    async def report_receivers(self, found: Mapping[str, str], now: float) -> None:
        """Record what each receiver is, by its name."""
        await self._put({f"{_RECEIVER}{name}": value for name, value in found.items()}, now)

    async def forget_receivers(self, names: Collection[str]) -> None:
        """Forget receivers."""
        if names:
            held = [f"{prefix}{name}" for name in sorted(names) for prefix in (_RECEIVER, _TURN)]
            await self._session.change(delete(facts).where(facts.c.name.in_(held)))

    async def take_turn(self, receiver: str, now: float, until: float) -> float:
        """Let no other replica call a receiver until then; return 0, or the time at which the turn of another ends."""
        new = self._session.insert(facts).values(name=f"{_TURN}{receiver}", value="", since=until)
        over = (facts.c.since <= now) | (facts.c.since > now + _LONGEST_TURN)
        taking = new.on_conflict_do_update(index_elements=["name"], set_={"since": new.excluded.since}, where=over)
        if await self._session.change(taking):
            return 0.0
        held = select(facts.c.since).where(facts.c.name == f"{_TURN}{receiver}")
        return float(await self._session.value(held) or 0.0)

    async def rest(self, receiver: str, until: float) -> None:
        """Let no replica call a receiver until then."""
        await self._put({f"{_TURN}{receiver}": ""}, until)

    async def settings(self) -> Mapping[str, str]:
        """Return the settings that replicas run with, as text without secrets, by the names of the replicas."""
        return {name: value for name, (value, _) in (await self._named(_SETTINGS)).items()}

    async def put_settings(self, replica: str, value: str, now: float, listed: Collection[str]) -> None:
        """Record the settings of a replica, and forget those of replicas that are not `listed` any more."""
        await self._put({f"{_SETTINGS}{replica}": value}, now)
        gone = [f"{_SETTINGS}{name}" for name in await self._named(_SETTINGS) if name not in {replica, *listed}]
        if gone:
            await self._session.change(delete(facts).where(facts.c.name.in_(gone)))

    async def _named(self, prefix: str) -> Mapping[str, tuple[str, float]]:
        rows = await self._session.rows(select(facts).where(facts.c.name.startswith(prefix, autoescape=True)))
        return {row["name"].removeprefix(prefix): (row["value"], row["since"]) for row in rows}

    async def _put(self, values: Mapping[str, str], now: float) -> None:
        for name, value in sorted(values.items()):
            new = self._session.insert(facts).values(name=name, value=value, since=now)
            changed = {"value": new.excluded.value, "since": new.excluded.since}
            await self._session.change(new.on_conflict_do_update(index_elements=["name"], set_=changed))
