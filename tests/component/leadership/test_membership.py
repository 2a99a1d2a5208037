"""Several processes over one database: who holds what, what the fence keeps out, and what a lost database means."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.common.errors import Fenced, StoreError
from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.leadership.membership import BEATS, KEEP_DEAD, TRUST, Membership
from bot.leadership.model import Hold, Replica, watch_of
from bot.leadership.ports import Fence
from bot.store.database import Store
from tests.support.databases import Clock, Postgres

TASKS = tuple(watch_of(f"c{n}") for n in range(6))
LEASE = 15.0


@dataclass
class Steady:
    """A clock that only goes on."""

    now: float = 50.0

    def __call__(self) -> float:
        return self.now


def member(store: Store, name: str, *, alone: bool = False, tasks: Sequence[str] = TASKS) -> Membership:
    return Membership(store, name, tasks, LEASE, alone=alone, steady=Steady())


async def dies(store: Store, name: str) -> None:
    """Its last heartbeat becomes one that is too long ago, on whatever clock the database has."""
    async with store.begin() as uow:
        [row] = [replica for replica in (await uow.replicas.roster()).replicas if replica.name == name]
        await uow.replicas.beat(Replica(row.name, row.since, row.beat_at - LEASE, 1.0, row.tasks))


async def put(store: Store, term: int, fence: Fence) -> None:
    """A write in a holder's name."""
    async with store.begin() as uow:
        await fence(uow)
        await uow.memory.put("c0", {"term": term})


async def remembered(store: Store) -> dict[str, object]:
    async with store.read() as uow:
        return await uow.memory.get("c0")


def held(membership: Membership, task: str) -> Hold:
    hold = membership.hold(task)
    assert hold is not None
    return hold


async def test_all_work_is_held_by_one_each_and_taken_over_from_the_dead(store: Store) -> None:
    one, two = member(store, "one"), member(store, "two")
    await one.beat()
    await two.beat()
    assert sorted(one.holds) == sorted(TASKS)
    assert not two.holds
    assert two.living == 2
    await dies(store, "one")
    await two.beat()
    assert sorted(two.holds) == sorted(TASKS)
    assert two.living == 1


@pytest.mark.parametrize("late", [0.0, 0.9])
async def test_whatever_is_lost_is_held_again_within_two_leases(tmp_path: Path, clock: Clock, late: float) -> None:
    """Three live and one dies right after a heartbeat; the others beat at their own pace, `late` of it out of step."""
    async with Store.open(f"sqlite:///{tmp_path}/cmbot.db", clock=clock) as store:
        await store.migrate()
        members = [member(store, name) for name in ("one", "two", "three")]
        for each in members:
            await each.beat()
        for _ in range(12):
            clock.now += LEASE / BEATS
            for each in members:
                await each.beat()
        assert [len(each.holds) for each in members] == [2, 2, 2]
        lost, *others = members
        died_at, orphans = clock.now, set(lost.holds)
        clock.now += late * LEASE / BEATS
        while not orphans <= {*others[0].holds, *others[1].holds}:
            clock.now += LEASE / BEATS
            for each in others:
                await each.beat()
        assert clock.now - died_at < 2 * LEASE
        assert [len(each.holds) for each in others] == [3, 3]


async def test_who_was_taken_over_cannot_write_any_more_and_knows_it_then(store: Store) -> None:
    """Stopped in the middle of its work and woken when another one does it: nothing of its write is kept."""
    zombie, replacement = member(store, "zombie"), member(store, "heir")
    await zombie.beat()
    begun = zombie.fence(held(zombie, TASKS[0]))
    await put(store, 1, begun)
    await dies(store, "zombie")
    await replacement.beat()
    with pytest.raises(Fenced):
        await put(store, 2, begun)
    assert await remembered(store) == {"term": 1}
    assert zombie.hold(TASKS[0]) is None
    await put(store, 3, replacement.fence(held(replacement, TASKS[0])))
    assert await remembered(store) == {"term": 3}


async def test_a_hold_that_came_back_is_another_one(store: Store) -> None:
    """What began under the first hold stays shut out, though the same process holds it again."""
    one, two = member(store, "one"), member(store, "two")
    await one.beat()
    begun = one.fence(held(one, TASKS[0]))
    await dies(store, "one")
    await two.beat()
    await dies(store, "two")
    await one.beat()
    assert one.hold(TASKS[0]) is not None
    with pytest.raises(Fenced):
        await put(store, 2, begun)


async def test_nobody_takes_over_while_a_fenced_write_is_under_way(store: Store) -> None:
    """The write commits before the hold passes, or the hold has passed and the write fails; never in between."""
    one, two = member(store, "one"), member(store, "two")
    await one.beat()
    await dies(store, "one")
    async with store.begin() as uow:
        await one.fence(Hold(TASKS[0], "one", 1, 0.0))(uow)
        taking = asyncio.create_task(two.beat())
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert not taking.done()
        await uow.memory.put("c0", {"term": 1})
    await taking
    assert await remembered(store) == {"term": 1}


async def test_a_newcomer_gets_its_share_and_each_is_told_what_it_got(store: Store) -> None:
    told: list[str] = []
    one, two = member(store, "one"), member(store, "two")
    two.gained = told.extend
    await one.beat()
    async with store.begin() as uow:
        now = (await uow.replicas.roster()).now
        await uow.replicas.beat(Replica("two", now - LEASE, now, now + 1000, TASKS))
    for _ in range(4):
        await one.beat()
        await two.beat()
    assert (len(one.holds), len(two.holds)) == (3, 3)
    assert sorted(told) == sorted(two.holds)
    assert not set(one.holds) & set(two.holds)


async def test_a_holder_that_cannot_renew_stops_before_its_lease_ends(store: Store) -> None:
    steady = Steady()
    one = Membership(store, "one", TASKS, LEASE, alone=False, steady=steady)
    await one.beat()
    steady.now += LEASE * TRUST - 0.1
    assert one.alive
    assert one.hold(TASKS[0]) is not None
    steady.now += 0.1
    assert not one.alive
    assert one.hold(TASKS[0]) is None
    assert one.fence_for("c0") is None
    await one.beat()
    assert one.fence_for("c0") is not None


async def test_an_orderly_end_frees_the_work_first_and_the_name_last(store: Store) -> None:
    one, two = member(store, "one"), member(store, "two")
    await one.beat()
    await one.release()
    assert one.alive
    assert not one.holds
    await two.beat()
    assert sorted(two.holds) == sorted(TASKS)
    await one.leave()
    async with store.read() as uow:
        assert await uow.replicas.living() == ["two"]


async def test_what_the_dead_had_claimed_is_free_at_once(store: Store) -> None:
    one, two = member(store, "one"), member(store, "two")
    await one.beat()
    async with store.begin() as uow:
        await uow.inbound.insert_if_new("T1", "Click", {}, 100.0)
        assert await uow.inbound.claim("T1", "one", now=100.0, until=9e12)
        await uow.outbox.put(MessageKey.parse("alert:1"), "C1", Message("Fire"))
        [claim] = await uow.outbox.claim("one", 9e9, 60.0, 8)
        assert not await uow.outbox.claim("two", 9e9, 60.0, 8)
    await dies(store, "one")
    await two.beat()
    async with store.begin() as uow:
        assert [key for key, _, _ in await uow.inbound.pending(100.0)] == ["T1"]
        [again] = await uow.outbox.claim("two", 9e9, 60.0, 8)
        assert (str(again.message_key), again.maybe_sent, claim.maybe_sent) == ("alert:1", True, False)


async def test_the_dead_are_shown_for_a_while(store: Store) -> None:
    one, two = member(store, "one"), member(store, "two")
    await one.beat()
    await dies(store, "one")
    await two.beat()
    await two.beat()
    async with store.begin() as uow:
        roster = await uow.replicas.roster()
        assert [(replica.name, replica.until > 0) for replica in roster.replicas] == [("one", False), ("two", True)]
        await uow.replicas.beat(Replica("one", 0.0, roster.now - KEEP_DEAD - 1, 0.0, TASKS))
    await two.beat()
    async with store.read() as uow:
        assert [replica.name for replica in (await uow.replicas.roster()).replicas] == ["two"]


async def test_a_process_that_is_alone_takes_up_at_once_what_an_earlier_life_left(store: Store) -> None:
    """One process with a file: no lease to wait for, and none that ends while it cannot write."""
    earlier = member(store, "earlier", alone=True, tasks=(*TASKS, watch_of("gone")))
    later = member(store, "later", alone=True)
    await earlier.beat()
    begun = earlier.fence(held(earlier, TASKS[0]))
    async with store.begin() as uow:
        await uow.inbound.insert_if_new("T1", "Click", {}, 100.0)
        assert await uow.inbound.claim("T1", "a name of an older release", now=100.0, until=9e12)
    await later.beat()
    assert sorted(later.holds) == sorted(TASKS)
    assert later.living == 1
    assert later.known == set(TASKS), "not what the settings of the earlier life named"
    async with store.read() as uow:
        assert await uow.replicas.living() == ["later"]
        assert len(await uow.inbound.pending(100.0)) == 1
    with pytest.raises(Fenced):
        await put(store, 1, begun)
    await earlier.beat()
    assert set(earlier.holds) == {watch_of("gone")}, "only what the later one has no use for"
    assert sorted(later.holds) == sorted(TASKS)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until it is so."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came")


@dataclass
class Outage:
    """A database that can go away, and a replica that beats by itself."""

    postgres: Postgres
    one: Membership
    got: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def outage(postgres: Postgres) -> AsyncIterator[Outage]:
    name = await postgres.create()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store.open(postgres.url(name)))
        await store.migrate()
        loop = asyncio.get_running_loop()
        one = Membership(store, "one", TASKS, 0.6, alone=False, steady=loop.time)
        parts = Outage(postgres, one)
        one.gained = lambda _: parts.got.set()
        await one.beat()
        task = asyncio.create_task(one.run())
        try:
            yield parts
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    await postgres.drop(name)


async def test_leases_are_not_believed_while_the_database_is_away_and_come_back_with_it(postgres: Postgres) -> None:
    async with outage(postgres) as parts:
        assert parts.one.alive
        await asyncio.to_thread(postgres.stop)
        try:
            await until(lambda: not parts.one.alive)
            assert parts.one.hold(TASKS[0]) is None
            with pytest.raises(StoreError):
                await parts.one.beat()
        finally:
            await asyncio.to_thread(postgres.start)
        await until(lambda: parts.one.hold(TASKS[0]) is not None)


async def test_a_process_stopped_within_a_transaction_does_not_stop_the_others(postgres: Postgres) -> None:
    """PostgreSQL ends the transaction in which nothing is said, and with it the locks that it holds."""
    name = await postgres.create()
    async with Store.open(postgres.url(name), patience=0.3) as stuck, Store.open(postgres.url(name)) as store:
        await store.migrate()
        went_on: list[str] = []

        async def stopped() -> None:
            async with stuck.begin() as uow:
                await uow.replicas.roster()
                await member(store, "two").beat()
                went_on.append("two")
                await uow.replicas.beat(Replica("stuck", 0.0, 0.0, 0.0))

        with pytest.raises(StoreError):
            await stopped()
        assert went_on
    await postgres.drop(name)


async def test_several_that_start_at_once_bring_an_empty_database_up_to_date(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(Store.open(database_url)) for _ in range(4)]
        await asyncio.gather(*(store.migrate() for store in stores), stores[0].migrate())
        await stores[0].migrate()
        for number, store in enumerate(stores):
            await member(store, f"p{number}").beat()
        async with stores[0].read() as uow:
            assert len(await uow.replicas.living()) == 4
