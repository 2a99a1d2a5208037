"""A poll of the program that finds a broken disk goes before the other polls until its alert is written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.config import Secrets, parse
from bot.playground.clustermgr_sim import SimulatedCluster
from bot.runtime import polling
from bot.runtime.app import build
from bot.runtime.parts import App
from bot.watch import watcher
from bot.watch.admission import Admission
from bot.watch.publisher import publish

CONFIG = """
slack: {{api_url: "http://127.0.0.1:9/api/"}}
store: {{url: "sqlite:///{folder}/cmbot.db"}}
clusters:
  - {{name: prod, hosts: [{hosts}], alert_channel: C0STORAGE}}
  - {{name: other, hosts: ["127.0.0.1:9"], alert_channel: C0STORAGE}}
"""


class _Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def _polled_once(folder: Path, clock: _Clock) -> AsyncIterator[tuple[App, SimulatedCluster]]:
    """The program after its first poll of a healthy cluster."""
    secrets = Secrets(
        slack_bot_token=SecretStr("xoxb-1-2"), slack_app_token=SecretStr("xapp-1-2"), cmbot_store_url=SecretStr("")
    )
    async with SimulatedCluster() as cluster:
        hosts = ", ".join(f'"{host}"' for host in cluster.hosts)
        settings = parse(CONFIG.format(folder=folder, hosts=hosts), secrets=secrets, environment={})
        async with build(settings, clock=clock) as app:
            await app.membership.beat()
            await polling.poll(app, "prod")
            clock.now += 15
            yield app, cluster


async def test_poll_with_a_broken_disk_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    press, give_way = Admission.press, Admission.give_way
    happened: list[str] = []

    def pressing(self: Admission, cluster: str) -> None:
        happened.append(f"{cluster} presses")
        press(self, cluster)

    async def giving_way(self: Admission, cluster: str = "") -> None:
        happened.append(f"{cluster} gives way")
        await give_way(self, cluster)

    monkeypatch.setattr(Admission, "press", pressing)
    monkeypatch.setattr(Admission, "give_way", giving_way)
    async with _polled_once(tmp_path, _Clock()) as (app, cluster):
        assert set(happened) == {"prod gives way"}
        happened.clear()
        cluster.break_disk(1)
        await polling.poll(app, "prod")
        reads = happened.index("prod presses")
        assert happened.count("prod presses") == 1
        # The units and the volumes of the disk, then the evaluation.
        assert len(happened) - reads > 3
        async with app.store.read() as uow:
            assert [alert.rule for alert in await uow.alerts.open("prod")] == ["disk_broken"]
        assert not app.admission.running
        await app.admission.give_way("other")


async def test_poll_keeps_its_place_while_its_alert_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else all polls of a storm run at once, and each takes as long as all of them."""
    writes, go_on = asyncio.Event(), asyncio.Event()

    async def stopped(*args: Any) -> None:
        writes.set()
        await go_on.wait()
        await publish(*args)

    async with _polled_once(tmp_path, _Clock()) as (app, cluster):
        monkeypatch.setattr(watcher, "publish", stopped)
        # Only the place counts here, not that alerts hold the other polls for a moment.
        monkeypatch.setattr(Admission, "_held", lambda _: False)
        cluster.break_disk(1)
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            group.create_task(polling.poll(app, "prod"))
            await writes.wait()
            app.admission.limit = 1
            other = group.create_task(_turn(app.admission, "other"))
            await asyncio.sleep(0)
            assert (app.admission.running, app.admission.waiting) == (1, 1)
            go_on.set()
        assert other.done()


async def _turn(admission: Admission, cluster: str) -> None:
    async with admission.turn(cluster):
        pass
