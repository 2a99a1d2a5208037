"""The worker of outputs: claims rows, sends them to the receivers, records the outcome.

Receivers are served side by side, each with one call at a time. A failure holds its receiver, with a growing pause, and
no row is given up but one whose content the receiver refuses. Whether a refusal is about the content shows in what else
the receiver takes: one that has taken nothing since is at fault itself (its key, its address), and is asked on. A claim
is a lease: after a crash another worker sends its rows again, so a receiver without a key may get an alert twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog

from bot.common.errors import StoreError
from bot.common.events import wait_for_event
from bot.common.frozen import frozen
from bot.common.text import count, duration, listed
from bot.integrations.client import DeliveryFailed
from bot.integrations.sender import Sender
from bot.store.database import Store
from bot.store.repositories.outputs import GivenUp, OutputClaim, ReceiverRows
from bot.store.unit_of_work import UnitOfWork

OnOutcome = Callable[[str, str, int], None]
"""Called with a receiver, an outcome (delivered, failed, refused) and the number of alerts that were sent."""

log = structlog.get_logger(__name__)

LEASE_SECONDS = 60.0
"""Length of a claim: more than the calls for its rows take."""
IDLE_SECONDS = 5.0
MAX_REFUSALS = 3
"""Tries with a content that the receiver refuses, while it takes others."""
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 120.0
_REFUSED_WAIT = 60.0
_LONGEST_PROBE = 15.0
"""A receiver that answers, but has refused all since, is held so long at most: what comes next may be taken."""
_NOT_ALIVE = 1.0
_REMARK_AFTER = 60.0
"""Seconds of failures after which a receiver is named."""


@frozen
class SlackDown:
    """No message reaches Slack since `began`; Slack may not show what changed at `unseen` or later (Unix seconds)."""

    began: float
    unseen: float


@frozen
class SlackOutage:
    """What a long outage of Slack starts: `names` are the receivers that get alerts after `after` seconds.

    `now` returns the outage, None while Slack can be reached.
    """

    now: Callable[[float], Awaitable[SlackDown | None]]
    after: float = 300.0
    names: Collection[str] = ()


@dataclass(slots=True)
class _Failures:
    """Failures of one receiver in a row: since when, how many, the reason, and until when it is held."""

    since: float
    failures: int = 0
    why: str = ""
    until: float = 0.0


class OutputWorker:
    """Keeps receivers equal to their rows; one `run()` a process, any number of processes.

    `owner` names this process in claims, `alive` is False once other replicas may count it as dead. `random` returns
    numbers in [0, 1). `awake` is set when rows were put. `adopt` is called once, before the first row is sent.
    `on_outcome` is called after each call to a receiver.
    """

    def __init__(
        self,
        store: Store,
        senders: Mapping[str, Sender],
        *,
        owner: str,
        clock: Callable[[], float],
        random: Callable[[], float],
        outage: SlackOutage,
        alive: Callable[[], bool] = lambda: True,
        awake: asyncio.Event | None = None,
        pause: Callable[[asyncio.Event, float], Awaitable[None]] | None = None,
        adopt: Callable[[], Awaitable[None]] | None = None,
        on_outcome: OnOutcome | None = None,
    ) -> None:
        self._store, self.senders, self._owner = store, senders, owner
        self._clock, self._random, self.outage, self._alive = clock, random, outage, alive
        self._awake, self._pause, self._adopt = awake or asyncio.Event(), pause or wait_for_event, adopt
        self._on_outcome = on_outcome
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._failing: dict[str, _Failures] = {}
        self._free_at: dict[str, float] = {}
        self._down: SlackDown | None = None
        self._given_up: Mapping[str, GivenUp] = {}
        self.delivered = 0
        """Rows that receivers took since the start."""

    async def run(self) -> None:
        """Send until cancelled; rows of calls that are cut off are sent again later."""
        try:
            while True:
                self._awake.clear()
                try:
                    wait = await self._round()
                except StoreError as error:
                    log.debug("outputs.store_down", error=str(error))
                    wait = IDLE_SECONDS
                await self._pause(self._awake, wait)
        finally:
            await self._abandon()

    async def drain(self) -> None:
        """Send what can be sent now, and wait for the answers. Raises StoreError."""
        while True:
            await self._round()
            if not self._under_way:
                return
            await asyncio.wait(self._under_way.values())

    def remark(self) -> str:
        """Say which receivers fail and since when, and what the outage of Slack started; "" for nothing."""
        now = self._clock()
        said = [
            f"{name} has not taken alerts for {duration(now - each.since)}: {each.why}."
            for name, each in sorted(self._failing.items())
            if now - each.since >= _REMARK_AFTER
        ]
        said += [
            f"{name} refuses {count(given.count, 'alert')}, at last {given.last.rule} of {given.last.cluster}:"
            f" {given.why}."
            for name, given in sorted(self._given_up.items())
            if name in self.senders
        ]
        if self._down is not None and now - self._down.began >= self.outage.after:
            names = listed(sorted(self.outage.names))
            said.append(f"Slack cannot be reached for {duration(now - self._down.began)}: alerts go to {names}.")
        return " ".join(said)

    async def health(self) -> Mapping[str, ReceiverRows]:
        """The rows of each receiver of the settings; reads also what `remark` says of them. Raises StoreError."""
        async with self._store.read() as uow:
            found = await uow.outputs.health(self._clock())
            self._given_up = await uow.outputs.given_up()
        return {name: found.get(name, ReceiverRows()) for name in self.senders}

    async def _round(self) -> float:
        """Start what may be sent now; return the seconds until the next round."""
        now = self._clock()
        if not self._alive():
            return _NOT_ALIVE
        if self._adopt is not None:
            await self._adopt()
            self._adopt = None
        await self._release(now)
        async with self._store.read() as uow:
            due = await uow.outputs.due(now)
        due = {name: at for name, at in due.items() if name in self.senders}
        for name in self._failing.keys() - due.keys():
            # Other replicas have sent it all meanwhile.
            del self._failing[name]
        ready = [name for name, at in due.items() if max(at, self._free_from(name)) <= now]
        ready = sorted(name for name in ready if name not in self._under_way)
        if ready:
            async with self._store.begin() as uow:
                claims = {name: await self._claim(uow, name, now) for name in ready}
            for name, claimed in claims.items():
                if claimed:
                    self._start(name, claimed)
        later = [max(at, self._free_from(name)) - now for name, at in due.items()]
        return min([IDLE_SECONDS, *(wait for wait in later if wait > 0)])

    async def _claim(self, uow: UnitOfWork, name: str, now: float) -> Sequence[OutputClaim]:
        """Claim what is sent now: nothing while a receiver that takes a call now and then had one of any replica."""
        sender = self.senders[name]
        if sender.apart and (until := await uow.facts.take_turn(name, now, now + sender.apart)):
            self._free_at[name] = until
            return ()
        return await uow.outputs.claim(name, self._owner, now, LEASE_SECONDS, sender.batch)

    def _free_from(self, name: str) -> float:
        held = self._failing[name].until if name in self._failing else 0.0
        return max(held, self._free_at.get(name, 0.0))

    async def _release(self, now: float) -> None:
        """Tell receivers for outages of Slack what changed since one began that has lasted long enough."""
        if not self.outage.names:
            return
        self._down = down = await self.outage.now(now)
        if down is None or now - down.began < self.outage.after:
            return
        async with self._store.read() as uow:
            waiting = await uow.outputs.held_since(down.unseen, self.outage.names)
        if waiting:
            async with self._store.begin() as uow:
                released = await uow.outputs.release(down.unseen, self.outage.names)
            log.warning("outputs.slack_down", seconds=round(now - down.began), alerts=released)

    def _start(self, name: str, claims: Sequence[OutputClaim]) -> None:
        task = asyncio.create_task(self._send(name, claims), name=f"output {name}")
        self._under_way[name] = task
        task.add_done_callback(lambda done: self._finished(name, done))

    def _finished(self, name: str, task: asyncio.Task[None]) -> None:
        self._under_way.pop(name, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            # A fault of this program: the rows stay claimed, and are sent again after the lease.
            log.error("output.crashed", receiver=name, exc_info=error)
            self._fail(name, DeliveryFailed("cmbot itself failed, see its log", retry_after=LEASE_SECONDS))
        self._awake.set()

    async def _send(self, name: str, claims: Sequence[OutputClaim]) -> None:
        try:
            await self._send_all(name, claims)
        except StoreError as error:
            # The rows stay claimed until the lease ends.
            log.debug("output.unrecorded", receiver=name, error=str(error))

    async def _send_all(self, name: str, claims: Sequence[OutputClaim]) -> None:
        sender = self.senders[name]
        try:
            await sender.send(claims)
        except DeliveryFailed as error:
            self._free_at[name] = self._clock() + sender.apart
            if error.refused and len(claims) > 1:
                await self._record_doubt(claims, error)
                return
            self._count(name, "refused" if error.refused else "failed", claims)
            if error.refused:
                await self._record_refusal(name, claims[0], error)
            else:
                await self._record_failure(name, claims, error)
            return
        self._count(name, "delivered", claims)
        now = self._clock()
        self._free_at[name] = now + sender.apart
        if (held := self._failing.pop(name, None)) is not None:
            log.info("output.back", receiver=name, failures=held.failures, seconds=round(now - held.since))
        async with self._store.begin() as uow:
            await uow.outputs.delivered(claims, self._owner, now, sender.again)
        self.delivered += len(claims)

    def _count(self, name: str, outcome: str, claims: Sequence[OutputClaim]) -> None:
        if self._on_outcome is not None:
            self._on_outcome(name, outcome, len(claims))

    async def _record_failure(self, name: str, claims: Sequence[OutputClaim], error: DeliveryFailed) -> None:
        """Free the rows: they are due again at once, but the receiver is held, by all replicas if it asks to wait."""
        self._fail(name, error)
        now = self._clock()
        async with self._store.begin() as uow:
            await uow.outputs.failed(claims, self._owner, now, error=str(error), retry_at=now)
            if error.retry_after and self.senders[name].apart:
                await uow.facts.rest(name, now + error.retry_after)

    async def _record_doubt(self, claims: Sequence[OutputClaim], error: DeliveryFailed) -> None:
        """Free rows that were refused together: one of them may be at fault, so each is sent alone next."""
        now = self._clock()
        async with self._store.begin() as uow:
            await uow.outputs.failed(claims, self._owner, now, error=str(error), retry_at=now, refusals=1)

    async def _record_refusal(self, name: str, claim: OutputClaim, error: DeliveryFailed) -> None:
        """Record that the receiver refuses one alert.

        The content is at fault if another was taken since the first refusal, and is given up some refusals later.
        Otherwise the receiver is at fault, and the refusal does not count.
        """
        now = self._clock()
        async with self._store.begin() as uow:
            others = claim.refusals > 0 and await uow.outputs.accepted(name, claim.tried_at)
            at_fault = others or claim.refusals > 1
            refusals = max(1, claim.refusals + at_fault)
            dies = refusals >= MAX_REFUSALS
            retry_at = None if dies else now + _REFUSED_WAIT * refusals
            await uow.outputs.failed([claim], self._owner, now, error=str(error), retry_at=retry_at, refusals=refusals)
        if others:
            self._failing.pop(name, None)
        if at_fault:
            log.warning("output.refused", receiver=name, alert=claim.alert.id, why=str(error), given_up=dies)
        else:
            self._fail(name, error)

    def _fail(self, name: str, error: DeliveryFailed) -> None:
        now = self._clock()
        held = self._failing.setdefault(name, _Failures(now))
        held.failures += 1
        longest = _LONGEST_PROBE if error.refused else _LONGEST_WAIT
        wait = min(longest, _FIRST_WAIT * 2.0 ** min(held.failures - 1, 10)) * (0.5 + 0.5 * self._random())
        if str(error) != held.why:
            log.warning("output.failed", receiver=name, why=str(error), failures=held.failures)
        held.why, held.until = str(error), now + max(wait, error.retry_after)

    async def _abandon(self) -> None:
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
