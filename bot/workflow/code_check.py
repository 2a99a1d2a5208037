"""Codes of break-glass: who must type one, and if a typed one counts. The code itself is neither stored nor logged."""

import asyncio
from collections.abc import Callable
from dataclasses import field, replace

import structlog

from bot.audit.chain import AuditEntry
from bot.common.errors import StoreError
from bot.common.frozen import frozen
from bot.permissions.one_time_codes import MAX_FAILURES, CodeKey, CodeVerdict, Enrolment, judge, step_of
from bot.store.database import Store
from bot.store.unit_of_work import UnitOfWork

log = structlog.get_logger(__name__)

CHECK_SECONDS = 2.0
"""Seconds that a check may take: Slack waits three for the answer to a form."""
_ATTEMPTS = frozenset({CodeVerdict.WRONG, CodeVerdict.REUSED, CodeVerdict.LOCKED})


@frozen
class CodeResult:
    """Result of a typed code: how many more may be wrong, and the end of a lock (Unix seconds, 0 for none)."""

    verdict: CodeVerdict
    left: int = 0
    locked_until: float = 0.0


@frozen
class CodeCheck:
    """Checks the codes of break-glass; raises StoreError.

    `key` is None where none is set. `required` is true for a cluster that demands a code of each person; elsewhere
    those who have one must type it. `clock` is that of the process, on which all replicas agree; `wall` is the system
    clock, which may have been set since the start.
    """

    store: Store
    key: CodeKey | None
    clock: Callable[[], float]
    wall: Callable[[], float]
    required: Callable[[str], bool]
    late: set[asyncio.Task[CodeResult]] = field(default_factory=set)

    async def wanted(self, user: str, cluster: str) -> bool:
        """Return True if this person must type a code to use break-glass on the cluster."""
        if self.required(cluster):
            return True
        if self.key is None:
            return False
        async with self.store.read() as uow:
            held = await uow.codes.get(user)
        return held is not None and not held.is_kept_lock

    async def check(self, user: str, typed: str) -> CodeResult:
        """Check a code, record the attempt, and use the code up."""
        checking = asyncio.create_task(self._check(user, typed), name="check a code")
        await asyncio.wait({checking}, timeout=CHECK_SECONDS)
        if checking.done():
            return await checking
        # Not cancelled: asyncio would wait for the database call all the same. The code may be used up then.
        self.late.add(checking)
        checking.add_done_callback(self._ended)
        raise StoreError("The database did not answer in time.")

    def _ended(self, checking: asyncio.Task[CodeResult]) -> None:
        self.late.discard(checking)
        if not checking.cancelled():
            checking.exception()

    async def _check(self, user: str, typed: str) -> CodeResult:
        if self.key is None:
            return CodeResult(CodeVerdict.NO_KEY)
        async with self.store.begin() as uow:
            held = await uow.codes.get(user)
            if held is None or held.is_kept_lock:
                return CodeResult(CodeVerdict.UNKNOWN)
            secret = self.key.open(user, held.sealed)
            verdict, after = judge(held, secret, typed, self.clock(), step_of(self.wall()))
            if after != held:
                await uow.codes.put(after)
            if verdict in _ATTEMPTS or verdict is CodeVerdict.ACCEPTED:
                await self._record(uow, held, after, verdict)
        log.info("code.checked", user=user, verdict=verdict.value)
        return CodeResult(verdict, MAX_FAILURES - after.failures, after.locked_until)

    async def _record(self, uow: UnitOfWork, held: Enrolment, after: Enrolment, verdict: CodeVerdict) -> None:
        now, user = self.clock(), held.user
        if verdict is CodeVerdict.ACCEPTED:
            await uow.audit.append(AuditEntry(now, user, "code.accepted"))
            return
        await uow.audit.append(AuditEntry(now, user, "code.refused", detail={"why": verdict.value}))
        if after.locked_until > held.locked_until:
            await uow.audit.append(AuditEntry(now, user, "code.locked", detail={"until": after.locked_until}))


@frozen
class Enrolments:
    """Who has a code, for the admin on the host; raises StoreError."""

    store: Store
    clock: Callable[[], float]

    async def every(self) -> list[Enrolment]:
        """Return all enrolments."""
        async with self.store.read() as uow:
            return await uow.codes.every()

    async def add(self, user: str, sealed: str, *, again: bool = False) -> bool:
        """Store the secret of a person; False if there is one and it is not to be replaced (`again`)."""
        now = self.clock()
        async with self.store.begin() as uow:
            held = await uow.codes.get(user)
            if held is not None and not held.is_kept_lock and not again:
                return False
            fresh = Enrolment(user, sealed, now)
            # A lock outlives the secret: to enrol again does not end it.
            await uow.codes.put(fresh if held is None else replace(fresh, locked_until=held.locked_until))
            await uow.audit.append(AuditEntry(now, "", "code.enrolled", detail={"user": user}))
        return True

    async def remove(self, user: str) -> bool:
        """Delete the secret of a person; False if there is none. A lock is kept until it ends."""
        now = self.clock()
        async with self.store.begin() as uow:
            held = await uow.codes.get(user)
            if held is None or held.is_kept_lock:
                return False
            if now < held.locked_until:
                await uow.codes.put(Enrolment(user, "", now, locked_until=held.locked_until))
            else:
                await uow.codes.remove(user)
            await uow.audit.append(AuditEntry(now, "", "code.removed", detail={"user": user}))
        return True
