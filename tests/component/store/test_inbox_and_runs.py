"""Inbound deliveries, scheduled runs and samples: accepted once, run once, kept while needed."""

import asyncio

import pytest

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.reports.trend import Measurement
from bot.chatops.inbox import Inbox
from bot.common.errors import Fenced
from bot.store.database import Store


async def test_repeated_delivery_is_accepted_once(store: Store) -> None:
    async def accept() -> bool:
        async with store.begin() as uow:
            return await uow.inbox.insert_if_new("T1", "Click", {"user": "U1", "value": "op:1"}, 100.0)

    assert sorted(await asyncio.gather(*(accept() for _ in range(5)))) == [False] * 4 + [True]
    async with store.read() as uow:
        assert await uow.inbox.pending(100.0) == [("T1", "Click", {"user": "U1", "value": "op:1"})]


async def test_delivery_is_claimed_once_until_the_claim_expires(store: Store) -> None:
    async with store.begin() as uow:
        await uow.inbox.insert_if_new("T1", "Click", {"user": "U1"}, 100.0)

    async def claim(owner: str, now: float) -> bool:
        async with store.begin() as uow:
            return await uow.inbox.claim("T1", owner, now=now, until=now + 60)

    assert sorted(await asyncio.gather(*(claim(f"p{n}", 100.0) for n in range(4)))) == [False] * 3 + [True]
    async with store.read() as uow:
        assert await uow.inbox.pending(159.0) == []
        assert len(await uow.inbox.pending(160.0)) == 1
    assert await claim("another", 160.0)


async def test_done_delivery_never_returns_and_keeps_its_key(store: Store) -> None:
    async with store.begin() as uow:
        await uow.inbox.insert_if_new("T1", "Click", {"user": "U1"}, 100.0)
        await uow.inbox.done("T1")
        assert await uow.inbox.pending(999.0) == []
        assert not await uow.inbox.claim("T1", "p1", now=999.0, until=1060.0)
        assert not await uow.inbox.insert_if_new("T1", "Click", {"user": "U1"}, 999.0)


async def test_lost_claim_rolls_back_the_work_under_it(database_url: str) -> None:
    async def finish(owner: Store) -> None:
        async with owner.begin() as uow:
            await uow.cluster_states.put("prod", ClusterState(term=1))
            await uow.inbox.done("T1")

    async with Store.open(database_url, owner="p1") as slow, Store.open(database_url, owner="p2") as quick:
        await slow.migrate()
        async with slow.begin() as uow:
            await uow.inbox.insert_if_new("T1", "Click", {}, 100.0)
            await uow.inbox.claim("T1", "p1", now=100.0, until=130.0)
        async with quick.begin() as uow:
            assert await uow.inbox.claim("T1", "p2", now=130.0, until=160.0)
        with pytest.raises(Fenced):
            await finish(slow)
        async with quick.read() as uow:
            assert await uow.cluster_states.get("prod") == ClusterState()
        await finish(quick)
        await finish(quick)


async def test_only_done_deliveries_are_deleted(store: Store) -> None:
    async with store.begin() as uow:
        for key in ("T1", "T2", "T3"):
            await uow.inbox.insert_if_new(key, "Click", {}, float(key[1]) * 100)
        await uow.inbox.done("T1")
        await uow.inbox.done("T3")
        assert await uow.expiry.drop_aged("inbound", 300.0, 10) == 1
        assert [key for key, _, _ in await uow.inbox.pending(999.0)] == ["T2"]
        assert not await uow.inbox.insert_if_new("T3", "Click", {}, 999.0)


async def test_scheduled_run_is_saved_once(store: Store) -> None:
    async def fire(due_at: float) -> bool:
        async with store.begin() as uow:
            return await uow.scheduled_runs.once("summary:C1", due_at)

    assert sorted(await asyncio.gather(*(fire(100.0) for _ in range(5)))) == [False] * 4 + [True]
    assert await fire(200.0)
    async with store.begin() as uow:
        assert await uow.expiry.drop_aged("firings", 200.0, 10) == 1
        assert not await uow.scheduled_runs.once("summary:C1", 200.0)
        assert await uow.scheduled_runs.once("summary:C2", 200.0)


async def test_long_range_is_read_in_few_samples(store: Store) -> None:
    """The last sample of each span is read, of this cluster and this range only."""
    async with store.begin() as uow:
        for minute in range(0, 240, 20):
            await uow.samples.add("prod", minute * 60.0, Measurement(used=minute))
        await uow.samples.add("test", 13_000.0, Measurement(used=7))
    async with store.read() as uow:
        read = await uow.samples.range("prod", 3600.0, every=3600.0)
        assert [(at / 60, values.used) for at, values in read] == [(100, 100), (160, 160), (220, 220)]
        assert await uow.samples.first("prod") == 0.0
        assert await uow.samples.first("other") is None


async def test_last_run_before_a_time_is_found(store: Store) -> None:
    async with store.begin() as uow:
        for job, due_at in (("day", 100.0), ("day", 200.0), ("night", 150.0), ("other", 190.0)):
            await uow.scheduled_runs.once(job, due_at)
    async with store.read() as uow:
        assert await uow.scheduled_runs.last(("day",), 200.0) == 100.0
        assert await uow.scheduled_runs.last(("day", "night"), 200.0) == 150.0
        assert await uow.scheduled_runs.last(("night",), 150.0) is None


async def test_event_is_saved_once_and_needs_no_work(store: Store) -> None:
    """An opened Home tab is published once, even if another replica gets the event again."""
    one, other = Inbox(store, "one", lambda: 100.0), Inbox(store, "other", lambda: 100.0)
    assert [await each.once("E1", "home") for each in (one, other, one)] == [True, False, False]
    assert await one.pending() == []
