"""The program in this process over its reloads: settings in a file, tokens in files, a signal that reads them again."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from structlog.testing import capture_logs
from structlog.typing import EventDict

from bot.config import Settings, load
from bot.playground.clustermgr_sim import SimulatedCluster, Timing
from bot.playground.slack_sim.server import LocalSlack
from bot.playground.slack_sim.workspace import Message
from bot.runtime.program import Program
from bot.runtime.signals import Signals

QUICK = Timing(wait=1.0, election=0.4, refresh=0.2, catch_up=0.2, transfer=0.05)
TOKENS = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")
BASE = """
slack: {{api_url: "{api}"}}
http: {{port: 0}}
store: {{url: "sqlite:///{folder}/cmbot.db"}}
access:
  operators: {{users: [U0ALICE]}}
  approvers: {{users: [U0ALICE, U0BOB]}}
  admins: {{users: [U0ALICE]}}
"""


@dataclass
class Reloadable:
    """A running program with its cluster, its workspace and its files."""

    slack: LocalSlack
    cluster: SimulatedCluster
    folder: Path
    logs: Sequence[EventDict] = ()
    used: list[Settings] = field(default_factory=list)
    allowed: tuple[str, ...] = ("error",)
    """What the workspace may complain about."""

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    def write(self, *clusters: str, more: str = "", but: str = "-") -> None:
        """Write the settings: each cluster as flow YAML without its hosts, and more keys; `but` begins one left out."""
        lines = "".join(f"  - {{hosts: {json.dumps(self.cluster.hosts)}, {each}}}\n" for each in clusters)
        base = BASE.format(api=self.slack.api_url, folder=self.folder)
        base = "\n".join(line for line in base.splitlines() if not line.startswith(but))
        self.config.write_text(f"{base}\n{more}\nclusters:\n{lines}")

    def write_tokens(self) -> None:
        """Write the tokens of the workspace into their files."""
        for name, held in zip(TOKENS, (self.slack.bot_token, self.slack.app_token), strict=True):
            file = self.folder / name
            file.write_text(f"{held}\n")
            file.chmod(0o600)

    def hang_up(self) -> None:
        """Send SIGHUP to this process."""
        os.kill(os.getpid(), signal.SIGHUP)

    def logged(self, event: str) -> list[EventDict]:
        return [line for line in self.logs if line["event"] == event]

    async def until_logged(self, event: str, times: int = 1) -> EventDict:
        """Wait until an event was logged so often; the last one."""
        async with asyncio.timeout(30):
            while len(found := self.logged(event)) < times:  # noqa: ASYNC110 - logs wake no one
                await asyncio.sleep(0.05)
        return found[-1]

    async def ask(self, line: str, *, user: str = "U0ALICE", channel: str = "C0STORAGE") -> Message:
        """Type a command; its answer."""
        before = {message.ts for message in self.slack.as_user(user).sees(channel)}
        await self.slack.as_user(user).command(channel, line)
        return await self.slack.wait_for(channel, lambda message: message.ts not in before, user=user, timeout=20)


ACK_SECONDS = 30.0
"""Seconds after which a delivery is lost; a busy machine may build a program for longer than Slack's three."""


@asynccontextmanager
async def reloadable(folder: Path, *clusters: str) -> AsyncIterator[Reloadable]:
    """Run the program until the block ends; nothing that Slack forbids may happen, and no delivery may be lost."""
    async with SimulatedCluster(timing=QUICK) as cluster, LocalSlack(ack_seconds=ACK_SECONDS) as slack:
        world = Reloadable(slack, cluster, folder)
        world.write(*(clusters or ("name: prod, alert_channel: C0STORAGE, poll_interval: 500ms",)))
        world.write_tokens()
        with capture_logs() as world.logs, Signals(hangup_ends=False) as signals:
            program = Program(lambda: load(world.config), world.used.append, 10.0)
            task = asyncio.create_task(program.run(load(world.config), signals))
            try:
                await slack.wait_connected(timeout=30)
                yield world
                assert not task.done(), "the program ended"
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                await task
        slack.assert_no_violations(allow=world.allowed)
