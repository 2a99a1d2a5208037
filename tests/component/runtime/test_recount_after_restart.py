"""The units of a repaired disk are counted for the configured time, also after a restart."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.alerting.cluster_state.state import ClusterState
from bot.alerting.risk_facts import LostDisk
from bot.config import Secrets, parse
from bot.playground.clustermgr_sim import SimulatedCluster
from bot.runtime.app import build
from bot.store.database import Store

CONFIG = """
slack: {{api_url: "http://127.0.0.1:9/api/"}}
store: {{url: "{url}"}}
disks: {{recheck_for: 30m}}
clusters: [{{name: prod, hosts: [{hosts}], alert_channel: C0STORAGE, disks: {{{disks}}}}}]
"""
HOUR = 3600.0


@pytest.mark.parametrize(("disks", "counts"), [("", 0), ("recheck_for: 3h", 1), ("recheck_for: 1h", 0)])
async def test_repaired_disk_is_counted_often_for_the_configured_time(tmp_path: Path, disks: str, counts: int) -> None:
    """The disk was repaired two hours ago, as the last process saw it."""
    url, now = f"sqlite:///{tmp_path}/cmbot.db", 1_000_000.0
    secrets = Secrets(
        slack_bot_token=SecretStr("xoxb-1-2"), slack_app_token=SecretStr("xapp-1-2"), cmbot_store_url=SecretStr("")
    )
    state = ClusterState(at=now - 60, lost_disks=(LostDisk(7, 0.0, gone_since=now - 2 * HOUR, units=0),))
    async with Store.open(url) as store:
        await store.migrate()
        async with store.begin() as uow:
            await uow.cluster_states.put("prod", state)
    async with SimulatedCluster() as cluster:
        cluster.repair_disk(7, "repaired")
        hosts = ", ".join(f'"{host}"' for host in cluster.hosts)
        settings = parse(CONFIG.format(url=url, hosts=hosts, disks=disks), secrets=secrets, environment={})
        async with build(settings, clock=lambda: now) as app:
            _, first = await app.clusters["prod"].survey(3.0)
            assert first.units[7].units == 0
            cluster.log.clear()
            now += 301
            await app.clusters["prod"].survey(3.0)
        asked = [call for call in cluster.log if call.target == "/volume/unit/list?disk_id=7"]
        assert len(asked) == counts
