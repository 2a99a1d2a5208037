"""The outbox worker: claims rows, posts or edits their messages in Slack, records the outcome.

The store has one row per message with its newest content (bot/store/repositories/outbox.py). Channels are served in
parallel, the calls of one channel one after the other, within Slack's rate limits. The claim is committed before the
call. So a crash leaves a row marked as maybe sent, and the next worker first searches Slack for it by its metadata,
instead of posting twice. A worker that finds another message of the same key deletes its own. One transaction records
what was sent while the transaction before it ran, and claims the next rows.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import Any, TypeVar

import structlog

from bot.common.errors import SlackError, SlackLost, StoreError
from bot.common.events import wait_for_event
from bot.common.message_key import MessageKey
from bot.delivery.attempt import (
    Delivery,
    Failed,
    Outcome,
    Poster,
    Sent,
)
from bot.delivery.block_support import BlockSupport
from bot.delivery.holds import PARALLEL, Holds
from bot.delivery.outcome_record import OutcomeRecord
from bot.delivery.retry_policy import (
    CRASHED,
    FINAL_FOR_EDIT,
    RETRIED_AFTER_FIX,
    RETRIED_IN_ORDER,
    STUBBORN_TRIES,
    RateLimit,
    RetryDecision,
    RetryScope,
    back_off,
    cannot_be_reached,
    decide,
)
from bot.store.database import Store
from bot.store.repositories.outbox import OutboxHealth, OutboxMessage
from bot.store.repositories.outbox_claims import Claim, Shown, Stubborn
from bot.telemetry.trace import stored_trace, within
from bot.telemetry.tracer import NO_TRACER, Tracer

__all__ = ["Outbox", "Poster", "RateLimit"]

log = structlog.get_logger(__name__)

T = TypeVar("T")

_STUBBORN = Stubborn(STUBBORN_TRIES, tuple(sorted(RETRIED_IN_ORDER)))
_LOOK_AGAIN = 1.0
_CHECK_EVERY = 0.25


async def _never(_key: MessageKey) -> bool:
    return False


async def _at_once(_key: MessageKey, _ts: str) -> float | None:
    return 0.0


class Outbox:
    """Keeps Slack equal to the outbox rows; one `run()` per process, any number of processes.

    `owner` names this process in claims; it is unique among the active processes. A process with the same name takes
    over at once what its predecessor had claimed. `alive` returns False once other replicas may count this process as
    dead and take over its claims. `random` returns numbers in [0, 1).
    `on_dead` is called with each row that Slack refuses for good. `wanted` returns True if a message that a person
    deleted must be posted again. `renew` returns the seconds until a message that cannot be edited (`ts`) gets a new
    message in its place, None to leave it. `posted_after` converts the time of a row to Slack's clock. `awake` is set
    by parts that put messages into the store and cannot call `wake`. `support` knows which blocks the workspace takes.
    """

    def __init__(
        self,
        store: Store,
        poster: Poster,
        *,
        owner: str,
        clock: Callable[[], float],
        random: Callable[[], float],
        pace: RateLimit | None = None,
        parallel: int = PARALLEL,
        lease: float = 60.0,
        call_timeout: float = 30.0,
        idle: float = 5.0,
        on_dead: Callable[[OutboxMessage], Awaitable[None]] | None = None,
        wanted: Callable[[MessageKey], Awaitable[bool]] = _never,
        renew: Callable[[MessageKey, str], Awaitable[float | None]] = _at_once,
        pause: Callable[[asyncio.Event, float], Awaitable[None]] | None = None,
        alive: Callable[[], bool] = lambda: True,
        posted_after: Callable[[float], float] = lambda at: at,
        awake: asyncio.Event | None = None,
        support: BlockSupport | None = None,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._store, self._poster, self._owner = store, poster, owner
        self._clock, self._random, self._holds = clock, random, Holds(pace or RateLimit())
        self._parallel, self._lease, self._call_timeout, self._idle = parallel, lease, call_timeout, idle
        self._on_dead, self._posted_after = on_dead, posted_after
        self._outcomes = OutcomeRecord(store, poster, owner, clock, wanted, renew, posted_after)
        self._noted: dict[MessageKey, str] = {}
        self._pause = pause or wait_for_event
        self._alive, self._support = alive, support or BlockSupport()
        self._awake, self._progress = awake or asyncio.Event(), asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._shown: dict[str, Shown] = {}
        self._more, self._tracer = False, tracer
        self.last_success = self.failing_since = 0.0
        self.auth_error = ""

    @property
    def healthy(self) -> bool:
        """True unless Slack rejected the token at the last call."""
        return not self.auth_error

    async def health(self) -> OutboxHealth:
        """Return how many rows wait, the age of the oldest, and how many are dead; raises StoreError."""
        async with self._store.read() as uow:
            return await uow.outbox.health(self._clock())

    async def refused(self) -> str:
        """Return a sentence on messages that Slack keeps refusing with an unlisted code, "" if there are none."""
        async with self._store.read() as uow:
            held = await uow.outbox.stubborn(STUBBORN_TRIES, sorted(RETRIED_IN_ORDER | FINAL_FOR_EDIT))
        codes = ", ".join(sorted({f"{post.last_error} in {post.channel}" for post in held}))
        if not held:
            return ""
        number = "1 message" if len(held) == 1 else f"{len(held)} messages"
        return f"Slack refuses {number} ({codes}); cmbot tries again for about a day"

    def wake(self) -> None:
        """Check the outbox now, after a row was put."""
        self._awake.set()

    async def run(self) -> None:
        """Send until cancelled. A call that is cut off leaves its row maybe sent, and the next owner settles it."""
        try:
            while True:
                self._awake.clear()
                wait = await self._guarded(self._round(), lambda: self._idle, "round")
                await self._pause(self._awake, wait)
        finally:
            await self._abandon()

    async def drain(self, *, patience: float = 0.0) -> int:
        """Send what can be sent within `patience` seconds; returns how many rows still wait. Raises StoreError.

        For shutdown (after `run` was cancelled) and for tests.
        """
        until = self._clock() + patience
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._abandon)
            while True:
                self._awake.clear()
                wait = await self._round()
                if self._under_way or self._shown:
                    if not self._shown:
                        await asyncio.wait(self._under_way.values(), return_when=asyncio.FIRST_COMPLETED)
                    continue
                depth = (await self.health()).depth
                if not depth or self._clock() + wait > until:
                    stack.pop_all()
                    return depth
                await self._pause(self._awake, wait)

    async def settled(self, message_key: MessageKey, *, within: float) -> OutboxMessage | None:
        """Wait at most `within` seconds until the newest content is sent or dead; returns the row, None without one.

        For callers that go on only once the message is in Slack.
        """
        self.wake()
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while True:
                    progress = self._progress
                    post = await self._read_message(message_key)
                    if post is None or post.state != "pending":
                        return post
                    await wait_for_event(progress, _CHECK_EVERY)
        return await self._read_message(message_key)

    async def _read_message(self, message_key: MessageKey) -> OutboxMessage | None:
        async with self._store.read() as uow:
            return await uow.outbox.get(message_key)

    async def _round(self) -> float:
        """Record what was sent and start what may be sent now; returns the seconds until the next round."""
        now = self._clock()
        wait = await self._nothing_to_send(now)
        if wait is not None and not self._shown:
            return wait
        shown, self._shown = self._shown, {}
        try:
            recorded, claims = await self._settle_and_claim(shown, now, claim=wait is None)
        except asyncio.CancelledError:
            self._shown = {**shown, **self._shown}  # `drain` records them
            raise
        except StoreError:
            self._hold_unrecorded(*shown)
            raise
        self._more = bool(claims)  # while rows are found, the next round claims without a look before
        for each in shown.values():
            self._noted.pop(each.claim.message_key, None)
            if each.claim.seq not in recorded:
                self._start(each.claim, self._settle(each.claim, Sent(each.ts, each.version)))
        for claim in claims:
            self._start(claim, self._deliver(claim))
        self._tell_progress()
        return self._holds.shortest(now, _LOOK_AGAIN)

    async def _nothing_to_send(self, now: float) -> float | None:
        """Return the seconds until the next look if no row may be claimed now, None if one may be."""
        if not self._alive():
            # Other replicas may count this process as dead: they send until its next heartbeat.
            return _LOOK_AGAIN
        if self._holds.all_until > now or len(self._under_way) >= self._parallel:
            return max(self._holds.all_until - now, 0.0) or self._idle
        if not self._more and not self._shown:
            async with self._store.read() as uow:
                earliest = await uow.outbox.next_attempt()
            if earliest is None or earliest > now:
                return self._idle if earliest is None else min(earliest - now, self._idle)
        return None

    async def _settle_and_claim(
        self, shown: Mapping[str, Shown], now: float, *, claim: bool
    ) -> tuple[Collection[int], Sequence[Claim]]:
        """Record and, with `claim`, claim in one transaction; a channel whose message is not recorded stays busy."""
        recorded: Collection[int] = ()
        async with self._store.begin() as uow:
            if shown:
                recorded = await uow.outbox.settle(shown.values(), self._owner, now)
            if not claim:
                return recorded, ()
            unrecorded = {channel for channel, each in shown.items() if each.claim.seq not in recorded}
            busy = {*self._under_way, *self._shown, *unrecorded, *self._holds.channels(now)}
            places, edits = self._parallel - len(self._under_way), self._holds.edits_until <= now
            claims = await uow.outbox.claim(
                self._owner, now, self._lease, places, busy, edits=edits, stubborn=_STUBBORN
            )
        return recorded, claims

    def _start(self, claim: Claim, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"outbox {claim.message_key}")
        self._under_way[claim.channel] = task
        task.add_done_callback(lambda _: self._finished(claim.channel))

    def _finished(self, channel: str) -> None:
        self._under_way.pop(channel, None)
        self._awake.set()

    async def _abandon(self) -> None:
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _guarded(
        self, work: Awaitable[T], otherwise: Callable[[], T], what: str, message_key: MessageKey | None = None
    ) -> T:
        try:
            return await work
        except StoreError as error:
            log.debug("outbox.store_down", what=what, slot=str(message_key or ""), error=str(error))
        except Exception:  # a fault of one message must not end the outbox
            log.exception("outbox.crashed", what=what, slot=str(message_key or ""))
        return otherwise()

    async def _deliver(self, claim: Claim) -> None:
        self._holds.spend(claim.channel, self._clock())
        with within(stored_trace(claim.trace)):
            outcome = await self._guarded(
                self._attempt(claim), lambda: self._crashed(claim), "deliver", claim.message_key
            )
            if isinstance(outcome, Sent) and not outcome.searched:
                # The next round records it, together with others.
                self._shown[claim.channel] = Shown(claim, outcome.ts, outcome.version)
            else:
                await self._settle(claim, outcome)

    async def _settle(self, claim: Claim, outcome: Outcome) -> None:
        recorded = await self._guarded(self._record(claim, outcome), lambda: False, "record", claim.message_key)
        if not recorded:
            self._hold_unrecorded(claim.channel)
        self._tell_progress()

    def _hold_unrecorded(self, *channels: str) -> None:
        """Wait with these channels. A row stays claimed, and a post maybe sent: it is searched for after the wait."""
        for channel in channels:
            self._holds.hold(channel, RetryScope.CHANNEL, self._clock() + back_off(3, self._random))

    def _tell_progress(self) -> None:
        self._progress.set()
        self._progress = asyncio.Event()

    async def _attempt(self, claim: Claim) -> Outcome:
        if self._clock() > claim.until - self._call_timeout or not self._alive():
            return Failed("claim_expired", RetryDecision(0.0, RetryScope.ROW, claim.maybe_sent))
        delivery = Delivery(self._poster, claim, self._posted_after, self._support)
        with self._tracer.span("outbox.send", "client", **delivery.facts) as span:
            try:
                async with asyncio.timeout(self._call_timeout):
                    outcome = await delivery.run()
                span.note(method=delivery.method, outcome=type(outcome).__name__)
            except SlackError as error:
                span.fail(error.code or type(error).__name__)
                return self._failed(claim, error, delivery.method)
            except TimeoutError:
                span.fail("timeout")
                return self._failed(claim, SlackLost("Slack did not answer in time.", code="timeout"), delivery.method)
        self.last_success, self.auth_error, self.failing_since = self._clock(), "", 0.0
        return outcome

    def _failed(self, claim: Claim, error: SlackError, method: str) -> Failed:
        verdict = decide(
            error, method=method, attempts=claim.attempts, maybe_sent=claim.maybe_sent, random=self._random
        )
        if cannot_be_reached(error):
            self.failing_since = self.failing_since or self._clock()
        return Failed(error.code or type(error).__name__, verdict)

    def _crashed(self, claim: Claim) -> Failed:
        """Return the failure of a bug during a call: retried a few times, and each call may have been carried out."""
        failed = self._failed(claim, SlackError("The message could not be sent.", code=CRASHED), "post")
        return replace(failed, verdict=replace(failed.verdict, maybe_sent=True))

    async def _record(self, claim: Claim, outcome: Outcome) -> bool:
        if isinstance(outcome, Failed):
            await self._record_failure(claim, outcome)
        else:
            self._noted.pop(claim.message_key, None)
            await self._outcomes.record(claim, outcome)
        return True

    async def _record_failure(self, claim: Claim, failed: Failed) -> None:
        now, verdict = self._clock(), failed.verdict
        retry_at = None if verdict.wait is None else now + verdict.wait
        async with self._store.begin() as uow:
            died = await uow.outbox.failed(
                claim, self._owner, error=failed.error, now=now, retry_at=retry_at, maybe_sent=verdict.maybe_sent
            )
            post = await uow.outbox.get(claim.message_key) if died else None
        self._note(claim, failed)
        if died:
            self._noted.pop(claim.message_key, None)
        if failed.error in RETRIED_AFTER_FIX:
            self.auth_error = failed.error
        self._holds.hold(claim.channel, verdict.hold, retry_at or now)
        if post is not None and self._on_dead is not None:
            await self._on_dead(post)

    def _note(self, claim: Claim, failed: Failed) -> None:
        """Log a failure once; the same failure of the same message again is logged at debug level."""
        known = self._noted.get(claim.message_key) == failed.error
        self._noted[claim.message_key] = failed.error
        write, wait = log.debug if known else log.warning, failed.verdict.wait
        write("outbox.failed", slot=str(claim.message_key), channel=claim.channel, code=failed.error, wait=wait)
