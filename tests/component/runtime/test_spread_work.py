"""The clusters of a program repeat their work at different moments, and share a pace of slow polls and an admission."""

from pathlib import Path

from pydantic import SecretStr

from bot.config import Secrets, parse
from bot.runtime.app import build

CONFIG = """
slack: {{api_url: "http://127.0.0.1:9/api/"}}
store: {{url: "sqlite:///{folder}/cmbot.db"}}
clusters:
{clusters}
"""


async def test_clusters_do_not_repeat_their_work_together(tmp_path: Path) -> None:
    secrets = Secrets(
        slack_bot_token=SecretStr("xoxb-1-2"), slack_app_token=SecretStr("xapp-1-2"), cmbot_store_url=SecretStr("")
    )
    lines = [f'- {{name: c{n}, hosts: ["http://127.0.0.1:{1000 + n}"], alert_channel: C0STORAGE}}' for n in range(200)]
    settings = parse(CONFIG.format(folder=tmp_path, clusters="\n".join(lines)), secrets=secrets, environment={})
    async with build(settings, clock=lambda: 1_000_000.0) as app:
        polled = {name: cluster.due(1_000_000.0, 1_000_015.0, 60.0) for name, cluster in app.clusters.items()}
        saved = {name: watch.watched.due(1_000_000.0, 1_000_015.0, 60.0) for name, watch in app.watches.items()}
        savers = {watch._saver for watch in app.watches.values()}
        assert [saver._waits == app.admission.release for saver in savers if saver] == [True]
        paces = {id(cluster.slow_pace) for cluster in app.clusters.values()}
    assert polled == saved
    assert 30 < sum(saved.values()) < 70, "a quarter of the clusters in a quarter of a minute"
    assert len(paces) == 1
