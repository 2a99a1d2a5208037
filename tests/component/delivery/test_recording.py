"""Recording what was sent: many messages in one transaction, found again if it was lost, and held if it fails."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest

from bot.common.errors import StoreError
from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.store.database import Store
from bot.store.repositories.outbox import OutboxMessages
from bot.store.repositories.outbox_claims import Claim, Shown
from tests.component.delivery.conftest import MakeOutbox
from tests.support.databases import Clock
from tests.support.scripted_slack import FakeSlack

AGES = 1e6
CHANNELS = ("C1", "C2", "C3", "C4")


async def put(store: Store, *channels: str, words: str = "one") -> None:
    async with store.begin() as uow:
        for channel in channels:
            await uow.outbox.put(MessageKey.parse(f"{channel}:{words}"), channel, Message(words))


async def until(reached: Callable[[], bool]) -> None:
    while not reached():  # noqa: ASYNC110 - a few turns of the loop
        await asyncio.sleep(0)


@asynccontextmanager
async def sending(slack: FakeSlack, make: MakeOutbox) -> AsyncIterator[asyncio.Task[int]]:
    """A worker whose first post to each channel stands in its call until the block opens the gate."""
    slack.gate.clear()
    work = asyncio.create_task(make("first").drain(patience=AGES))
    while len(slack.calls) < len(CHANNELS):  # noqa: ASYNC110 - the claims take their time
        await asyncio.sleep(0.001)
    yield work
    await asyncio.gather(work, return_exceptions=True)


@asynccontextmanager
async def claims_locked(store: Store, clock: Clock) -> AsyncIterator[None]:
    """No other transaction can record or claim during the block."""
    async with store.begin() as uow:
        assert await uow.outbox.claim("other", clock.now, 60.0, 1, CHANNELS) == []
        yield


async def test_messages_sent_together_are_recorded_in_one_transaction(
    store: Store, slack: FakeSlack, make: MakeOutbox
) -> None:
    await put(store, *CHANNELS)
    async with sending(slack, make) as work:
        before = store.commits
        slack.gate.set()
        assert await work == 0
    assert store.commits - before == 1
    assert [slack.texts(channel) for channel in CHANNELS] == [["one"]] * len(CHANNELS)


async def test_next_messages_are_claimed_by_the_transaction_that_records(
    store: Store, slack: FakeSlack, make: MakeOutbox
) -> None:
    await put(store, *CHANNELS)
    await put(store, *CHANNELS, words="two")
    async with sending(slack, make) as work:
        before = store.commits
        slack.gate.set()
        assert await work == 0
    assert store.commits - before == 2
    assert [slack.texts(channel) for channel in CHANNELS] == [["one", "two"]] * len(CHANNELS)


async def test_worker_killed_before_it_records_leaves_each_message_once(
    store: Store, slack: FakeSlack, make: MakeOutbox, clock: Clock
) -> None:
    await put(store, *CHANNELS)
    async with sending(slack, make) as work, claims_locked(store, clock):
        slack.gate.set()
        await until(lambda: len(slack.shown) == len(CHANNELS))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not work.done()
        work.cancel()
    clock.now += 61
    assert await make("next").drain(patience=AGES) == 0
    assert slack.methods().count("find") == len(CHANNELS)
    assert [slack.texts(channel) for channel in CHANNELS] == [["one"]] * len(CHANNELS)


async def test_failure_to_record_holds_only_the_channels_of_those_messages(
    store: Store, slack: FakeSlack, make: MakeOutbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise StoreError("The database went away.")

    outbox = make()
    await put(store, "C1")
    with monkeypatch.context() as broken:
        broken.setattr(OutboxMessages, "settle", fail)
        with pytest.raises(StoreError):
            await outbox.drain()
    await put(store, "C1", "C2", words="two")
    assert await outbox.drain() == 2
    assert (slack.texts("C1"), slack.texts("C2")) == (["one"], ["two"])
    clock.now += 61
    assert await outbox.drain(patience=AGES) == 0
    assert slack.texts("C1") == ["one", "two"]


async def test_message_that_was_put_again_while_it_was_sent_is_edited(
    store: Store, slack: FakeSlack, make: MakeOutbox
) -> None:
    await put(store, *CHANNELS)
    async with sending(slack, make) as work:
        async with store.begin() as uow:
            await uow.outbox.put(MessageKey.parse("C1:one"), "C1", Message("newer"))
            await uow.outbox.remove(MessageKey.parse("C2:one"))
        slack.gate.set()
        assert await work == 0
    assert [slack.texts(channel) for channel in CHANNELS] == [["newer"], [], ["one"], ["one"]]


async def test_messages_of_a_round_that_was_cancelled_are_recorded_without_a_search(
    store: Store, slack: FakeSlack, make: MakeOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An orderly end knows what it has sent: to search would need a scope, and without it would post twice."""
    await put(store, *CHANNELS)
    outbox, entered, known = make("first"), asyncio.Event(), set[str]()
    settle = outbox._settle_and_claim

    async def stands(shown: Mapping[str, Shown], now: float, *, claim: bool) -> tuple[Collection[int], Sequence[Claim]]:
        if shown:
            known.update(shown)
            entered.set()
            await asyncio.Event().wait()
        return await settle(shown, now, claim=claim)

    monkeypatch.setattr(outbox, "_settle_and_claim", stands)
    running = asyncio.create_task(outbox.run())
    await entered.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    monkeypatch.setattr(outbox, "_settle_and_claim", settle)
    assert known
    assert await outbox.drain(patience=AGES) == 0
    assert not [channel for _, method, channel in slack.calls if method == "find" and channel in known]
    assert all(len(slack.shown[channel]) == 1 for channel in CHANNELS)
