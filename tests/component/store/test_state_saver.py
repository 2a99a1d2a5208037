"""States of quiet clusters are saved together; one with an alert, a silence or another state is left to its poll."""

import asyncio

import pytest

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.model import Alert, AlertState, AlertText, LegacyDetail, Severity, Silence
from bot.alerting.reports.trend import Measurement
from bot.common.errors import Fenced, StoreError
from bot.leadership.model import Hold, watch_of
from bot.leadership.ports import HeldCheck, HoldCheck, ReplicaUnit, no_hold_needed
from bot.store import schema
from bot.store.database import Store
from bot.watch.state_saver import StateSaver


async def at_once(_: float) -> None:
    await asyncio.sleep(0)


async def save(
    saver: StateSaver, name: str, *, at: float = 2.0, saved_at: float = 0.0, check: HoldCheck = no_hold_needed
) -> bool:
    return await saver.save(
        name, ClusterState(at=at), Measurement(term=3), saved_at=saved_at, interval=15.0, hold_check=check
    )


async def times(store: Store) -> dict[str, float]:
    async with store.read() as uow:
        states = await uow.cluster_states.several(await uow.cluster_states.clusters())
    return {name: state.at for name, state in states.items()}


async def test_many_states_are_saved_in_one_transaction(store: Store) -> None:
    saver, before = StateSaver(store, pause=at_once), store.commits
    assert await asyncio.gather(*(save(saver, f"c{n}") for n in range(50))) == [True] * 50
    assert store.commits - before == 1
    assert await times(store) == {f"c{n}": 2.0 for n in range(50)}
    async with store.read() as uow:
        assert [(at, found.term) for at, found in await uow.samples.range("c7", 0.0)] == [(2.0, 3)]


async def test_poll_that_waits_to_be_saved_is_said_to_wait(store: Store) -> None:
    """Its place goes to the next poll meanwhile (admission)."""
    waiting: list[str] = []
    saver = StateSaver(store, pause=at_once, waits=waiting.append)
    await asyncio.gather(save(saver, "c0"), save(saver, "c1"))
    assert waiting == ["c0", "c1"]


async def test_close_saves_at_once(store: Store) -> None:
    """The program ends: neither a state that waits for others nor a later one delays it."""

    async def long(_: float) -> None:
        await asyncio.Event().wait()

    saver = StateSaver(store, pause=long)
    waiting = asyncio.create_task(save(saver, "c0"))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    saver.close()
    async with asyncio.timeout(20):
        assert await waiting
        assert await save(saver, "c1")
    assert await times(store) == {"c0": 2.0, "c1": 2.0}


async def test_cancelled_worker_leaves_nothing_behind(store: Store) -> None:
    """The event loop ends while a state waits for others."""
    paused = asyncio.Event()

    async def long(_: float) -> None:
        paused.set()
        await asyncio.Event().wait()

    saver, before = StateSaver(store, pause=long), asyncio.all_tasks()
    waiting = asyncio.create_task(save(saver, "c0"))
    await paused.wait()
    assert saver._worker is not None
    saver._worker.cancel()
    with pytest.raises(StoreError, match="was not saved"):
        await asyncio.wait_for(waiting, 20)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_cluster_with_a_silence_needs_its_own_unit_of_work(store: Store) -> None:
    async with store.begin() as uow:
        await uow.silences.add(Silence("c1", "*", "", 99.0, "U1", "work", 1.0))
    saver = StateSaver(store, pause=at_once)
    assert list(await asyncio.gather(save(saver, "c0"), save(saver, "c1"))) == [True, False]
    assert await times(store) == {"c0": 2.0}


async def test_stored_cluster_with_an_alert_or_a_silence_needs_its_own_unit_of_work(store: Store) -> None:
    async with store.begin() as uow:
        for name in ("alert", "silence", "quiet", "over"):
            await uow.cluster_states.put(name, ClusterState(at=2.0))
        await uow.silences.add(Silence("silence", "*", "", 99.0, "U1", "work", 1.0))
        for cluster, state in (("alert", AlertState.PENDING), ("over", AlertState.RESOLVED)):
            alert = Alert(cluster, "no_leader", "", state, Severity.CRITICAL, LegacyDetail("", ()), since=1.0)
            await uow.alerts.save(alert, AlertText("No leader."))
    saver = StateSaver(store, pause=at_once)
    names = ("alert", "silence", "quiet", "over", "new")
    saved = await asyncio.gather(*(save(saver, name, at=3.0, saved_at=0.0 if name == "new" else 2.0) for name in names))
    assert dict(zip(names, saved, strict=True)) == {
        "alert": False,
        "silence": False,
        "quiet": True,
        "over": True,
        "new": True,
    }


async def test_state_that_another_process_saved_is_kept(store: Store) -> None:
    async with store.begin() as uow:
        await uow.cluster_states.put("c0", ClusterState(at=7.0))
    assert not await save(StateSaver(store, pause=at_once), "c0", at=8.0, saved_at=2.0)
    assert await times(store) == {"c0": 7.0}


async def test_lost_hold_fails_its_cluster_only(store: Store) -> None:
    async with store.begin() as uow:
        mine = await uow.replicas.assign(watch_of("c0"), "me", 1.0)
        await uow.replicas.assign(watch_of("c1"), "other", 1.0)
    lost = Hold(watch_of("c1"), "me", 1, 1.0)

    async def check(hold: Hold, unit: ReplicaUnit) -> None:
        await unit.replicas.require_hold(hold)

    saver = StateSaver(store, pause=at_once)
    results = await asyncio.gather(
        save(saver, "c0", check=HeldCheck(mine, check)),
        save(saver, "c1", check=HeldCheck(lost, check)),
        return_exceptions=True,
    )
    assert results[0] is True
    assert isinstance(results[1], Fenced)
    assert await times(store) == {"c0": 2.0}


async def test_keys_of_another_release_stay(store: Store) -> None:
    async with store.begin() as uow:
        await uow.cluster_states._session.change(
            uow.cluster_states._session.insert(schema.cluster_states).values(
                cluster="c0", data={"at": 2.0, "of_a_later_release": 5}
            )
        )
    assert await save(StateSaver(store, pause=at_once), "c0", at=3.0, saved_at=2.0)
    async with store.read() as uow:
        assert (await uow.cluster_states._stored("c0"))["of_a_later_release"] == 5


async def test_lost_transaction_fails_every_state(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    saver = StateSaver(store, pause=at_once)

    async def lost(_self: object, _names: object) -> dict[str, float]:
        raise StoreError("The database is away.")

    with monkeypatch.context() as patched:
        patched.setattr("bot.store.repositories.cluster_state.ClusterStates.quiet_since", lost)
        results = await asyncio.gather(save(saver, "c0"), save(saver, "c1"), return_exceptions=True)
    assert [type(each) for each in results] == [StoreError, StoreError]
    assert await save(saver, "c0")
