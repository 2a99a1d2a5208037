"""A poll of the program that finds a broken disk goes before the other polls until its alert is written."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.config import Secrets, parse
from bot.playground.clustermgr_sim import SimulatedCluster
from bot.runtime import polling
from bot.runtime.app import build
from bot.watch.admission import Admission

CONFIG = """
slack: {{api_url: "http://127.0.0.1:9/api/"}}
store: {{url: "sqlite:///{folder}/cmbot.db"}}
clusters: [{{name: prod, hosts: [{hosts}], alert_channel: C0STORAGE}}]
"""


async def test_poll_with_a_broken_disk_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = Secrets(
        slack_bot_token=SecretStr("xoxb-1-2"), slack_app_token=SecretStr("xapp-1-2"), cmbot_store_url=SecretStr("")
    )
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
    now = 1_000_000.0
    async with SimulatedCluster() as cluster:
        hosts = ", ".join(f'"{host}"' for host in cluster.hosts)
        settings = parse(CONFIG.format(folder=tmp_path, hosts=hosts), secrets=secrets, environment={})
        async with build(settings, clock=lambda: now) as app:
            await app.membership.beat()
            await polling.poll(app, "prod")
            assert set(happened) == {"prod gives way"}
            happened.clear()
            cluster.break_disk(1)
            now += 15
            await polling.poll(app, "prod")
            reads = happened.index("prod presses")
            assert happened.count("prod presses") == 1
            # The units and the volumes of the disk, then the evaluation.
            assert len(happened) - reads > 3
            async with app.store.read() as uow:
                assert [alert.rule for alert in await uow.alerts.open("prod")] == ["disk_broken"]
            assert not app.admission.running
            await app.admission.give_way("other")
