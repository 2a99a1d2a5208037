"""An end during which a part hangs: the process ends all the same, it is no failure, and the log says what was left."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from bot.playground.clustermgr_sim import SimulatedCluster
from bot.playground.slack_sim.server import LocalSlack
from tests.e2e.conftest import QUICK
from tests.support.started_program import settings, started

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
HANGING_END = """
import time
from bot.leadership.membership import Membership

async def hang(self):
    time.sleep(600)

Membership.leave = hang
"""
"""The event loop stands at the end, as with a disk that does not answer."""


async def test_end_that_hangs_is_cut_short_without_a_failure(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(HANGING_END)
    async with LocalSlack() as slack, SimulatedCluster(timing=QUICK) as cluster:
        config, port = settings(tmp_path, slack, list(cluster.hosts))
        tokens = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_APP_TOKEN": slack.app_token}
        path = f"{tmp_path}{os.pathsep}{ROOT}"
        async with started(tmp_path, config, port, **tokens, PYTHONPATH=path) as run:
            await slack.wait_connected(timeout=PATIENCE)
            run.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(run.process.wait(), PATIENCE) == 0
    lines = [json.loads(line) for line in run.stderr.read_text().splitlines()]
    [cut] = [line for line in lines if line["event"] == "end.cut_short" and line["step"] == "end"]
    assert "Task-1" in cut["left"]
