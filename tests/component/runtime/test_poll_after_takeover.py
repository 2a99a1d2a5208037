"""A process that polls a cluster again, after another one polled it: what it read before does not count any more."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.alerting.model import Alert, AlertState
from bot.config import Secrets, parse
from bot.playground.clustermgr_sim import SimulatedCluster
from bot.runtime import polling
from bot.runtime.app import build
from bot.runtime.parts import App

CONFIG = """
slack: {{api_url: "http://127.0.0.1:9/api/"}}
store: {{url: "sqlite:///{folder}/cmbot.db"}}
clusters: [{{name: prod, hosts: [{hosts}], alert_channel: C0STORAGE}}]
"""


@dataclass
class Two:
    """Two processes on one database file; the one that begins to poll takes the cluster from the other."""

    cluster: SimulatedCluster
    apps: list[App] = field(default_factory=list)
    now: float = 1_000_000.0

    async def poll_by(self, number: int) -> list[Alert]:
        """Let a process take the cluster and poll it a minute later; return the open alerts."""
        app, other = self.apps[number], self.apps[1 - number]
        await other.membership.leave()
        other.membership.holds.clear()
        await app.membership.beat()
        self.now += 60
        await polling.poll(app, "prod")
        async with app.store.read() as uow:
            return [alert for alert in await uow.alerts.open("prod") if alert.state is AlertState.FIRING]


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    secrets = Secrets(
        slack_bot_token=SecretStr("xoxb-1-2"), slack_app_token=SecretStr("xapp-1-2"), cmbot_store_url=SecretStr("")
    )
    async with AsyncExitStack() as stack:
        made = Two(await stack.enter_async_context(SimulatedCluster(schedulers=1)))
        hosts = ", ".join(f'"{host}"' for host in made.cluster.hosts)
        settings = parse(CONFIG.format(folder=tmp_path, hosts=hosts), secrets=secrets, environment={})
        for _ in range(2):
            made.apps.append(await stack.enter_async_context(build(settings, clock=lambda: made.now)))
        yield made


async def test_unit_that_another_process_found_stays_announced(two: Two) -> None:
    """The first process counted no unit on the dropped disk, the second one counted one that landed since."""
    two.cluster.repair_disk(7, "dropped")
    assert await two.poll_by(0) == []
    two.cluster.land_unit(7)
    assert [alert.rule for alert in await two.poll_by(1)] == ["disk_not_empty"]
    assert [alert.rule for alert in await two.poll_by(0)] == ["disk_not_empty"]


async def test_disk_that_another_process_saw_break_stays_announced(two: Two) -> None:
    """Volumes that the second process judged are not judged by what the first one read before the disks broke."""
    first, second, third = (unit.disk_id for unit in next(iter(two.cluster.data.volumes)).units[:3])
    two.cluster.set_switch("disk_repair", "false")
    two.cluster.break_disk(first)
    await two.poll_by(0)
    two.cluster.break_disk(second)
    two.cluster.break_disk(third)
    before = {alert.rule for alert in await two.poll_by(1)}
    assert "volumes_at_risk" in before
    assert {alert.rule for alert in await two.poll_by(0)} >= before
