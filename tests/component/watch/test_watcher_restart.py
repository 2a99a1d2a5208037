"""The watch over a real database file: killed at any point, the next process continues."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.alerting.cluster_state.observations import FORECAST_EVERY
from bot.alerting.cluster_state.state import NOTE_EVERY
from bot.alerting.rules.thresholds import configure
from bot.clustermgr.models import Snapshot
from bot.common.message_key import MessageKey
from bot.store.database import Store
from bot.watch.planning import Watched
from bot.watch.watcher import Watcher
from tests.support.watch_builders import disk, polled


class Killed(BaseException):
    """The process ends here."""


@asynccontextmanager
async def process(url: str, see: Callable[[float], Snapshot]) -> AsyncIterator[tuple[Watcher, Store]]:
    """One life of the bot."""
    async with Store.open(url, clock=lambda: 0.0) as store:
        await store.migrate()

        async def now_seen(_glimpse: object) -> Snapshot:
            return see(clock[0])

        clock = [0.0]
        watch = Watcher(Watched("prod", "C1", 15, configure()), now_seen, store, wake=lambda: None)
        tick = watch.tick

        async def at(now: float) -> None:
            clock[0] = now
            await tick(now)

        watch.tick = at  # type: ignore[assignment, method-assign]
        yield watch, store


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database file that lives as long as the test."""
    return f"sqlite:///{tmp_path / 'cmbot.db'}"


async def slots(store: Store) -> dict[str, str]:
    """What the channel is shown, by slot."""
    async with store.read() as uow:
        found = {}
        for slot in ("alert:1", "alert:1:line:2", "alert:1:line:3", "alert:2"):
            post = await uow.outbox.get(MessageKey.parse(slot))
            if post is not None:
                found[slot] = post.text
        return found


async def test_two_broken_disks_are_one_alert_over_restarts(url: str) -> None:
    async with process(url, lambda at: polled(at, bad=(disk(7),))) as (watch, store):
        await watch.tick(15)
        await watch.tick(30)
        assert await slots(store) == {"alert:1": "Warning in prod: 1 disk of prod is broken."}
    async with process(url, lambda at: polled(at, bad=(disk(7, 3), disk(8, 3)))) as (watch, store):
        await watch.tick(45)
        await watch.tick(60)
        assert await slots(store) == {
            "alert:1": "Warning in prod: 2 disks of prod are being repaired.",
            "alert:1:line:2": "Warning, worse than before in prod: 2 disks of prod are being repaired.",
        }
    async with process(url, polled) as (watch, store):
        await watch.tick(75)
        await watch.tick(90)
        ended = (await slots(store))["alert:1"]
        assert ended == (
            "Resolved in prod after 1 min: Disks #7 and #8 of prod were repaired, but the units left on disks #7 and "
            "#8 could not be counted: do not pull one before `/cm disk N prod` shows that no unit is left."
        )
        async with store.read() as uow:
            assert await uow.alerts.open("prod") == []


async def test_killed_within_the_transaction_nothing_is_half_done(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(*_: object) -> None:
        raise Killed

    async with process(url, lambda at: polled(at, bad=(disk(7),))) as (watch, store):
        await watch.tick(15)
        with monkeypatch.context() as patched:
            patched.setattr("bot.watch.folded_messages.card", kill)
            with pytest.raises(Killed):
                await watch.tick(30)
        assert await slots(store) == {}
    async with process(url, lambda at: polled(at, bad=(disk(7),))) as (watch, store):
        await watch.tick(45)
        await watch.tick(60)
        assert list(await slots(store)) == ["alert:1"]


async def test_stored_state_is_read_back_unchanged(url: str) -> None:
    async with process(url, lambda at: polled(at, leader=1 if at < 20 else 2, term=int(at))) as (watch, store):
        await watch.tick(15)
        await watch.tick(30)
        await watch.tick(45)
        assert "changed from peer 1 to peer 2" in (await slots(store))["alert:1"]
        async with store.read() as uow:
            held = await uow.cluster_states.get("prod")
        assert (held.leader, held.term, held.changes[0].after) == (2, 45, 2)


async def test_alert_of_a_dead_replica_is_taken_over(url: str) -> None:
    """Two processes watch; the one that announced the disk dies before its repair, and the other saw no alert."""
    async with process(url, polled) as (calm, store):
        await calm.tick(15)
        await calm.tick(30)
        async with process(url, lambda at: polled(at, bad=(disk(7),))) as (other, _):
            await other.tick(31)
            await other.tick(32)
        assert list(await slots(store)) == ["alert:1"]
        for now in (45, 60, 75, 90, 105):
            await calm.tick(now)
        assert (await slots(store))["alert:1"].startswith("Resolved in prod")


async def test_state_and_forecast_are_due_at_the_moment_of_their_cluster(store: Store) -> None:
    """Else all clusters that were first polled together save their states together, and read two weeks of samples."""
    asked = set[float]()

    def due(_last: float, _now: float, period: float) -> bool:
        asked.add(period)
        return False

    async def poll(_: object) -> Snapshot:
        return polled(now)

    watch = Watcher(Watched("prod", "C1", 15, configure(), due=due), poll, store, wake=lambda: None)
    for now in (1000.0, 1015.0):
        await watch.tick(now)
    commits = store.commits
    for now in (1030.0, 1045.0, 1060.0, 1075.0):
        await watch.tick(now)
    assert asked == {NOTE_EVERY, FORECAST_EVERY}
    assert store.commits == commits, "nothing is due"
