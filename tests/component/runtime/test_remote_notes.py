"""What the polls of other replicas found, as a replica reads it to answer commands."""

from types import SimpleNamespace
from typing import Any, cast

from bot.alerting.cluster_state.state import ClusterNote, ClusterState
from bot.leadership.model import watch_of
from bot.runtime.clock import RemoteTimes
from bot.runtime.parts import App
from bot.runtime.remote_notes import refresh_remote_notes
from bot.store.database import Store

NAMES = ("ours", "same", "changed", "new", "never polled")


def replica(notes: dict[str, ClusterNote], held: set[str], now: float = 1000.0) -> Any:
    holds = {watch_of(name) for name in held}
    return SimpleNamespace(
        clusters=dict.fromkeys(NAMES),
        cluster_notes=notes,
        remote_times=RemoteTimes(),
        clock=lambda: now,
        membership=SimpleNamespace(hold=lambda task: task if task in holds else None),
    )


async def put(store: Store, **times: float) -> None:
    async with store.begin() as uow:
        for name, at in times.items():
            await uow.cluster_states.put(name, ClusterState(at=at, term=int(at)))


async def refresh(store: Store, app: Any) -> dict[str, tuple[float, int]]:
    async with store.read() as uow:
        await refresh_remote_notes(cast("App", app), uow)
    return {name: (note.at, note.term) for name, note in app.cluster_notes.items()}


async def test_only_what_others_found_is_taken_over(store: Store) -> None:
    await put(store, ours=990.0, same=980.0, changed=985.0, new=970.0)
    notes = {name: ClusterNote.of(ClusterState(at=980.0, term=1)) for name in ("ours", "same", "changed")}
    app = replica(notes, {"ours"})
    assert await refresh(store, app) == {
        "ours": (980.0, 1),
        "same": (980.0, 1),
        "changed": (985.0, 985),
        "new": (970.0, 970),
    }
    await put(store, new=995.0)
    assert (await refresh(store, app))["new"] == (995.0, 995)


async def test_time_of_a_clock_that_is_wrong_is_that_of_this_replica(store: Store) -> None:
    await put(store, changed=900.0)
    app = replica({}, set())
    await refresh(store, app)
    await put(store, changed=915.0)
    assert (await refresh(store, app))["changed"] == (1000.0, 915), "written a moment ago, by a clock that is behind"
    app.clock = lambda: 1005.0
    assert (await refresh(store, app))["changed"] == (1000.0, 915), "not written since"


async def test_cluster_that_was_gained_meanwhile_keeps_its_own_note(store: Store) -> None:
    await put(store, changed=985.0)
    app = replica({}, set())
    fresh = ClusterNote.of(ClusterState(at=999.0, term=7))

    class Gaining:
        """A unit of work during which this replica gains the cluster and polls it."""

        def __init__(self, uow: Any) -> None:
            self.cluster_states = self
            self._states = uow.cluster_states

        async def changed(self, known: Any) -> Any:
            found = await self._states.changed(known)
            app.membership.hold = {watch_of("changed"): "held"}.get
            app.cluster_notes["changed"] = fresh
            return found

    async with store.read() as uow:
        await refresh_remote_notes(cast("App", app), cast("Any", Gaining(uow)))
    assert app.cluster_notes["changed"] is fresh
