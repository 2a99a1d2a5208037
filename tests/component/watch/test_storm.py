"""A storm over clusters on shared channels: alerts accounted for, few messages, few commits, commands between."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

import pytest

from bot.alerting.grouping import GroupingLimits
from bot.alerting.model import Alert
from bot.alerting.rules.thresholds import configure
from bot.clustermgr.models import Disk, Snapshot
from bot.common.message_key import MessageKey
from bot.store.database import Store
from bot.store.group_commit import MOST
from bot.watch.alert_actions import AlertActions
from bot.watch.planning import Watched
from bot.watch.watcher import Watcher
from tests.support.inline_sqlite import inline_sqlite
from tests.support.watch_builders import disk, polled

CLUSTERS, CHANNELS, BROKEN = 60, 2, 20
LIMITS = GroupingLimits()


@dataclass
class Fleet:
    """Clusters that lose disks together; `ended` are the polls and commands in the order of their ends."""

    store: Store
    now: float = 1_000_000.0
    bad: tuple[Disk, ...] = ()
    ended: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.channels = {f"c{number}": f"C{number % CHANNELS}" for number in range(CLUSTERS)}
        self.watches = {
            name: Watcher(
                Watched(name, channel, 15, configure(), limits=LIMITS), self._poll, self.store, wake=lambda: None
            )
            for name, channel in self.channels.items()
        }

    async def _poll(self, _glimpse: object) -> Snapshot:
        return polled(self.now, bad=self.bad)

    async def tick(self, *names: str) -> None:
        """Poll these clusters at once, all without a name."""
        self.now += 15
        await asyncio.gather(*(self._tick(name) for name in names or self.watches))

    async def _tick(self, name: str) -> None:
        await self.watches[name].tick(self.now)
        self.ended.append(name)

    async def acknowledge(self, alert: int) -> None:
        """A command of a person."""
        await AlertActions(self.store, lambda: None, lambda: self.now, self.channels).acknowledge(alert, "U1")
        self.ended.append("ack")

    async def alerts(self) -> list[Alert]:
        async with self.store.read() as uow:
            return await uow.alerts.open()


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Clusters that were well for three polls."""
    with inline_sqlite():
        async with Store.open(f"sqlite:///{tmp_path}/cmbot.db") as store:
            await store.migrate()
            calm = Fleet(store)
            for _ in range(3):
                await calm.tick()
            yield calm


async def test_storm_on_shared_channels_posts_or_lists_every_alert(fleet: Fleet) -> None:
    fleet.bad = tuple(disk(number) for number in range(1, BROKEN + 1))
    await fleet.tick()
    alerts = await fleet.alerts()
    assert sum(alert.weight for alert in alerts if alert.rule == "disk_broken") == CLUSTERS * BROKEN
    own: Counter[str] = Counter()
    async with fleet.store.read() as uow:
        for alert in alerts:
            channel = fleet.channels[alert.cluster]
            if alert.notes.group is None:
                own[channel] += await uow.outbox.get(MessageKey.alert(alert.id)) is not None
                continue
            key = MessageKey.parse(alert.notes.group)
            group = (await uow.channel_histories.get(channel)).group(key)
            assert group is not None
            assert alert.id in group.ids
            assert await uow.outbox.get(key) is not None
    assert own == dict.fromkeys(("C0", "C1"), LIMITS.channel)


async def test_storm_on_shared_channels_needs_few_commits(fleet: Fleet) -> None:
    fleet.bad = (disk(1),)
    before = fleet.store.commits
    await fleet.tick()
    # The first one does not wait for others.
    assert fleet.store.commits - before <= 1 + ceil(CLUSTERS / MOST)
    assert len(await fleet.alerts()) == CLUSTERS


async def test_command_during_a_storm_does_not_wait_for_its_end(fleet: Fleet) -> None:
    fleet.bad = (disk(1),)
    await fleet.tick("c0")
    [alert] = await fleet.alerts()
    fleet.ended.clear()
    await asyncio.gather(fleet.tick(), fleet.acknowledge(alert.id))
    assert "ack" in fleet.ended[:-1]
    assert len(await fleet.alerts()) == CLUSTERS
