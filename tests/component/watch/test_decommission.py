"""A cluster that leaves the settings: its open alerts are closed and announced once in their channels."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.alerting.grouping import GroupingLimits
from bot.alerting.model import AlertState, Silence
from bot.alerting.rules.thresholds import configure
from bot.common.message_key import MessageKey
from bot.interactions.message import Message
from bot.store.database import Store
from bot.watch.decommission import close_gone
from bot.watch.planning import Watched
from bot.watch.watcher import Watcher
from tests.support.watch_builders import disk, polled


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with Store.open(f"sqlite:///{tmp_path}/cmbot.db", clock=lambda: 1.0) as opened:
        await opened.migrate()
        yield opened


async def watched(store: Store, limits: GroupingLimits) -> None:
    """A look at a cluster with a broken disk and a leader that is new."""
    answers = iter(
        [
            polled(15),
            polled(30, leader=2, term=6, bad=(disk(7),)),
            polled(45, leader=2, term=6, bad=(disk(7),)),
        ]
    )

    async def see(_glimpse: object) -> object:
        return next(answers)

    watch = Watcher(
        Watched("prod", "C1", 15, configure(), limits=limits),
        see,  # type: ignore[arg-type]  # looks as they are made up
        store,
        wake=lambda: None,
    )
    for now in (15, 30, 45):
        await watch.tick(now)


async def texts(store: Store) -> dict[str, str]:
    async with store.read() as uow:
        alerts = await uow.alerts.recent(0.0)
        slots = [f"alert:{alert.id}" for alert in alerts] + ["digest:C1:1", "left:prod:C1:100", "left:prod:C1:200"]
        found = [(slot, await uow.outbox.get(MessageKey.parse(slot))) for slot in slots]
    return {slot: post.text for slot, post in found if post}


async def test_alerts_of_a_removed_cluster_close_in_their_channel(store: Store) -> None:
    await watched(store, GroupingLimits())
    assert await close_gone(store, {"archive"}, {"C2"}, 100)
    posted = await texts(store)
    ended = "prod was removed from the settings, so cmbot no longer checks this."
    assert posted.pop("left:prod:C1:100") == (
        "prod was removed from the settings and is no longer polled. Closed: 2 alerts."
    )
    assert [text.endswith(ended) for text in posted.values()] == [True, True]
    async with store.read() as uow:
        assert {alert.state for alert in await uow.alerts.recent(0.0)} == {AlertState.RESOLVED}
        assert await uow.outbox.get(MessageKey.parse("alert:1:line:2")) is not None


async def test_removed_cluster_is_announced_once(store: Store) -> None:
    await watched(store, GroupingLimits())
    await close_gone(store, (), (), 100)
    before = await texts(store)
    assert not await close_gone(store, (), (), 200)
    assert await texts(store) == before


async def test_its_silences_end_with_it(store: Store) -> None:
    async with store.begin() as uow:
        held = await uow.silences.add(Silence("prod", "*", "", 9000, "U1"))
        await uow.outbox.put(MessageKey.parse(f"silence:{held.id}"), "C1", Message("Silenced."))
    await close_gone(store, (), (), 100)
    assert (await texts(store))["left:prod:C1:100"].endswith("Closed: 1 silence.")
    async with store.read() as uow:
        assert await uow.silences.active(0.0) == []


async def test_two_replicas_say_it_once(store: Store, database_url: str) -> None:
    """Both see the silence; the one whose transaction comes second writes nothing."""
    async with store.begin() as uow:
        held = await uow.silences.add(Silence("prod", "*", "", 9000, "U1"))
        await uow.outbox.put(MessageKey.parse(f"silence:{held.id}"), "C1", Message("Silenced."))
    async with Store.open(database_url) as other:
        both = (close_gone(each, (), (), at) for each, at in ((store, 100), (other, 101)))
        ended = await asyncio.gather(*both, return_exceptions=True)
    assert ended.count(True) == 1
    assert len([key for key in await texts(store) if key.startswith("left:")]) == 1


async def test_configured_clusters_are_unchanged(store: Store) -> None:
    await watched(store, GroupingLimits())
    before = await texts(store)
    assert not await close_gone(store, {"prod"}, {"C1"}, 100)
    assert await texts(store) == before


async def test_group_of_a_removed_cluster_ends(store: Store) -> None:
    await watched(store, replace(GroupingLimits(), cluster=1))
    assert "1 open, 0 resolved" in (await texts(store))["digest:C1:1"]
    await close_gone(store, (), (), 100)
    posted = await texts(store)
    assert "The storm ended after 1 min 10 s: 0 open, 1 resolved." in posted["digest:C1:1"]
    assert posted["left:prod:C1:100"].endswith("2 alerts.")
    async with store.read() as uow:
        assert (await uow.channel_histories.get("C1")).groups == ()
