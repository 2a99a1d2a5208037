"""The program in this process, with receivers of alerts, a cluster and a workspace."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from pydantic import SecretStr

from bot.config import Secrets, parse
from bot.playground.clustermgr_sim import SimulatedCluster, Timing
from bot.playground.slack_sim.server import LocalSlack
from bot.runtime.app import build
from bot.runtime.lifecycle import running
from bot.runtime.parts import App

QUICK = Timing(wait=1.0, election=0.4, refresh=0.2, catch_up=0.2, transfer=0.05)
SETTINGS = """
slack: {{api_url: "{api}"}}
http: {{port: 0}}
store: {{url: "sqlite:///{folder}/cmbot.db"}}
clusters:
  - {{name: prod, hosts: {hosts}, alert_channel: C0STORAGE, channels: [C0STORAGE], poll_interval: 0.5s}}
access: {{operators: {{users: [U0ALICE]}}}}
rules: {{disk_broken: {{hold: 0, clear: 0, severity: {severity}}}}}
"""


@dataclass(frozen=True, slots=True)
class Receiving:
    """The parts; `url` is that of the program's pages."""

    app: App
    slack: LocalSlack
    cluster: SimulatedCluster

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.app.port}"

    async def checks(self) -> dict[str, str]:
        """The checks of /readyz."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/readyz") as answer:
            return dict((await answer.json())["checks"])


@asynccontextmanager
async def receiving(
    folder: Path, more: str, *, severity: str = "warning", **environment: str
) -> AsyncIterator[Receiving]:
    """Run the program with `more` settings until the block ends; `environment` has their secrets.

    A broken disk has this `severity`.
    """
    async with SimulatedCluster(timing=QUICK) as cluster, LocalSlack() as slack:
        text = SETTINGS.format(api=slack.api_url, folder=folder, hosts=list(cluster.hosts), severity=severity) + more
        secrets = Secrets(
            slack_bot_token=SecretStr(slack.bot_token),
            slack_app_token=SecretStr(slack.app_token),
            slack_signing_secret=SecretStr(""),
            cmbot_store_url=SecretStr(""),
            cmbot_heartbeat_url=SecretStr(""),
        )
        settings = parse(text, secrets=secrets, environment=environment)
        async with build(settings) as app, running(app):
            await slack.wait_connected()
            yield Receiving(app, slack, cluster)
        slack.assert_no_violations()
