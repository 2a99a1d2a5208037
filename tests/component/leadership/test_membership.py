"""Several replicas over one database: holds, their checks, expiry, and an outage of the database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.alerting.cluster_state.state import ClusterState
from bot.common.errors import Fenced, StoreError
from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.leadership.membership import BEATS, KEEP_EXPIRED, TRUST, Membership
from bot.leadership.model import Hold, Replica, watch_of
from bot.leadership.ports import HoldCheck
from bot.store.database import Store
from tests.support.databases import Clock, Postgres

TASKS = tuple(watch_of(f"c{n}") for n in range(6))
LEASE = 15.0


@dataclass
class Steady:
    """A clock that is never set back."""

    now: float = 50.0

    def __call__(self) -> float:
        return self.now


def ignore(_: Sequence[str]) -> None:
    """Take gained tasks and do nothing."""


def member(
    store: Store,
    name: str,
    *,
    alone: bool = False,
    tasks: Sequence[str] = TASKS,
    lease: float = LEASE,
    steady: Callable[[], float] | None = None,
    gained: Callable[[Sequence[str]], None] = ignore,
    revision: str = "",
) -> Membership:
    return Membership(
        store, name, tasks, lease, alone=alone, steady=steady or Steady(), gained=gained, revision=revision
    )


async def expire(store: Store, name: str) -> None:
    """Make the last heartbeat of a replica older than its lease, on the clock of the database."""
    async with store.begin() as uow:
        [row] = [replica for replica in (await uow.replicas.assignments()).replicas if replica.name == name]
        await uow.replicas.beat(Replica(row.name, row.since, row.beat_at - LEASE, 1.0, row.tasks))


async def test_many_tasks_are_taken_and_released_in_one_heartbeat(store: Store) -> None:
    tasks = [watch_of(f"c{n}") for n in range(450)]
    one = member(store, "one", tasks=tasks)
    await one.beat()
    assert one.holds == {task: Hold(task, "one", 1, one.holds[task].since) for task in tasks}
    await one.release()
    async with store.read() as uow:
        held = (await uow.replicas.assignments()).holds
    assert {(hold.holder, hold.token) for hold in held.values()} == {("", 2)}
    assert held.keys() == set(tasks)


async def test_holds_are_read_again_only_once_a_task_has_changed_hands(store: Store) -> None:
    one = member(store, "one")
    await one.beat()
    async with store.read() as uow:
        known = await uow.replicas.assignments()
    await one.beat()
    async with store.read() as uow:
        same = await uow.replicas.assignments(known)
    assert same.holds is known.holds
    await one.release()
    async with store.read() as uow:
        assert {hold.holder for hold in (await uow.replicas.assignments(known)).holds.values()} == {""}
    two = member(store, "two", tasks=(*TASKS, watch_of("new")))
    await two.beat()
    async with store.read() as uow:
        assert watch_of("new") in (await uow.replicas.assignments(known)).holds


async def put(store: Store, term: int, check: HoldCheck) -> None:
    """Write under a hold."""
    async with store.begin() as uow:
        await check(uow)
        await uow.cluster_states.put("c0", ClusterState(term=term))


async def saved(store: Store) -> ClusterState:
    async with store.read() as uow:
        return await uow.cluster_states.get("c0")


def held(membership: Membership, task: str) -> Hold:
    hold = membership.hold(task)
    assert hold is not None
    return hold


async def test_every_task_has_one_holder_and_survives_its_expiry(store: Store) -> None:
    one, two = member(store, "one"), member(store, "two")
    await one.beat()
    await two.beat()
    assert sorted(one.holds) == sorted(TASKS)
    assert not two.holds
    assert two.active_replicas == 2
    await expire(store, "one")
    await two.beat()
    assert sorted(two.holds) == sorted(TASKS)
    assert two.active_replicas == 1


@pytest.mark.parametrize("late", [0.0, 0.9])
async def test_lost_tasks_are_held_again_within_two_leases(tmp_path: Path, clock: Clock, late: float) -> None:
    """One of three replicas stops right after a heartbeat; the others send theirs `late` of an interval later."""
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
        stopped_at, orphans = clock.now, set(lost.holds)
        clock.now += late * LEASE / BEATS
        while not orphans <= {*others[0].holds, *others[1].holds}:
            clock.now += LEASE / BEATS
            for each in others:
                await each.beat()
        assert clock.now - stopped_at < 2 * LEASE
        assert [len(each.holds) for each in others] == [3, 3]


async def test_former_holder_cannot_write_and_drops_its_hold(store: Store) -> None:
    """A process is suspended during its work and continues after another one took over: its write is not kept."""
    zombie, replacement = member(store, "zombie"), member(store, "replacement")
    await zombie.beat()
    begun = zombie.check_of(held(zombie, TASKS[0]))
    await put(store, 1, begun)
    await expire(store, "zombie")
    await replacement.beat()
    with pytest.raises(Fenced):
        await put(store, 2, begun)
    assert await saved(store) == ClusterState(term=1)
    assert zombie.hold(TASKS[0]) is None
    await put(store, 3, replacement.check_of(held(replacement, TASKS[0])))
    assert await saved(store) == ClusterState(term=3)


async def test_regained_hold_has_another_token(store: Store) -> None:
    """Work that began under the first hold stays fenced, although the same process holds the task again."""
    one, two = member(store, "one"), member(store, "two")
    await one.beat()
    begun = one.check_of(held(one, TASKS[0]))
    await expire(store, "one")
    await two.beat()
    await expire(store, "two")
    await one.beat()
    assert one.hold(TASKS[0]) is not None
    with pytest.raises(Fenced):
        await put(store, 2, begun)


async def test_hold_does_not_change_during_a_fenced_write(store: Store) -> None:
    """The write commits before the hold changes hands, or it fails after that."""
    one, two = member(store, "one"), member(store, "two")
    await one.beat()
    await expire(store, "one")
    async with store.begin() as uow:
        await one.check_of(Hold(TASKS[0], "one", 1, 0.0))(uow)
        taking = asyncio.create_task(two.beat())
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert not taking.done()
        await uow.cluster_states.put("c0", ClusterState(term=1))
    await taking
    assert await saved(store) == ClusterState(term=1)


async def test_new_replica_gets_its_share_and_starts_it(store: Store) -> None:
    gained: list[str] = []
    one, two = member(store, "one"), member(store, "two", gained=gained.extend)
    await one.beat()
    async with store.begin() as uow:
        now = (await uow.replicas.assignments()).now
        await uow.replicas.beat(Replica("two", now - LEASE, now, now + 1000, TASKS))
    for _ in range(4):
        await one.beat()
        await two.beat()
    assert (len(one.holds), len(two.holds)) == (3, 3)
    assert sorted(gained) == sorted(two.holds)
    assert not set(one.holds) & set(two.holds)


async def test_holder_that_cannot_renew_stops_before_its_lease_ends(store: Store) -> None:
    steady = Steady()
    one = member(store, "one", steady=steady)
    await one.beat()
    steady.now += LEASE * TRUST - 0.1
    assert one.active
    assert one.hold(TASKS[0]) is not None
    steady.now += 0.1
    assert not one.active
    assert one.hold(TASKS[0]) is None
    assert one.check_of_cluster("c0") is None
    await one.beat()
    assert one.check_of_cluster("c0") is not None


async def test_orderly_stop_releases_tasks_first_and_deregisters_last(store: Store) -> None:
    one, two = member(store, "one"), member(store, "two")
    await one.beat()
    await one.release()
    assert one.active
    assert not one.holds
    await two.beat()
    assert sorted(two.holds) == sorted(TASKS)
    await one.leave()
    async with store.read() as uow:
        assert await uow.replicas.active() == ["two"]


async def test_expired_replica_loses_its_claims_at_once(store: Store) -> None:
    one, two = member(store, "one"), member(store, "two")
    await one.beat()
    async with store.begin() as uow:
        await uow.inbox.insert_if_new("T1", "Click", {}, 100.0)
        assert await uow.inbox.claim("T1", "one", now=100.0, until=9e12)
        await uow.outbox.put(MessageKey.parse("alert:1"), "C1", Message("Fire"))
        [claim] = await uow.outbox.claim("one", 9e9, 60.0, 8)
        assert not await uow.outbox.claim("two", 9e9, 60.0, 8)
    await expire(store, "one")
    await two.beat()
    async with store.begin() as uow:
        assert [key for key, _, _ in await uow.inbox.pending(100.0)] == ["T1"]
        [again] = await uow.outbox.claim("two", 9e9, 60.0, 8)
        assert (str(again.message_key), again.maybe_sent, claim.maybe_sent) == ("alert:1", True, False)


async def test_expired_replica_stays_listed_for_ten_minutes(store: Store) -> None:
    one, two = member(store, "one"), member(store, "two")
    await one.beat()
    await expire(store, "one")
    await two.beat()
    await two.beat()
    async with store.begin() as uow:
        assignments = await uow.replicas.assignments()
        assert [(replica.name, replica.until > 0) for replica in assignments.replicas] == [
            ("one", False),
            ("two", True),
        ]
        await uow.replicas.beat(Replica("one", 0.0, assignments.now - KEEP_EXPIRED - 1, 0.0, TASKS))
    await two.beat()
    async with store.read() as uow:
        assert [replica.name for replica in (await uow.replicas.assignments()).replicas] == ["two"]


async def test_process_alone_takes_over_from_an_earlier_one_at_once(store: Store) -> None:
    """A process alone on a file waits for no lease, and its own does not expire while it cannot write."""
    earlier = member(store, "earlier", alone=True, tasks=(*TASKS, watch_of("gone")))
    later = member(store, "later", alone=True)
    await earlier.beat()
    begun = earlier.check_of(held(earlier, TASKS[0]))
    async with store.begin() as uow:
        await uow.inbox.insert_if_new("T1", "Click", {}, 100.0)
        assert await uow.inbox.claim("T1", "a name of an older release", now=100.0, until=9e12)
    await later.beat()
    assert sorted(later.holds) == sorted(TASKS)
    assert later.active_replicas == 1
    assert later.known == set(TASKS), "the tasks of the earlier settings are unknown"
    async with store.read() as uow:
        assert await uow.replicas.active() == ["later"]
        assert len(await uow.inbox.pending(100.0)) == 1
    with pytest.raises(Fenced):
        await put(store, 1, begun)
    await earlier.beat()
    assert set(earlier.holds) == {watch_of("gone")}, "only the task that the later process does not know"
    assert sorted(later.holds) == sorted(TASKS)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until `condition` is true."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the condition stayed false")


@dataclass
class Outage:
    """A database server that can stop, and a replica that sends heartbeats in the background."""

    postgres: Postgres
    one: Membership


@asynccontextmanager
async def outage(postgres: Postgres) -> AsyncIterator[Outage]:
    name = await postgres.create()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store.open(postgres.url(name)))
        await store.migrate()
        loop = asyncio.get_running_loop()
        one = member(store, "one", lease=0.6, steady=loop.time)
        parts = Outage(postgres, one)
        await one.beat()
        task = asyncio.create_task(one.run())
        try:
            yield parts
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    await postgres.drop(name)


async def test_holds_end_with_a_database_outage_and_return_after_it(postgres: Postgres) -> None:
    async with outage(postgres) as parts:
        assert parts.one.active
        await asyncio.to_thread(postgres.stop)
        try:
            await until(lambda: not parts.one.active)
            assert parts.one.hold(TASKS[0]) is None
            with pytest.raises(StoreError):
                await parts.one.beat()
        finally:
            await asyncio.to_thread(postgres.start)
        await until(lambda: parts.one.hold(TASKS[0]) is not None)


async def test_process_suspended_in_a_transaction_does_not_block_others(postgres: Postgres) -> None:
    """PostgreSQL ends an idle transaction and releases its locks."""
    name = await postgres.create()
    async with Store.open(postgres.url(name), patience=0.3) as stuck, Store.open(postgres.url(name)) as store:
        await store.migrate()
        went_on: list[str] = []

        async def stopped() -> None:
            async with stuck.begin() as uow:
                await uow.replicas.assignments()
                await member(store, "two").beat()
                went_on.append("two")
                await uow.replicas.beat(Replica("stuck", 0.0, 0.0, 0.0))

        with pytest.raises(StoreError):
            await stopped()
        assert went_on
    await postgres.drop(name)


async def test_several_starts_at_once_migrate_an_empty_database(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(Store.open(database_url)) for _ in range(4)]
        await asyncio.gather(*(store.migrate() for store in stores), stores[0].migrate())
        await stores[0].migrate()
        for number, store in enumerate(stores):
            await member(store, f"p{number}").beat()
        async with stores[0].read() as uow:
            assert len(await uow.replicas.active()) == 4


async def test_replicas_of_an_earlier_release_are_known_until_they_end(store: Store) -> None:
    """A release before revision 0015 saves none; equal and later ones are not older."""
    first, second = member(store, "first"), member(store, "second", revision="0015")
    third = member(store, "third", revision="0016")
    for each in (first, second, third, first, second, third):
        await each.beat()
    assert [each.older_than("0016") for each in (first, second, third)] == [[], ["first"], ["first", "second"]]
    assert third.older_than("0015") == ["first"]
    assert third.older_than("") == []
    await first.leave()
    await third.beat()
    assert third.older_than("0016") == ["second"]
