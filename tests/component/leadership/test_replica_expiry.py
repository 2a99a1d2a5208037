"""Replicas whose clocks differ: expiry is observed, and a claim holds while its replica is active."""

import asyncio
from pathlib import Path

from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.leadership.membership import ALONE_BEAT, Membership
from bot.leadership.model import Replica
from bot.store.database import Store
from tests.component.leadership.test_membership import LEASE, TASKS, Steady, member, until
from tests.support.databases import Clock


async def both(store: Store) -> tuple[Membership, Membership]:
    """Two processes on one file; the second one took over from the first."""
    first, second = member(store, "first", alone=True), member(store, "second", alone=True)
    for each in (first, second, first, second, first):
        await each.beat()
    assert not first.holds
    assert sorted(second.holds) == sorted(TASKS)
    return first, second


def advance(seconds: float, *members: Membership) -> None:
    """Advance the clocks of these replicas."""
    for each in members:
        assert isinstance(each.steady, Steady)
        each.steady.now += seconds


async def test_tasks_of_a_later_process_return_after_its_orderly_stop(store: Store) -> None:
    first, second = await both(store)
    assert first.idle(["c0"]) == "stop one of two processes on the same database file: second polls c0"
    assert second.idle(["c0"]) == ""
    await second.release()
    await second.leave()
    await first.beat()
    assert sorted(first.holds) == sorted(TASKS)
    assert (first.active_replicas, first.idle(["c0"])) == (1, "")


async def test_tasks_of_a_killed_later_process_return_after_a_lease(store: Store, clock: Clock) -> None:
    """The times that it saved do not matter, only that it sent no heartbeat for a lease."""
    first, second = await both(store)
    clock.now -= 3600
    advance(LEASE - 0.1, first)
    await first.beat()
    assert not first.holds
    advance(0.1, first)
    await first.beat()
    assert sorted(first.holds) == sorted(TASKS)
    await second.beat()
    assert not second.holds, "its next heartbeat shows that it lost every task"


async def test_stop_of_a_replaced_process_releases_nothing(store: Store) -> None:
    first, second = await both(store)
    await first.release()
    await first.leave()
    await second.beat()
    assert sorted(second.holds) == sorted(TASKS)
    async with store.read() as uow:
        assert {hold.holder for hold in (await uow.replicas.assignments()).holds.values()} == {"second"}


async def test_process_alone_writes_nothing_while_nothing_changes(tmp_path: Path, clock: Clock) -> None:
    """It reads three times a lease; it writes when its heartbeat is old or another process has joined."""
    async with Store.open(f"sqlite:///{tmp_path}/cmbot.db", clock=clock) as store:
        await store.migrate()
        one = member(store, "one", alone=True, lease=0.06, steady=asyncio.get_running_loop().time)
        await one.beat()
        beating = asyncio.create_task(one.run())

        async def beat_at() -> float:
            async with store.read() as uow:
                return {each.name: each.beat_at for each in (await uow.replicas.assignments()).replicas}.get("one", 0.0)

        async def beats_at(now: float) -> None:
            for _ in range(1000):
                if await beat_at() == now:
                    return
                await asyncio.sleep(0.02)
            raise AssertionError("no heartbeat was saved")

        began, clock.now = clock.now, clock.now + ALONE_BEAT - 1
        await asyncio.sleep(0.3)
        assert await beat_at() == began
        clock.now += 2
        await beats_at(clock.now)
        clock.now -= 3600
        await beats_at(clock.now)
        await member(store, "two", alone=True).beat()
        await until(lambda: one.elsewhere.get(TASKS[0]) == "two")
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def test_silent_replica_expires_although_the_database_clock_went_back(store: Store) -> None:
    """Its saved lease ends hours from now, but it sent no heartbeat for the length of a lease."""
    one = member(store, "one")
    async with store.begin() as uow:
        now = (await uow.replicas.assignments()).now
        await uow.replicas.beat(Replica("two", now, now + 3600, now + 3600 + LEASE, TASKS))
        for task in TASKS:
            await uow.replicas.assign(task, "two", now)
    await one.beat()
    assert not one.holds
    advance(LEASE, one)
    await one.beat()
    assert sorted(one.holds) == sorted(TASKS)


async def test_replica_without_tasks_is_well(store: Store) -> None:
    one, two = member(store, "one"), member(store, "two")
    assert one.idle(["c0"]) == "not polling yet: this process has no lease yet"
    await one.beat()
    await two.beat()
    assert two.hold(TASKS[0]) is None
    assert two.idle(["c0", "c1"]) == ""
    await one.release()
    assert one.idle(["c0", "c1"]) == "no process polls c0, c1"


async def test_replica_that_missed_its_heartbeats_polls_nothing(store: Store) -> None:
    one, two = member(store, "one"), member(store, "two")
    await two.beat()
    await one.beat()
    advance(LEASE, one)
    assert one.idle(["c0"]) == "not polling: this process could not renew its lease"


async def test_claim_of_an_active_replica_holds_despite_clock_skew(store: Store) -> None:
    """A replica whose clock is hours ahead of the claim takes nothing."""
    one = member(store, "one")
    await one.beat()
    async with store.begin() as uow:
        await uow.inbox.insert_if_new("T1", "Click", {}, 100.0)
        assert await uow.inbox.claim("T1", "one", now=100.0, until=160.0)
        await uow.outbox.put(MessageKey.parse("alert:1"), "C1", Message("Fire"))
        await uow.outbox.claim("one", 100.0, 60.0, 8)
        assert await uow.inbox.pending(7300.0) == []
        assert not await uow.inbox.claim("T1", "two", now=7300.0, until=7360.0)
        assert not await uow.outbox.claim("two", 7300.0, 60.0, 8)
    await one.leave()
    async with store.begin() as uow:
        assert [key for key, _, _ in await uow.inbox.pending(100.0)] == ["T1"]
        assert [str(claim.message_key) for claim in await uow.outbox.claim("two", 100.0, 60.0, 8)] == ["alert:1"]


async def test_message_of_an_expired_replica_is_retried_at_once(store: Store) -> None:
    """The time of its next try came from a clock that was hours ahead."""
    one = member(store, "one")
    await one.beat()
    async with store.begin() as uow:
        await uow.outbox.put(MessageKey.parse("alert:1"), "C1", Message("Fire"))
        [claim] = await uow.outbox.claim("one", 7300.0, 60.0, 8)
        await uow.outbox.failed(claim, "one", error="ratelimited", now=7300.0, retry_at=7330.0, maybe_sent=False)
        assert await uow.outbox.claim("two", 100.0, 60.0, 8) == []
    await one.leave()
    async with store.begin() as uow:
        assert [str(again.message_key) for again in await uow.outbox.claim("two", 100.0, 60.0, 8)] == ["alert:1"]
