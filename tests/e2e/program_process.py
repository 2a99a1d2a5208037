"""`cmbot run` as a separate process, with the cluster and the workspace that it uses: for tests that kill it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.playground.clustermgr_sim import SimulatedCluster
from bot.playground.slack_sim.server import LocalSlack
from bot.playground.slack_sim.workspace import Message

SETTINGS = """
slack: {{api_url: "{api}"}}
http: {{port: 0}}
store: {{url: "sqlite:///{folder}/cmbot.db"}}
clusters:
  - {{name: {name}, hosts: {hosts}, alert_channel: C0STORAGE, channels: [C0STORAGE], poll_interval: 0.2s}}
access: {{operators: {{users: [U0ALICE]}}, approvers: {{users: [U0ALICE, U0BOB]}}}}
policies: {{default: loose}}
operations: {{verify_within: 2s}}
"""


@dataclass
class Outside:
    """Workspace and cluster, which outlive the program."""

    slack: LocalSlack
    cluster: SimulatedCluster
    config: Path

    @asynccontextmanager
    async def bot(self, *module: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run the program until the block ends, then kill it with SIGKILL.

        `module` replaces the program, with its first arguments.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *(module or ("bot",)), "run", "--config", str(self.config)),
            env=os.environ
            | {"SLACK_BOT_TOKEN": self.slack.bot_token, "SLACK_APP_TOKEN": self.slack.app_token, "CMBOT_STORE_URL": ""},
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await self.slack.wait_connected(timeout=30)
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await self.slack.wait_connected(connected=False)

    def configure(self, hosts: Iterable[str], *, name: str = "prod") -> None:
        """Write the settings with these hosts."""
        text = SETTINGS.format(
            api=self.slack.api_url, folder=self.config.parent, hosts=json.dumps(list(hosts)), name=name
        )
        self.config.write_text(text)

    async def proposed(self, line: str) -> Message:
        """Type a change as Alice; return its waiting card."""
        before = {m.ts for m in self.slack.workspace.messages}
        await self.slack.as_user("U0ALICE").command("C0STORAGE", line)
        return await self.slack.wait_for(
            "C0STORAGE", lambda m: m.ts not in before and "*Waiting*" in m.full_text, timeout=30
        )

    def posted(self, *words: str) -> list[Message]:
        """Posted alerts, without replies, that contain all words."""
        return [
            m
            for m in self.slack.workspace.messages
            if m.metadata and not m.thread_ts and all(word in m.full_text for word in words)
        ]
