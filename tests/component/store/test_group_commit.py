"""Group commit: on SQLite units share a transaction; a failed one changes nothing, a lost commit fails all.

On PostgreSQL each unit has its own transaction, and the same holds.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.alerting.cluster_state.state import ClusterState
from bot.common.errors import Fenced, StoreError
from bot.store import group_commit
from bot.store.database import Store
from bot.store.group_commit import GroupCommit, Nested, _Unit
from bot.store.unit_of_work import UnitOfWork

GROUP, BURST = group_commit.GROUP_SECONDS, group_commit.BURST


def shares(store: Store) -> bool:
    """True for SQLite: its units share transactions."""
    return store.where.startswith("sqlite")


async def put(store: Store, name: str, *, fail: Exception | None = None, urgent: bool = False) -> None:
    async with store.grouped(urgent=urgent) as uow:
        await uow.cluster_states.put(name, ClusterState(at=1.0))
        if fail is not None:
            raise fail


async def unit(store: Store, name: str, order: list[str]) -> None:
    async with store.grouped():
        order.append(name)


async def stored(store: Store) -> list[str]:
    async with store.read() as uow:
        return await uow.cluster_states.clusters()


async def test_units_of_a_moment_share_one_transaction(store: Store) -> None:
    await put(store, "first")
    before = store.commits
    await asyncio.gather(*(put(store, f"c{n}") for n in range(20)))
    assert store.commits - before == (1 if shares(store) else 20)
    assert len(await stored(store)) == 21


async def test_failed_unit_changes_nothing_and_fails_alone(store: Store) -> None:
    lost = Fenced("Another process holds it.")
    results = await asyncio.gather(put(store, "a"), put(store, "b", fail=lost), put(store, "c"), return_exceptions=True)
    assert list(results) == [None, lost, None]
    assert await stored(store) == ["a", "c"]


async def test_statement_that_fails_ends_its_unit_only(store: Store) -> None:
    async def broken() -> None:
        async with store.grouped() as uow:
            await uow.cluster_states.put("b", ClusterState(at=1.0))
            await uow.alerts._session.change(text("INSERT INTO nowhere VALUES (1)"))

    results = await asyncio.gather(put(store, "a"), broken(), put(store, "c"), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), StoreError, type(None)]
    assert await stored(store) == ["a", "c"]


async def test_caller_cancelled_in_its_unit_does_not_hold_the_others(store: Store) -> None:
    entered = asyncio.Event()

    async def hangs() -> None:
        async with store.grouped() as uow:
            await uow.cluster_states.put("hangs", ClusterState(at=1.0))
            entered.set()
            await asyncio.Event().wait()

    hanging = asyncio.create_task(hangs())
    await entered.wait()
    other = asyncio.create_task(put(store, "other"))
    hanging.cancel()
    await other
    with pytest.raises(asyncio.CancelledError):
        await hanging
    assert await stored(store) == ["other"]


async def test_caller_cancelled_before_its_turn_is_left_out(store: Store) -> None:
    await put(store, "first")
    waits = asyncio.create_task(put(store, "cancelled"))
    other = asyncio.create_task(put(store, "other"))
    await asyncio.sleep(0)
    waits.cancel()
    await other
    assert await stored(store) == ["first", "other"]


async def test_last_unit_runs_behind_the_others_of_its_group(store: Store) -> None:
    ran: list[str] = []

    async def unit(name: str, *, last: bool) -> None:
        async with store.grouped(last=last):
            ran.append(name)

    await put(store, "first")
    await asyncio.gather(unit("saver", last=True), unit("alert", last=False), unit("other", last=False))
    assert sorted(ran) == ["alert", "other", "saver"]
    assert not shares(store) or ran == ["alert", "other", "saver"]


async def test_older_alerts_stay_first_and_none_is_forgotten() -> None:
    groups = GroupCommit[UnitOfWork](cast("Any", None), clock=lambda: 0.0)
    old, *alerts = (_Unit[UnitOfWork](last=False, urgent=True, since=0.0) for _ in range(6))
    quiet = [_Unit[UnitOfWork](last=False, urgent=False, since=0.0) for _ in range(group_commit.MOST)]
    groups._waiting.extend([quiet[-1], *alerts])
    groups._hurried.set()
    left = [quiet[0], old, *quiet[1:-3]]
    first = groups._next_group(left)
    assert first == [old, *alerts[:2], quiet[0], *quiet[1:-3]]
    assert len(first) == group_commit.MOST
    assert groups._hurried.is_set(), "alerts wait yet"
    assert groups._next_group([]) == [*alerts[2:], quiet[-1]]
    assert not groups._hurried.is_set()


@pytest.mark.parametrize("hurried", [True, False])
async def test_units_that_have_waited_for_long_take_turns_with_alerts(hurried: bool) -> None:
    """In a storm there are always alerts, and a poll that waits until the last one is written looks like none."""
    now = [0.0]
    groups = GroupCommit[UnitOfWork](cast("Any", None), clock=lambda: now[0])
    saver = _Unit[UnitOfWork](last=True, urgent=False, since=0.0)
    quiet = [_Unit[UnitOfWork](last=False, urgent=False, since=0.5) for _ in range(60)]
    alerts = [_Unit[UnitOfWork](last=False, urgent=True, since=0.0) for _ in range(60)]

    def next_group(at: float, *left: _Unit[UnitOfWork]) -> list[_Unit[UnitOfWork]]:
        now[0] = at
        groups._waiting = deque(each for each in [saver, *quiet, *alerts] if each not in left)
        if hurried:
            groups._hurried.set()
        return list(groups._next_group(left))

    most, few, late = group_commit.MOST, group_commit.MOST_LATE, group_commit.LATE_SECONDS
    assert next_group(late - 1) == alerts[:most]
    # Late ones do not go on coming between those that are left, unless an alert does.
    hurrying = alerts[1 : most - 1] if hurried else []
    assert next_group(late, alerts[0], saver) == [alerts[0], saver, *hurrying]
    assert next_group(late, saver, alerts[0]) == [saver, alerts[0], *hurrying]
    turns = [each for pair in zip(alerts, [saver, *quiet[: few - 1]], strict=False) for each in pair]
    assert next_group(late + 1) == turns
    assert next_group(late + 1, alerts[0]) == (turns if hurried else [alerts[0]])
    assert len(next_group(late + 1, *alerts[: most - 1])) == most - (not hurried)
    assert groups._hurried.is_set() == hurried, "alerts wait yet"


_UNITS = st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from([0.0, 1.5, 3.0])), max_size=70)


@given(waiting=_UNITS, left=_UNITS, hurried=st.booleans())
async def test_no_unit_is_lost_and_none_that_was_left_waits_again(
    waiting: list[tuple[bool, bool, float]], left: list[tuple[bool, bool, float]], hurried: bool
) -> None:
    groups = GroupCommit[UnitOfWork](cast("Any", None), clock=lambda: 3.0)
    before = [_Unit[UnitOfWork](*each) for each in left[: group_commit.MOST - 1]]
    groups._waiting = deque(_Unit[UnitOfWork](*each) for each in waiting)
    if hurried:
        groups._hurried.set()
    everything = {*before, *groups._waiting}
    group = groups._next_group(before)
    assert len(group) <= group_commit.MOST
    assert set(before) <= set(group)
    assert {*group, *groups._waiting} == everything
    assert len(group) + len(groups._waiting) == len(everything)
    assert bool(group) == bool(everything)


async def test_unit_cancelled_while_its_savepoint_opens_is_left_out(store: Store) -> None:
    if not shares(store):
        return
    opening, group = asyncio.Event(), store._group

    @asynccontextmanager
    async def slow_to_open() -> AsyncIterator[Nested]:  # type: ignore[type-arg]
        async with group() as nested:

            @asynccontextmanager
            async def slow(savepoint: bool) -> AsyncIterator[object]:
                async with nested(savepoint) as uow:
                    opening.set()
                    await asyncio.sleep(0.01)
                    yield uow

            yield slow

    store.groups = GroupCommit(slow_to_open, clock=lambda: 0.0)
    cancelled, other = asyncio.create_task(put(store, "cancelled")), asyncio.create_task(put(store, "other"))
    await opening.wait()
    cancelled.cancel()
    await other
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert await stored(store) == ["other"]


async def test_unit_that_does_not_end_gives_the_others_an_error_and_the_next_go_on(store: Store) -> None:
    if not shares(store):
        return
    store.groups = GroupCommit(store._group, clock=lambda: 0.0, longest=0.05)
    entered, leave = asyncio.Event(), asyncio.Event()

    async def hangs() -> None:
        async with store.grouped() as uow:
            await uow.cluster_states.put("hangs", ClusterState(at=1.0))
            entered.set()
            await leave.wait()

    hanging, other = asyncio.create_task(hangs()), asyncio.create_task(put(store, "other"))
    await entered.wait()
    with pytest.raises(StoreError, match="took longer than"):
        await other
    await put(store, "later")
    leave.set()
    with pytest.raises(StoreError, match="took longer than"):
        await hanging
    assert await stored(store) == ["later"]


@pytest.mark.parametrize("seconds", [0.01, 0.0])
async def test_store_that_closes_leaves_no_worker_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """A poll is cancelled while its unit waits for others, or before its worker began: the program ends."""
    monkeypatch.setattr(group_commit, "GROUP_SECONDS", 600.0)
    before = asyncio.all_tasks()
    async with Store.open(f"sqlite:///{tmp_path}/cmbot.db") as store:
        await store.migrate()
        await put(store, "first")
        cancelled, waiting = (asyncio.create_task(put(store, name)) for name in ("cancelled", "waiting"))
        await asyncio.sleep(seconds)
        cancelled.cancel()
    with pytest.raises(StoreError, match="was closed"):
        await asyncio.wait_for(waiting, 20)
    with pytest.raises(StoreError, match="was closed"):
        await asyncio.wait_for(put(store, "later"), 20)
    await asyncio.gather(cancelled, return_exceptions=True)
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("error", [StoreError("The disk failed."), ValueError("a mistake")])
async def test_store_that_closes_while_a_rollback_fails_leaves_no_worker_behind(store: Store, error: Exception) -> None:
    if not shares(store):
        return
    before, begun, group = asyncio.all_tasks(), asyncio.Event(), store._group

    @asynccontextmanager
    async def failing() -> AsyncIterator[Nested]:  # type: ignore[type-arg]
        async with group() as nested:
            try:
                yield nested
            except BaseException:  # noqa: BLE001 - the cancellation too
                raise error from None

    async def hangs() -> None:
        async with store.grouped():
            begun.set()
            await asyncio.Event().wait()

    store.groups = GroupCommit(failing, clock=lambda: 0.0)
    hanging = asyncio.create_task(hangs())
    await begun.wait()
    waiting = asyncio.create_task(put(store, "waiting"))
    await asyncio.sleep(0)
    await asyncio.wait_for(store.groups.close(), 10)
    with pytest.raises(StoreError, match="was closed"):
        await asyncio.wait_for(waiting, 20)
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)
    assert asyncio.all_tasks() == before
    assert await stored(store) == []


def test_event_loop_that_ends_leaves_no_worker_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All tasks are cancelled at once, as asyncio.run does at its end."""
    monkeypatch.setattr(group_commit, "GROUP_SECONDS", 600.0)
    left: list[set[asyncio.Task[Any]]] = []

    async def end() -> None:
        async with Store.open(f"sqlite:///{tmp_path}/cmbot.db") as store:
            await store.migrate()
            await put(store, "first")
            waiting = asyncio.create_task(put(store, "waiting"))
            await asyncio.sleep(0.01)
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in (waiting, *tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            left.append(asyncio.all_tasks() - {asyncio.current_task()})

    asyncio.run(end())
    assert left == [set()]


async def test_writer_that_waits_goes_before_the_units_behind_the_one_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has one writer; on PostgreSQL a writer waits for no group. An urgent unit goes before them too."""
    monkeypatch.setattr(group_commit, "HELD_SECONDS", 0.0)
    order: list[str] = []

    async def unit(store: Store, name: str, *, beside: Callable[[], Awaitable[None]] | None = None) -> None:
        async with store.grouped() as uow:
            await uow.cluster_states.put(name, ClusterState(at=1.0))
            order.append(name)
            if beside is not None:
                await beside()

    async with Store.open(f"sqlite:///{tmp_path}/cmbot.db") as store:
        await store.migrate()
        commands: list[asyncio.Task[None]] = []

        async def command() -> None:
            async with store.begin() as uow:
                await uow.cluster_states.put("command", ClusterState(at=1.0))
                order.append("command")

        async def alert() -> None:
            async with store.grouped(urgent=True):
                order.append("alert")

        async def comes() -> None:
            commands.extend([asyncio.create_task(command()), asyncio.create_task(alert())])
            await asyncio.sleep(0)

        await put(store, "first")
        await asyncio.gather(unit(store, "a"), unit(store, "b", beside=comes), unit(store, "c"), unit(store, "d"))
        await asyncio.gather(*commands)
        assert order == ["a", "b", "command", "alert", "c", "d"]
        assert store.groups.commits == 3
        assert await stored(store) == ["a", "b", "c", "command", "d", "first"]


async def test_urgent_units_do_not_wait_except_in_a_storm(store: Store) -> None:
    if not shares(store):
        return
    now, waits = [0.0], list[float]()

    async def pause(hurried: asyncio.Event, seconds: float) -> None:
        waits.append(0.0 if hurried.is_set() else round(seconds, 3))
        now[0] += waits[-1]

    store.groups = GroupCommit(store._group, clock=lambda: now[0], pause=pause)
    await put(store, "first")
    await put(store, "second")
    assert waits == [GROUP]
    for _ in range(2):
        waits.clear()
        for _ in range(2 * BURST):
            await put(store, "c", urgent=True)
        assert waits[: BURST - 1] == [0.0] * (BURST - 1)
        assert waits[-20:].count(GROUP) >= 10
        # No alert for a while: the next ones come at once again.
        now[0] += BURST * GROUP


async def test_urgent_unit_takes_those_that_wait_with_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    if not shares(store):
        return
    monkeypatch.setattr(group_commit, "GROUP_SECONDS", 600.0)
    await put(store, "first")
    waiting = asyncio.create_task(put(store, "waiting"))
    await asyncio.sleep(0.02)
    assert await stored(store) == ["first"]
    await asyncio.wait_for(put(store, "urgent", urgent=True), 20)
    await asyncio.wait_for(waiting, 20)
    assert await stored(store) == ["first", "urgent", "waiting"]
    assert store.groups.commits == 2


async def test_urgent_unit_goes_before_all_that_wait(store: Store) -> None:
    if not shares(store):
        return
    order: list[str] = []
    await put(store, "first")
    names = [f"c{n}" for n in range(group_commit.MOST + 5)]
    waiting = [asyncio.create_task(unit(store, name, order)) for name in names]
    await asyncio.sleep(0)
    async with store.grouped(urgent=True):
        order.append("urgent")
    await asyncio.gather(*waiting)
    assert order == ["urgent", *names]
    assert store.groups.commits == 3


async def test_lost_commit_fails_every_unit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:

    async def lost(_: AsyncConnection) -> None:
        raise OperationalError("COMMIT", {}, OSError("the disk is gone"))

    with monkeypatch.context() as patched:
        patched.setattr(AsyncConnection, "commit", lost)
        results = await asyncio.gather(put(store, "a"), put(store, "b"), return_exceptions=True)
    assert [type(result) for result in results] == [StoreError, StoreError]
    assert await stored(store) == []
    await put(store, "later")
    assert await stored(store) == ["later"]


async def test_only_unit_of_a_group_opens_no_savepoint(store: Store) -> None:
    if not shares(store):
        return
    asked: list[bool] = []
    group = store._group

    @asynccontextmanager
    async def noting() -> AsyncIterator[Nested]:  # type: ignore[type-arg]
        async with group() as nested:

            @asynccontextmanager
            async def noted(savepoint: bool) -> AsyncIterator[object]:
                asked.append(savepoint)
                async with nested(savepoint) as uow:
                    yield uow

            yield noted

    store.groups = GroupCommit(noting, clock=lambda: 0.0)
    await put(store, "alone")
    assert asked == [False]
    await asyncio.gather(put(store, "a"), put(store, "b"))
    assert asked == [False, True, True]


async def test_only_unit_of_a_group_changes_nothing_when_it_fails(store: Store) -> None:
    lost = Fenced("Another process holds it.")
    with pytest.raises(Fenced):
        await put(store, "alone", fail=lost)
    assert await stored(store) == []
    await put(store, "next")
    assert await stored(store) == ["next"]


async def test_store_is_pressed_until_what_is_urgent_is_committed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    commit = AsyncConnection.commit

    async def noting(connection: AsyncConnection) -> None:
        seen.append(store.pressing)
        await commit(connection)

    monkeypatch.setattr(AsyncConnection, "commit", noting)
    for urgent in (False, True):
        async with store.grouped(urgent=urgent) as uow:
            await uow.cluster_states.put("c", ClusterState(at=1.0))
    assert seen == [False, True]
    assert not store.pressing
    with pytest.raises(ValueError, match="a mistake"):
        async with store.grouped(urgent=True):
            raise ValueError("a mistake")
    assert not store.pressing
